//! Tasks that wait for each other.

use super::lock::Lock;
use super::primitive::const_fn;
use super::wait_list::{Outcome, WaitList, Waiter};
use super::waiting::{Leaf, future};
use super::wakers::{Kept, wake_all};
use filch_executor::foreign::discard;
use filch_executor::leaf::{Wait, WaitKind};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Poll, Waker, ready};

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
///
/// One that should not be waited for any more is broken: [`abort`](Barrier::abort), [`reset`](Barrier::reset).
pub struct Barrier {
    size: usize,
    state: Lock<State>,
}

struct State {
    /// How many of those that have come wait for the rest.
    arrived: usize,
    /// Whoever waits with an earlier turn is on its way out.
    released: u64,
    /// How those go out that wait with an earlier turn than this, the earliest first.
    leaving: VecDeque<(u64, Outcome)>,
    is_broken: bool,
    waiters: WaitList,
}

/// How a waiter goes out of a barrier that is broken: what it was to be given does not come.
const BROKEN: Outcome = Outcome::Granted;

impl State {
    /// Those who wait go out, and it begins anew.
    fn send_away(&mut self, outcome: Outcome) {
        self.arrived = 0;
        self.released = self.waiters.next_turn();
        self.leaving.push_back((self.released, outcome));
    }

    /// The next one who goes out, and its waker.
    fn pop(&mut self) -> Option<Waker> {
        while let Some(&(until, outcome)) = self.leaving.front() {
            if let Some(waker) = self.waiters.pop_before(until, outcome) {
                return Some(waker);
            }
            self.leaving.pop_front();
        }
        None
    }
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
                    leaving: VecDeque::new(),
                    is_broken: false,
                    waiters: WaitList::new(),
                }),
            }
        }
    }

    /// Waits until so many have come. One of them, the last, is told that it leads.
    ///
    /// # Panics
    /// If the barrier is broken, or is broken meanwhile: see [`wait_unless_broken`](Barrier::wait_unless_broken).
    ///
    /// # Cancel safety
    /// Dropping the future takes its arrival back, unless all have come: then they have, and it has gone on, too.
    #[track_caller]
    pub fn wait(&self) -> WaitAll<'_> {
        WaitAll::of(Arrival(self), Wait::here(WaitKind::Barrier))
    }

    /// As [`wait`](Barrier::wait), of a barrier that somebody may break: asyncio's `wait`.
    ///
    /// # Errors
    /// [`BrokenBarrier`] if it is broken, or is broken or reset before all have come.
    ///
    /// # Cancel safety
    /// As [`wait`](Barrier::wait).
    ///
    /// ```
    /// use filch::sync::{Barrier, BrokenBarrier};
    ///
    /// # filch::run(async {
    /// let both = Barrier::new(2);
    /// let (waited, ()) = filch::join!(both.wait_unless_broken(), async { both.abort() });
    /// assert_eq!(waited.unwrap_err(), BrokenBarrier);
    /// assert!(both.wait_unless_broken().await.is_err());
    /// both.reset();
    /// let (one, other) = filch::join!(both.wait_unless_broken(), both.wait_unless_broken());
    /// assert!(one.is_ok() && other.is_ok());
    /// # });
    /// ```
    #[track_caller]
    pub fn wait_unless_broken(&self) -> WaitUnlessBroken<'_> {
        WaitUnlessBroken::of(Attempt(Arrival(self)), Wait::here(WaitKind::Barrier))
    }

    /// Breaks the barrier: who waits, and who comes until it is [`reset`](Barrier::reset), gets [`BrokenBarrier`]. For
    /// a party that fails, and will not come. Those who were released before are not concerned.
    pub fn abort(&self) {
        let mut state = self.state.lock();
        state.is_broken = true;
        state.send_away(BROKEN);
        drop(state);
        self.let_out();
    }

    /// Begins anew: who waits gets [`BrokenBarrier`], and one that was broken is whole again.
    pub fn reset(&self) {
        let mut state = self.state.lock();
        state.is_broken = false;
        state.send_away(BROKEN);
        drop(state);
        self.let_out();
    }

    /// Whether it is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.state.lock().is_broken
    }

    /// For how many it is: asyncio's `parties`.
    #[must_use]
    pub fn parties(&self) -> usize {
        self.size
    }

    /// How many wait now: asyncio's `n_waiting`.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.state.lock().arrived
    }

    /// Waits on a thread that is not async. In a task it blocks that task and whatever is joined with it.
    ///
    /// # Panics
    /// As [`wait`](Barrier::wait).
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

    /// Those who are to go out do. Whoever comes meanwhile waits for the next time.
    fn let_out(&self) {
        wake_all(|section| {
            let mut state = self.state.lock();
            section.fill(|| state.pop());
        });
    }
}

impl fmt::Debug for Barrier {
    /// `Barrier { size: 3, arrived: 2 }`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        let (arrived, is_broken) = (state.arrived, state.is_broken);
        drop(state);
        let mut debug = f.debug_struct("Barrier");
        debug.field("size", &self.size).field("arrived", &arrived);
        if is_broken {
            debug.field("broken", &true);
        }
        debug.finish()
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

/// The barrier was broken, or reset, so that not all have come: asyncio's `BrokenBarrierError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenBarrier;

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the barrier was aborted or reset before all had come")
    }
}

impl Error for BrokenBarrier {}

#[derive(Debug)]
struct Arrival<'a>(&'a Barrier);

impl Arrival<'_> {
    fn arrive(
        &mut self,
        ended: Option<Outcome>,
        mut waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<Result<BarrierWaitResult, BrokenBarrier>> {
        match ended {
            Some(BROKEN) => return Poll::Ready(Err(BrokenBarrier)),
            Some(_) => return Poll::Ready(Ok(BarrierWaitResult { is_leader: false })),
            None => {}
        }
        let mut state = self.0.state.lock();
        if state.is_broken {
            return Poll::Ready(Err(BrokenBarrier));
        }
        if state.arrived + 1 < self.0.size {
            state.waiters.wait(waiter.as_mut(), kept, 1);
            // It may want another section first.
            state.arrived += usize::from(state.waiters.holds_before(&waiter, u64::MAX));
            return Poll::Pending;
        }
        // Of one alone there is nobody to let out.
        if state.arrived > 0 {
            state.send_away(Outcome::Released);
            drop(state);
            self.0.let_out();
        }
        Poll::Ready(Ok(BarrierWaitResult { is_leader: true }))
    }

    fn leave(&mut self, waiter: Pin<&mut Waiter>) {
        let mut state = self.0.state.lock();
        let is_released = state.waiters.holds_before(&waiter, state.released);
        let removed = state.waiters.remove(waiter);
        state.arrived -= usize::from(removed.is_some() && !is_released);
        drop(state);
        discard(removed);
    }
}

impl Leaf for Arrival<'_> {
    type Output = BarrierWaitResult;

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<BarrierWaitResult> {
        let outcome = ready!(self.arrive(ended, waiter, kept));
        Poll::Ready(outcome.unwrap_or_else(|broken| {
            panic!("{broken}: `Barrier::wait_unless_broken` returns this as an error")
        }))
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.state.lock().waiters.update(waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.leave(waiter);
    }
}

/// An arrival that may be in vain.
#[derive(Debug)]
struct Attempt<'a>(Arrival<'a>);

impl Leaf for Attempt<'_> {
    type Output = Result<BarrierWaitResult, BrokenBarrier>;

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<Self::Output> {
        self.0.arrive(ended, waiter, kept)
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.update(waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.0.leave(waiter);
    }
}

future! {
    /// The future of [`Barrier::wait`].
    WaitAll ['a] ['a] of Arrival<'a> => BarrierWaitResult
}

future! {
    /// The future of [`Barrier::wait_unless_broken`].
    WaitUnlessBroken ['a] ['a] of Attempt<'a> => Result<BarrierWaitResult, BrokenBarrier>
}
