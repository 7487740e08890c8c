//! The loop itself, how it begins and how it ends.

use crate::seats::core::Core;
use crate::seats::remotes::Remote;
use crate::seats::shared::Shared;
use crate::sys;
use crate::sys::standard_error::say;
use filch_timer::Instant;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, fence};
use std::task::Waker;

/// Why a worker's loop ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The runtime shuts down and no task is left.
    Drained,
    /// A caller of `run` wants the seat.
    Wanted,
    /// The seat is a spare one that is not needed any more.
    Retired,
    /// What this worker was to wait for has happened.
    Stopped,
}

/// A thread at work on a seat.
pub(crate) struct Worker<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) core: &'a Core,
    pub(super) remote: &'a Remote,
    /// Ends the loop when set; whoever sets it unparks the worker.
    pub(super) stop: Option<&'a AtomicBool>,
    /// When it is to be awake whatever happens.
    pub(crate) wake_at: Option<Instant>,
    /// Counted in `Idle` as searching.
    pub(super) searching: bool,
    /// Wakers on their way from the reactor and the wheel, kept for its capacity.
    pub(super) woken: Vec<Waker>,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(
        shared: &'a Arc<Shared>,
        core: &'a Core,
        stop: Option<&'a AtomicBool>,
    ) -> Worker<'a> {
        let remote = &shared.remotes[core.index];
        Worker {
            shared,
            core,
            remote,
            stop,
            wake_at: None,
            searching: false,
            woken: Vec::new(),
        }
    }

    /// Works until there is a reason to end. The caller has entered the runtime's context.
    pub(crate) fn run(&mut self) -> Exit {
        let bomb = AbortOnUnwind;
        self.remote.thread.store(sys::thread_number(), Relaxed);
        self.remote.held.store(true, Relaxed);
        self.shared.leave_rest();
        self.core.stopwatch.pause(&self.remote.pace);
        self.shared.leave_idle();
        let exit = self.work();
        std::mem::forget(bomb);
        self.give_up_seat();
        fence(SeqCst); // [gone], pairs with [ending]
        self.shared.task_gone();
        exit
    }

    fn work(&mut self) -> Exit {
        loop {
            if self.is_stopped() {
                return Exit::Stopped;
            }
            if self.upkeep_if_due() {
                if let Some(exit) = self.is_asked_to_leave() {
                    return exit;
                }
            }
            if self.core.lane_first.take() && self.run_from_lane() {
                continue;
            }
            let mut next = self.next_task();
            if next.is_none() {
                if self.run_from_lane() {
                    continue;
                }
                next = self.search().or_else(|| self.linger());
            }
            if let Some(task) = next {
                self.run_task(task);
            } else if let Some(exit) = self.should_exit() {
                return exit;
            } else {
                self.sleep();
            }
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Acquire))
    }

    pub(super) fn should_exit(&self) -> Option<Exit> {
        if self.shared.is_shut_down() && self.shared.registry.is_empty() {
            return Some(Exit::Drained);
        }
        self.is_asked_to_leave()
    }

    /// Whether a caller of `run` waits for this worker's seat, or the seat is a spare one that has to
    /// be given up. A caller of `run` is not asked.
    fn is_asked_to_leave(&self) -> Option<Exit> {
        if self.core.index >= self.shared.remotes.first_spare() {
            return self.remote.retire.load(Relaxed).then_some(Exit::Retired);
        }
        let wanted = self.stop.is_none() && self.shared.seats.is_wanted();
        wanted.then_some(Exit::Wanted)
    }

    /// Before the seat changes hands: nothing of it may wait for this thread.
    fn give_up_seat(&mut self) {
        self.remote.watch.rest();
        if std::mem::take(&mut self.searching) {
            self.shared.idle.stop_searching();
        }
        if let Some(task) = self.remote.slot.take() {
            self.shared.injector.push(task);
        }
        while let Some(task) = self.core.queue.pop() {
            self.shared.injector.push(task);
        }
        self.remote.left.fetch_add(1, Relaxed);
        self.remote.held.store(false, Release);
        // Another worker takes over what waits, and perhaps the poller; the wheel is the
        // backstop's until the seat is held again.
        self.shared.notify_poller();
        self.shared.wake_backstop();
    }
}

/// Users' panics are caught at a task's edge: one that comes up to a worker's loop is a broken
/// invariant of ours, and going on would lose tasks without a word.
pub(crate) struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        say(format_args!(
            "filch: a runtime thread panicked outside of any task; this is a bug in filch"
        ));
        std::process::abort();
    }
}
