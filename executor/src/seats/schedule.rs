//! Where a task goes when it becomes runnable, and whom that wakes.
//!
//! ```text
//!  woken on a worker of its runtime ──▶ next-task slot ──displaced──▶ local queue ──full──▶ injector
//!  woken there by an I/O event ───────▶ local queue ──192 wait there──▶ injector
//!  spawned or yielded there ──────────▶ local queue
//!  on a thread in block_on ───────────▶ that thread's guest queue
//!  anywhere else, or woken in a long poll ──▶ injector
//! ```
//!
//! What is known to compute for long waits in the slow lane (`queues/lane.rs`): a worker that comes across it in one
//! of these queues puts it there.
//!
//! A worker wakes another only when at least two tasks wait here (the one it will run next by itself
//! is nobody else's business) and they will take this worker longer than a wake would: its polls so
//! far tell. A task that is left waiting behind a long poll by these rules is taken away by the
//! backstop thread.

use crate::queues::queue::LOCAL_LIMIT;
use crate::seats::context;
use crate::seats::core::Core;
use crate::seats::shared::{Shared, UnhandledPanic};
use crate::task::{self, Header, PanicListener, Runnable, Scheduler};
use std::any::Any;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;
use std::sync::{Arc, Weak};

/// The three functions by which tasks reach their runtime.
pub(crate) const SCHEDULER: Scheduler = Scheduler {
    schedule,
    complete,
    listener,
};

/// # Safety
/// `scheduler` is the first field of a `Shared` whose address came from `Arc::as_ptr`, and by rule
/// 5 of `task` it is alive as long as `task` is in our hands.
unsafe fn schedule(scheduler: NonNull<Scheduler>, task: Runnable) {
    let shared: *const Shared = scheduler.as_ptr().cast_const().cast();
    context::with(|context| {
        // A thread that works for this runtime keeps it alive by itself.
        if let Some(core) = context.core_of(shared) {
            // SAFETY: as above.
            return core.schedule_woken(unsafe { &*shared }, task);
        }
        // SAFETY: the task in our hands keeps the runtime until we publish it, so the count may
        // still be raised here; from then on the handle does.
        let shared = unsafe {
            Arc::increment_strong_count(shared);
            Arc::from_raw(shared)
        };
        shared.schedule_outside(task);
    });
}

/// # Safety
/// As `schedule`, with the task running in the caller's hands.
unsafe fn complete(scheduler: NonNull<Scheduler>, task: &Header) {
    // SAFETY: as above; the thread that completes a task works for its runtime.
    let shared = unsafe { scheduler.cast::<Shared>().as_ref() };
    context::with(|context| {
        context.leave_task(task);
        let core = context.core_of(shared);
        shared
            .registry
            .remove(core.map(|core| &core.kit.desk), task);
        if core.is_none() {
            fence(SeqCst); // [gone], pairs with [ending]
        }
    });
    shared.task_gone();
}

/// # Safety
/// As `complete`.
unsafe fn listener(scheduler: NonNull<Scheduler>) -> Weak<dyn PanicListener> {
    let shared: *const Shared = scheduler.as_ptr().cast_const().cast();
    // SAFETY: as above, so the count may be raised.
    let shared = unsafe {
        Arc::increment_strong_count(shared);
        Arc::from_raw(shared)
    };
    let weak: Weak<Shared> = Arc::downgrade(&shared);
    weak
}

impl PanicListener for Shared {
    fn unobserved_panic(&self, task: &Header, panic: &(dyn Any + Send)) {
        task::unobserved_panic(task, panic);
        match self.config.on_unhandled_panic {
            UnhandledPanic::Report => {}
            UnhandledPanic::ShutdownRuntime => self.fail(),
            UnhandledPanic::Abort => std::process::abort(),
        }
    }
}

impl Shared {
    /// A task became runnable on a thread that holds no seat of this runtime.
    pub(crate) fn schedule_outside(self: &Arc<Shared>, task: Runnable) {
        let lent = context::with(|context| match context.guest_of(Arc::as_ptr(self)) {
            Some(guest) if guest.queue.len() < LOCAL_LIMIT => {
                guest.queue.push(task);
                None
            }
            _ => Some(task),
        });
        match lent {
            Some(task) => self.schedule_unclaimed(task),
            None => {
                self.notify_one();
            }
        }
    }

    /// A task became runnable where no worker is going to look after it.
    pub(crate) fn schedule_unclaimed(&self, task: Runnable) {
        self.injector.push(task);
        self.notify_one();
    }
}

impl Core {
    /// A task was woken on this seat's thread.
    #[inline]
    pub(crate) fn schedule_woken(&self, shared: &Shared, task: Runnable) {
        if let Some(limit) = self.batch.get() {
            // Whoever wakes the batch is awake itself, so it needs no notice of what the injector gets.
            self.push_below(shared, limit, task);
            return;
        }
        if shared.config.local {
            return self.push(shared, task);
        }
        if shared.remotes[self.index].watch.mark().is_some() {
            return shared.schedule_unclaimed(task);
        }
        if let Some(displaced) = shared.remotes[self.index].slot.put(task) {
            self.push(shared, displaced);
        }
        self.notify_if_worth(shared);
    }

    /// A task was spawned on this seat's thread: tasks start in the order of their spawns.
    pub(crate) fn schedule_spawned(&self, shared: &Shared, task: Runnable) {
        match shared.remotes[self.index].watch.mark() {
            Some(mark) if !mark.may_be_corrected() => shared.schedule_unclaimed(task),
            // It may be one of thousands that this poll spawns, and will spawn before anybody has time for them.
            Some(_) => {
                self.push(shared, task);
                self.notify(shared);
            }
            None => {
                self.push(shared, task);
                self.notify_if_worth(shared);
            }
        }
    }

    /// Wakes a worker if one is idle and what waits here is worth it.
    pub(crate) fn notify_if_worth(&self, shared: &Shared) {
        if shared.config.local {
            return;
        }
        let remote = &shared.remotes[self.index];
        let waiting = self.queue.len() + usize::from(remote.slot.is_occupied());
        // A hint that nobody is idle is enough: this worker runs the tasks itself if need be, and
        // the backstop looks too. Only tasks without a worker need the fences of `idle`.
        if remote.pace.is_worth_help(waiting) && shared.has_help() {
            self.notify(shared);
        }
    }

    /// Puts a task at the tail of the local queue, or of the injector when that is full.
    #[inline]
    pub(crate) fn push(&self, shared: &Shared, task: Runnable) {
        if !self.push_below(shared, LOCAL_LIMIT, task) {
            self.notify(shared);
        }
    }

    /// The same, without a word to anybody, and with so many tasks as a full queue. Returns whether it was not full.
    #[inline]
    fn push_below(&self, shared: &Shared, limit: usize, task: Runnable) -> bool {
        let fits = self.queue.len() < limit || shared.config.local;
        if fits {
            self.queue.push(task);
        } else {
            self.spill(shared, task);
        }
        fits
    }

    #[cold]
    fn spill(&self, shared: &Shared, task: Runnable) {
        shared.injector.push(task);
        shared.remotes[self.index].counters.overflows.add(1);
    }

    #[cold]
    fn notify(&self, shared: &Shared) {
        if shared.notify_one() {
            shared.remotes[self.index].counters.wakes.add(1);
        }
    }
}
