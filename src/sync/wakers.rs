//! Waking, one waiter or several: always after the lock, several a few at a time.
//!
//! A waker is code of others and may panic. That ends here, as it does everywhere in the runtime: whoever wakes is
//! seldom whom the waker belongs to, has others to wake and a value to hand on, and is often inside a drop, where a
//! second panic would end the process. The panic hook has told of it.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// How many are woken per section of a lock: enough that taking the lock again costs little for each, few enough for
/// the stack.
const MOST: usize = 16;

/// Wakers on their way from under a lock.
pub(super) struct Wakers {
    list: [Option<Waker>; MOST],
    len: usize,
}

impl Wakers {
    fn new() -> Wakers {
        Wakers {
            list: [const { None }; MOST],
            len: 0,
        }
    }

    fn wake(&mut self) {
        let len = mem::take(&mut self.len);
        let wakers = self.list[..len].iter_mut().filter_map(Option::take);
        wakers.for_each(wake);
    }
}

/// Wakes one waiter. It does not panic.
#[inline]
pub(super) fn wake(waker: Waker) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
        forget_panic(panic);
    }
}

/// What was thrown is code of others too: its drop may panic, and so may the drop of what that throws, which is left
/// alone.
#[cold]
fn forget_panic(panic: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        mem::forget(another);
    }
}

/// Calls `section`, which takes a lock and fills what it is given, until it does not fill it. Whoever it put there is
/// woken after each call.
pub(super) fn wake_all(mut section: impl FnMut(&mut Section<'_>)) {
    let mut wakers = Wakers::new();
    loop {
        section(&mut Section(&mut wakers));
        let full = wakers.len == MOST;
        wakers.wake();
        if !full {
            return;
        }
    }
}

/// One section's worth of wakers.
pub(super) struct Section<'a>(&'a mut Wakers);

impl Section<'_> {
    /// Takes wakers until there are no more, or no more room.
    pub(super) fn fill(&mut self, mut next: impl FnMut() -> Option<Waker>) {
        while self.0.len < MOST {
            let Some(waker) = next() else {
                return;
            };
            self.0.list[self.0.len] = Some(waker);
            self.0.len += 1;
        }
    }
}
