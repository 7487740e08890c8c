//! The loop of a thread that holds a seat: take a task, run it; find none, look for others'; find
//! none, sleep until there is one, an I/O event, or a deadline.

use crate::context;
use crate::core::Core;
use crate::idle::Idle;
use crate::queue::Stolen;
use crate::remotes::Remote;
use crate::shared::Shared;
use crate::sys;
use crate::task::{Header, Runnable};
use crate::watch::{Known, Mark, Stuck};
use filch_reactor::Turn;
use filch_timer::Instant;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, fence};
use std::task::Waker;
use std::time::Duration;

/// A busy worker asks for I/O events and due timers when nobody has for this long. Not by a count
/// of polls: 61 polls of a millisecond each would be 61 ms.
const TURN_INTERVAL: Duration = Duration::from_micros(100);

/// A busy worker reads the clock once in this many polls, or when the backstop moved it.
const CLOCK_EVERY: u32 = 32;

/// A round through the local queue counts at least so many polls, so that looking at the injector,
/// which all workers share, stays cheap.
const SHORTEST_ROUND: u32 = 4;

/// Polls from the next-task slot before the queue gets its turn: in a row, or in a round through a queue that is
/// longer than this.
const SLOT_STREAK: u32 = 32;

/// How often a searcher looks around before it sleeps, and how long it pauses in between: together
/// about 10 µs.
const LINGER_LOOKS: u32 = 10;
const LINGER_PAUSES: u32 = 20;
/// A sleep that was this short, looking around would have saved. So long, too, a worker looks for I/O events before it sleeps
/// in the poller.
const SHORT_SLEEP: Duration = Duration::from_micros(20);

/// Attempts at a queue that others are busy with.
const STEAL_ATTEMPTS: usize = 4;

/// Why a worker's loop ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The runtime shuts down and no task is left.
    Drained,
    /// A caller of `run` wants the seat.
    Wanted,
    /// The seat is a spare one that is not needed any more.
    Retired,
    /// What this worker was to wait for has happened.
    Stopped,
}

/// A thread at work on a seat.
pub(crate) struct Worker<'a> {
    shared: &'a Arc<Shared>,
    core: &'a Core,
    remote: &'a Remote,
    /// Ends the loop when set; whoever sets it unparks the worker.
    stop: Option<&'a AtomicBool>,
    /// Counted in `Idle` as searching.
    searching: bool,
    /// Wakers on their way from the reactor and the wheel, kept for its capacity.
    woken: Vec<Waker>,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(
        shared: &'a Arc<Shared>,
        core: &'a Core,
        stop: Option<&'a AtomicBool>,
    ) -> Worker<'a> {
        let remote = &shared.remotes[core.index];
        Worker {
            shared,
            core,
            remote,
            stop,
            searching: false,
            woken: Vec::new(),
        }
    }

    /// Works until there is a reason to end. The caller has entered the runtime's context.
    pub(crate) fn run(&mut self) -> Exit {
        let bomb = AbortOnUnwind;
        self.remote.thread.store(sys::thread_number(), Relaxed);
        self.remote.held.store(true, Relaxed);
        self.core.stopwatch.pause(&self.remote.pace);
        self.shared.leave_idle();
        let exit = self.work();
        std::mem::forget(bomb);
        self.give_up_seat();
        fence(SeqCst); // [gone], pairs with [ending]
        self.shared.task_gone();
        exit
    }

    fn work(&mut self) -> Exit {
        loop {
            if self.is_stopped() {
                return Exit::Stopped;
            }
            if self.upkeep_if_due()
                && let Some(exit) = self.is_asked_to_leave()
            {
                return exit;
            }
            if self.core.lane_first.take() && self.run_from_lane() {
                continue;
            }
            if let Some(task) = self.next_task() {
                self.run_task(task);
            } else if self.run_from_lane() {
            } else if let Some(task) = self.search().or_else(|| self.linger()) {
                self.run_task(task);
            } else if let Some(exit) = self.should_exit() {
                return exit;
            } else {
                self.sleep();
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Acquire))
    }

    fn should_exit(&self) -> Option<Exit> {
        if self.shared.is_shut_down() && self.shared.registry.is_empty() {
            return Some(Exit::Drained);
        }
        self.is_asked_to_leave()
    }

    /// Whether a caller of `run` waits for this worker's seat, or the seat is a spare one that has to
    /// be given up. A caller of `run` is not asked.
    fn is_asked_to_leave(&self) -> Option<Exit> {
        if self.core.index >= self.shared.remotes.first_spare() {
            return self.remote.retire.load(Relaxed).then_some(Exit::Retired);
        }
        let wanted = self.stop.is_none() && self.shared.seats.is_wanted();
        wanted.then_some(Exit::Wanted)
    }

    /// Before the seat changes hands: nothing of it may wait for this thread.
    fn give_up_seat(&mut self) {
        self.remote.watch.rest();
        if std::mem::take(&mut self.searching) {
            self.shared.idle.stop_searching();
        }
        if let Some(task) = self.remote.slot.take() {
            self.shared.injector.push(task);
        }
        while let Some(task) = self.core.queue.pop() {
            self.shared.injector.push(task);
        }
        self.remote.held.store(false, Relaxed);
        // Another worker takes over what waits, and perhaps the poller; the wheel is the
        // backstop's until the seat is held again.
        self.shared.notify_poller();
        self.shared.wake_backstop();
    }

    /// The next task of this worker's own: the one woken last, then the oldest.
    ///
    /// The slot has its limits: after a streak of polls from it the queue gets its turn. If the queue is long, the
    /// slot is only used again in the next round. A task that awaits the many in the queue one by one is
    /// woken by each of them: it comes back once per round, and finds them all done.
    pub(crate) fn next_task(&mut self) -> Option<Runnable> {
        self.serve_injector();
        let core = self.core;
        if core.streak.get() < SLOT_STREAK
            && let Some(task) = self.remote.slot.take()
        {
            core.streak.set(core.streak.get() + 1);
            return Some(task);
        }
        if !core.long_round.get() {
            core.streak.set(0);
        }
        let task = core.queue.pop().or_else(|| self.remote.slot.take());
        if task.is_some() {
            task
        } else {
            self.take_injected()
        }
    }

    /// Runs a task once.
    pub(crate) fn run_task(&mut self, task: Runnable) {
        if self.searching {
            self.end_search();
        }
        if !task.header().habit.is_short() && !self.shared.config.local {
            return self.run_watched_task(task);
        }
        if let Some(task) = self.poll(task, None) {
            // After a long poll, what came meanwhile has waited longer than this task.
            if self.shared.beat.load(Relaxed) != self.core.beat.get() {
                self.upkeep_if_due();
                self.core.round.set(0);
                self.serve_injector();
            }
            self.core.push(self.shared, task);
            self.core.notify_if_worth(self.shared);
        }
    }

    fn end_search(&mut self) {
        self.searching = false;
        if self.shared.idle.stop_searching() && self.shared.has_work() {
            self.shared.notify_one();
        }
    }

    /// One that blocks is run where it is found, and others go on with what waits here. One that
    /// computes has to wait in the lane.
    #[cold]
    fn run_watched_task(&mut self, task: Runnable) {
        let habit = &task.header().habit;
        let expected = habit.expected();
        if expected.is_some_and(|mark| mark.stuck == Stuck::Computing) {
            self.shared.lane.push(task, self.shared.coarse_now());
            self.shared.notify_one();
            return;
        }
        if expected.is_none() {
            habit.learn_short();
        }
        if let Some(task) = self.poll(task, expected) {
            self.core.push(self.shared, task);
            self.core.notify_if_worth(self.shared);
        }
    }

    /// Runs a task of the slow lane, if one may be run.
    fn run_from_lane(&mut self) -> bool {
        let Some(task) = self.shared.lane.take(|| self.shared.now()) else {
            return false;
        };
        if self.searching {
            self.end_search();
        }
        // It may have changed its habit meanwhile: it was also waiting in its turn.
        let expected = task.header().habit.expected();
        if let Some(task) = self.poll(task, expected) {
            self.upkeep_if_due();
            self.shared.lane.push(task, self.shared.coarse_now());
            // If it has something else to do first, somebody else may go on with the lane.
            if self.remote.waiting() > 0 && self.shared.has_help() {
                self.shared.notify_one();
            }
        }
        self.shared.lane.done();
        true
    }

    /// Polls a task. `expected`: the poll is going to be a long one, so whatever waits here is left to
    /// others. `Some`: the task is to be queued again.
    #[inline]
    fn poll(&mut self, task: Runnable, expected: Option<Mark>) -> Option<Runnable> {
        let tick = self.core.tick.get().wrapping_add(1);
        self.core.tick.set(tick);
        let watch = &self.remote.watch;
        watch.begin(tick, task.header().id.0);
        self.remote.counters.polls.add(1);
        let before = expected.and_then(|mark| self.leave_work(tick, mark));
        // SAFETY: the task is run before the scope ends, and nothing else is.
        let again = unsafe {
            let _scope = context::enter_task(task.header());
            task.run(|header| {
                if watch.is_marked() {
                    self.end_marked(header, before);
                } else if self.core.sample.is_on() {
                    self.end_sample(header);
                }
                context::with(|context| context.yielded.take())
            })
        };
        // The drop of an aborted task's future, or of an output that nobody wants, may have been long too.
        if watch.is_marked() {
            self.take_mark_back();
        }
        again
    }

    #[cold]
    fn leave_work(&self, tick: u32, mark: Mark) -> Option<sys::Usage> {
        self.remote.watch.announce(tick, mark, self.shared.now());
        self.shared.leave_work(self.core.index);
        if mark.stuck == Stuck::Computing {
            sys::set_prompt(0, false);
        }
        sys::own_usage()
    }

    /// The end of a poll of which something was said.
    #[cold]
    fn end_marked(&self, header: &Header, before: Option<sys::Usage>) {
        self.core.sample.cancel();
        if let Some((mark, since)) = self.take_mark_back() {
            self.learn(header, mark, since, before);
        }
    }

    /// What was said of the poll, if it was not said of an earlier one and too late. Whoever said that it computes
    /// has let other threads go before this one.
    #[cold]
    fn take_mark_back(&self) -> Option<(Mark, Instant)> {
        let mark = self.remote.watch.end(self.core.tick.get());
        sys::set_prompt(0, true);
        // Beside a blocked worker the backstop may sleep deeply.
        self.shared.leave_idle();
        mark
    }

    /// The end of a poll that was measured.
    #[cold]
    fn end_sample(&self, header: &Header) {
        let used = self.core.sample.end();
        let threshold = self.shared.config.stall_threshold;
        if 2 * used >= threshold {
            header.habit.learn_long(Stuck::Computing);
        }
        if used >= threshold {
            let polls = &self.shared.slow_polls;
            polls.add(header.spawned_at, Stuck::Computing, used);
        }
    }

    /// What a poll that was long, or expected to be, says about the task's next ones.
    fn learn(&self, header: &Header, mark: Mark, since: Instant, before: Option<sys::Usage>) {
        let took = self.shared.now().duration_since(since);
        let threshold = self.shared.config.stall_threshold;
        let used = before.zip(sys::own_usage());
        let stuck = used.map_or(mark.stuck, |(before, after)| {
            let cpu = after.cpu.saturating_sub(before.cpu);
            if after.waits > before.waits && 2 * cpu < took {
                Stuck::Blocked
            } else if 4 * cpu >= threshold {
                Stuck::Computing
            } else {
                Stuck::Preempted
            }
        });
        if mark.known == Known::Expected && (took < threshold / 4 || !stuck.needs_substitute()) {
            header.habit.learn_short();
        } else {
            header.habit.learn_long(stuck);
            if mark.known != Known::Declared && took >= threshold && stuck.needs_substitute() {
                self.shared.slow_polls.add(header.spawned_at, stuck, took);
            }
        }
    }

    /// Every now and then a busy worker looks after what idle ones would. Returns whether it did.
    pub(crate) fn upkeep_if_due(&mut self) -> bool {
        let beat = self.shared.beat.load(Relaxed);
        let has_moved = self.core.beat.replace(beat) != beat;
        if !has_moved && !self.core.tick.get().is_multiple_of(CLOCK_EVERY) {
            return false;
        }
        let now = self.shared.now();
        self.core
            .stopwatch
            .read(now, self.core.tick.get(), &self.remote.pace);
        if self.shared.lane.is_overdue(now) {
            self.core.lane_first.set(true);
        }
        let last = Instant::from_nanos(self.shared.last_turn.load(Relaxed));
        if now.duration_since(last) >= TURN_INTERVAL {
            self.poll_reactor(now);
            if let Some(task) = self.shared.guests.take(&self.core.queue) {
                self.core.push(self.shared, task);
            }
        }
        self.fire_timers(now);
        if has_moved {
            self.core.sample.start();
        }
        true
    }

    /// Once per round through the local queue, a batch from the injector joins its tail: neither of
    /// the two waits for the other to run dry.
    fn serve_injector(&self) {
        match self.core.round.get() {
            0 => {
                let waiting = self.core.queue.len() as u32;
                self.core.round.set(waiting.max(SHORTEST_ROUND));
                if self.core.long_round.replace(waiting > SLOT_STREAK) {
                    self.core.streak.set(0);
                }
                self.shared
                    .injector
                    .move_some(&self.core.queue, self.shared.config.workers);
            }
            left => self.core.round.set(left - 1),
        }
    }

    fn take_injected(&self) -> Option<Runnable> {
        self.retrying(|| {
            self.shared
                .injector
                .steal(&self.core.queue, self.shared.config.workers)
        })
    }

    /// Repeats an attempt that others got in the way of, but not for ever: whoever is in the way
    /// may have been preempted. A worker that gives up here finds the task when it looks again
    /// before it sleeps.
    fn retrying(&self, mut attempt: impl FnMut() -> Stolen) -> Option<Runnable> {
        for _ in 0..STEAL_ATTEMPTS {
            match attempt() {
                Stolen::Task(task) => return Some(task),
                Stolen::Empty => return None,
                Stolen::Retry => std::hint::spin_loop(),
            }
        }
        None
    }

    /// Looks for a task at the other workers, from a random one on.
    fn search(&mut self) -> Option<Runnable> {
        if self.shared.config.local {
            return None;
        }
        if !self.searching {
            self.searching = self.shared.idle.start_searching();
        }
        if !self.searching {
            return None;
        }
        let stolen = self.retrying(|| self.steal());
        self.remote.counters.steals.add(u64::from(stolen.is_some()));
        stolen
    }

    /// A searcher looks around a little longer before it sleeps, about as long as a wake takes: as
    /// long as it searches nobody pays for waking it. Only while that pays off, so that a worker with
    /// nothing to come goes to sleep at once, and one worker at a time.
    fn linger(&mut self) -> Option<Runnable> {
        let may_search = self.searching && self.shared.idle.is_only_searcher();
        if !may_search || !self.core.linger_credit.spend() {
            return None;
        }
        for _ in 0..LINGER_LOOKS {
            (0..LINGER_PAUSES).for_each(|_| std::hint::spin_loop());
            if self.shared.has_work()
                && let Some(task) = self.take_injected().or_else(|| self.search())
            {
                self.core.linger_credit.earn();
                return Some(task);
            }
        }
        None
    }

    fn steal(&self) -> Stolen {
        let remotes = &self.shared.remotes;
        let count = remotes.len();
        let start = self.core.random(count);
        let others = (0..count).map(|i| (start + i) % count);
        let others = others
            .filter(|i| *i != self.core.index)
            .map(|i| &remotes[i]);
        let mut outcome = Stolen::Empty;
        for remote in others.filter(|remote| remote.has_surplus()) {
            match remote.stealer.steal(&self.core.queue) {
                Stolen::Task(task) => return Stolen::Task(task),
                Stolen::Empty => {}
                Stolen::Retry => outcome = Stolen::Retry,
            }
            // What a stuck worker would run next waits as long as the rest.
            if remote.watch.stuck().is_some()
                && let Some(task) = remote.slot.take()
            {
                return Stolen::Task(task);
            }
        }
        for stealer in self.shared.guests.stealers() {
            match stealer.steal(&self.core.queue) {
                Stolen::Task(task) => return Stolen::Task(task),
                Stolen::Empty => {}
                Stolen::Retry => outcome = Stolen::Retry,
            }
        }
        outcome
    }

    /// Sleeps until there may be something to do; steps S1 to S5 of `idle`.
    pub(crate) fn sleep(&mut self) {
        let idle: &Idle = &self.shared.idle;
        self.remote.watch.rest();
        idle.start_sleeping(self.core.index, std::mem::take(&mut self.searching));
        let has_work = self.shared.has_work();
        if has_work || self.is_stopped() || self.should_exit().is_some() {
            let may_search = has_work && !self.shared.config.local;
            self.searching =
                idle.stop_sleeping(self.core.index) || (may_search && idle.join_search());
            self.shared.leave_idle();
            return;
        }
        self.remote.counters.parks.add(1);
        self.core.stopwatch.pause(&self.remote.pace);
        // What the thread does until its next poll is none of that poll's time.
        self.core.sample.cancel();
        let start = self.shared.clock.now();
        let polled = self.sleep_in_poller_or_on_word(start, self.next_deadline());
        self.searching |= self.shared.idle.stop_sleeping(self.core.index);
        self.shared.leave_idle();
        self.wake_batch();
        let now = self.shared.now();
        let was_short = now.duration_since(start) < SHORT_SLEEP;
        if was_short && self.searching {
            self.core.linger_credit.earn();
        }
        if polled {
            self.shared.last_turn.store(now.as_nanos(), Relaxed);
            if was_short {
                self.core.poller_credit.earn();
            }
        }
        self.fire_timers(now);
    }

    /// The earliest deadline that this worker has to be awake for.
    fn next_deadline(&self) -> Option<Instant> {
        let own = self.remote.timers.next_deadline();
        if !self.shared.config.local {
            return own;
        }
        // Without a backstop thread, a local runtime looks after foreign timers itself.
        [own, self.shared.foreign_timers.next_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Returns whether it asked the poller for events.
    fn sleep_in_poller_or_on_word(&mut self, start: Instant, deadline: Option<Instant>) -> bool {
        let Some(mut turn) = self.shared.reactor.try_lock() else {
            self.remote.parker.park(deadline);
            return false;
        };
        let may_look = self.core.poller_credit.spend() && !self.core.crowd.is_there(start);
        let looked = may_look && self.look_at_poller(&mut turn, start, deadline);
        if looked || !self.remote.parker.start_polling() {
            return looked;
        }
        let timeout = deadline.map(|deadline| deadline.duration_since(self.shared.clock.now()));
        let events = turn.wait(timeout, &mut self.woken);
        drop(turn);
        self.remote.parker.stop_polling();
        self.count_turn(&events);
        true
    }

    /// Asks for events for as long as a sleep is short. Whether something has come, or somebody wants this worker: it
    /// need not sleep. Whoever unparks it meanwhile makes no system call.
    fn look_at_poller(
        &mut self,
        turn: &mut Turn<'_>,
        start: Instant,
        deadline: Option<Instant>,
    ) -> bool {
        let end = start.saturating_add(SHORT_SLEEP);
        let end = deadline.map_or(end, |deadline| deadline.min(end));
        loop {
            let events = turn.wait(Some(Duration::ZERO), &mut self.woken);
            self.count_turn(&events);
            if !self.woken.is_empty() {
                return true;
            }
            if self.remote.parker.is_notified() {
                return !self.remote.parker.start_polling();
            }
            (0..LINGER_PAUSES).for_each(|_| std::hint::spin_loop());
            if self.shared.clock.now() >= end {
                return false;
            }
        }
    }

    /// Asks for I/O events without sleeping, unless somebody else is at it: whoever has the poller
    /// passes the events on.
    fn poll_reactor(&mut self, now: Instant) {
        self.shared.last_turn.store(now.as_nanos(), Relaxed);
        let Some(mut turn) = self.shared.reactor.try_lock() else {
            return;
        };
        let events = turn.wait(Some(Duration::ZERO), &mut self.woken);
        drop(turn);
        self.count_turn(&events);
        self.wake_batch();
    }

    fn count_turn(&self, events: &io::Result<usize>) {
        self.remote.counters.turns.add(1);
        self.remote.counters.io_events.add(events_of_turn(events));
    }

    /// Fires this worker's own due timers.
    fn fire_timers(&mut self, now: Instant) {
        let mut fired = self.remote.timers.fire(now, &mut self.woken);
        if self.shared.config.local {
            fired += self.shared.foreign_timers.fire(now, &mut self.woken);
        }
        if fired > 0 {
            self.remote.counters.timers_fired.add(fired as u64);
            self.wake_batch();
        }
    }

    /// Wakes what the reactor or the wheel handed over: all tasks queue up first, then one worker is
    /// woken if that is worth it.
    fn wake_batch(&mut self) {
        if self.woken.is_empty() {
            return;
        }
        self.core.batching.set(true);
        for waker in self.woken.drain(..) {
            // Wakers of other runtimes may be user code.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| waker.wake()));
        }
        self.core.batching.set(false);
        self.core.notify_if_worth(self.shared);
    }
}

/// Users' panics are caught at a task's edge: one that comes up to a worker's loop is a broken
/// invariant of ours, and going on would lose tasks without a word.
pub(crate) struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        eprintln!("filch: a runtime thread panicked outside of any task; this is a bug in filch");
        std::process::abort();
    }
}

/// How many events a turn brought.
///
/// Nothing but a programming error makes the poller fail, and without it no I/O would ever be
/// served again: better to end with the reason than to hang.
pub(crate) fn events_of_turn(events: &io::Result<usize>) -> u64 {
    match events {
        Ok(events) => *events as u64,
        Err(error) => {
            eprintln!("filch: the poller failed: {error}");
            std::process::abort();
        }
    }
}
