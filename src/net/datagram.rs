//! What UDP and Unix datagram sockets have in common: the futures over a connected socket, and the
//! readiness of either.
//!
//! A datagram shorter than the buffer says nothing about the next one, so nothing here clears
//! readiness early. The futures that know addresses are with their sockets.

use crate::net::operation::{Operation, io_futures, try_now};
use crate::net::stream::{Readable, Writable};
use crate::sys;
use filch_executor::leaf::WaitKind;
use filch_reactor::{Direction, Source};
use socket2::SockRef;
use std::io::{self, Read as _};

/// A borrowed datagram socket of any kind.
#[derive(Debug)]
pub(crate) struct Datagram<'a> {
    pub(crate) source: &'a Source,
    pub(crate) socket: SockRef<'a>,
}

impl<'a> Datagram<'a> {
    #[track_caller]
    pub(crate) fn reading(&self, kind: WaitKind) -> Operation<'a> {
        Operation::new(self.source, Direction::Read, kind)
    }

    /// For what takes a datagram: of several such, one is woken for each.
    #[track_caller]
    pub(crate) fn receiving(&self) -> Operation<'a> {
        Operation::in_line(self.source, WaitKind::Read)
    }

    #[track_caller]
    pub(crate) fn writing(&self, kind: WaitKind) -> Operation<'a> {
        Operation::new(self.source, Direction::Write, kind)
    }

    #[track_caller]
    pub(crate) fn recv(self, buf: &'a mut [u8]) -> Recv<'a> {
        Recv {
            operation: self.receiving(),
            from: self,
            buf,
        }
    }

    #[track_caller]
    pub(crate) fn recv_buf(self, buf: &'a mut Vec<u8>) -> RecvBuf<'a> {
        RecvBuf {
            operation: self.receiving(),
            from: self,
            buf,
        }
    }

    #[track_caller]
    pub(crate) fn send(self, buf: &'a [u8]) -> Send<'a> {
        Send {
            operation: self.writing(WaitKind::Write),
            to: self,
            buf,
        }
    }

    #[track_caller]
    pub(crate) fn readable(self) -> Readable<'a> {
        Readable {
            operation: self.reading(WaitKind::Readable),
        }
    }

    #[track_caller]
    pub(crate) fn writable(self) -> Writable<'a> {
        Writable {
            operation: self.writing(WaitKind::Writable),
        }
    }

    pub(crate) fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.try_reading(|| (&*self.socket).read(buf))
    }

    pub(crate) fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.try_writing(|| send(&self.socket, buf))
    }

    pub(crate) fn try_reading<R>(&self, call: impl FnMut() -> io::Result<R>) -> io::Result<R> {
        try_now(self.source, Direction::Read, call)
    }

    pub(crate) fn try_writing<R>(&self, call: impl FnMut() -> io::Result<R>) -> io::Result<R> {
        try_now(self.source, Direction::Write, call)
    }
}

io_futures! {
    /// The future of a datagram socket's `recv`.
    Recv { from: Datagram<'a>, buf: &'a mut [u8] }
    |this, cx| -> usize {
        let (socket, buf) = (&this.from.socket, &mut *this.buf);
        this.operation.poll_one(cx, || (&**socket).read(buf))
    }

    /// The future of a datagram socket's `recv_buf`.
    RecvBuf { from: Datagram<'a>, buf: &'a mut Vec<u8> }
    |this, cx| -> usize {
        let (socket, buf) = (&this.from.socket, &mut *this.buf);
        this.operation.poll_one(cx, || sys::recv::recv_append_datagram(socket, buf))
    }

    /// The future of a datagram socket's `send`.
    Send { to: Datagram<'a>, buf: &'a [u8] }
    |this, cx| -> usize {
        let (socket, buf) = (&this.to.socket, this.buf);
        this.operation.poll(cx, || send(socket, buf))
    }
}

fn send(socket: &SockRef<'_>, buf: &[u8]) -> io::Result<usize> {
    socket.send_with_flags(buf, sys::SEND_FLAGS)
}

/// What every public datagram socket offers for a peer that `connect` has set.
macro_rules! datagram_surface {
    ($socket:ident) => {
        /// Transfers with the connected peer, and readiness.
        impl $socket {
            /// Receives one datagram. What does not fit into `buf` is lost. Returns its length.
            ///
            /// # Errors
            /// The system's, such as `ConnectionRefused` when nobody listens at the peer's address.
            ///
            /// # Cancel safety
            /// Cancel safe: a dropped future has taken no datagram.
            #[track_caller]
            pub fn recv<'a>(&'a self, buf: &'a mut [u8]) -> $crate::net::future::Recv<'a> {
                self.datagram().recv(buf)
            }

            /// Receives one datagram behind the end of `buf`, into spare capacity that nobody needs to have
            /// initialised (8 KiB are made if there is none). What does not fit is lost.
            ///
            /// # Errors
            /// As [`recv`](Self::recv).
            ///
            /// # Cancel safety
            /// Cancel safe.
            #[track_caller]
            pub fn recv_buf<'a>(
                &'a self,
                buf: &'a mut Vec<u8>,
            ) -> $crate::net::future::RecvBuf<'a> {
                self.datagram().recv_buf(buf)
            }

            /// Sends one datagram to the connected peer. Returns its length.
            ///
            /// # Errors
            /// The system's, such as `NotConnected`.
            ///
            /// # Cancel safety
            /// Cancel safe: a dropped future has sent nothing.
            #[track_caller]
            pub fn send<'a>(&'a self, buf: &'a [u8]) -> $crate::net::future::Send<'a> {
                self.datagram().send(buf)
            }

            /// Waits until there is probably something to receive. A socket that was never used
            /// counts as readable. Cancel safe.
            ///
            /// # Errors
            /// An error that says so when the runtime has ended.
            #[track_caller]
            pub fn readable(&self) -> $crate::net::future::Readable<'_> {
                self.datagram().readable()
            }

            /// Waits until there is probably room to send. Cancel safe.
            ///
            /// # Errors
            /// An error that says so when the runtime has ended.
            #[track_caller]
            pub fn writable(&self) -> $crate::net::future::Writable<'_> {
                self.datagram().writable()
            }

            /// Receives without waiting.
            ///
            /// # Errors
            /// `WouldBlock` if nothing is there; otherwise as [`recv`](Self::recv).
            pub fn try_recv(&self, buf: &mut [u8]) -> std::io::Result<usize> {
                self.datagram().try_recv(buf)
            }

            /// Sends without waiting.
            ///
            /// # Errors
            /// `WouldBlock` if there is no room; otherwise as [`send`](Self::send).
            pub fn try_send(&self, buf: &[u8]) -> std::io::Result<usize> {
                self.datagram().try_send(buf)
            }
        }
    };
}

pub(crate) use datagram_surface;
