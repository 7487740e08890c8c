//! Proxies: which one a request goes by, and `CONNECT`.

use super::error::{Error, Kind};
use super::url::{self, Target};
use crate::net::TcpStream;
use http::{HeaderValue, Uri};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

/// The longest answer to `CONNECT` that is read.
const ANSWER: usize = 16 * 1024;

/// A proxy for HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    target: Target,
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxy {
    /// # Errors
    /// If it is no URL of a proxy that is spoken to in plain HTTP.
    pub(super) fn new(address: &str) -> Result<Proxy, Error> {
        let full = match address.contains("://") {
            true => address.to_owned(),
            false => format!("http://{address}"),
        };
        let uri = url::parse(&full)?;
        let target = Target::of(&uri)?;
        if target.is_tls {
            let what = format!(
                "the proxy {} would be spoken to by TLS",
                target.authority(true)
            );
            return Err(Error::new(
                Kind::Proxy,
                what + ", which is not done here: name it with http://",
            ));
        }
        let basic = url::credentials(&uri).map(|(user, password)| url::basic(&user, &password));
        let mut authorization = basic.and_then(|basic| HeaderValue::from_str(&basic).ok());
        authorization
            .iter_mut()
            .for_each(|value| value.set_sensitive(true));
        Ok(Proxy {
            target,
            authorization,
        })
    }

    pub(super) fn address(&self) -> String {
        self.target.authority(true)
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Has the proxy open a way to `target`, on a connection to the proxy.
    pub(super) async fn open(&self, stream: &TcpStream, target: &Target) -> Result<(), Error> {
        let there = target.authority(true);
        let mut ask = format!("CONNECT {there} HTTP/1.1\r\nHost: {there}\r\n").into_bytes();
        if let Some(authorization) = &self.authorization {
            ask.extend_from_slice(b"Proxy-Authorization: ");
            ask.extend_from_slice(authorization.as_bytes());
            ask.extend_from_slice(b"\r\n");
        }
        ask.extend_from_slice(b"\r\n");
        let broken = |error: io::Error| {
            let what = format!("the proxy {} did not open a way to {there}", self.address());
            Error::because(Kind::Proxy, what, error)
        };
        stream.write_all(&ask).await.map_err(broken)?;
        let status = status(stream).await.map_err(broken)?;
        if status.starts_with('2') {
            return Ok(());
        }
        let what = format!(
            "the proxy {} opens no way to {there}: {status}",
            self.address()
        );
        Err(Error::new(Kind::Proxy, what))
    }
}

/// Status and reason of an answer without a body, which is read to its end and not a byte further.
async fn status(stream: &TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if head.len() == ANSWER {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its answer is too long",
            ));
        }
        if stream.read(&mut byte).await? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it closed the connection",
            ));
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default();
    match line.split_once(' ') {
        Some((version, status)) if version.starts_with("HTTP/1.") => Ok(status.trim().to_owned()),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "its answer is no HTTP",
        )),
    }
}

/// How a request gets to its host.
#[derive(Clone, Debug)]
pub(super) enum Route {
    Direct,
    /// The proxy asks in our place, and gets the whole URL.
    Asked(Arc<Proxy>),
    /// The proxy opens a way: for TLS.
    Opened(Arc<Proxy>),
}

impl Route {
    /// As a stream needs it that carries no requests: a proxy opens a way for it, TLS or not.
    #[cfg(feature = "websocket")]
    pub(super) fn opened(self) -> Route {
        match self {
            Route::Asked(proxy) => Route::Opened(proxy),
            other => other,
        }
    }

    pub(super) fn proxy(&self) -> Option<&Proxy> {
        match self {
            Route::Direct => None,
            Route::Asked(proxy) | Route::Opened(proxy) => Some(proxy),
        }
    }
}

/// The proxies that a client knows of.
#[derive(Clone, Debug, Default)]
pub(super) struct Proxies {
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    /// Hosts that are asked directly, and all below them.
    without: Vec<String>,
}

impl Proxies {
    /// One for everything.
    pub(super) fn all(proxy: Proxy) -> Proxies {
        let proxy = Some(Arc::new(proxy));
        Proxies {
            http: proxy.clone(),
            https: proxy,
            without: Vec::new(),
        }
    }

    /// As curl reads its environment. `variable` says what a variable holds.
    pub(super) fn of(variable: impl Fn(&str) -> Option<String>) -> Proxies {
        let either = |lower: &str| {
            let upper = lower.to_ascii_uppercase();
            variable(lower)
                .or_else(|| variable(&upper))
                .filter(|value| !value.is_empty())
        };
        // In a CGI program HTTP_PROXY is a header of the request: anybody could set it.
        let http = variable("http_proxy").filter(|value| !value.is_empty());
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let http = http.or_else(|| either("http_proxy").filter(|_| !is_cgi));
        let all = either("all_proxy");
        let proxy = |of: Option<String>| {
            let address = of.or_else(|| all.clone())?;
            Proxy::new(&address).ok().map(Arc::new)
        };
        let without = either("no_proxy").unwrap_or_default();
        Proxies {
            http: proxy(http),
            https: proxy(either("https_proxy")),
            without: without
                .split(',')
                .map(|host| host.trim().to_ascii_lowercase())
                .collect(),
        }
    }

    pub(super) fn route(&self, target: &Target) -> Route {
        let proxy = if target.is_tls {
            &self.https
        } else {
            &self.http
        };
        match proxy {
            Some(proxy) if !self.is_without(target) => match target.is_tls {
                true => Route::Opened(Arc::clone(proxy)),
                false => Route::Asked(Arc::clone(proxy)),
            },
            _ => Route::Direct,
        }
    }

    fn is_without(&self, target: &Target) -> bool {
        let host = target.host.as_str();
        self.without.iter().any(|entry| {
            let entry = entry.trim_start_matches("*.").trim_start_matches('.');
            let (name, port) = match entry.rsplit_once(':') {
                Some((name, port)) if entry.parse::<IpAddr>().is_err() => (name, port.parse().ok()),
                _ => (entry, None),
            };
            let name = name.trim_start_matches('[').trim_end_matches(']');
            let is_below = || {
                host.strip_suffix(name)
                    .is_some_and(|rest| rest.ends_with('.'))
            };
            let is_named = !name.is_empty() && (name == "*" || host == name || is_below());
            is_named && port.is_none_or(|port: u16| port == target.port)
        })
    }
}

/// A request's URL as a proxy wants it that asks in our place.
pub(super) fn absolute(uri: &Uri) -> Uri {
    url::without_credentials(uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let find = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        };
        let target = Target::of(&url.parse().unwrap()).unwrap();
        Proxies::of(find).route(&target).proxy().map(Proxy::address)
    }

    #[test]
    fn the_environment_says_who_is_asked() {
        let both = [("http_proxy", "a:1"), ("HTTPS_PROXY", "http://b:2")];
        assert_eq!(route(&both, "http://x").as_deref(), Some("a:1"));
        assert_eq!(route(&both, "https://x").as_deref(), Some("b:2"));
        assert_eq!(
            route(&[("ALL_PROXY", "c:3")], "https://x").as_deref(),
            Some("c:3")
        );
        assert_eq!(route(&[], "http://x"), None);
        assert_eq!(
            route(&[("HTTP_PROXY", "a:1")], "http://x").as_deref(),
            Some("a:1")
        );
        let cgi = [("HTTP_PROXY", "a:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(route(&cgi, "http://x"), None);
    }

    #[test]
    fn hosts_are_left_out_by_name_and_below_it() {
        for (without, url, is_asked) in [
            ("localhost", "http://localhost:8", false),
            ("example.org", "http://www.example.org", false),
            (".example.org", "http://example.org", false),
            ("example.org", "http://badexample.org", true),
            ("*", "http://anything", false),
            ("h:81", "http://h:81", false),
            ("h:81", "http://h:82", true),
            ("::1", "http://[::1]:4", false),
            ("", "http://h", true),
        ] {
            let found = route(&[("all_proxy", "p:1"), ("no_proxy", without)], url);
            assert_eq!(found.is_some(), is_asked, "{without} {url}");
        }
    }
}
