//! Standard input.
//!
//! A terminal cannot be put into non-blocking mode without changing it for every other program, so a read blocks a
//! thread. That thread belongs to the process, like standard input itself, and is detached: no runtime waits for it,
//! and a program can end while nobody presses a key. It reads only when a task wants to: [`Shared`] is the place where
//! wishes and bytes meet.

use crate::io::waiting::{Place, Waiting};
use crate::sys::wait::{Until, patiently};
use filch_executor::foreign;
use filch_executor::leaf::{self, Wait, WaitKind};
use futures_io::AsyncRead;
use parking_lot::{Condvar, Mutex};
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker, ready};
use std::thread;

/// How much the thread reads at a time, in bytes.
const BUFFER: usize = 8 * 1024;

/// The process's standard input, to be read by tasks. Wrap it in a
/// [`BufReader`](crate::io::BufReader) for lines.
///
/// Reads block a detached thread that all handles share; it is started by the first read. A runtime's shutdown does not
/// wait for it. What that thread has read and no task has taken stays for the next reader, of whichever handle and
/// runtime; `std::io::stdin` does not see it. Another program that shares the terminal or pipe may have put it into
/// non-blocking mode: reads wait all the same.
///
/// ```no_run
/// use filch::io::{AsyncBufReadExt, BufReader};
///
/// # filch::run(async {
/// let mut line = String::new();
/// BufReader::new(filch::io::stdin()).read_line(&mut line).await?;
/// # std::io::Result::Ok(()) });
/// ```
#[track_caller]
#[must_use]
pub fn stdin() -> Stdin {
    Stdin {
        wait: Wait::here(WaitKind::Read),
        place: None,
    }
}

/// The future reads of [`stdin`]. Cancel safe: a dropped read loses nothing.
#[derive(Debug)]
pub struct Stdin {
    wait: Wait,
    place: Place,
}

impl AsyncRead for Stdin {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = self.get_mut();
        let shared = shared()?;
        let done = shared.poll_take(&mut this.place, cx.waker(), buf);
        if done.is_pending() {
            shared.wanted.notify_one();
            leaf::record(this.wait);
        }
        done
    }
}

impl Drop for Stdin {
    /// A read that was given up wants nothing any more.
    fn drop(&mut self) {
        if let (Some(_), Some(shared)) = (self.place, SHARED.get()) {
            let waker = shared.state.lock().waiting.remove(self.place);
            foreign::discard(waker);
        }
    }
}

/// Standard input is one for the whole process, and so is its reader.
static SHARED: OnceLock<Shared> = OnceLock::new();

/// What tasks and the reading thread share.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Told when somebody waits.
    wanted: Condvar,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    /// What was read; `bytes[taken..]` is still to be taken.
    bytes: Vec<u8>,
    taken: usize,
    /// How the last read ended, if not with bytes.
    ended: Option<io::Result<()>>,
    waiting: Waiting,
}

/// The process's one, with its thread running.
fn shared() -> io::Result<&'static Shared> {
    let shared = SHARED.get_or_init(Shared::default);
    let mut state = shared.state.lock();
    if !state.started {
        thread::Builder::new()
            .name("filch-stdin".into())
            .spawn(|| shared.read())?;
        state.started = true;
    }
    Ok(shared)
}

impl Shared {
    /// The thread: reads once for all who wait, then waits for the next wish.
    fn read(&self) {
        let mut buffer = vec![0; BUFFER];
        loop {
            self.wait_for_a_wish();
            let result = read_some(&mut buffer);
            let woken = self.state.lock().put(result, &buffer);
            foreign::wake_batch(woken);
        }
    }

    /// Takes what is there, or leaves the waker in the handle's place.
    fn poll_take(
        &self,
        place: &mut Place,
        waker: &Waker,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        {
            let mut state = self.state.lock();
            let done = state.take(buf);
            if done.is_ready() || state.waiting.knows(*place, waker) {
                return done;
            }
        }
        // Cloned outside the lock: a waker is code of others.
        let waker = waker.clone();
        let mut state = self.state.lock();
        let done = state.take(buf);
        let unused = match done {
            Poll::Ready(_) => Some(waker),
            Poll::Pending => state.waiting.put(place, waker),
        };
        drop(state);
        foreign::discard(unused);
        done
    }

    fn wait_for_a_wish(&self) {
        let mut state = self.state.lock();
        while state.waiting.is_empty() {
            self.wanted.wait(&mut state);
        }
    }
}

fn read_some(buffer: &mut [u8]) -> io::Result<usize> {
    patiently(&mut io::stdin(), Until::Readable, |stdin| {
        stdin.read(buffer)
    })
}

impl State {
    fn take(&mut self, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let left = &self.bytes[self.taken..];
        if !left.is_empty() || buf.is_empty() {
            let count = left.len().min(buf.len());
            buf[..count].copy_from_slice(&left[..count]);
            self.taken += count;
            return Poll::Ready(Ok(count));
        }
        match self.ended.take() {
            Some(ended) => Poll::Ready(ended.map(|()| 0)),
            None => Poll::Pending,
        }
    }

    fn put(
        &mut self,
        result: io::Result<usize>,
        buffer: &[u8],
    ) -> impl Iterator<Item = Waker> + use<> {
        self.bytes.clear();
        self.taken = 0;
        match result {
            Ok(0) => self.ended = Some(Ok(())),
            Ok(count) => self.bytes.extend_from_slice(&buffer[..count]),
            Err(error) => self.ended = Some(Err(error)),
        }
        self.waiting.take()
    }
}
