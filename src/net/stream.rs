//! What TCP and Unix streams have in common: a socket, its readiness, and the futures over both.
//!
//! [`Stream`] owns; [`Endpoint`] is a borrowed view of it that no longer knows which kind of stream it
//! is, so that every future here exists once. [`stream_surface!`] gives a public stream type its
//! methods and its `AsyncRead` and `AsyncWrite`. Not here: how a stream comes to be (`connect`,
//! listeners), its options, and its halves (`split`).

use crate::net::operation::{Operation, io_futures, settle, try_now};
use crate::sys;
use filch_executor::leaf::{self, Wait, WaitKind};
use filch_reactor::{AsSource, Direction, Io, Source};
use socket2::SockRef;
use std::io::{self, IoSlice, IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::panic::Location;
use std::task::{Context, Poll, ready};

/// Where in the source something was made.
pub(crate) type At = &'static Location<'static>;

/// A non-blocking stream socket with its readiness.
#[derive(Debug)]
pub(crate) struct Stream<T: AsSource> {
    io: Io<T>,
    at: At,
    /// Whether a short read means that nothing is left. Not so for Unix sockets: a read ends early
    /// where descriptors were sent along.
    short_reads: bool,
}

impl<T: AsSource> Stream<T> {
    /// Takes a socket that is in non-blocking mode.
    pub(crate) fn new(io: Io<T>, at: At, short_reads: bool) -> Stream<T> {
        Stream {
            io,
            at,
            short_reads,
        }
    }

    pub(crate) fn get_ref(&self) -> &T {
        self.io.get_ref()
    }

    pub(crate) fn into_inner(self) -> io::Result<T> {
        self.io.into_inner()
    }

    pub(crate) fn endpoint<'a>(&'a self) -> Endpoint<'a>
    where
        SockRef<'a>: From<&'a T>,
    {
        Endpoint {
            source: self.io.source(),
            socket: SockRef::from(self.io.get_ref()),
            at: self.at,
            short_reads: self.short_reads,
        }
    }
}

/// A borrowed stream of any kind.
#[derive(Debug)]
pub struct Endpoint<'a> {
    source: &'a Source,
    socket: SockRef<'a>,
    at: At,
    short_reads: bool,
}

/// Reads through the one place that a direction has for the `poll_*` traits.
impl<'a> Endpoint<'a> {
    fn wait(&self, kind: WaitKind) -> Wait {
        Wait {
            kind,
            resource: 0,
            at: self.at,
        }
    }

    /// How long a read must be not to count as short.
    fn enough(&self, length: usize) -> usize {
        if self.short_reads { length } else { 0 }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        length: usize,
        call: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let (wait, length) = (self.wait(WaitKind::Read), self.enough(length));
        leaf::poll_io_short(self.source, Direction::Read, None, wait, cx, length, call)
    }

    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_recv(cx, buf.len(), || (&*self.socket).read(buf))
    }

    pub(crate) fn poll_read_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = bufs.iter().map(|buf| buf.len()).sum();
        self.poll_recv(cx, length, || (&*self.socket).read_vectored(bufs))
    }

    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        length: usize,
        call: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let wait = self.wait(WaitKind::Write);
        leaf::poll_io_short(self.source, Direction::Write, None, wait, cx, length, call)
    }

    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(cx, buf.len(), || send(&self.socket, buf))
    }

    pub(crate) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = bufs.iter().map(|buf| buf.len()).sum();
        self.poll_send(cx, length, || send_vectored(&self.socket, bufs))
    }

    /// Shuts down, and takes a connection that is gone already for done.
    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self.socket.shutdown(how) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            done => done,
        }
    }
}

/// Transfers that never wait.
impl<'a> Endpoint<'a> {
    fn is_short_read(&self, done: usize, length: usize) -> bool {
        self.short_reads && is_short(done, length)
    }

    fn try_recv(
        &self,
        length: usize,
        call: impl FnMut() -> io::Result<usize>,
    ) -> io::Result<usize> {
        let short = |&done: &usize| self.is_short_read(done, length);
        try_now(self.source, Direction::Read, short, call)
    }

    pub(crate) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.try_recv(buf.len(), || (&*self.socket).read(buf))
    }

    pub(crate) fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let length = bufs.iter().map(|buf| buf.len()).sum();
        self.try_recv(length, || (&*self.socket).read_vectored(bufs))
    }

    pub(crate) fn try_read_uninit<'b>(
        &self,
        buf: &'b mut [MaybeUninit<u8>],
    ) -> io::Result<&'b mut [u8]> {
        let length = buf.len();
        let seen = self.source.ready(Direction::Read);
        let result = sys::recv::recv_uninit(&self.socket, buf);
        settle(self.source, seen, &result, |part| {
            self.is_short_read(part.len(), length)
        });
        result
    }

    pub(crate) fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        let short = |&done: &usize| is_short(done, buf.len());
        try_now(self.source, Direction::Write, short, || {
            send(&self.socket, buf)
        })
    }

    pub(crate) fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let length = bufs.iter().map(|buf| buf.len()).sum();
        let short = |&done: &usize| is_short(done, length);
        try_now(self.source, Direction::Write, short, || {
            send_vectored(&self.socket, bufs)
        })
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
    pub(crate) fn read_buf(self, buf: &'a mut Vec<u8>) -> ReadBuf<'a> {
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
        let (socket, buf) = (&this.from.socket, &mut *this.buf);
        let length = this.from.enough(buf.len());
        this.operation.poll_short(cx, length, || (&**socket).read(buf))
    }

    /// The future of a stream's `read_exact`.
    ReadExact { from: Endpoint<'a>, buf: &'a mut [u8], done: usize }
    |this, cx| -> () {
        let socket = &this.from.socket;
        while this.done < this.buf.len() {
            let rest = &mut this.buf[this.done..];
            let length = this.from.enough(rest.len());
            match ready!(this.operation.poll_short(cx, length, || (&**socket).read(rest)))? {
                0 => return Poll::Ready(Err(ended_after(this.done, this.buf.len()))),
                count => this.done += count,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The future of a stream's `read_buf`.
    ReadBuf { from: Endpoint<'a>, buf: &'a mut Vec<u8> }
    |this, cx| -> usize {
        let (socket, buf) = (&this.from.socket, &mut *this.buf);
        let length = this.from.enough(sys::recv::room(buf).len());
        this.operation.poll_short(cx, length, || sys::recv::recv_append(socket, buf))
    }

    /// The future of a stream's `peek`.
    Peek { from: Endpoint<'a>, buf: &'a mut [u8] }
    |this, cx| -> usize {
        let (socket, buf) = (&this.from.socket, &mut *this.buf);
        this.operation.poll(cx, || sys::recv::peek(socket, buf))
    }

    /// The future of a stream's `write`.
    Write { to: Endpoint<'a>, buf: &'a [u8] }
    |this, cx| -> usize {
        let (socket, buf) = (&this.to.socket, this.buf);
        this.operation.poll_short(cx, buf.len(), || send(socket, buf))
    }

    /// The future of a stream's `write_all`.
    WriteAll { to: Endpoint<'a>, rest: &'a [u8] }
    |this, cx| -> () {
        let socket = &this.to.socket;
        while !this.rest.is_empty() {
            let rest = this.rest;
            match ready!(this.operation.poll_short(cx, rest.len(), || send(socket, rest)))? {
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

fn is_short(done: usize, length: usize) -> bool {
    0 < done && done < length
}

fn send(socket: &SockRef<'_>, buf: &[u8]) -> io::Result<usize> {
    socket.send_with_flags(buf, sys::SEND_FLAGS)
}

fn send_vectored(socket: &SockRef<'_>, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    socket.send_vectored_with_flags(bufs, sys::SEND_FLAGS)
}

fn ended_after(done: usize, wanted: usize) -> io::Error {
    let what = format!("the stream ended after {done} of {wanted} bytes");
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}
