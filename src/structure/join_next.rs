//! The futures of a [`JoinSet`].

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use filch_executor::leaf::{Said, Wait};
use filch_executor::{JoinError, TaskId};
use futures_core::FusedFuture;

use super::join_set::JoinSet;
use crate::exclusive::Exclusive;

/// Says what its caller's line waits for, until it is over.
struct Caller {
    wait: Wait,
    said: Said,
    over: bool,
}

impl Caller {
    fn new(wait: Wait) -> Caller {
        Caller {
            wait,
            said: Said::new(),
            over: false,
        }
    }

    /// The next outcome; `None` when the set is empty.
    fn poll_next<T: 'static>(
        &mut self,
        set: &mut JoinSet<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(TaskId, T), JoinError>>> {
        assert!(!self.over, "it is polled after its end");
        let next = set.poll_next_for(self.wait, cx);
        self.said.keep(self.wait, &next);
        next
    }
}

/// Future of [`JoinSet::join_next`].
#[must_use = "futures do nothing unless awaited"]
pub struct JoinNext<'a, T> {
    set: &'a mut JoinSet<T>,
    caller: Caller,
}

impl<'a, T> JoinNext<'a, T> {
    pub(super) fn new(set: &'a mut JoinSet<T>, wait: Wait) -> JoinNext<'a, T> {
        JoinNext {
            set,
            caller: Caller::new(wait),
        }
    }
}

impl<T: 'static> Future for JoinNext<'_, T> {
    type Output = Option<Result<T, JoinError>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let outcome = ready!(this.caller.poll_next(this.set, cx));
        this.caller.over = true;
        Poll::Ready(outcome.map(|outcome| outcome.map(|(_, output)| output)))
    }
}

impl<T: 'static> FusedFuture for JoinNext<'_, T> {
    fn is_terminated(&self) -> bool {
        self.caller.over
    }
}

impl<T> fmt::Debug for JoinNext<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinNext").finish_non_exhaustive()
    }
}

/// Future of [`JoinSet::join_next_with_id`].
#[must_use = "futures do nothing unless awaited"]
pub struct JoinNextWithId<'a, T> {
    set: &'a mut JoinSet<T>,
    caller: Caller,
}

impl<'a, T> JoinNextWithId<'a, T> {
    pub(super) fn new(set: &'a mut JoinSet<T>, wait: Wait) -> JoinNextWithId<'a, T> {
        JoinNextWithId {
            set,
            caller: Caller::new(wait),
        }
    }
}

impl<T: 'static> Future for JoinNextWithId<'_, T> {
    type Output = Option<Result<(TaskId, T), JoinError>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let outcome = ready!(this.caller.poll_next(this.set, cx));
        this.caller.over = true;
        Poll::Ready(outcome)
    }
}

impl<T: 'static> FusedFuture for JoinNextWithId<'_, T> {
    fn is_terminated(&self) -> bool {
        self.caller.over
    }
}

impl<T> fmt::Debug for JoinNextWithId<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinNextWithId").finish_non_exhaustive()
    }
}

/// Future of [`JoinSet::join_all`].
#[must_use = "futures do nothing unless awaited"]
pub struct JoinAll<T> {
    set: JoinSet<T>,
    outputs: Exclusive<Vec<T>>,
    caller: Caller,
}

impl<T> JoinAll<T> {
    pub(super) fn new(set: JoinSet<T>, wait: Wait) -> JoinAll<T> {
        JoinAll {
            outputs: Exclusive::new(Vec::with_capacity(set.len())),
            set,
            caller: Caller::new(wait),
        }
    }
}

// No output is pinned.
impl<T> Unpin for JoinAll<T> {}

impl<T: 'static> Future for JoinAll<T> {
    type Output = Vec<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        while let Some(outcome) = ready!(this.caller.poll_next(&mut this.set, cx)) {
            match outcome.map_err(JoinError::try_into_panic) {
                Ok((_, output)) => this.outputs.get_mut().push(output),
                Err(Ok(panic)) => resume_unwind(panic),
                Err(Err(error)) => panic!("a task of the JoinSet has no output: {error}"),
            }
        }
        this.caller.over = true;
        Poll::Ready(mem::take(this.outputs.get_mut()))
    }
}

impl<T: 'static> FusedFuture for JoinAll<T> {
    fn is_terminated(&self) -> bool {
        self.caller.over
    }
}

impl<T> fmt::Debug for JoinAll<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinAll").finish_non_exhaustive()
    }
}

/// Future of [`JoinSet::shutdown`].
#[must_use = "futures do nothing unless awaited"]
pub struct Shutdown<'a, T> {
    set: &'a mut JoinSet<T>,
    begun: bool,
    caller: Caller,
}

impl<'a, T> Shutdown<'a, T> {
    pub(super) fn new(set: &'a mut JoinSet<T>, wait: Wait) -> Shutdown<'a, T> {
        Shutdown {
            set,
            begun: false,
            caller: Caller::new(wait),
        }
    }
}

impl<T: 'static> Future for Shutdown<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if !mem::replace(&mut this.begun, true) {
            this.set.abort_all_at(this.caller.wait.at);
        }
        while ready!(this.caller.poll_next(this.set, cx)).is_some() {}
        this.caller.over = true;
        Poll::Ready(())
    }
}

impl<T: 'static> FusedFuture for Shutdown<'_, T> {
    fn is_terminated(&self) -> bool {
        self.caller.over
    }
}

impl<T> fmt::Debug for Shutdown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").finish_non_exhaustive()
    }
}
