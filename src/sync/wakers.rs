//! Wakers of those who wait: kept under a lock, woken after it, several a few at a time.
//!
//! A waker is code of others, which may panic or come back to the very primitive that it is called from. So it is woken
//! and dropped after the lock, and a panic ends there ([`foreign`]). A clone of a task's own waker counts a reference
//! and nothing else, so it is made within the section that finds that there is something to wait for; any other is made
//! between two sections ([`keep`]), and its panic is the panic of the poll that brought it.

use filch_executor::foreign::{self, discard};
use std::mem;
use std::task::Waker;

pub(super) use filch_executor::foreign::wake;

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
        foreign::wake_batch(self.list[..len].iter_mut().filter_map(Option::take));
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

/// The waker of a poll that may have to wait.
pub(super) struct Kept<'a> {
    waker: &'a Waker,
    /// Made between two sections.
    clone: Option<Waker>,
    /// A section wanted a clone that cannot be made there.
    wanted: bool,
    /// What the clone was put in the place of.
    replaced: Option<Waker>,
}

/// Calls `section`, which takes a lock, and waits in it with a clone of the waker if it has to. It is called twice if
/// that clone cannot be made under a lock: what the first call returned is dropped then.
///
/// What the section returns should be small, as it is moved once more.
#[inline]
pub(super) fn keep<R>(waker: &Waker, mut section: impl FnMut(&mut Kept<'_>) -> R) -> R {
    let mut kept = Kept {
        waker,
        clone: None,
        wanted: false,
        replaced: None,
    };
    // One call in the source, so that it is compiled into the caller: the path without a wait is a hot one.
    let result = loop {
        let result = section(&mut kept);
        if !std::mem::take(&mut kept.wanted) {
            break result;
        }
        kept.clone = Some(waker.clone());
    };
    if kept.clone.is_some() || kept.replaced.is_some() {
        discard(kept.clone);
        discard(kept.replaced);
    }
    result
}

impl Kept<'_> {
    /// A clone to wait with. `None`: the section changes nothing, and is called again.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Waker> {
        if filch_executor::is_task_waker(self.waker) {
            return Some(self.waker.clone());
        }
        self.wanted = self.clone.is_none();
        self.clone.take()
    }

    /// Puts a clone in the place of a waker that would wake somebody else.
    #[inline]
    pub(super) fn replace(&mut self, place: &mut Option<Waker>) {
        if place.as_ref().is_some_and(|old| old.will_wake(self.waker)) {
            return;
        }
        if let Some(clone) = self.take() {
            self.replaced = place.replace(clone);
        }
    }
}
