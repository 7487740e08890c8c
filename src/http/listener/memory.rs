//! A listener without sockets, for tests.

use super::Listener;
use crate::http::future::Dial;
use crate::http::info::Peer;
use crate::io::DuplexStream;
use crate::stream::Stream;
use crate::sync::mpsc;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Bytes that each direction of a connection holds.
const ROOM: usize = 64 * 1024;
/// Connections that wait to be accepted.
const BACKLOG: usize = 128;

/// A listener in memory, and what connects to it.
///
/// ```
/// # filch::run(async {
/// use filch::http::{self, Body, Request, Response};
/// use filch::io::{AsyncReadExt, AsyncWriteExt};
/// use std::convert::Infallible;
///
/// let hello = http::service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::from("hello"))));
/// let (dialer, listener) = http::memory();
/// filch::spawn(http::serve(listener, hello).into_future());
///
/// let mut stream = dialer.connect().await.unwrap();
/// stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
/// let mut answer = String::new();
/// stream.read_to_string(&mut answer).await.unwrap();
/// assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello"));
/// # });
/// ```
pub fn memory() -> (Dialer, MemoryListener) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    (Dialer(sender), MemoryListener(receiver))
}

/// Connects to a [`MemoryListener`].
#[derive(Clone, Debug)]
pub struct Dialer(mpsc::Sender<DuplexStream>);

impl Dialer {
    /// A new connection.
    ///
    /// # Errors
    /// `ConnectionRefused` if the listener is gone.
    ///
    /// # Cancel safety
    /// Cancel safe: a connection that is not returned is not accepted either.
    #[track_caller]
    pub fn connect(&self) -> Dial<'_> {
        Dial::new(self.0.reserve(), ROOM)
    }
}

/// A listener in memory, of [`memory`].
#[derive(Debug)]
pub struct MemoryListener(mpsc::Receiver<DuplexStream>);

impl Listener for MemoryListener {
    type Io = DuplexStream;
    type Peer = Peer;
    type Addr = ();

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(DuplexStream, Peer)>> {
        match ready!(Pin::new(&mut self.0).poll_next(cx)) {
            Some(stream) => Poll::Ready(Ok((stream, Peer::Memory))),
            // Nobody can connect any more. Those who have are served.
            None => Poll::Pending,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}
