//! From a target to a connection that speaks HTTP: TCP, the proxy's way, TLS, hyper's handshake.

use super::body::Body;
use super::error::{Error, Kind};
use super::proxy::Route;
use super::settings::Settings;
use super::url::Target;
use crate::http::rt::{Executor, Timer};
use crate::net::TcpStream;
use crate::time::timeout;
#[cfg(feature = "tls")]
use crate::tls::{TlsConnector, TlsStream};
use filch_executor::spawn;
use hyper::client::conn::{http1, http2};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

/// What a request is given to.
pub(super) enum Channel {
    One(http1::SendRequest<Body>),
    Two(http2::SendRequest<Body>),
}

pub(super) struct Dialed {
    pub(super) channel: Channel,
    pub(super) received: Arc<AtomicU64>,
}

/// Connects within the time for it.
pub(super) async fn dial(
    settings: &Settings,
    target: &Target,
    route: &Route,
) -> Result<Dialed, Error> {
    let connecting = connect(settings, target, route);
    let Some(limit) = settings.connect_timeout else {
        return connecting.await;
    };
    timeout(limit, connecting).await.unwrap_or_else(|_| {
        let what = format!(
            "there was no connection to {} within {limit:?}",
            target.authority(true)
        );
        Err(Error::new(Kind::ConnectTimeout, what))
    })
}

async fn connect(settings: &Settings, target: &Target, route: &Route) -> Result<Dialed, Error> {
    let stream = reach(target, route).await?;
    match target.is_tls {
        true => secure(settings, target, stream).await,
        false => speak(stream, settings.prior_knowledge).await,
    }
}

/// A stream to the target, or to the proxy that leads there.
pub(super) async fn reach(target: &Target, route: &Route) -> Result<TcpStream, Error> {
    let (first, kind) = match route.proxy() {
        Some(proxy) => (proxy.target(), Kind::Proxy),
        None => (target, Kind::Connect),
    };
    let stream = TcpStream::connect((first.host.as_str(), first.port)).await;
    let stream = stream.map_err(|error| Error::because(kind, "no connection", error))?;
    // What is sent is a whole request. A system that cannot do this sends it a little later.
    let _ = stream.set_nodelay(true);
    if let Route::Opened(proxy) = route {
        proxy.open(&stream, target).await?;
    }
    Ok(stream)
}

#[cfg(feature = "tls")]
async fn secure(settings: &Settings, target: &Target, stream: TcpStream) -> Result<Dialed, Error> {
    let stream = handshake(settings, target, stream, Clone::clone).await?;
    let is_two = stream.alpn_protocol() == Some(b"h2");
    speak(stream, is_two).await
}

/// TLS by the client's connector, as `change` makes it.
#[cfg(feature = "tls")]
pub(super) async fn handshake(
    settings: &Settings,
    target: &Target,
    stream: TcpStream,
    change: impl FnOnce(&TlsConnector) -> TlsConnector,
) -> Result<TlsStream<TcpStream>, Error> {
    let failed = |error: io::Error| {
        let what = format!("no TLS with {}", target.authority(true));
        Error::because(Kind::Tls, what, error)
    };
    let connector = change(settings.connector().map_err(failed)?);
    let secured = connector.connect(&target.host, stream).await;
    secured.map_err(failed)
}

#[cfg(not(feature = "tls"))]
async fn secure(_: &Settings, target: &Target, _: TcpStream) -> Result<Dialed, Error> {
    Err(without_tls("https", target))
}

#[cfg(not(feature = "tls"))]
pub(super) fn without_tls(scheme: &str, target: &Target) -> Error {
    let host = target.authority(false);
    let what = format!("{scheme}://{host} needs filch's feature tls");
    Error::new(Kind::Tls, what)
}

/// hyper's side of a new connection. Its task ends with the connection, and that with its last user.
async fn speak<S>(stream: S, is_two: bool) -> Result<Dialed, Error>
where
    S: Read + Write + Send + Unpin + 'static,
{
    let received = Arc::new(AtomicU64::new(0));
    let stream = Counted {
        stream,
        received: Arc::clone(&received),
    };
    let failed = |error| Error::because(Kind::Broken, "the server does not speak HTTP", error);
    let channel = if is_two {
        let mut builder = http2::Builder::new(Executor);
        builder.timer(Timer).adaptive_window(true);
        let (sender, connection) = builder.handshake(stream).await.map_err(failed)?;
        let _detached = spawn(connection);
        Channel::Two(sender)
    } else {
        let builder = http1::Builder::new();
        let (sender, connection) = builder.handshake(stream).await.map_err(failed)?;
        let _detached = spawn(connection.with_upgrades());
        Channel::One(sender)
    };
    Ok(Dialed { channel, received })
}

/// A stream that counts what comes: a request whose connection ends before a byte of its answer may be sent again.
struct Counted<S> {
    stream: S,
    received: Arc<AtomicU64>,
}

impl<S: Read + Unpin> Read for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // SAFETY: `ReadBuf` lets nobody write uninitialised bytes.
        let mut inner = ReadBuf::uninit(unsafe { buf.as_mut() });
        ready!(Pin::new(&mut self.stream).poll_read(cx, inner.unfilled()))?;
        let count = inner.filled().len();
        // SAFETY: so many were filled.
        unsafe { buf.advance(count) };
        // Orderings: whoever compares has been told of the connection's end by hyper, which goes by a lock.
        self.received.fetch_add(count as u64, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: Write + Unpin> Write for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
