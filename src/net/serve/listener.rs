//! What a server listens with, and what an error of it means.

use crate::net::{TcpListener, TcpStream};
use crate::sys;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// Where connections come from: what [`serve`](crate::net::serve()) takes.
///
/// For listeners of your own that are made of one here, such as one that sets an option of each connection. What takes
/// a peer's help, such as a TLS handshake, belongs into the handler: nobody else is accepted meanwhile.
///
/// ```
/// use filch::net::{Listener, TcpListener, TcpStream};
/// use std::net::SocketAddr;
/// use std::task::{Context, Poll, ready};
///
/// /// Connections that send at once what they are told to.
/// struct Eager(TcpListener);
///
/// impl Listener for Eager {
///     type Stream = TcpStream;
///     type Peer = SocketAddr;
///
///     fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<(TcpStream, SocketAddr)>> {
///         let (stream, peer) = ready!(self.0.poll_accept(cx))?;
///         stream.set_nodelay(true)?;
///         Poll::Ready(Ok((stream, peer)))
///     }
/// }
/// ```
pub trait Listener: Send + 'static {
    /// A connection.
    type Stream: Send + 'static;
    /// Who has connected.
    type Peer: Send + 'static;

    /// The next connection. It spends the task's budget, as those of the listeners here do.
    ///
    /// # Errors
    /// The server goes on after most: see [`serve`](crate::net::serve()). It ends with one that has no number of the
    /// system's, or that says that this is no listener.
    fn poll_accept(&mut self, cx: &mut Context<'_>)
    -> Poll<io::Result<(Self::Stream, Self::Peer)>>;
}

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Peer = SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        TcpListener::poll_accept(self, cx)
    }
}

#[cfg(unix)]
impl Listener for crate::net::UnixListener {
    type Stream = crate::net::UnixStream;
    type Peer = std::os::unix::net::SocketAddr;

    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Stream, Self::Peer)>> {
        crate::net::UnixListener::poll_accept(self, cx)
    }
}

/// What is to be done after an error of accepting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// That connection is gone, and the next may be there.
    Next,
    /// Something is short, descriptors mostly.
    Pause,
    /// Nothing can be accepted any more.
    End,
}

impl Verdict {
    pub(super) fn of(error: &io::Error) -> Verdict {
        use io::ErrorKind::*;
        match error.kind() {
            // Linux tells here of errors that a connection has had before it was accepted.
            ConnectionAborted | ConnectionReset | ConnectionRefused | NotConnected | TimedOut
            | Interrupted | NetworkDown | NetworkUnreachable | HostUnreachable => Verdict::Next,
            InvalidInput | Unsupported => Verdict::End,
            _ if error.raw_os_error().is_none() || sys::is_no_socket(error) => Verdict::End,
            _ => Verdict::Pause,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_may_come_back_and_what_is_no_listener_never_will() {
        for (number, verdict) in [
            (libc::EMFILE, Verdict::Pause),
            (libc::ENFILE, Verdict::Pause),
            (libc::ENOBUFS, Verdict::Pause),
            (libc::ENOMEM, Verdict::Pause),
            (libc::EPERM, Verdict::Pause),
            (libc::ECONNABORTED, Verdict::Next),
            (libc::ENETDOWN, Verdict::Next),
            (libc::EINTR, Verdict::Next),
            (libc::EINVAL, Verdict::End),
            (libc::ENOTSOCK, Verdict::End),
            (libc::EOPNOTSUPP, Verdict::End),
        ] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(Verdict::of(&error), verdict, "{error}");
        }
        assert_eq!(Verdict::of(&io::Error::other("over")), Verdict::End);
    }
}
