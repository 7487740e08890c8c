//! A stream to a URL's host, for who speaks over it what is no exchange of requests and answers: a WebSocket.

use super::Client;
use super::dial::reach;
use super::error::Error;
use super::exchange::complete;
use super::proxy::Route;
use super::settings::Settings;
use super::url::Target;
use crate::net::TcpStream;
use http::Request;
use std::time::Duration;

/// What the host was reached by.
pub(in crate::http) enum Way {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Secure(Box<crate::tls::TlsStream<TcpStream>>),
}

impl Client {
    /// Connects to where the request's URL says, and gives the request what all of this client's carry. There is no
    /// limit of time but that of the client's TLS connector.
    pub(in crate::http) async fn reach(
        &self,
        request: Request<()>,
    ) -> Result<(Request<()>, Way), Error> {
        let settings = &self.shared.settings;
        let target = Target::of(request.uri())?;
        let request = complete(request, settings, &target);
        let proxies = settings.proxies.as_ref();
        let route = proxies.map_or(Route::Direct, |proxies| proxies.route(&target));
        let stream = reach(&target, &route.opened()).await?;
        let way = match target.is_tls {
            true => secure(settings, &target, stream).await?,
            false => Way::Plain(stream),
        };
        Ok((request, way))
    }

    pub(in crate::http) fn connect_timeout(&self) -> Option<Duration> {
        self.shared.settings.connect_timeout
    }
}

/// Offers HTTP/1.1 alone: with HTTP/2 the stream would be no WebSocket's own.
#[cfg(feature = "tls")]
async fn secure(settings: &Settings, target: &Target, stream: TcpStream) -> Result<Way, Error> {
    let only = |connector: &crate::tls::TlsConnector| connector.speaking("http/1.1");
    let secured = super::dial::handshake(settings, target, stream, only).await?;
    Ok(Way::Secure(Box::new(secured)))
}

#[cfg(not(feature = "tls"))]
async fn secure(_: &Settings, target: &Target, _: TcpStream) -> Result<Way, Error> {
    Err(super::dial::without_tls("wss", target))
}
