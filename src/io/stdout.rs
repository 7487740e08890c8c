//! Standard output and standard error.
//!
//! Written by one detached thread each, for the reason that `stdin` gives: a terminal or a pipe that nobody
//! reads blocks, and neither a worker nor a runtime's end may wait for that. What tasks write goes into a bounded
//! queue in the order of the writes; flushing waits until the thread has written it.

use crate::io::waiting::{Place, Waiting};
use crate::sys::wait::{Until, Waitable, patiently};
use filch_executor::foreign;
use filch_executor::leaf::{self, Wait, WaitKind};
use futures_io::AsyncWrite;
use parking_lot::{Condvar, Mutex};
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker, ready};
use std::thread;

/// How many bytes may wait for the thread.
const QUEUE: usize = 64 * 1024;

/// The process's standard output, to be written by tasks.
///
/// Writes of all handles go out in the order in which they were made, each call's bytes together. They are
/// queued (up to 64 KiB) for a detached thread: **flush before the program ends**, or the last of them may
/// be lost. `flush` waits until everything that was written before has reached the system. An error
/// of the system is returned by the next write or flush. Another program that shares the terminal or pipe
/// may have put it into non-blocking mode: the thread waits for room all the same, and nothing is lost.
///
/// ```
/// use filch::io::AsyncWriteExt;
///
/// # filch::run(async {
/// let mut out = filch::io::stdout();
/// out.write_all(b"done\n").await?;
/// out.flush().await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[track_caller]
#[must_use]
pub fn stdout() -> Stdout {
    Stdout {
        wait: Wait::here(WaitKind::Write),
        flushing: None,
        place: None,
    }
}

/// The process's standard error; like [`stdout`] in everything else.
#[track_caller]
#[must_use]
pub fn stderr() -> Stderr {
    Stderr {
        wait: Wait::here(WaitKind::Write),
        flushing: None,
        place: None,
    }
}

/// A handle of [`stdout`]. Cancel safe: a dropped write has queued nothing.
#[derive(Debug)]
pub struct Stdout {
    wait: Wait,
    /// How far a flush that has begun must get.
    flushing: Option<u64>,
    place: Place,
}

/// A handle of [`stderr`]. Cancel safe: a dropped write has queued nothing.
#[derive(Debug)]
pub struct Stderr {
    wait: Wait,
    /// How far a flush that has begun must get.
    flushing: Option<u64>,
    place: Place,
}

// Standard output and error are one each for the whole process, and so are their writers.
static STDOUT: OnceLock<Shared> = OnceLock::new();
static STDERR: OnceLock<Shared> = OnceLock::new();

fn write_stdout(bytes: &[u8]) -> io::Result<()> {
    write_to(io::stdout().lock(), bytes)
}

fn write_stderr(bytes: &[u8]) -> io::Result<()> {
    write_to(io::stderr().lock(), bytes)
}

/// Writes all of it, and what std keeps in a buffer too. Not with `write_all`, which would not say how far it got when
/// there is no room and the stream is in non-blocking mode.
fn write_to(mut out: impl Write + Waitable, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match patiently(&mut out, Until::Writable, |out| out.write(bytes))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => bytes = &bytes[count..],
        }
    }
    patiently(&mut out, Until::Writable, |out| out.flush())
}

macro_rules! writer {
    ($handle:ident, $shared:ident, $name:literal, $write:ident) => {
        impl AsyncWrite for $handle {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                ready!(leaf::poll_budget_of(&*self, cx));
                let this = self.get_mut();
                let shared = shared(&$shared, $name, $write)?;
                // A flush that was given up does not count for what is written after it.
                this.flushing = None;
                let done = shared.poll(&mut this.place, cx, |state| state.write(buf));
                if let Poll::Ready(Ok(1..)) = done {
                    shared.filled.notify_one();
                }
                recorded(this.wait, done)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                ready!(leaf::poll_budget_of(&*self, cx));
                let this = self.get_mut();
                let shared = shared(&$shared, $name, $write)?;
                let (place, flushing) = (&mut this.place, &mut this.flushing);
                let done = shared.poll(place, cx, |state| state.flush(flushing));
                recorded(this.wait, done)
            }

            /// Flushes; the process's streams stay open.
            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_flush(cx)
            }
        }

        impl Drop for $handle {
            /// A write that was given up waits for nothing any more.
            fn drop(&mut self) {
                if let (Some(_), Some(shared)) = (self.place, $shared.get()) {
                    let waker = shared.state.lock().waiting.remove(self.place);
                    foreign::discard(waker);
                }
            }
        }
    };
}

writer!(Stdout, STDOUT, "filch-stdout", write_stdout);
writer!(Stderr, STDERR, "filch-stderr", write_stderr);

fn recorded<R>(wait: Wait, done: Poll<R>) -> Poll<R> {
    if done.is_pending() {
        leaf::record(wait);
    }
    done
}

/// What tasks and the writing thread share.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Told when the queue is no longer empty.
    filled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    queue: Vec<u8>,
    /// Bytes ever queued, and ever written (or lost to an error).
    queued: u64,
    written: u64,
    failed: Option<io::Error>,
    waiting: Waiting,
}

/// The one of `place`, with its thread running.
fn shared(
    place: &'static OnceLock<Shared>,
    name: &str,
    write: fn(&[u8]) -> io::Result<()>,
) -> io::Result<&'static Shared> {
    let shared = place.get_or_init(Shared::default);
    let mut state = shared.state.lock();
    if !state.started {
        thread::Builder::new()
            .name(name.into())
            .spawn(move || shared.write(write))?;
        state.started = true;
    }
    Ok(shared)
}

impl Shared {
    /// Does `attempt` under the lock, or leaves the waker in the handle's place.
    fn poll<R>(
        &self,
        place: &mut Place,
        cx: &Context<'_>,
        mut attempt: impl FnMut(&mut State) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        {
            let mut state = self.state.lock();
            let done = attempt(&mut state);
            if done.is_ready() || state.waiting.knows(*place, cx.waker()) {
                return done;
            }
        }
        // Cloned outside the lock: a waker is code of others.
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        let done = attempt(&mut state);
        let unused = match done {
            Poll::Ready(_) => Some(waker),
            Poll::Pending => state.waiting.put(place, waker),
        };
        drop(state);
        foreign::discard(unused);
        done
    }

    /// The thread: takes everything that is queued, writes it, and says so.
    fn write(&self, write: fn(&[u8]) -> io::Result<()>) {
        let mut taken = Vec::new();
        loop {
            self.take(&mut taken);
            let result = write(&taken);
            let woken = self.state.lock().finish(taken.len(), result);
            taken.clear();
            foreign::wake_batch(woken);
        }
    }

    fn take(&self, taken: &mut Vec<u8>) {
        let mut state = self.state.lock();
        while state.queue.is_empty() {
            self.filled.wait(&mut state);
        }
        std::mem::swap(&mut state.queue, taken);
    }
}

impl State {
    fn write(&mut self, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(error));
        }
        let room = QUEUE - self.queue.len();
        if room == 0 && !buf.is_empty() {
            return Poll::Pending;
        }
        let count = buf.len().min(room);
        self.queue.extend_from_slice(&buf[..count]);
        self.queued += count as u64;
        Poll::Ready(Ok(count))
    }

    /// Ready once what was queued when the flush began is written.
    fn flush(&mut self, flushing: &mut Option<u64>) -> Poll<io::Result<()>> {
        if let Some(error) = self.failed.take() {
            *flushing = None;
            return Poll::Ready(Err(error));
        }
        if self.written < *flushing.get_or_insert(self.queued) {
            return Poll::Pending;
        }
        *flushing = None;
        Poll::Ready(Ok(()))
    }

    fn finish(
        &mut self,
        count: usize,
        result: io::Result<()>,
    ) -> impl Iterator<Item = Waker> + use<> {
        self.written += count as u64;
        if let Err(error) = result {
            self.failed = Some(error);
        }
        self.waiting.take()
    }
}
