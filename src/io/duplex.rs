//! A pair of connected streams in memory, for tests and for joining parts of one program.
//!
//! Each direction is a [`Pipe`], which [`simplex`](super::simplex()) is one of: a bounded queue of bytes behind a lock
//! that is held while bytes are copied, and at most one waiting reader and one waiting writer. Wakers are called after
//! the lock is released.

use filch_executor::foreign;
use filch_executor::leaf::{self, Wait, WaitKind};
use futures_io::{AsyncRead, AsyncWrite};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// Two streams, each of which reads what the other one writes. At most `capacity` bytes wait in each
/// direction; a writer waits for room beyond that.
///
/// Dropping or closing one end is the end of the stream for the other end's reads, after what was written; dropping
/// it makes the other end's writes fail with `BrokenPipe`.
///
/// # Panics
/// If `capacity` is 0.
///
/// ```
/// use filch::io::{AsyncReadExt, AsyncWriteExt};
///
/// # filch::run(async {
/// let (mut ours, mut theirs) = filch::io::duplex(64);
/// ours.write_all(b"ping").await?;
/// drop(ours);
/// let mut all = String::new();
/// theirs.read_to_string(&mut all).await?;
/// assert_eq!(all, "ping");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[track_caller]
#[must_use]
pub fn duplex(capacity: usize) -> (DuplexStream, DuplexStream) {
    assert!(
        capacity > 0,
        "a duplex stream needs room for at least one byte"
    );
    let one = Arc::new(Mutex::new(Pipe::new(capacity)));
    let other = Arc::new(Mutex::new(Pipe::new(capacity)));
    let wait = Wait::here(WaitKind::Duplex);
    let first = DuplexStream {
        incoming: one.clone(),
        outgoing: other.clone(),
        wait,
    };
    (
        first,
        DuplexStream {
            incoming: other,
            outgoing: one,
            wait,
        },
    )
}

/// One end of a [`duplex`] pair.
///
/// One task at a time may wait to read, and one to write; of several the last one is woken. Reads and writes are
/// cancel safe: they move bytes only when they return.
#[derive(Debug)]
pub struct DuplexStream {
    incoming: Arc<Mutex<Pipe>>,
    outgoing: Arc<Mutex<Pipe>>,
    wait: Wait,
}

// Nobody else's code runs while a pipe is half changed.
impl UnwindSafe for DuplexStream {}
impl RefUnwindSafe for DuplexStream {}

impl Drop for DuplexStream {
    fn drop(&mut self) {
        close(&self.outgoing, Pipe::end_writing);
        close(&self.incoming, Pipe::end_reading);
    }
}

/// Runs `transfer` on a pipe until it is done, or leaves the waker in `place` and records the wait. Wakes the other
/// end.
pub(super) fn poll_pipe(
    cx: &mut Context<'_>,
    wait: Wait,
    pipe: &Mutex<Pipe>,
    place: fn(&mut Pipe) -> &mut Option<Waker>,
    mut transfer: impl FnMut(&mut Pipe) -> Transferred,
) -> Poll<io::Result<usize>> {
    let first = transfer(&mut pipe.lock());
    let done = match first {
        Poll::Pending => {
            // Cloned outside the lock: a waker is code of others.
            let mut waker = Some(cx.waker().clone());
            let mut pipe = pipe.lock();
            let again = transfer(&mut pipe);
            if again.is_pending() {
                waker = std::mem::replace(place(&mut pipe), waker);
            }
            drop(pipe);
            foreign::discard(waker);
            again
        }
        done => done,
    };
    match done {
        Poll::Pending => {
            leaf::record(wait);
            Poll::Pending
        }
        Poll::Ready(done) => {
            let (count, woken) = done?;
            foreign::wake_batch(woken);
            Poll::Ready(Ok(count))
        }
    }
}

impl DuplexStream {
    /// For hand-written futures: reads into memory that need not be initialised. Returns how many bytes at the
    /// beginning of `buf` now are; 0 is the end of the stream.
    ///
    /// # Errors
    /// None.
    pub fn poll_read_uninit(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(self, cx));
        poll_pipe(cx, self.wait, &self.incoming, Pipe::reader, |pipe| {
            pipe.read_uninit(buf)
        })
    }
}

impl AsyncRead for DuplexStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_vectored(cx, &mut [IoSliceMut::new(buf)])
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        poll_pipe(cx, self.wait, &self.incoming, Pipe::reader, |pipe| {
            pipe.read(bufs)
        })
    }
}

impl AsyncWrite for DuplexStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        poll_pipe(cx, self.wait, &self.outgoing, Pipe::writer, |pipe| {
            pipe.write(bufs)
        })
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        leaf::poll_budget_of(&*self, cx).map(Ok)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        close(&self.outgoing, Pipe::end_writing);
        Poll::Ready(Ok(()))
    }
}

/// One direction.
#[derive(Debug)]
pub(super) struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// Nothing more will be written.
    ended: bool,
    /// Nobody will read any more.
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

pub(super) type Transferred = Poll<io::Result<(usize, Option<Waker>)>>;

impl Pipe {
    pub(super) fn new(capacity: usize) -> Pipe {
        let bytes = VecDeque::new();
        Pipe {
            bytes,
            capacity,
            ended: false,
            broken: false,
            reader: None,
            writer: None,
        }
    }

    /// Where a reader leaves its waker.
    pub(super) fn reader(&mut self) -> &mut Option<Waker> {
        &mut self.reader
    }

    /// Where a writer leaves its waker.
    pub(super) fn writer(&mut self) -> &mut Option<Waker> {
        &mut self.writer
    }

    pub(super) fn read(&mut self, bufs: &mut [IoSliceMut<'_>]) -> Transferred {
        let wanted = bufs.iter().any(|buf| !buf.is_empty());
        if wanted && self.bytes.is_empty() && !self.ended {
            return Poll::Pending;
        }
        let mut count = 0;
        for buf in bufs {
            count += take_front(&mut self.bytes, buf)?;
        }
        let woken = if count > 0 { self.writer.take() } else { None };
        Poll::Ready(Ok((count, woken)))
    }

    pub(super) fn read_uninit(&mut self, buf: &mut [MaybeUninit<u8>]) -> Transferred {
        if !buf.is_empty() && self.bytes.is_empty() && !self.ended {
            return Poll::Pending;
        }
        let count = self.bytes.len().min(buf.len());
        for (room, byte) in buf.iter_mut().zip(self.bytes.drain(..count)) {
            room.write(byte);
        }
        let woken = if count > 0 { self.writer.take() } else { None };
        Poll::Ready(Ok((count, woken)))
    }

    pub(super) fn write(&mut self, bufs: &[IoSlice<'_>]) -> Transferred {
        if self.broken || self.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let wanted = bufs.iter().any(|buf| !buf.is_empty());
        if wanted && self.bytes.len() == self.capacity {
            return Poll::Pending;
        }
        let before = self.bytes.len();
        for buf in bufs {
            let room = self.capacity - self.bytes.len();
            self.bytes.extend(&buf[..buf.len().min(room)]);
        }
        let count = self.bytes.len() - before;
        let woken = if count > 0 { self.reader.take() } else { None };
        Poll::Ready(Ok((count, woken)))
    }

    /// The writing end is closed.
    pub(super) fn end_writing(&mut self) -> Woken {
        self.ended = true;
        Woken {
            wake: self.reader.take(),
            forget: self.writer.take(),
        }
    }

    /// The reading end is gone.
    pub(super) fn end_reading(&mut self) -> Woken {
        self.broken = true;
        self.bytes = VecDeque::new();
        Woken {
            wake: self.writer.take(),
            forget: self.reader.take(),
        }
    }
}

/// Who leaves a pipe.
#[must_use]
pub(super) struct Woken {
    wake: Option<Waker>,
    forget: Option<Waker>,
}

/// Moves as much as there is and fits. A queue is in up to two pieces, and a read takes from one.
fn take_front(bytes: &mut VecDeque<u8>, buf: &mut [u8]) -> io::Result<usize> {
    let first = bytes.read(buf)?;
    Ok(first + bytes.read(&mut buf[first..])?)
}

/// Ends one use of a pipe, and wakes who waits for the other. A waker is never dropped under the
/// lock either: that may drop a whole task, and the pipe's other end with it. It does not panic, though the wakers may.
pub(super) fn close(pipe: &Mutex<Pipe>, end: fn(&mut Pipe) -> Woken) {
    let Woken { wake, forget } = end(&mut pipe.lock());
    foreign::discard(forget);
    foreign::wake_batch(wake);
}
