//! Unix domain sockets: streams, their listener, and datagrams. Only on Unix.
//!
//! Addresses are paths, or `std::os::unix::net::SocketAddr` for everything that std can make one of (on Linux
//! also names in the abstract namespace). No lookup is needed, so `bind` is a plain function.

mod datagram;
mod listener;
mod stream;

pub use crate::sys::local::UCred;
pub use datagram::{UnixDatagram, UnixRecvFrom, UnixSendTo};
pub use listener::{UnixAccept, UnixIncoming, UnixListener};
pub use stream::{UnixConnect, UnixStream};
