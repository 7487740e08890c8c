//! What others may do with a task: look at its header, abort it, and, if they are its `JoinHandle`, await it.
//!
//! The registry, `JoinHandle` and `AbortHandle` hold [`TaskRef`]s. Whose the join waker's slot is, rule 4 says;
//! its other side is `complete` in `run.rs`.

use super::header::{Header, TaskRef, enqueue, release};
use crate::foreign::discard;
use crate::task::cancelled::Cancelled;
use crate::task::error::JoinError;
use crate::task::state::{Detach, Wake};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::Waker;

impl TaskRef {
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the reference keeps the header.
        unsafe { self.0.as_ref() }
    }

    /// Asks for cancellation at the task's next scheduling, and says who does. The first who says so is kept.
    #[cold]
    pub(crate) fn abort_by(&self, cancelled: Cancelled) {
        let header = self.header();
        let state = header.state.load();
        if !state.is_complete() && !state.is_draining() && !state.is_aborted() {
            let _ = header.extras.get_or_make().cancelled.set(cancelled);
        }
        self.abort();
    }

    /// An error of this task, which has none itself: of a child that its group has cancelled.
    pub(crate) fn error_of_cancel(&self, cancelled: Option<Cancelled>) -> JoinError {
        JoinError::of_cancel(self.header().who(), cancelled)
    }

    /// The same of a child whose panic its group has.
    pub(crate) fn error_of_panic(&self, message: Option<String>) -> JoinError {
        JoinError::copy_of_panic(self.header().who(), message)
    }

    /// Asks for cancellation at the task's next scheduling.
    pub(crate) fn abort(&self) {
        if self.header().state.abort() == Wake::Enqueue {
            // SAFETY: the transition said so.
            unsafe { enqueue(self.0) };
        }
    }

    /// As a raw pointer, for the registry's table; `from_raw` takes it back.
    pub(crate) fn into_raw(self) -> *mut Header {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// # Safety
    /// `raw` came from `into_raw`, and the reference that this makes is used up once.
    pub(crate) unsafe fn from_raw(raw: NonNull<Header>) -> TaskRef {
        TaskRef(raw)
    }

    /// Gives this reference to the code that completes the task, which counts on one.
    pub(crate) fn into_runtime(self) {
        let _ = ManuallyDrop::new(self);
    }

    /// The `JoinHandle`'s poll: stores the waker, or moves the output to `destination`.
    ///
    /// # Safety
    /// The caller is the task's one `JoinHandle`, has not taken the output before, and
    /// `destination` is a `*mut Result<T, JoinError>` of the task's output type, valid for writes.
    pub(crate) unsafe fn poll_join(&self, waker: &Waker, destination: *mut ()) -> bool {
        let header = self.header();
        if !header.state.load().is_complete() && self.store_join_waker(waker) {
            return false;
        }
        // SAFETY: the task is complete and the output is the JoinHandle's.
        unsafe { (header.vtable.take_output)(self.0, destination) };
        true
    }

    /// `false`: the task completed first.
    fn store_join_waker(&self, waker: &Waker) -> bool {
        let header = self.header();
        if header.state.load().has_join_waker() {
            let same = header.join_waker.with(|slot| {
                // SAFETY: rule 4: while JOIN_WAKER is set both sides may read the slot. If the task
                // completes meanwhile, its side moves the waker out without writing, and
                // `will_wake` compares two addresses that stay valid.
                unsafe { (*slot).assume_init_ref().will_wake(waker) }
            });
            if same {
                return !header.state.load().is_complete();
            }
            if !header.state.unset_join_waker() {
                return false;
            }
            // SAFETY: rule 4: with the bit unset, before COMPLETE, the slot is ours and full.
            unsafe { self.drop_join_waker() };
        }
        // If it panics, nothing waits.
        let waker = waker.clone();
        // SAFETY: rule 4: the bit is unset, so the slot is ours and empty.
        header.join_waker.with_mut(|slot| unsafe {
            (*slot).write(waker);
        });
        if header.state.set_join_waker() {
            return true;
        }
        // SAFETY: the bit stayed unset, so the slot is still ours and full.
        unsafe { self.drop_join_waker() };
        false
    }

    /// # Safety
    /// Rule 4 gives the caller the slot, which is full; afterwards it is empty.
    unsafe fn drop_join_waker(&self) {
        let slot = &self.header().join_waker;
        // SAFETY: the caller's promise.
        discard(slot.with(|slot| unsafe { (*slot).assume_init_read() }));
    }

    /// The `JoinHandle` goes away; `taken`: it has had the output.
    pub(crate) fn detach(self, taken: bool) {
        if taken {
            return;
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: the handle's reference keeps the header until the action says it is given up.
        unsafe {
            match this.header().state.detach() {
                Detach::Done => return,
                // Rule 4: the bit was unset before COMPLETE, so the slot is ours and full.
                Detach::DropWaker => this.drop_join_waker(),
                Detach::DropOutput => (this.header().vtable.drop_output)(this.0),
            }
            release(this.0);
        }
    }
}

impl Clone for TaskRef {
    fn clone(&self) -> TaskRef {
        self.header().state.add_ref();
        TaskRef(self.0)
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        // SAFETY: this reference ends here.
        unsafe { release(self.0) }
    }
}
