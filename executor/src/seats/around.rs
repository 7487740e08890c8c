//! What the code of a task finds around it where it is not polled, and who is the nearest to wait for what it drops.

use crate::foreign::discard;
use crate::seats::context::with;
use crate::seats::open::Open;
use crate::task::locals::Node;
use crate::task::remains::Remainder;
use crate::task::{AtEnd, Cancelled, Header, Remains, Surroundings, unreported};
use std::ptr;

/// The code of a task where it is not polled: the drop of its future or output, by whoever comes to do that.
#[derive(Debug)]
pub(crate) struct Around;

impl Surroundings for Around {
    unsafe fn within<R>(task: &Header, f: impl FnOnce() -> R) -> R {
        // SAFETY: the caller's promise.
        let locals = unsafe { task.extras.innermost() };
        let _inside = Inside::of(task, locals, ptr::null());
        f()
    }

    unsafe fn at_end<R>(task: &Header, f: impl FnOnce() -> R) -> R {
        let outer = with(|context| context.ending.replace(task));
        let result = f();
        with(|context| context.ending.set(outer));
        result
    }

    unsafe fn apart<R>(task: &Header, f: impl FnOnce() -> R) -> R {
        let open = Open::default();
        // SAFETY: the caller's promise.
        let locals = unsafe { task.extras.innermost() };
        let inside = Inside::of(task, locals, &raw const open);
        let result = f();
        drop(inside);
        open.list.take().into_iter().for_each(hand_over);
        result
    }

    fn hand_on(remainder: Remainder) {
        remainder.list.take().into_iter().for_each(hand_over);
    }
}

/// While it lives, a task is the current one where another one may be, which comes back.
struct Inside {
    task: *const Header,
    locals: *const Node,
    open: *const Open,
}

impl Inside {
    fn of(task: *const Header, locals: *const Node, open: *const Open) -> Inside {
        with(|context| Inside {
            task: context.task.replace(task),
            locals: context.swap_locals(locals),
            open: context.open.replace(open),
        })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        with(|context| {
            context.task.set(self.task);
            context.swap_locals(self.locals);
            context.open.set(self.open);
        });
    }
}

/// While it lives, a drain is the nearest one on this thread.
pub(crate) struct Opened(*const Open);

impl Opened {
    /// # Safety
    /// The drain stays where it is until this is dropped.
    #[inline]
    pub(crate) unsafe fn new(open: &Open) -> Opened {
        Opened(with(|context| context.open.replace(open)))
    }
}

impl Drop for Opened {
    #[inline]
    fn drop(&mut self) {
        with(|context| context.open.set(self.0));
    }
}

/// Gives remains to the nearest drain: one that is open on this thread, or else the current task. Where there is
/// neither, nobody waits: tasks among them are still their runtime's, whose end waits for those.
pub(crate) fn hand_over(part: Box<dyn Remains>) {
    let (open, task) = with(|context| (context.open.get(), context.task.get()));
    // SAFETY: `Opened` and `Inside` keep what they point to. Whoever set the task runs it or drops its future, and has
    // its stage; who drops an output has opened a drain.
    unsafe {
        if let Some(open) = open.as_ref() {
            open.list.push(part, |failure| unreported(&failure));
        } else if let Some(task) = task.as_ref() {
            let remainder = task.extras.make_remainder();
            remainder.list.push(part, |failure| unreported(&failure));
        } else {
            discard(part);
        }
    }
}

/// Drops a value when the current task, whose future is being dropped, has ended with all that it left behind: at once,
/// if it left nothing.
pub(crate) fn at_end_of_task<L: AtEnd + 'static>(last: L) {
    let task = with(|context| context.task.get());
    // SAFETY: as in `hand_over`.
    match unsafe { task.as_ref().and_then(|task| task.extras.remainder()) } {
        Some(remainder) => remainder.push_at_end(Box::new(last)),
        None => drop(last),
    }
}

/// Cancels the nearest thing that can be: the group's body that is polled here, or else the current task. It is dropped
/// when its poll has returned. `false`: there is neither.
#[cold]
pub(crate) fn cancel_nearest(cancelled: Cancelled) -> bool {
    with(|context| {
        let (open, task) = (context.open.get(), context.task());
        // SAFETY: as in `hand_over`.
        match (unsafe { open.as_ref() }, task) {
            (Some(open), _) if open.is_scope => {
                let first = open.cancelled.take().unwrap_or(cancelled);
                open.cancelled.set(Some(first));
                true
            }
            (None, Some(task)) => {
                let _ = task.extras.get_or_make().cancelled.set(cancelled);
                // It is RUNNING here, so whoever runs it sees to the rest.
                let _ = task.state.abort();
                true
            }
            _ => false,
        }
    })
}

/// Who cancels what, if it is done here.
pub(crate) fn by_current(at: &'static std::panic::Location<'static>) -> Cancelled {
    let by = with(|context| context.task().map(|task| task.id));
    Cancelled::new(by, at, None)
}
