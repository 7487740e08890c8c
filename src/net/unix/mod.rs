//! Unix domain sockets: streams, their listener, and datagrams; and [`pipe`]s. Only on Unix.
//!
//! Addresses are paths (on Linux, one that begins with NUL is a name in the abstract namespace), or
//! `std::os::unix::net::SocketAddr` for everything that std can make one of. No lookup is needed, so `bind` is a plain
//! function.

mod address;
mod datagram;
mod full;
mod listener;
mod stream;

pub mod pipe;

pub use crate::sys::local::UCred;
pub use datagram::UnixDatagram;
pub use listener::{UnixIncoming, UnixListener};
pub use stream::UnixStream;

pub(super) mod future {
    pub use super::datagram::{UnixRecvFrom, UnixSendTo};
    pub use super::listener::UnixAccept;
    pub use super::stream::UnixConnect;
}
