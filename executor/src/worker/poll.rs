//! A worker's polls: how a task is run, and what is learnt from it.
//!
//! Most tasks' polls are short, and cost a few stores: tick and task go to `watch`, and at the end one look tells
//! whether anything was said of the poll. The rest of this file is for those that are long, or are expected to
//! be: what waits here is left to others, and the task's habit and the counts by spawn site hear of it.
//!
//! Which task is run is decided in `search.rs`; what a poll does to the task's state, in `task/`.

use super::Worker;
use crate::seats::context;
use crate::seats::scope;
use crate::signs::watch::{Known, Mark, Stuck};
use crate::sys;
use crate::task::{Header, Runnable};
use filch_timer::Instant;
use std::sync::atomic::Ordering::Relaxed;

/// A poll of a task with the habit was short if it took less than this part of the stall threshold: a fourth.
const SHORT_PART: u32 = 4;

/// It blocked if it gave its processor up and used less than this part of its time: half.
const BLOCKED_PART: u32 = 2;

/// Else it computed if it used at least this part of the stall threshold: a fourth.
const COMPUTED_PART: u32 = 4;

impl Worker<'_> {
    /// Runs a task once. The way of most polls, all of it compiled into the worker's loop.
    #[inline]
    pub(crate) fn run_task(&mut self, task: Runnable) {
        if self.searching {
            self.end_search();
        }
        if !task.header().habit.is_short() && !self.shared.config.local {
            return self.run_watched_task(task);
        }
        let again = self.poll(task, None);
        if self.shared.config.local {
            self.beat_if_due();
        }
        if let Some(task) = again {
            if self.shared.beat.load(Relaxed) != self.core.beat.get() {
                return self.queue_behind_others(task);
            }
            // Whether what waits here is worth help is not asked: it is no more than before the poll, and what else
            // decides, the pace, is learnt in the upkeep, which asks.
            self.core.push(self.shared, task);
        }
    }

    /// After a long poll, what came meanwhile has waited longer than this task.
    #[cold]
    fn queue_behind_others(&mut self, task: Runnable) {
        self.upkeep_if_due();
        self.core.round.set(0);
        self.serve_injector();
        self.core.push(self.shared, task);
        self.core.notify_if_worth(self.shared);
    }

    /// One that blocks is run where it is found, and others go on with what waits here. One that
    /// computes has to wait in the lane.
    #[cold]
    fn run_watched_task(&mut self, task: Runnable) {
        let habit = &task.header().habit;
        let expected = habit.expected();
        if expected.is_some_and(|mark| mark.stuck == Stuck::Computing) {
            self.shared.lanes.push(task, self.shared.coarse_now());
            self.shared.notify_one();
            return;
        }
        if expected.is_none() {
            habit.learn_short();
        }
        if let Some(task) = self.run_apart(task, expected) {
            self.core.push(self.shared, task);
            self.core.notify_if_worth(self.shared);
        }
    }

    /// Runs a task of the slow lane, if one may be run.
    pub(super) fn run_from_lane(&mut self) -> bool {
        let lanes = &self.shared.lanes;
        let Some(task) = lanes.take(&self.remote.permit, || self.shared.now()) else {
            return false;
        };
        if self.searching {
            self.end_search();
        }
        // It may have changed its habit meanwhile: it was also waiting in its turn.
        let expected = task.header().habit.expected();
        if let Some(task) = self.run_apart(task, expected) {
            self.upkeep_if_due();
            // It may have changed its habit, or lost it.
            let expected = task.header().habit.expected();
            if expected.is_some_and(|mark| mark.stuck == Stuck::Computing) {
                lanes.push(task, self.shared.coarse_now());
            } else {
                self.core.push(self.shared, task);
            }
        }
        lanes.give_back(&self.remote.permit);
        // If it has something else to do first, somebody else may go on with the lane.
        if self.remote.waiting() > 0 && lanes.has_work() && self.shared.has_help() {
            self.shared.notify_one();
        }
        true
    }

    /// As `poll`, off the way of most.
    #[inline(never)]
    fn run_apart(&mut self, task: Runnable, expected: Option<Mark>) -> Option<Runnable> {
        self.poll(task, expected)
    }

    /// Polls a task. `expected`: the poll is going to be a long one, so whatever waits here is left to
    /// others. `Some`: the task is to be queued again.
    #[inline(always)]
    fn poll(&mut self, task: Runnable, expected: Option<Mark>) -> Option<Runnable> {
        let tick = self.core.tick.get().wrapping_add(1);
        self.core.tick.set(tick);
        let watch = &self.remote.watch;
        watch.begin(tick, task.header().id.0);
        self.remote.counters.polls.add(1);
        let before = expected.and_then(|mark| self.leave_work(tick, mark));
        // SAFETY: the task is run before the scope ends, and nothing else is.
        let again = unsafe {
            let _scope = scope::enter_task(task.header());
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
        match self.take_mark_back() {
            Some((mark, since)) if mark.stuck.needs_substitute() => {
                self.core.sample.cancel();
                self.learn(header, mark, since, before);
            }
            _ if self.core.sample.is_on() => self.end_sample(header),
            _ => {}
        }
    }

    /// What was said of the poll, if it was not said of an earlier one and too late. Until the next poll this thread
    /// may have to wait for a processor, which it has used for long: that counts as a poll of its own, or the monitor
    /// would take this one for unfinished.
    #[cold]
    fn take_mark_back(&self) -> Option<(Mark, Instant)> {
        let watch = &self.remote.watch;
        let said = watch.end(self.core.tick.get());
        self.core.begin_anew(watch, watch.task());
        if said.is_none_or(|(mark, _)| mark.known != Known::Suspected) {
            // Whoever said that it computes has let other threads go before this one.
            sys::set_prompt(0, true);
            // Beside a blocked worker the backstop may sleep deeply.
            self.shared.leave_idle();
        }
        said
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
            if after.waits > before.waits && BLOCKED_PART * cpu < took {
                Stuck::Blocked
            } else if COMPUTED_PART * cpu >= threshold {
                Stuck::Computing
            } else {
                Stuck::Preempted
            }
        });
        if mark.known == Known::Expected
            && (took < threshold / SHORT_PART || !stuck.needs_substitute())
        {
            header.habit.learn_short();
        } else {
            header.habit.learn_long(stuck);
            if mark.known != Known::Declared && took >= threshold && stuck.needs_substitute() {
                self.shared.slow_polls.add(header.spawned_at, stuck, took);
            }
        }
    }
}
