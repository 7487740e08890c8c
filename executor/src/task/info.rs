//! What introspection tells of a task. Reading never polls a future.

use super::TaskId;
use super::cancelled::Cancelled;
use super::raw::Header;
use crate::task::board::BranchInfo;
use crate::task::wait::{WaitInfo, WaitKind};
use filch_timer::Instant;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskState {
    /// It is being polled right now.
    Running,
    /// It is in a queue and will be polled.
    Scheduled,
    /// It waits to be woken.
    Waiting,
    /// Its future has ended, and it waits until what scopes in that left behind is gone.
    Draining,
    /// It has ended.
    Done,
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TaskState::Running => "running",
            TaskState::Scheduled => "scheduled",
            TaskState::Waiting => "waiting",
            TaskState::Draining => "draining, waiting",
            TaskState::Done => "done",
        })
    }
}

/// A copy of what is known of a task at one moment.
#[derive(Clone, Debug)]
pub struct TaskInfo {
    id: TaskId,
    name: Option<Box<str>>,
    spawned_at: &'static Location<'static>,
    state: TaskState,
    poll: Option<PollInfo>,
    wait: Option<WaitInfo>,
    branches: Vec<BranchInfo>,
    cancelled: Option<Cancelled>,
}

/// What is known of a poll that a worker is in, and that has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollInfo {
    pub(crate) is_blocked: bool,
    pub(crate) is_declared: bool,
    pub(crate) lasts: Option<Duration>,
}

impl PollInfo {
    /// Whether it waits for something, in a system call or for a lock. Otherwise it computes, or waits for a processor.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// Whether the task says that it takes long: it is inside `filch::blocking`, or a closure of `filch::cpu`.
    #[must_use]
    pub fn is_declared(&self) -> bool {
        self.is_declared
    }

    /// About how long it has gone on, once it was found to be long.
    #[must_use]
    pub fn lasts(&self) -> Option<Duration> {
        self.lasts
    }
}

impl TaskInfo {
    /// What is known now, by the clock of the task's runtime.
    pub(crate) fn of(header: &Header, now: Instant) -> TaskInfo {
        let state = header.state.load();
        let state = match () {
            () if state.is_complete() => TaskState::Done,
            () if state.is_running() => TaskState::Running,
            () if state.is_scheduled() => TaskState::Scheduled,
            () if state.is_draining() => TaskState::Draining,
            () => TaskState::Waiting,
        };
        let waits = matches!(state, TaskState::Waiting | TaskState::Draining);
        let extras = header.extras.get();
        let board = header.extras.board().filter(|_| waits);
        let (combinator, branches) = board.map(|board| board.read(now)).unwrap_or_default();
        let alone = header.wait.read(now).filter(|_| waits);
        TaskInfo {
            id: header.id,
            name: header.name().map(Box::from),
            spawned_at: header.spawned_at,
            state,
            poll: None,
            wait: alone.or(combinator),
            branches,
            cancelled: extras.and_then(|extras| extras.cancelled.get().cloned()),
        }
    }

    /// The task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The name it was given, if any.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where it was spawned.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// What it was doing.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.state
    }

    /// What it waits for. `None` while it runs, or when it waits for something that is not filch's
    /// (a future of another crate that keeps wakers of its own).
    #[must_use]
    pub fn wait(&self) -> Option<&WaitInfo> {
        self.wait.as_ref()
    }

    /// What each of its branches waits for, if it is inside a `select!`, `join!` or `race`, or has a set of futures:
    /// one after the other, each followed by those that lie in it. Those that are ready are left out.
    #[must_use]
    pub fn branches(&self) -> &[BranchInfo] {
        &self.branches
    }

    /// Who has cancelled it, if somebody has and it is not gone yet.
    #[must_use]
    pub fn cancelled(&self) -> Option<&Cancelled> {
        self.cancelled.as_ref()
    }

    /// All that it waits for.
    pub(crate) fn waits_mut(&mut self) -> impl Iterator<Item = &mut WaitInfo> {
        let of_branches = self.branches.iter_mut().filter_map(BranchInfo::wait_mut);
        self.wait.iter_mut().chain(of_branches)
    }

    /// What is known of the poll that it is in. `None` unless it runs; also of the calling task itself, which computes,
    /// and of closures on blocking threads.
    #[must_use]
    pub fn poll(&self) -> Option<&PollInfo> {
        self.poll.as_ref()
    }

    /// A worker is in a poll of this task.
    pub(crate) fn set_poll(&mut self, poll: PollInfo) {
        if self.state == TaskState::Running {
            self.poll = Some(poll);
        }
    }
}

impl fmt::Display for TaskInfo {
    /// One line: `task 12 'name' spawned at src/a.rs:1:2: waiting for sleep at src/b.rs:3:4 since 12 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.id)?;
        if let Some(name) = &self.name {
            write!(f, " '{name}'")?;
        }
        write!(f, " spawned at {}: ", self.spawned_at)?;
        if let Some(cancelled) = &self.cancelled {
            write!(f, "cancelled {cancelled}; ")?;
        }
        write!(f, "{}", self.state)?;
        let Some(wait) = &self.wait else {
            return Ok(());
        };
        write!(f, " for {}", wait.kind())?;
        if wait.resource() != 0 && wait.kind() != WaitKind::Lock {
            write!(f, " #{}", wait.resource())?;
        }
        write!(f, " at {} since {} ms", wait.at(), wait.since().as_millis())
    }
}
