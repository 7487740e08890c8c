//! Connected sockets for tests that are not about sockets: Unix ones, or over the loopback where there are none.

use std::io::Result;

#[cfg(unix)]
mod system {
    pub(crate) use filch::net::UnixStream as Stream;
    pub(crate) use std::os::unix::net::UnixStream as Std;

    pub(crate) fn std_pair() -> super::Result<(Std, Std)> {
        Std::pair()
    }
}

#[cfg(not(unix))]
mod system {
    pub(crate) use filch::net::TcpStream as Stream;
    pub(crate) use std::net::TcpStream as Std;

    pub(crate) fn std_pair() -> super::Result<(Std, Std)> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let one = Std::connect(listener.local_addr()?)?;
        one.set_nodelay(true)?;
        Ok((one, listener.accept()?.0))
    }
}

pub(crate) use system::{Std, Stream};

/// One for a thread outside, and its peer for a task.
pub(crate) fn half_pair() -> (Std, Stream) {
    let (one, two) = system::std_pair().expect("a pair of sockets");
    (one, stream(two))
}

/// Two for tasks.
pub(crate) fn pair() -> (Stream, Stream) {
    let (one, two) = half_pair();
    (stream(one), two)
}

fn stream(socket: Std) -> Stream {
    socket.set_nonblocking(true).expect("a non-blocking socket");
    Stream::from_std(socket).expect("a socket of this runtime")
}
