//! A thread visits a runtime: what runs on it finds that runtime, and nothing else changes.
//!
//! Unlike [`Entered`](super::scope::Entered), whose place is the stack of a function of ours, a visit is in users'
//! hands. They may forget it, or drop it in a wrong order, or inside of what was entered since. So it owns the runtime
//! that the context points to. It ends only if its frame is the thread's innermost; else it leaves the context as it
//! is, and what it owns, as others may point to it, is kept for ever.

use crate::seats::context::{self, Context, Frame, Role};
use crate::seats::core::Core;
use crate::seats::guests::GuestSeat;
use crate::seats::shared::Shared;
use std::ptr;
use std::sync::Arc;
use std::thread;

#[derive(Debug)]
pub(crate) struct Visit {
    /// Owned; kept for ever if it is not the innermost at the end.
    frame: *mut Frame,
    /// The runtime that is visited, of which a count is owned.
    visited: *const Shared,
    // What the context had before.
    shared: *const Shared,
    core: *const Core,
    guest: *const GuestSeat,
}

impl Visit {
    pub(crate) fn start(shared: Arc<Shared>) -> Visit {
        context::with(|context| Visit::begin(context, Arc::into_raw(shared)))
    }

    /// The thread is still in the poll or closure that it is in, and must not block where it must not. But a seat and a
    /// queue that it has are another runtime's, so what it wakes goes there as from outside.
    fn begin(context: &Context, visited: *const Shared) -> Visit {
        let frame = Box::into_raw(Box::new(Frame {
            // Whoever visits a runtime does not belong to it.
            shared: ptr::null(),
            role: Role::Visitor,
            outer: context.frame.get(),
        }));
        context.frame.set(frame);
        let shared = context.shared.replace(visited);
        let (core, guest) = (context.core.get(), context.guest.get());
        if !ptr::eq(shared, visited) {
            context.core.set(ptr::null());
            context.guest.set(ptr::null());
        }
        Visit {
            frame,
            visited,
            shared,
            core,
            guest,
        }
    }

    /// Goes back to what was before. `false`: it is not the innermost, and nothing has changed.
    fn end(&self, context: &Context) -> bool {
        if !ptr::eq(context.frame.get(), self.frame) {
            return false;
        }
        // SAFETY: it came from a box, this is its one owner, and here it is taken out of the list.
        let frame = unsafe { Box::from_raw(self.frame) };
        context.frame.set(frame.outer);
        context.shared.set(self.shared);
        context.core.set(self.core);
        context.guest.set(self.guest);
        true
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if context::with(|context| self.end(context)) {
            // SAFETY: it came from `Arc::into_raw`, and the context no longer points to it.
            drop(unsafe { Arc::from_raw(self.visited) });
        } else if !thread::panicking() {
            panic!(
                "guards of `Handle::enter` were dropped in another order than the reverse of entering, or inside a \
                 task or `block_on` that was entered later. Keep each in a variable of its own, and not across an \
                 `.await`"
            );
        }
    }
}
