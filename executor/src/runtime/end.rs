//! The end of a runtime, for those who wait for it: in which order it comes, what is said while it takes long, and what
//! is reported of what was left behind.
//!
//! 1. The registry is closed: whatever is spawned from now on is cancelled at once. Every task that
//!    it holds is aborted, which schedules it. Closures that wait for a blocking thread are cancelled, too, but for
//!    those that one was free for (`seats/end.rs`, `blocking.rs`).
//! 2. Workers go on until the registry is empty: each aborted task's future is dropped by a worker, a
//!    running poll is waited for, and so are blocking calls. Whoever drops the runtime takes a seat and helps.
//! 3. The last task to leave the registry wakes everybody; workers, spare and blocking threads end.
//! 4. The *undertaker* joins them, closes the reactor and the wheels, and says that everything has ended. That is the
//!    reactor thread, or one that the drop of a local runtime starts. Whoever ends the runtime waits for that, and
//!    joins the undertaker. A thread of the runtime does not wait, since it is waited for.
//!
//! Until then every thread holds a counted handle on the shared part, so what a task's scheduler pointer points to
//! outlives the task (rule 5 of `task`).
//!
//! # Who says what the end waits for
//!
//! Each step may take for ever, as users' code runs in it: a poll, the drop of a future or an output, a closure, the
//! destructor of a thread-local. Whoever is inside such code can say nothing. So there are always two of
//! whom one is free. As long as somebody helps, the undertaker joins nobody, and wakes up for each word that is due.
//! When the help has ended, whoever waits for the undertaker does. A call of `run` whose future is done may itself be
//! inside another task's poll, before any end: of that the reactor thread speaks, too. What they say, a thread of its
//! own writes, as standard error may be held up, too.

use crate::registry::delay::Word;
use crate::seats::shared::Shared;
use crate::signs::watch::{Known, Mark, Stuck};
use crate::task::{Header, TaskInfo, TaskState};
use filch_timer::{Instant, system_now};
use std::fmt;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

/// How long the end waits for what is being said on standard error.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// So many tasks are listed in a text at most.
const MOST_LISTED: usize = 20;

/// What the end of a runtime left behind because it took longer than it may.
///
/// Its threads are left to themselves. They end when their tasks and closures do, and nobody joins them.
/// Printed, it lists the tasks, and says of each where it was spawned and what it is inside of.
#[derive(Clone, Debug, Default)]
pub struct Leftover {
    tasks: Vec<TaskInfo>,
    /// What each of them is inside of.
    inside: Vec<Inside>,
    blocking_threads: usize,
    threads: usize,
    /// The names of those that are only in their last steps.
    ended: Vec<String>,
}

/// What a task is inside of that keeps it from ending.
#[derive(Clone, Copy, Debug)]
enum Inside {
    /// Nothing that is known of.
    Unknown,
    /// A closure of `spawn_blocking`, run or to be run.
    SpawnBlocking,
    /// A closure of `cpu`, run or to be run.
    Cpu,
    Blocking,
    /// A poll or a drop that is stuck in this way.
    Stuck(Stuck),
}

impl Leftover {
    /// Whether everything has ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.blocking_threads == 0 && self.threads == 0
    }

    /// The tasks that have not ended, by id: those that are still inside a poll or a blocking call, closures of
    /// [`spawn_blocking`](crate::spawn_blocking) and [`cpu`](crate::cpu), and whatever waits for a thread that is.
    #[must_use]
    pub fn tasks(&self) -> &[TaskInfo] {
        &self.tasks
    }

    /// How many threads are still inside a closure of [`spawn_blocking`](crate::spawn_blocking).
    #[must_use]
    pub fn blocking_threads(&self) -> usize {
        self.blocking_threads
    }

    /// How many of the runtime's threads are still there, of whatever kind: those that are inside these tasks and
    /// closures, in the drop of what a task left behind, or in the destructors of their thread-locals; and one that
    /// waits for the others, and ends the rest of the runtime when they have ended.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    fn fmt_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} task(s), {} blocking call(s), {} thread(s) of the runtime",
            self.tasks.len(),
            self.blocking_threads,
            self.threads
        )
    }

    fn fmt_list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.tasks.iter().zip(&self.inside);
        let is_running = |(task, _): &(&TaskInfo, &Inside)| task.state() == TaskState::Running;
        let first = tasks.clone().filter(is_running);
        let then = tasks.filter(|task| !is_running(task));
        for (task, inside) in first.chain(then).take(MOST_LISTED) {
            write!(f, "\n  {task}{inside}")?;
        }
        if self.tasks.len() > MOST_LISTED {
            write!(f, "\n  and {} more tasks", self.tasks.len() - MOST_LISTED)?;
        }
        for thread in &self.ended {
            write!(
                f,
                "\n  thread '{thread}': in its thread-locals' destructors"
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_summary(f)?;
        self.fmt_list(f)
    }
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Inside::Unknown | Inside::Stuck(Stuck::Preempted) => "",
            Inside::SpawnBlocking => ", a closure of `spawn_blocking`",
            Inside::Cpu => ", a closure of `cpu`",
            Inside::Blocking => ", inside `blocking`",
            Inside::Stuck(Stuck::Blocked) => ", blocked inside a poll or a drop",
            Inside::Stuck(Stuck::Computing) => ", computing inside a poll or a drop",
        })
    }
}

/// What is said about an end that takes long.
#[derive(Debug)]
pub(crate) struct Late {
    word: Word,
    leftover: Leftover,
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lasts = match self.word {
            Word::End(lasts) => {
                f.write_str("filch: a runtime that is shutting down still waits for ")?;
                self.leftover.fmt_summary(f)?;
                lasts
            }
            Word::Return(lasts, _) => {
                f.write_str(
                    "filch: the future of `main` or `run` is done, and its thread still waits for another \
                     task, which it runs",
                )?;
                lasts
            }
        };
        write!(f, ", after {} s", lasts.as_secs())?;
        self.leftover.fmt_list(f)
    }
}

impl Shared {
    /// For whoever ends the runtime: waits until everything has ended, at most until `deadline`, and joins the
    /// undertaker.
    pub(crate) fn await_end(&self, deadline: Option<Instant>) -> bool {
        let ends = |until| self.bell.wait_until(|| self.has_ended(), until);
        if !self.wait(ends, deadline) {
            return false;
        }
        if let Some(undertaker) = self.threads.take_undertaker() {
            self.threads.join(undertaker);
        }
        self.threads.await_forgotten();
        true
    }

    /// For the undertaker: waits until no task is left and nobody helps any more, joins all threads, and lets go of the
    /// drivers. `false`: the threads have not come to their ends by `deadline`.
    pub(crate) fn see_to_the_end(&self, deadline: Option<Instant>) -> bool {
        let is_drained = || self.registry.is_empty() && !self.is_helped.load(Acquire);
        let drains = |until| self.bell.wait_until(is_drained, until);
        let threads_end = |until| self.threads.await_ends(until);
        if !self.wait(drains, deadline) || !self.wait(threads_end, deadline) {
            return false;
        }
        while let Some(thread) = self.threads.next_ended() {
            self.threads.join(thread);
        }
        self.close_drivers();
        let soon = system_now().saturating_add(LAST_WORDS);
        for voice in self.threads.take_voices(soon) {
            self.threads.join(voice);
        }
        self.announce_end();
        true
    }

    /// Waits in such a way that takes a deadline, at most until `deadline`, and meanwhile says what it waits for when
    /// that is due.
    fn wait(&self, waits: impl Fn(Option<Instant>) -> bool, deadline: Option<Instant>) -> bool {
        loop {
            let next = self.next_word().into_iter().chain(deadline).min();
            if waits(next) {
                return true;
            }
            self.say_if_late();
            if deadline.is_some_and(|deadline| system_now() >= deadline) {
                return false;
            }
        }
    }

    /// For whoever ends the runtime, and is about to run its tasks: the undertaker waits for that.
    pub(crate) fn start_helping(&self) {
        self.is_helped.store(true, Release);
    }

    /// It runs none any more.
    pub(crate) fn stop_helping(&self) {
        self.is_helped.store(false, Release);
        self.bell.ring();
    }

    /// What is to be said with that word; nothing, if what it is about has ended meanwhile.
    pub(crate) fn late(&self, word: Word) -> Option<Late> {
        let leftover = match word {
            Word::End(_) => Some(self.leftover()).filter(|_| !self.has_ended()),
            Word::Return(_, seat) => self.task_at(seat),
        };
        Some(Late {
            word,
            leftover: leftover?,
        })
    }

    /// The task that a seat is inside of.
    fn task_at(&self, seat: usize) -> Option<Leftover> {
        let watch = &self.remotes.iter().nth(seat)?.watch;
        let id = watch.tick().map(|_| watch.task())?;
        let tasks = self.registry.tasks();
        let mut headers = tasks.iter().map(|task| task.header());
        let task = headers.find(|task| task.id.as_u64() == id);
        Some(Leftover {
            tasks: task.map(|task| self.info_of(task)).into_iter().collect(),
            inside: task.map(|task| self.inside(task)).into_iter().collect(),
            ..Leftover::default()
        })
    }

    /// What has not ended yet.
    pub(crate) fn leftover(&self) -> Leftover {
        let tasks = self.registry.tasks();
        let headers = tasks.iter().map(|task| task.header());
        Leftover {
            tasks: headers.clone().map(|task| self.info_of(task)).collect(),
            inside: headers.map(|task| self.inside(task)).collect(),
            blocking_threads: self.blocking.busy(),
            threads: self.threads.count(),
            ended: self.threads.names_of_ended(),
        }
    }

    fn info_of(&self, task: &Header) -> TaskInfo {
        TaskInfo::of(task, self.clock.now())
    }

    fn inside(&self, task: &Header) -> Inside {
        if task.habit.is_apart() {
            return Inside::SpawnBlocking;
        }
        let id = task.id.as_u64();
        let mut seats = self.remotes.iter();
        let seat = seats.find(|seat| seat.watch.tick().is_some() && seat.watch.task() == id);
        match seat.and_then(|seat| seat.watch.mark()) {
            Some(Mark {
                stuck: Stuck::Blocked,
                known: Known::Declared,
            }) => Inside::Blocking,
            _ if task.habit.is_declared() => Inside::Cpu,
            Some(mark) => Inside::Stuck(mark.stuck),
            None => Inside::Unknown,
        }
    }
}
