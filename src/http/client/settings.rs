//! What a client was told when it was made.

use super::error::Error;
use super::proxy::{Proxies, Proxy};
use http::HeaderMap;
use std::time::Duration;

/// Until a connection is there: name, TCP, proxy, TLS.
const CONNECT: Duration = Duration::from_secs(10);
/// Until the answer begins, and between two pieces of its body.
const SILENCE: Duration = Duration::from_secs(60);
/// A connection that waits for its next request is closed after this long; servers mostly wait longer.
const KEPT: Duration = Duration::from_secs(15);
/// Connections to one host.
const PER_HOST: usize = 100;
/// The largest body that is read as a whole.
const BODY_LIMIT: usize = 16 << 20;
/// Redirects that are followed.
const REDIRECTS: usize = 10;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) connect_timeout: Option<Duration>,
    pub(super) answer_timeout: Option<Duration>,
    pub(super) body_timeout: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(super) per_host: usize,
    pub(super) idle_for: Duration,
    pub(super) body_limit: usize,
    pub(super) redirects: usize,
    pub(super) headers: HeaderMap,
    pub(super) proxies: Option<Proxies>,
    pub(super) prior_knowledge: bool,
    #[cfg(feature = "tls")]
    pub(super) tls: std::sync::OnceLock<crate::tls::TlsConnector>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            connect_timeout: Some(CONNECT),
            answer_timeout: Some(SILENCE),
            body_timeout: Some(SILENCE),
            timeout: None,
            per_host: PER_HOST,
            idle_for: KEPT,
            body_limit: BODY_LIMIT,
            redirects: REDIRECTS,
            headers: HeaderMap::new(),
            proxies: None,
            prior_knowledge: false,
            #[cfg(feature = "tls")]
            tls: std::sync::OnceLock::new(),
        }
    }
}

impl Settings {
    pub(super) fn set_proxy(&mut self, address: &str) -> Result<(), Error> {
        self.proxies = Some(Proxies::all(Proxy::new(address)?));
        Ok(())
    }

    /// Reads the environment, unless somebody has said which proxies there are.
    pub(super) fn complete(&mut self) {
        let of_environment = || Proxies::of(|name| std::env::var(name).ok());
        self.proxies.get_or_insert_with(of_environment);
    }

    /// The client's own, or one with the system's certificates, made when it is first asked for.
    #[cfg(feature = "tls")]
    pub(super) fn connector(&self) -> std::io::Result<&crate::tls::TlsConnector> {
        if self.tls.get().is_none() {
            let builder = crate::tls::TlsConnector::builder().alpn(["h2", "http/1.1"]);
            let made = filch_executor::blocking(|| builder.no_handshake_timeout().build());
            let made = made.map_err(std::io::Error::other)?;
            // Somebody else may have been quicker.
            let _ = self.tls.set(made);
        }
        Ok(self.tls.get().expect("it was set"))
    }
}
