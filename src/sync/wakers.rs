//! Waking, one waiter or several: always after the lock, several a few at a time. What becomes of a waker that panics
//! is told in `waking.rs`.

use std::mem;
use std::task::Waker;

pub(super) use crate::waking::wake;

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
