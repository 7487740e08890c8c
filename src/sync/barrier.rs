//! Tasks that wait for each other.

use super::lock::Lock;
use super::primitive::const_fn;
use super::wait_list::{Outcome, WaitList, Waiter};
use super::waiting::{Leaf, future};
use super::wakers::{Kept, wake_all};
use filch_executor::foreign::discard;
use filch_executor::leaf::{Wait, WaitKind};
use std::fmt;
use std::pin::Pin;
use std::task::Poll;

/// A number of tasks that go on together: each waits here until all have come. Then it begins anew.
///
/// ```
/// use filch::sync::Barrier;
/// use std::sync::Arc;
///
/// # filch::run(async {
/// let all = Arc::new(Barrier::new(3));
/// let tasks: Vec<_> = (0..3)
///     .map(|_| {
///         let all = all.clone();
///         filch::spawn(async move { all.wait().await.is_leader() })
///     })
///     .collect();
/// let mut leaders = 0;
/// for task in tasks {
///     leaders += usize::from(task.await.unwrap());
/// }
/// assert_eq!(leaders, 1);
/// # });
/// ```
pub struct Barrier {
    size: usize,
    state: Lock<State>,
}

struct State {
    /// How many of those that have come wait for the rest.
    arrived: usize,
    /// Whoever waits with an earlier turn is on its way out.
    released: u64,
    waiters: WaitList,
}

impl Barrier {
    const_fn! {
        /// For so many tasks. With 0 or 1 nobody waits.
        #[must_use]
        pub const fn new(size: usize) -> Barrier {
            Barrier {
                size,
                state: Lock::new(State {
                    arrived: 0,
                    released: 0,
                    waiters: WaitList::new(),
                }),
            }
        }
    }

    /// Waits until so many have come. One of them, the last, is told that it leads.
    ///
    /// # Cancel safety
    /// Dropping the future takes its arrival back, unless all have come: then they have, and it has gone on, too.
    #[track_caller]
    pub fn wait(&self) -> WaitAll<'_> {
        WaitAll::of(Arrival(self), Wait::here(WaitKind::Barrier))
    }

    /// Waits on a thread that is not async. In a task it blocks that task and whatever is joined with it.
    ///
    /// ```
    /// let barrier = filch::sync::Barrier::new(2);
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| barrier.blocking_wait());
    ///     barrier.blocking_wait();
    /// });
    /// ```
    #[track_caller]
    pub fn blocking_wait(&self) -> BarrierWaitResult {
        self.wait().waiting.block()
    }

    /// The last one has come: those who wait go on. Whoever comes meanwhile waits for the next time.
    fn release(&self, until: u64) {
        wake_all(|section| {
            let mut state = self.state.lock();
            section.fill(|| state.waiters.pop_before(until, Outcome::Released));
        });
    }
}

impl fmt::Debug for Barrier {
    /// `Barrier { size: 3, arrived: 2 }`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrived = self.state.lock().arrived;
        f.debug_struct("Barrier")
            .field("size", &self.size)
            .field("arrived", &arrived)
            .finish()
    }
}

/// What [`Barrier::wait`] is ready with.
#[derive(Clone, Debug)]
pub struct BarrierWaitResult {
    is_leader: bool,
}

impl BarrierWaitResult {
    /// Whether this one leads: one of those who went on together does, and does what is to be done once.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.is_leader
    }
}

#[derive(Debug)]
struct Arrival<'a>(&'a Barrier);

impl Leaf for Arrival<'_> {
    type Output = BarrierWaitResult;

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        mut waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<BarrierWaitResult> {
        if ended.is_some() {
            return Poll::Ready(BarrierWaitResult { is_leader: false });
        }
        let mut state = self.0.state.lock();
        if state.arrived + 1 < self.0.size {
            state.waiters.wait(waiter.as_mut(), kept, 1);
            // It may want another section first.
            state.arrived += usize::from(state.waiters.holds_before(&waiter, u64::MAX));
            return Poll::Pending;
        }
        state.arrived = 0;
        state.released = state.waiters.next_turn();
        let until = state.released;
        drop(state);
        self.0.release(until);
        Poll::Ready(BarrierWaitResult { is_leader: true })
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.state.lock().waiters.update(waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        let mut state = self.0.state.lock();
        let is_released = state.waiters.holds_before(&waiter, state.released);
        let removed = state.waiters.remove(waiter);
        state.arrived -= usize::from(removed.is_some() && !is_released);
        drop(state);
        discard(removed);
    }
}

future! {
    /// The future of [`Barrier::wait`].
    WaitAll ['a] ['a] of Arrival<'a> => BarrierWaitResult
}
