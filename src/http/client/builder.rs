//! A client's limits, before it is made.

use super::Client;
use super::error::{Error, Kind};
use super::exchange::Shared;
use super::pool::Pool;
use super::proxy::Proxies;
use super::settings::Settings;
use crate::sync::Semaphore;
use http::{HeaderName, HeaderValue};
use std::sync::Arc;
use std::time::Duration;

/// Options of a [`Client`]: of [`Client::builder`].
#[derive(Clone, Debug, Default)]
#[must_use = "ends with `build`"]
pub struct ClientBuilder {
    settings: Settings,
}

/// A limit of time: `Duration::from_secs(10)`, or `None` for none.
type Limit = Option<Duration>;

impl ClientBuilder {
    /// How long it may take until there is a connection: name, TCP, proxy and TLS together. 10 seconds by default.
    pub fn connect_timeout(mut self, limit: impl Into<Limit>) -> ClientBuilder {
        self.settings.connect_timeout = limit.into();
        self
    }

    /// How long a server may be silent until its answer begins; 60 seconds by default. While the request's body moves
    /// on, the time has not begun.
    pub fn answer_timeout(mut self, limit: impl Into<Limit>) -> ClientBuilder {
        self.settings.answer_timeout = limit.into();
        self
    }

    /// How long nothing may come of an answer's body that has not ended; 60 seconds by default.
    pub fn body_timeout(mut self, limit: impl Into<Limit>) -> ClientBuilder {
        self.settings.body_timeout = limit.into();
        self
    }

    /// How long a request may take in all, from its sending to the end of its answer's body; no limit by default.
    /// Called as a service the client knows no such limit: a layer around it does.
    pub fn timeout(mut self, limit: impl Into<Limit>) -> ClientBuilder {
        self.settings.timeout = limit.into();
        self
    }

    /// How many bytes a body may have that is read as a whole; 16 MiB by default.
    pub fn body_limit(mut self, bytes: usize) -> ClientBuilder {
        self.settings.body_limit = bytes;
        self
    }

    /// How many connections there may be to one host; 100 by default. Further requests wait, in turn. Over HTTP/2 one
    /// connection serves all.
    ///
    /// # Panics
    /// If `count` is 0 or more than [`MAX_PERMITS`](crate::sync::Semaphore::MAX_PERMITS).
    #[track_caller]
    pub fn connections_per_host(mut self, count: usize) -> ClientBuilder {
        assert!(
            (1..=Semaphore::MAX_PERMITS).contains(&count),
            "a client needs a connection, and no more than Semaphore::MAX_PERMITS"
        );
        self.settings.per_host = count;
        self
    }

    /// How long a connection is kept without a request; 15 seconds by default. 0 keeps none.
    pub fn idle_timeout(mut self, limit: Duration) -> ClientBuilder {
        self.settings.idle_for = limit;
        self
    }

    /// How many redirects are followed; 10 by default. With 0 they are answers as any other.
    pub fn redirects(mut self, count: usize) -> ClientBuilder {
        self.settings.redirects = count;
        self
    }

    /// A header of every request that does not set it, such as `user-agent`.
    ///
    /// # Errors
    /// If it cannot be a header.
    pub fn header<N, V>(mut self, name: N, value: V) -> Result<ClientBuilder, Error>
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        let no_header = || Error::new(Kind::Url, "the client's header cannot be sent");
        let name = name.try_into().map_err(|_| no_header())?;
        let value = value.try_into().map_err(|_| no_header())?;
        self.settings.headers.append(name, value);
        Ok(self)
    }

    /// One proxy for all hosts: `http://user:password@host:3128`. What is asked by TLS goes through a way that the
    /// proxy opens (`CONNECT`). By default `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` of the environment
    /// count, as curl reads them.
    ///
    /// # Errors
    /// If it is no URL that begins with `http://`.
    pub fn proxy(mut self, url: &str) -> Result<ClientBuilder, Error> {
        self.settings.set_proxy(url)?;
        Ok(self)
    }

    /// No proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> ClientBuilder {
        self.settings.proxies = Some(Proxies::default());
        self
    }

    /// Speaks HTTP/2 at once with servers that are asked without TLS. They have to know.
    pub fn http2_prior_knowledge(mut self) -> ClientBuilder {
        self.settings.prior_knowledge = true;
        self
    }

    /// Whom to trust, and who the client is. Offer `h2` and `http/1.1` in its ALPN to have HTTP/2. By default the
    /// system's certificates are read at the first request that needs them.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, connector: crate::tls::TlsConnector) -> ClientBuilder {
        self.settings.tls = connector.into();
        self
    }

    /// Makes the client.
    pub fn build(mut self) -> Client {
        self.settings.complete();
        let pool = Arc::new(Pool::new(self.settings.per_host, self.settings.idle_for));
        let settings = self.settings;
        Client {
            shared: Arc::new(Shared { settings, pool }),
        }
    }
}
