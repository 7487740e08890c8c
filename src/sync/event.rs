//! A flag that is waited for.
//!
//! The flag is written under the lock of the waiters, so whoever finds it down there and begins to wait is found by the
//! `set` that comes next. Without the lock it is only looked at by those who go on at once if it is up.
//!
//! Orderings: the store that puts it up is Release, and a look without the lock Acquire: whoever goes on because of it
//! sees what came before `set`. Those who waited see it by the waiter's own store (`wait_list.rs`).

use super::lock::Lock;
use super::primitive::atomic::AtomicBool;
use super::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use super::primitive::const_fn;
use super::wait_list::{MOST_SHOWN, Outcome, WaitList, Waiter};
use super::waiting::{Leaf, future};
use super::wakers::{Kept, wake_all};
use filch_executor::foreign::discard;
use filch_executor::leaf::{Wait, WaitKind};
use std::fmt;
use std::pin::Pin;
use std::task::Poll;

/// A flag that any number of tasks wait for, as `asyncio.Event`.
///
/// [`set`](Event::set) lets all go on that wait, and all that come, until somebody calls [`clear`](Event::clear). A
/// [`Notify`](super::Notify) remembers nothing but one notification; a [`SetOnce`](super::SetOnce) carries a value and
/// is never cleared.
///
/// ```
/// use filch::sync::Event;
/// use std::sync::Arc;
///
/// # filch::run(async {
/// let started = Arc::new(Event::new());
/// let theirs = started.clone();
/// let task = filch::spawn(async move { theirs.wait().await });
/// started.set();
/// task.await.unwrap();
/// started.wait().await; // It stays set.
/// # });
/// ```
pub struct Event {
    is_set: AtomicBool,
    waiters: Lock<WaitList>,
}

impl Event {
    const_fn! {
        /// An event that is not set.
        #[must_use]
        pub const fn new() -> Event {
            Event {
                is_set: AtomicBool::new(false),
                waiters: Lock::new(WaitList::new()),
            }
        }
    }

    /// Lets all go on that wait, and from now on all that come.
    pub fn set(&self) {
        self.set_with(|| ());
    }

    /// As `set`, after `before`, which is called under the lock. Neither happens if it is set already: that is `false`.
    pub(super) fn set_with(&self, before: impl FnOnce()) -> bool {
        let mut before = Some(before);
        let mut until = 0;
        wake_all(|section| {
            let mut waiters = self.waiters.lock();
            if let Some(before) = before.take() {
                if self.is_set.load(Relaxed) {
                    return;
                }
                before();
                self.is_set.store(true, Release);
                // Whoever comes later, and finds it cleared, waits for the next one.
                until = waiters.next_turn();
            }
            section.fill(|| waiters.pop_before(until, Outcome::Released));
        });
        until > 0 || before.is_none()
    }

    /// From now on, whoever comes waits again. Those who were let go already are not called back.
    ///
    /// ```
    /// let event = filch::sync::Event::new();
    /// event.set();
    /// event.clear();
    /// assert!(!event.is_set());
    /// ```
    pub fn clear(&self) {
        let waiters = self.waiters.lock();
        self.is_set.store(false, Relaxed);
        drop(waiters);
    }

    /// Whether it is set now.
    #[inline]
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.is_set.load(Acquire)
    }

    /// Waits until it is set. One that waits is let go by [`set`](Event::set), though [`clear`](Event::clear) comes
    /// right after it.
    ///
    /// # Cancel safety
    /// It holds nothing.
    #[track_caller]
    #[inline]
    pub fn wait(&self) -> WaitSet<'_> {
        WaitSet::of(Up(self), Wait::here(WaitKind::Event))
    }

    /// As `wait`, for what is made of an event.
    #[inline]
    pub(super) fn wait_as(&self, wait: Wait) -> WaitSet<'_> {
        WaitSet::of(Up(self), wait)
    }

    /// Waits until it is set, on a thread that is not async. In a task it blocks that task and whatever is joined with
    /// it.
    ///
    /// ```
    /// use filch::sync::Event;
    /// use std::sync::Arc;
    ///
    /// let event = Arc::new(Event::new());
    /// let theirs = event.clone();
    /// let thread = std::thread::spawn(move || theirs.set());
    /// event.blocking_wait();
    /// thread.join().unwrap();
    /// ```
    #[track_caller]
    pub fn blocking_wait(&self) {
        self.wait().waiting.block();
    }
}

impl Default for Event {
    fn default() -> Event {
        Event::new()
    }
}

impl fmt::Debug for Event {
    /// `Event { set: false, waiting: 2 }`; of very many waiters the first thousand are counted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (set, waiting) = {
            let mut waiters = self.waiters.lock();
            (self.is_set.load(Relaxed), waiters.count(MOST_SHOWN))
        };
        f.debug_struct("Event")
            .field("set", &set)
            .field("waiting", &waiting)
            .finish()
    }
}

/// Waits for the flag to be up.
#[derive(Debug)]
struct Up<'a>(&'a Event);

impl Leaf for Up<'_> {
    type Output = ();

    #[inline]
    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<()> {
        if ended.is_some() || self.0.is_set() {
            return Poll::Ready(());
        }
        let mut waiters = self.0.waiters.lock();
        if self.0.is_set.load(Relaxed) {
            // The lock was the setter's last.
            return Poll::Ready(());
        }
        waiters.wait(waiter, kept, 1);
        Poll::Pending
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.waiters.lock().update(waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        let removed = self.0.waiters.lock().remove(waiter);
        discard(removed);
    }
}

future! {
    /// The future of [`Event::wait`].
    WaitSet ['a] ['a] of Up<'a> => ()
}

impl WaitSet<'_> {
    pub(super) fn block(self) {
        self.waiting.block();
    }
}
