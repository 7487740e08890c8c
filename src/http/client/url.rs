//! URLs: taken apart for a request, and put together after a redirect. There is no more of them here than HTTP needs.

use super::error::{Error, Kind};
use http::Uri;
use http::uri::{Authority, Scheme};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) is_tls: bool,
    /// Without brackets, also for an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    pub(super) fn of(uri: &Uri) -> Result<Target, Error> {
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(no_url(uri, "a scheme that is http or https")),
        };
        let host = uri.host().unwrap_or_default();
        if host.is_empty() {
            return Err(no_url(uri, "a host"));
        }
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        Ok(Target {
            is_tls,
            host: bare.unwrap_or(host).to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
        })
    }

    /// As a `Host` header has it, and `CONNECT`'s request line if the port is always to be there.
    pub(super) fn authority(&self, always_port: bool) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        let usual = self.port == if self.is_tls { 443 } else { 80 };
        match usual && !always_port {
            true => host,
            false => format!("{host}:{}", self.port),
        }
    }
}

fn no_url(uri: &Uri, what: &str) -> Error {
    Error::new(
        Kind::Url,
        format!("{uri} cannot be asked for: it lacks {what}"),
    )
}

/// Reads a URL, without its fragment, which servers never see.
pub(in crate::http) fn parse(url: &str) -> Result<Uri, Error> {
    let bare = url.split('#').next().unwrap_or_default();
    let uri: Uri = bare
        .parse()
        .map_err(|error| Error::because(Kind::Url, format!("{url:?} is no URL"), error))?;
    Target::of(&uri)?;
    Ok(uri)
}

/// The user and the password that stand before the host, decoded.
pub(super) fn credentials(uri: &Uri) -> Option<(String, String)> {
    let (user_info, _) = uri.authority()?.as_str().rsplit_once('@')?;
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    Some((decoded(user), decoded(password)))
}

/// The same URL without user and password.
pub(super) fn without_credentials(uri: Uri) -> Uri {
    let Some((_, host)) = uri
        .authority()
        .and_then(|all| all.as_str().rsplit_once('@'))
    else {
        return uri;
    };
    let Ok(authority) = host.parse::<Authority>() else {
        return uri;
    };
    let mut parts = uri.clone().into_parts();
    parts.authority = Some(authority);
    Uri::from_parts(parts).unwrap_or(uri)
}

/// What `location` means in an answer from `base` (RFC 3986, section 5.2).
pub(super) fn join(base: &Uri, location: &str) -> Result<Uri, Error> {
    let location = location.split('#').next().unwrap_or_default();
    let scheme = base.scheme_str().unwrap_or("http");
    let authority = base.authority().map_or("", Authority::as_str);
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    if has_scheme(location) {
        return parse(location);
    }
    if location.starts_with("//") {
        return parse(&format!("{scheme}:{location}"));
    }
    let (path, query) = match location.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (location, String::new()),
    };
    let path = match path {
        "" if query.is_empty() => {
            return parse(&format!("{scheme}://{authority}{}", path_of(base)));
        }
        "" => base.path().to_owned(),
        absolute if absolute.starts_with('/') => without_dots(absolute),
        relative => {
            let folder = base
                .path()
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            without_dots(&format!("{folder}/{relative}"))
        }
    };
    parse(&format!("{scheme}://{authority}{path}{query}"))
}

fn path_of(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |path| path.as_str())
}

/// `name:` at the beginning, before any `/` or `?`.
fn has_scheme(location: &str) -> bool {
    let Some((scheme, _)) = location.split_once(':') else {
        return false;
    };
    let of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(of_scheme)
}

/// Resolves `.` and `..`.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let ends_open = matches!(segments.last(), Some(&"." | &".."));
    for segment in segments {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let end = if ends_open && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", kept.join("/"))
}

/// What a browser sends of a form, and what stands behind the `?` of a URL.
pub(super) fn form(pairs: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) -> String {
    let mut form = String::new();
    for (name, value) in pairs {
        if !form.is_empty() {
            form.push('&');
        }
        encode(name.as_ref(), &mut form);
        form.push('=');
        encode(value.as_ref(), &mut form);
    }
    form
}

fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                into.push(char::from(byte));
            }
            b' ' => into.push('+'),
            byte => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|two| std::str::from_utf8(two).ok());
        let code = hex.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (bytes[at], code) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                at += 3;
            }
            (byte, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// `Basic` credentials (RFC 7617).
pub(super) fn basic(user: &str, password: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut basic = String::from("Basic ");
    for three in format!("{user}:{password}").as_bytes().chunks(3) {
        let byte = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * index) & 63) as usize];
            basic.push(if index <= three.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    basic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_as_the_standard_has_it() {
        let base: Uri = "http://a/b/c/d?q".parse().unwrap();
        for (location, meant) in [
            ("https://x/y", "https://x/y"),
            ("//g/h", "http://g/h"),
            ("/g", "http://a/g"),
            ("g", "http://a/b/c/g"),
            ("./g?y", "http://a/b/c/g?y"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("..", "http://a/b/"),
            (".", "http://a/b/c/"),
            ("?y", "http://a/b/c/d?y"),
            ("#s", "http://a/b/c/d?q"),
            ("g#s", "http://a/b/c/g"),
            ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ] {
            assert_eq!(
                join(&base, location).unwrap().to_string(),
                meant,
                "{location}"
            );
        }
        assert!(join(&base, "ftp://x/y").is_err());
    }

    #[test]
    fn credentials_are_taken_out_of_a_url() {
        let uri: Uri = "http://me:se%40cret@host:81/x".parse().unwrap();
        assert_eq!(credentials(&uri), Some(("me".into(), "se@cret".into())));
        assert_eq!(without_credentials(uri).to_string(), "http://host:81/x");
        assert_eq!(
            basic("Aladdin", "open sesame"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(form([("a b", "ä&=")]), "a+b=%C3%A4%26%3D");
    }

    #[test]
    fn a_target_has_its_schemes_port() {
        let of = |url: &str| Target::of(&parse(url).unwrap()).unwrap();
        assert_eq!(of("http://[::1]/").authority(false), "[::1]");
        assert_eq!(of("https://Example.org").authority(true), "example.org:443");
        assert_eq!(of("http://h:443/#x").authority(false), "h:443");
        assert!(parse("/only/a/path").is_err());
    }
}
