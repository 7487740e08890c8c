//! What TCP and Unix streams have in common: a socket, its readiness, and the futures over both.
//!
//! [`Stream`] owns; [`Endpoint`] is a borrowed view of it that no longer knows which kind of stream it
//! is, so that every future here exists once. [`stream_surface!`] gives a public stream type its
//! methods and its `AsyncRead` and `AsyncWrite`. Not here: how a stream comes to be (`connect`,
//! listeners), its options, and its halves (`split`).

use crate::fs::File;
use crate::io::{Append, Interest};
use crate::net::operation::{Operation, io_futures, try_transfer};
use crate::net::ready::WaitReady;
use crate::net::send_file::{Rest, SendFile, Way};
use crate::sys;
use crate::sys::recv::{self, StreamKind};
use crate::sys::send;
use filch_executor::leaf::{self, Transfer, Wait, WaitKind};
use filch_reactor::{AsSource, Direction, Io, Source};
use socket2::SockRef;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::ops::RangeBounds;
use std::panic::Location;
use std::task::{Context, Poll, ready};

/// Where in the source something was made.
pub(crate) type At = &'static Location<'static>;

/// A non-blocking stream socket with its readiness.
#[derive(Debug)]
pub(crate) struct Stream<T: AsSource> {
    io: Io<T>,
    at: At,
    kind: StreamKind,
}

impl<T: AsSource> Stream<T> {
    /// Takes a socket that is in non-blocking mode.
    pub(crate) fn new(io: Io<T>, at: At, kind: StreamKind) -> Stream<T> {
        Stream { io, at, kind }
    }

    pub(crate) fn get_ref(&self) -> &T {
        self.io.get_ref()
    }

    pub(crate) fn source(&self) -> &Source {
        self.io.source()
    }

    pub(crate) fn into_inner(self) -> io::Result<T> {
        self.io.into_inner()
    }

    pub(crate) fn into_object(self) -> T {
        self.io.into_object()
    }

    #[inline]
    pub(crate) fn endpoint<'a>(&'a self) -> Endpoint<'a>
    where
        SockRef<'a>: From<&'a T>,
    {
        Endpoint {
            source: self.io.source(),
            socket: SockRef::from(self.io.get_ref()),
            at: self.at,
            kind: self.kind,
        }
    }
}

/// A borrowed stream of any kind.
#[derive(Debug)]
pub struct Endpoint<'a> {
    source: &'a Source,
    pub(super) socket: SockRef<'a>,
    at: At,
    pub(super) kind: StreamKind,
}

/// Reads through the one place that a direction has for the `poll_*` traits.
impl<'a> Endpoint<'a> {
    #[inline]
    fn wait(&self, kind: WaitKind) -> Wait {
        Wait {
            kind,
            resource: 0,
            at: self.at,
        }
    }

    #[inline]
    fn receive(&self, buf: &mut [u8]) -> io::Result<Transfer> {
        recv::recv(&self.socket, self.kind, buf)
    }

    fn receive_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<Transfer> {
        recv::recv_vectored(&self.socket, self.kind, bufs)
    }

    #[inline]
    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        call: impl FnMut() -> io::Result<Transfer>,
    ) -> Poll<io::Result<usize>> {
        let wait = self.wait(WaitKind::Read);
        leaf::poll_transfer(self.source, Direction::Read, None, wait, cx, call)
    }

    #[inline]
    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return self.poll_nothing(cx).map(|()| Ok(0));
        }
        self.poll_recv(cx, || self.receive(buf))
    }

    pub(crate) fn poll_read_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return self.poll_nothing(cx).map(|()| Ok(0));
        }
        self.poll_recv(cx, || self.receive_vectored(bufs))
    }

    pub(crate) fn poll_read_uninit(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return self.poll_nothing(cx).map(|()| Ok(0));
        }
        self.poll_recv(cx, || recv::recv_uninit(&self.socket, self.kind, buf))
    }

    pub(crate) fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return self.poll_nothing(cx).map(|()| Ok(0));
        }
        let (wait, peek) = (self.wait(WaitKind::Read), || recv::peek(&self.socket, buf));
        leaf::poll_io(self.source, Direction::Read, None, wait, cx, peek)
    }

    #[inline]
    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        call: impl FnMut() -> io::Result<Transfer>,
    ) -> Poll<io::Result<usize>> {
        let wait = self.wait(WaitKind::Write);
        leaf::poll_transfer(self.source, Direction::Write, None, wait, cx, call)
    }

    #[inline]
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            let nothing = || send::send_nothing(&self.socket, self.kind);
            return self.poll_nothing(cx).map(|()| nothing());
        }
        self.poll_send(cx, || send::send(&self.socket, self.kind, buf))
    }

    pub(crate) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            let nothing = || send::send_nothing(&self.socket, self.kind);
            return self.poll_nothing(cx).map(|()| nothing());
        }
        self.poll_send(cx, || send::send_vectored(&self.socket, self.kind, bufs))
    }

    /// Nothing is held back.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_nothing(cx).map(Ok)
    }

    /// Ends writing, once the turn allows it.
    pub(crate) fn poll_close(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_nothing(cx)
            .map(|()| self.shutdown(Shutdown::Write))
    }

    /// Waits for nothing but the turn: a loop over what is always ready has to yield.
    fn poll_nothing(&self, cx: &mut Context<'_>) -> Poll<()> {
        leaf::poll_budget_of(self.source, cx)
    }

    /// Shuts down, and takes a connection that is gone already for done. A pipe ends when it is dropped.
    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self.socket.shutdown(how) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            Err(error) if sys::is_no_socket(&error) => Ok(()),
            done => done,
        }
    }
}

/// Transfers that never wait.
impl<'a> Endpoint<'a> {
    pub(crate) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        try_transfer(self.source, Direction::Read, || self.receive(buf))
    }

    pub(crate) fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        try_transfer(self.source, Direction::Read, || self.receive_vectored(bufs))
    }

    pub(crate) fn try_read_uninit<'b>(
        &self,
        buf: &'b mut [MaybeUninit<u8>],
    ) -> io::Result<&'b mut [u8]> {
        let call = || recv::recv_uninit(&self.socket, self.kind, buf);
        let count = try_transfer(self.source, Direction::Read, call)?;
        let filled = std::ptr::from_mut(&mut buf[..count]) as *mut [u8];
        // SAFETY: `recv_uninit` has initialised so many bytes, `MaybeUninit<u8>` has the layout of `u8`, and nobody
        // else has `buf`.
        Ok(unsafe { &mut *filled })
    }

    pub(crate) fn try_read_buf<B: Append>(&self, buf: &mut B) -> io::Result<usize> {
        let call = || recv::recv_append(&self.socket, self.kind, buf);
        try_transfer(self.source, Direction::Read, call)
    }

    pub(crate) fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        try_transfer(self.source, Direction::Write, || {
            send::send(&self.socket, self.kind, buf)
        })
    }

    pub(crate) fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let call = || send::send_vectored(&self.socket, self.kind, bufs);
        try_transfer(self.source, Direction::Write, call)
    }
}

/// The futures, each with a place of its own among the waiters.
impl<'a> Endpoint<'a> {
    #[track_caller]
    fn operation(&self, direction: Direction, kind: WaitKind) -> Operation<'a> {
        Operation::new(self.source, direction, kind)
    }

    #[track_caller]
    pub(crate) fn read(self, buf: &'a mut [u8]) -> Read<'a> {
        Read {
            operation: self.operation(Direction::Read, WaitKind::Read),
            from: self,
            buf,
        }
    }

    #[track_caller]
    pub(crate) fn read_exact(self, buf: &'a mut [u8]) -> ReadExact<'a> {
        let operation = self.operation(Direction::Read, WaitKind::Read);
        ReadExact {
            operation,
            from: self,
            buf,
            done: 0,
        }
    }

    #[track_caller]
    pub(crate) fn read_buf<B: Append>(self, buf: &'a mut B) -> ReadBuf<'a, B> {
        ReadBuf {
            operation: self.operation(Direction::Read, WaitKind::Read),
            from: self,
            buf,
        }
    }

    #[track_caller]
    pub(crate) fn peek(self, buf: &'a mut [u8]) -> Peek<'a> {
        Peek {
            operation: self.operation(Direction::Read, WaitKind::Read),
            from: self,
            buf,
        }
    }

    #[track_caller]
    pub(crate) fn write(self, buf: &'a [u8]) -> Write<'a> {
        Write {
            operation: self.operation(Direction::Write, WaitKind::Write),
            to: self,
            buf,
        }
    }

    #[track_caller]
    pub(crate) fn write_all(self, buf: &'a [u8]) -> WriteAll<'a> {
        let operation = self.operation(Direction::Write, WaitKind::Write);
        WriteAll {
            operation,
            to: self,
            rest: buf,
        }
    }

    #[track_caller]
    pub(crate) fn send_file(self, file: &'a File, range: &impl RangeBounds<u64>) -> SendFile<'a> {
        let operation = self.operation(Direction::Write, WaitKind::Write);
        SendFile {
            operation,
            to: self,
            file,
            rest: Rest::of(range),
            way: Way::Direct,
        }
    }

    #[track_caller]
    pub(crate) fn ready(self, interest: Interest) -> WaitReady<'a> {
        WaitReady::new(self.source, interest)
    }

    #[track_caller]
    pub(crate) fn readable(self) -> Readable<'a> {
        Readable {
            operation: self.operation(Direction::Read, WaitKind::Readable),
        }
    }

    #[track_caller]
    pub(crate) fn writable(self) -> Writable<'a> {
        Writable {
            operation: self.operation(Direction::Write, WaitKind::Writable),
        }
    }
}

io_futures! {
    /// The future of a stream's `read`.
    Read { from: Endpoint<'a>, buf: &'a mut [u8] }
    |this, cx| -> usize {
        if this.buf.is_empty() {
            return this.operation.poll_nothing(cx).map(|()| Ok(0));
        }
        this.operation.poll_transfer(cx, || this.from.receive(this.buf))
    }

    /// The future of a stream's `read_exact`.
    ReadExact { from: Endpoint<'a>, buf: &'a mut [u8], done: usize }
    |this, cx| -> () {
        if this.buf.is_empty() {
            return this.operation.poll_nothing(cx).map(Ok);
        }
        while this.done < this.buf.len() {
            let rest = &mut this.buf[this.done..];
            match ready!(this.operation.poll_transfer(cx, || this.from.receive(rest)))? {
                0 => return Poll::Ready(Err(ended_after(this.done, this.buf.len()))),
                count => this.done += count,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The future of a stream's `read_buf`.
    ReadBuf [B: Append = Vec<u8>] { from: Endpoint<'a>, buf: &'a mut B }
    |this, cx| -> usize {
        let (socket, kind) = (&this.from.socket, this.from.kind);
        this.operation.poll_transfer(cx, || recv::recv_append(socket, kind, this.buf))
    }

    /// The future of a stream's `peek`.
    Peek { from: Endpoint<'a>, buf: &'a mut [u8] }
    |this, cx| -> usize {
        if this.buf.is_empty() {
            return this.operation.poll_nothing(cx).map(|()| Ok(0));
        }
        let (socket, buf) = (&this.from.socket, &mut *this.buf);
        this.operation.poll(cx, || recv::peek(socket, buf))
    }

    /// The future of a stream's `write`.
    Write { to: Endpoint<'a>, buf: &'a [u8] }
    |this, cx| -> usize {
        let (socket, kind, buf) = (&this.to.socket, this.to.kind, this.buf);
        if buf.is_empty() {
            return this.operation.poll_nothing(cx).map(|()| send::send_nothing(socket, kind));
        }
        this.operation.poll_transfer(cx, || send::send(socket, kind, buf))
    }

    /// The future of a stream's `write_all`.
    WriteAll { to: Endpoint<'a>, rest: &'a [u8] }
    |this, cx| -> () {
        let (socket, kind) = (&this.to.socket, this.to.kind);
        if this.rest.is_empty() {
            return this.operation.poll_nothing(cx).map(Ok);
        }
        while !this.rest.is_empty() {
            let rest = this.rest;
            match ready!(this.operation.poll_transfer(cx, || send::send(socket, kind, rest)))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => this.rest = &rest[count..],
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The future of `readable`: ready when a read would probably not block.
    Readable {}
    |this, cx| -> () { this.operation.poll_ready(cx) }

    /// The future of `writable`: ready when a write would probably not block.
    Writable {}
    |this, cx| -> () { this.operation.poll_ready(cx) }
}

fn ended_after(done: usize, wanted: usize) -> io::Error {
    let what = format!("the stream ended after {done} of {wanted} bytes");
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}
