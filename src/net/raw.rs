//! What every object of this module has in common with std's: the system's own handle, borrowed (`AsFd` and `AsRawFd`
//! on Unix, `AsSocket` and `AsRawSocket` on Windows) or for good (`IntoRawFd`, `OwnedFd`, `IntoRawSocket`); a socket of
//! std's taken over by `try_from`; and a `Debug` that fits a line of a log.
//!
//! What is borrowed is in non-blocking mode and belongs to the reactor: options may be set on it, but it must not be
//! closed or put into blocking mode. There is no `FromRawFd`: `from_std` needs a runtime, and can fail.

use crate::net::async_io::Async;
use crate::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use filch_reactor::AsSource;
use std::{fmt, io, net};

/// Takes a socket of std's over, as `from_std`.
macro_rules! take_over {
    ($($std:ty => $name:ty),* $(,)?) => {$(
        impl TryFrom<$std> for $name {
            type Error = io::Error;

            /// The same as `from_std`.
            #[track_caller]
            fn try_from(socket: $std) -> io::Result<$name> {
                <$name>::from_std(socket)
            }
        }
    )*};
}

take_over! {
    net::TcpListener => TcpListener,
    net::TcpStream => TcpStream,
    net::UdpSocket => UdpSocket,
}

/// Which socket it is: the addresses that it has, and its number.
macro_rules! show {
    ($($name:ident: $($field:literal = $address:ident),+;)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut socket = f.debug_struct(stringify!($name));
                $(if let Ok(address) = self.$address() {
                    socket.field($field, &address);
                })+
                #[cfg(unix)]
                socket.field("fd", &std::os::fd::AsRawFd::as_raw_fd(self));
                socket.finish()
            }
        }
    )*};
}

show! {
    TcpListener: "local" = local_addr;
    TcpSocket: "local" = local_addr;
    TcpStream: "local" = local_addr, "peer" = peer_addr;
    UdpSocket: "local" = local_addr, "peer" = peer_addr;
}

impl<T: AsSource + fmt::Debug> fmt::Debug for Async<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Async").field(self.get_ref()).finish()
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use crate::net::{UnixDatagram, UnixListener, UnixStream};
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
    use std::os::unix;

    take_over! {
        unix::net::UnixDatagram => UnixDatagram,
        unix::net::UnixListener => UnixListener,
        unix::net::UnixStream => UnixStream,
    }

    show! {
        UnixDatagram: "local" = local_addr, "peer" = peer_addr;
        UnixListener: "local" = local_addr;
        UnixStream: "local" = local_addr, "peer" = peer_addr;
    }

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

            impl From<$name> for OwnedFd {
                fn from(socket: $name) -> OwnedFd {
                    socket.into_object().into()
                }
            }

            impl IntoRawFd for $name {
                fn into_raw_fd(self) -> RawFd {
                    self.into_object().into_raw_fd()
                }
            }
        )*};
    }

    descriptors!(
        TcpListener,
        TcpSocket,
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

    impl<T: AsSource + IntoRawFd> IntoRawFd for Async<T> {
        fn into_raw_fd(self) -> RawFd {
            self.into_object().into_raw_fd()
        }
    }
}

#[cfg(windows)]
mod windows {
    use super::*;
    use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, IntoRawSocket, RawSocket};

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

            impl IntoRawSocket for $name {
                fn into_raw_socket(self) -> RawSocket {
                    self.into_object().into_raw_socket()
                }
            }
        )*};
    }

    sockets!(TcpListener, TcpSocket, TcpStream, UdpSocket);

    impl<T: AsSource> AsSocket for Async<T> {
        fn as_socket(&self) -> BorrowedSocket<'_> {
            self.get_ref().as_socket()
        }
    }
}
