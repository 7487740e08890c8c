//! What UDP and Unix datagram sockets have in common: the futures over a connected socket, and the
//! readiness of either.
//!
//! A datagram shorter than the buffer says nothing about the next one, so nothing here clears
//! readiness early. The futures that know addresses are with their sockets.

use crate::io::Append;
use crate::net::operation::{Operation, io_futures, try_now};
use crate::net::stream::{Readable, Writable};
use crate::sys;
use filch_executor::leaf::{self, Wait, WaitKind};
use filch_reactor::{Direction, Source};
use socket2::SockRef;
use std::io::{self, Read as _};
use std::task::{Context, Poll};

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
    pub(crate) fn recv_buf<B: Append>(self, buf: &'a mut B) -> RecvBuf<'a, B> {
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

    /// Reads through the one place that the direction has for the `poll_*` methods.
    #[track_caller]
    pub(crate) fn poll_reading<R>(
        &self,
        cx: &mut Context<'_>,
        call: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let wait = Wait::here(WaitKind::Read);
        leaf::poll_io(self.source, Direction::Read, None, wait, cx, call)
    }

    /// Writes through the one place that the direction has for the `poll_*` methods.
    #[track_caller]
    pub(crate) fn poll_writing<R>(
        &self,
        cx: &mut Context<'_>,
        call: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let wait = Wait::here(WaitKind::Write);
        leaf::poll_io(self.source, Direction::Write, None, wait, cx, call)
    }

    #[track_caller]
    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_reading(cx, || (&*self.socket).read(buf))
    }

    #[track_caller]
    pub(crate) fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_writing(cx, || send(&self.socket, buf))
    }

    pub(crate) fn try_recv_buf<B: Append>(&self, buf: &mut B) -> io::Result<usize> {
        self.try_reading(|| sys::recv::recv_append_datagram(&self.socket, buf))
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
    RecvBuf [B: Append = Vec<u8>] { from: Datagram<'a>, buf: &'a mut B }
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
        $crate::net::ready::readiness_of!($socket);
        $crate::net::ready::readiness_to_read!($socket, poll_recv_ready);
        $crate::net::ready::readiness_to_write!($socket, poll_send_ready);

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
            pub fn recv_buf<'a, B: $crate::io::Append>(
                &'a self,
                buf: &'a mut B,
            ) -> $crate::net::future::RecvBuf<'a, B> {
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

            /// Waits until there is probably something to receive. Cancel safe.
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

            /// Receives without waiting behind the end of `buf`, as [`recv_buf`](Self::recv_buf).
            ///
            /// # Errors
            /// As [`try_recv`](Self::try_recv).
            pub fn try_recv_buf<B: $crate::io::Append>(
                &self,
                buf: &mut B,
            ) -> std::io::Result<usize> {
                self.datagram().try_recv_buf(buf)
            }

            /// For hand-written futures: receives one datagram. Returns its length. Of several tasks that use the
            /// `poll_*` methods to receive, the last one is woken; who sends is another matter.
            ///
            /// # Errors
            /// As [`recv`](Self::recv).
            #[track_caller]
            pub fn poll_recv(
                &self,
                cx: &mut std::task::Context<'_>,
                buf: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.datagram().poll_recv(cx, buf)
            }

            /// For hand-written futures: sends one datagram to the connected peer. Returns its length. Of several
            /// tasks that use the `poll_*` methods to send, the last one is woken; who receives is another matter.
            ///
            /// # Errors
            /// As [`send`](Self::send).
            #[track_caller]
            pub fn poll_send(
                &self,
                cx: &mut std::task::Context<'_>,
                buf: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.datagram().poll_send(cx, buf)
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
