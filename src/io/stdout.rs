//! Standard output and standard error.
//!
//! Written by one detached thread each, for the reason that `stdin` gives: a terminal or a pipe that nobody
//! reads blocks, and neither a worker nor a runtime's end may wait for that. What tasks write goes into a bounded
//! queue in the order of the writes; flushing waits until the thread has written it.

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
/// of the system is returned by the next write or flush.
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
    }
}

/// The process's standard error; like [`stdout`] in everything else.
#[track_caller]
#[must_use]
pub fn stderr() -> Stderr {
    Stderr {
        wait: Wait::here(WaitKind::Write),
        flushing: None,
    }
}

/// A handle of [`stdout`]. Cancel safe: a dropped write has queued nothing.
#[derive(Debug)]
pub struct Stdout {
    wait: Wait,
    /// How far a flush that has begun must get.
    flushing: Option<u64>,
}

/// A handle of [`stderr`]. Cancel safe: a dropped write has queued nothing.
#[derive(Debug)]
pub struct Stderr {
    wait: Wait,
    /// How far a flush that has begun must get.
    flushing: Option<u64>,
}

// Standard output and error are one each for the whole process, and so are their writers.
static STDOUT: OnceLock<Shared> = OnceLock::new();
static STDERR: OnceLock<Shared> = OnceLock::new();

fn write_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

fn write_stderr(bytes: &[u8]) -> io::Result<()> {
    io::stderr().lock().write_all(bytes)
}

macro_rules! writer {
    ($handle:ident, $shared:ident, $name:literal, $write:ident) => {
        impl AsyncWrite for $handle {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                ready!(leaf::poll_budget(cx));
                let shared = shared(&$shared, $name, $write)?;
                // A flush that was given up does not count for what is written after it.
                self.flushing = None;
                recorded(self.wait, shared.poll_write(cx, buf))
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                ready!(leaf::poll_budget(cx));
                let shared = shared(&$shared, $name, $write)?;
                recorded(self.wait, shared.poll_flush(cx, &mut self.flushing))
            }

            /// Flushes; the process's streams stay open.
            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_flush(cx)
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
    waiting: Vec<Waker>,
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
    fn poll_write(&self, cx: &Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state.lock();
        if let Some(error) = state.failed.take() {
            return Poll::Ready(Err(error));
        }
        let room = QUEUE - state.queue.len();
        if room == 0 && !buf.is_empty() {
            state.wait(cx);
            return Poll::Pending;
        }
        let count = buf.len().min(room);
        state.queue.extend_from_slice(&buf[..count]);
        state.queued += count as u64;
        drop(state);
        self.filled.notify_one();
        Poll::Ready(Ok(count))
    }

    /// Waits until what was queued when the flush began is written.
    fn poll_flush(&self, cx: &Context<'_>, flushing: &mut Option<u64>) -> Poll<io::Result<()>> {
        let mut state = self.state.lock();
        if let Some(error) = state.failed.take() {
            *flushing = None;
            return Poll::Ready(Err(error));
        }
        if state.written < *flushing.get_or_insert(state.queued) {
            state.wait(cx);
            return Poll::Pending;
        }
        *flushing = None;
        Poll::Ready(Ok(()))
    }

    /// The thread: takes everything that is queued, writes it, and says so.
    fn write(&self, write: fn(&[u8]) -> io::Result<()>) {
        let mut taken = Vec::new();
        loop {
            self.take(&mut taken);
            let result = write(&taken);
            let woken = self.state.lock().finish(taken.len(), result);
            taken.clear();
            woken.into_iter().for_each(Waker::wake);
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
    fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }

    fn finish(&mut self, count: usize, result: io::Result<()>) -> Vec<Waker> {
        self.written += count as u64;
        if let Err(error) = result {
            self.failed = Some(error);
        }
        std::mem::take(&mut self.waiting)
    }
}
