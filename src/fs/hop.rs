//! One call on a file, made by a thread of `spawn_blocking`: what all futures of this module are made of.
//!
//! An operation that is dropped before its call has begun takes it back; one that has begun goes on to its end, and a
//! runtime's end waits for it. So nothing is done by halves because somebody has gone.

use crate::known::Known;
use filch_executor::leaf::{self, Said, Wait, WaitKind};
use filch_executor::{Handle, JoinError, JoinHandle};
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{RefUnwindSafe, UnwindSafe, resume_unwind};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

type Call<T> = Box<dyn FnOnce() -> io::Result<T> + Send + Sync>;

/// The future of most functions of [`fs`](crate::fs).
#[must_use = "futures do nothing unless awaited"]
pub struct Operation<T> {
    state: State<T>,
    verb: &'static str,
    path: Arc<Path>,
    known: Option<Known>,
    wait: Wait,
    said: Said,
}

enum State<T> {
    /// Not begun: a look that never waits, if there is one, and the call.
    New(Option<Call<Option<T>>>, Call<T>),
    Running(Running<T>),
    Over,
}

/// A call on a thread. If it has not begun when this is dropped, it never will.
pub(super) struct Running<T>(Option<JoinHandle<io::Result<T>>>);

impl<T: Send + 'static> Running<T> {
    /// # Errors
    /// One that says so outside of a runtime.
    pub(super) fn start(
        call: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<Running<T>> {
        Ok(Running(Some(Handle::try_current()?.spawn_blocking(call))))
    }

    /// What the call has returned. Its panic goes on here.
    pub(super) fn poll(&mut self, wait: Wait, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Some(handle) = &mut self.0 else {
            return Poll::Pending;
        };
        if !handle.is_finished() {
            // The first record of a poll stays: this says more than the handle's own.
            leaf::record(wait);
        }
        match ready!(Pin::new(handle).poll(cx)) {
            Ok(done) => Poll::Ready(done),
            Err(error) => Poll::Ready(Err(cancelled(error))),
        }
    }

    /// It is made, whoever waits.
    pub(super) fn detach(mut self) {
        self.0 = None;
    }
}

fn cancelled(error: JoinError) -> io::Error {
    match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => io::Error::other("the runtime has ended before a thread was free for this file"),
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.abort();
        }
    }
}

impl<T> Unpin for Operation<T> {}
// The calls are lent to nobody, and run once.
impl<T> UnwindSafe for Operation<T> {}
impl<T> RefUnwindSafe for Operation<T> {}

impl<T> fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operation({} {})", self.verb, self.path.display())
    }
}

impl<T: Send + 'static> Operation<T> {
    /// What is done with the path, which a dump shows, and how.
    #[track_caller]
    pub(super) fn new(
        verb: &'static str,
        path: impl AsRef<Path>,
        call: impl FnOnce(&Path) -> io::Result<T> + Send + Sync + 'static,
    ) -> Operation<T> {
        let path: Arc<Path> = path.as_ref().into();
        let theirs = Arc::clone(&path);
        Operation {
            state: State::New(None, Box::new(move || call(&theirs))),
            verb,
            path,
            known: None,
            wait: Wait::here(WaitKind::File),
            said: Said::new(),
        }
    }

    /// First a look that never waits, on this thread: only if it has no answer, the call is made.
    #[cfg(target_os = "linux")]
    pub(super) fn looking(
        mut self,
        look: impl FnOnce(&Path) -> io::Result<Option<T>> + Send + Sync + 'static,
    ) -> Operation<T> {
        let path = Arc::clone(&self.path);
        if let State::New(first, _) = &mut self.state {
            *first = Some(Box::new(move || look(&path)));
        }
        self
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::New(look, call) => {
                    if let Some(seen) = look.map_or(Ok(None), |look| look())? {
                        return Poll::Ready(Ok(seen));
                    }
                    self.state = State::Running(Running::start(call)?);
                }
                State::Running(mut running) => {
                    let text = || format!("{} {}", self.verb, self.path.display());
                    let known = self.known.get_or_insert_with(|| Known::file(&text()));
                    let done = running.poll(self.wait.with_resource(known.number()), cx);
                    if done.is_pending() {
                        self.state = State::Running(running);
                    }
                    return done;
                }
                State::Over => {
                    let text = "polled again after it was ready";
                    return Poll::Ready(Err(io::Error::other(text)));
                }
            }
        }
    }
}

impl<T: Send + 'static> Future for Operation<T> {
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = self.get_mut();
        let done = this.advance(cx);
        this.said.keep(this.wait, &done);
        if done.is_ready() {
            this.known = None;
        }
        done
    }
}

impl<T: Send + 'static> FusedFuture for Operation<T> {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Over)
    }
}
