//! Sockets: TCP, UDP and Unix domain, and any other object that the system can wait for.
//!
//! Everything here belongs to the runtime in which it was made and is usable from any task of it; made
//! outside of one, it is an `io::Error` that says so. Operations are plain functions that return named
//! futures; a future that waits is seen in [`task::all`](crate::task::all) with what it waits for and the
//! line that made it. Unless its documentation says otherwise a future is cancel safe: one that is dropped
//! has moved nothing.
//!
//! Errors of `bind`, `connect` and lookups say what was attempted and keep the system's `kind()`; the system's
//! own error, with its number, is their `source()`. Other errors are the system's as they are.
//!
//! In reading order: `error` and `operation` are what all futures are made of; `addr` resolves (`localhost` by itself,
//! names by `lookup`); `stream`, `surface` and `split` are the streams' common part, `datagram` that of the others;
//! then the sockets themselves, and `tcp_socket` for who sets options before. `ready` is for I/O by other means,
//! and `serve` a whole server.

mod error;
mod operation;
mod ready;

mod localhost;
mod lookup;

mod addr;
mod send_file;
mod split;
mod stream;
mod surface;

mod connect;
mod tcp_listener;
mod tcp_stream;

mod datagram;
mod udp;
mod udp_now;

#[cfg(unix)]
pub mod unix;

mod async_io;
mod keepalive;
mod tcp_socket;

mod options;
mod raw;

mod serve;

pub use addr::{ToSocketAddrs, lookup_host};
pub use async_io::Async;
pub use filch_reactor::AsSource;
pub use keepalive::Keepalive;
pub use serve::{Listener, Serve, ServeError, ServeOutput, Served, serve};
pub use split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, Split, WriteHalf};
pub use tcp_listener::{Incoming, TcpListener};
pub use tcp_socket::TcpSocket;
pub use tcp_stream::TcpStream;
pub use udp::UdpSocket;
#[cfg(unix)]
pub use unix::{UCred, UnixDatagram, UnixIncoming, UnixListener, UnixStream};

pub mod future {
    //! The futures that sockets' operations return.
    //!
    //! They stand apart so that `use filch::net::*` shadows no name of the standard library's, such as `Send`. Nobody
    //! has to name them but who keeps one in a struct. All are `FusedFuture`s, as futures' `select!` wants them.

    pub use super::addr::{Bind, LookupHost};
    pub use super::async_io::Perform;
    pub use super::datagram::{Recv, RecvBuf, Send};
    pub use super::ready::{PerformIo, WaitReady};
    pub use super::send_file::SendFile;
    pub use super::serve::Serving;
    pub use super::stream::{Peek, Read, ReadBuf, ReadExact, Readable, Writable, Write, WriteAll};
    pub use super::tcp_listener::Accept;
    pub use super::tcp_socket::SocketConnect;
    pub use super::tcp_stream::Connect;
    pub use super::udp::{
        PeekFrom, PeekSender, RecvBufFrom, RecvFrom, SendTo, UdpConnect, UdpPeek,
    };
    #[cfg(unix)]
    pub use super::unix::future::*;
}
