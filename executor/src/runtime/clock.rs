//! A runtime's clock in the hands of a program: for tests, which have no time to wait.

use crate::leaf::{Said, Wait, WaitKind};
use crate::runtime::handle::Handle;
use crate::seats::shared::Shared;
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Stops this runtime's clock. See `filch::time::pause`.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn pause() {
    Handle::current().shared().pause_clock();
}

/// Lets a paused clock go on from where it stands. See `filch::time::resume`.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn resume() {
    Handle::current().shared().resume_clock();
}

/// Moves a paused clock on by `duration`. See `filch::time::advance`.
///
/// # Panics
/// Outside a runtime; and if the clock is not paused, at the first poll.
#[track_caller]
pub fn advance(duration: Duration) -> Advance {
    Advance {
        runtime: Handle::current(),
        state: State::Ahead(duration),
        said: Said::new(),
        at: Location::caller(),
    }
}

/// Keeps this runtime's clock from moving by itself. See `filch::time::hold`.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn hold() -> Hold {
    Handle::current().hold_clock()
}

impl Handle {
    /// Keeps the runtime's clock from moving by itself while it is paused; see `filch::time::hold`.
    pub fn hold_clock(&self) -> Hold {
        self.shared().pause.hold();
        Hold(self.clone())
    }
}

/// Keeps a paused clock from moving by itself, until it is dropped. See `filch::time::hold`.
#[must_use = "the clock is free again when the guard is dropped"]
pub struct Hold(Handle);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.shared().release_clock();
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}

/// The future of `filch::time::advance`.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Advance {
    runtime: Handle,
    state: State,
    said: Said,
    at: &'static Location<'static>,
}

#[derive(Debug)]
enum State {
    Ahead(Duration),
    /// The clock has moved. Somebody is at rest when there have been more rounds than so many.
    Moved(u64),
    Done,
}

impl Future for Advance {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = self.runtime.shared();
        let pause = &shared.pause;
        match self.state {
            State::Ahead(duration) => shared.advance_or_panic(duration, self.at),
            State::Moved(round) if pause.round() != round => {
                self.said = Said::new();
                self.state = State::Done;
                return Poll::Ready(());
            }
            State::Moved(_) => {}
            State::Done => return Poll::Ready(()),
        }
        let round = pause.settle(cx.waker().clone());
        // Who polls it need not be a worker.
        shared.wake_keeper();
        let (kind, resource, at) = (WaitKind::Sleep, 0, self.at);
        self.said.record(Wait { kind, resource, at });
        self.state = State::Moved(round);
        Poll::Pending
    }
}

impl FusedFuture for Advance {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Done)
    }
}

impl Shared {
    fn advance_or_panic(&self, duration: Duration, at: &Location<'_>) {
        assert!(
            self.advance_clock(duration),
            "the clock was to be advanced at {at}, but it is not paused: call `filch::time::pause()` before, or write \
             `#[filch::test(paused)]`"
        );
    }
}

impl fmt::Debug for Advance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advance")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
