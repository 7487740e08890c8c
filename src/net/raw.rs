//! The system's own handle of every object of this module: `AsFd` and `AsRawFd` on Unix, `AsSocket` and
//! `AsRawSocket` on Windows. What is borrowed is in non-blocking mode and belongs to the reactor:
//! options may be set on it, but it must not be closed or put into blocking mode.

use crate::net::async_io::Async;
use crate::net::{TcpListener, TcpStream, UdpSocket};
use filch_reactor::AsSource;

#[cfg(unix)]
mod unix {
    use super::*;
    use crate::net::{UnixDatagram, UnixListener, UnixStream};
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

    macro_rules! descriptors {
        ($($name:ty),*) => {$(
            impl AsFd for $name {
                fn as_fd(&self) -> BorrowedFd<'_> {
                    self.get_ref().as_fd()
                }
            }

            impl AsRawFd for $name {
                fn as_raw_fd(&self) -> RawFd {
                    self.as_fd().as_raw_fd()
                }
            }
        )*};
    }

    descriptors!(
        TcpListener,
        TcpStream,
        UdpSocket,
        UnixDatagram,
        UnixListener,
        UnixStream
    );

    impl<T: AsSource> AsFd for Async<T> {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.get_ref().as_fd()
        }
    }

    impl<T: AsSource> AsRawFd for Async<T> {
        fn as_raw_fd(&self) -> RawFd {
            self.as_fd().as_raw_fd()
        }
    }
}

#[cfg(windows)]
mod windows {
    use super::*;
    use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

    macro_rules! sockets {
        ($($name:ty),*) => {$(
            impl AsSocket for $name {
                fn as_socket(&self) -> BorrowedSocket<'_> {
                    self.get_ref().as_socket()
                }
            }

            impl AsRawSocket for $name {
                fn as_raw_socket(&self) -> RawSocket {
                    self.as_socket().as_raw_socket()
                }
            }
        )*};
    }

    sockets!(TcpListener, TcpStream, UdpSocket);

    impl<T: AsSource> AsSocket for Async<T> {
        fn as_socket(&self) -> BorrowedSocket<'_> {
            self.get_ref().as_socket()
        }
    }
}
