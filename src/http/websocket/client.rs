//! The client's side of a handshake.

use super::Config;
use super::error::Error;
use super::socket::WebSocket;
use crate::net::TcpStream;
use futures_io::{AsyncRead, AsyncWrite};
use http::Request;
use http::uri::Scheme;

/// Connects to `ws://host/path`.
///
/// For `wss://`, for a proxy, or for headers of one's own: connect a stream and call [`connect_over`].
///
/// ```no_run
/// # filch::run(async {
/// use filch::http::websocket::{Message, connect};
///
/// let mut socket = connect("ws://127.0.0.1:8000/ws").await?;
/// socket.send("hello").await?;
/// while let Some(message) = socket.recv().await {
///     println!("{:?}", message?);
/// }
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
/// If the URL is no such one, nobody listens there, or the server refuses.
///
/// # Cancel safety
/// Dropping it gives the connection up.
pub async fn connect(url: &str) -> Result<WebSocket, Error> {
    let request = Request::get(url).body(());
    let request = request.map_err(|error| Error::url(format!("{url:?} is no URL: {error}")))?;
    let uri = request.uri();
    let is_plain = uri
        .scheme()
        .is_some_and(|s| s.as_str() == "ws" || *s == Scheme::HTTP);
    let Some(host) = uri.host().filter(|_| is_plain) else {
        return Err(Error::url(format!(
            "{url:?} cannot be connected to: it has to begin with ws://"
        )));
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await;
    let stream = stream.map_err(async_tungstenite::tungstenite::Error::from)?;
    // Messages are whole. A system that cannot do this sends them a little later.
    let _ = stream.set_nodelay(true);
    connect_over(request, stream, Config::default()).await
}

/// Asks for a WebSocket over a stream that leads to its server already. What the protocol needs is added to `request`.
///
/// # Errors
/// If the server refuses, or the stream's.
///
/// # Cancel safety
/// Dropping it drops the stream.
pub async fn connect_over<S>(
    request: Request<()>,
    stream: S,
    config: Config,
) -> Result<WebSocket, Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    WebSocket::ask(complete(request), stream, config).await
}

/// With the headers of a handshake, unless they are there.
fn complete(mut request: Request<()>) -> Request<()> {
    use async_tungstenite::tungstenite::handshake::client::generate_key;
    use http::HeaderValue;
    use http::header;
    let host = request.uri().authority().map(|authority| {
        let all = authority.as_str();
        all.rsplit_once('@')
            .map_or(all, |(_, host)| host)
            .to_owned()
    });
    let headers = request.headers_mut();
    let mut or = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.entry(name).or_insert(value);
        }
    };
    or(header::HOST, host.unwrap_or_default());
    or(header::CONNECTION, "Upgrade".into());
    or(header::UPGRADE, "websocket".into());
    or(header::SEC_WEBSOCKET_VERSION, "13".into());
    or(header::SEC_WEBSOCKET_KEY, generate_key());
    request
}
