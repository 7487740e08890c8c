//! The dump of tasks that tells why a program hangs.
//!
//! One format for every place that has tasks to show: `filch::task::dump` for users, and the test runner when a test
//! hangs.

use std::fmt::{self, Display, Write};

use filch_executor::leaf::WaitKind;
use filch_executor::{TaskInfo, TaskState, WaitInfo};

/// Writes what each of `tasks` is doing, for people: two lines a task, with its name, where it was spawned, its state,
/// and what it waits for, since when, and where in the source.
///
/// ```text
/// 2 tasks are alive:
///   task 1 'accept', spawned at src/main.rs:12:5
///     waiting for 3.2s for join of task 7 'connection' at src/main.rs:20:9
///   task 7 'connection', spawned at src/main.rs:18:17
///     waiting for 3.2s for read #4 at src/main.rs:31:24
/// ```
///
/// Tasks that have ended are left out, and the others stand in the order of their ids. The text may change between
/// versions: read it, or use [`TaskInfo`]'s methods in programs.
///
/// # Example
/// ```
/// # filch::run(async {
/// let waiting = filch::task::Builder::new().name("patient").spawn(std::future::pending::<()>());
/// let text = filch::task::dump(&filch::task::all());
/// assert!(text.contains("'patient'"));
/// # waiting.abort();
/// # });
/// ```
#[must_use]
pub fn dump(tasks: &[TaskInfo]) -> String {
    let mut alive: Vec<&TaskInfo> = tasks
        .iter()
        .filter(|task| task.state() != TaskState::Done)
        .collect();
    alive.sort_by_key(|task| task.id());
    let mut text = match alive.len() {
        0 => String::from("no task is alive"),
        1 => String::from("1 task is alive:"),
        count => format!("{count} tasks are alive:"),
    };
    for task in &alive {
        let (label, doing) = (
            Label(task),
            Doing {
                task,
                alive: &alive,
            },
        );
        write!(
            text,
            "\n  {label}, spawned at {}\n    {doing}",
            task.spawned_at()
        )
        .expect("a String takes everything");
    }
    text
}

/// A task's number and name.
struct Label<'a>(&'a TaskInfo);

impl Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.0.id())?;
        self.0.name().map_or(Ok(()), |name| write!(f, " '{name}'"))
    }
}

/// What a task is doing; the tasks beside it lend their names.
struct Doing<'a> {
    task: &'a TaskInfo,
    alive: &'a [&'a TaskInfo],
}

impl Display for Doing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.task.state(), self.task.wait()) {
            (TaskState::Running, _) => f.write_str("running: in a poll that has not returned"),
            (TaskState::Scheduled, _) => {
                f.write_str("scheduled: woken, and waiting for a worker to poll it")
            }
            (TaskState::Waiting, Some(wait)) => self.fmt_wait(wait, f),
            (TaskState::Waiting, None) => f.write_str(
                "waiting for something that is not filch's, such as a channel of another crate",
            ),
            (state, _) => state.fmt(f),
        }
    }
}

impl Doing<'_> {
    fn fmt_wait(&self, wait: &WaitInfo, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waiting for {:.1?} for ", wait.since())?;
        match self.awaited(wait) {
            Some(task) => write!(f, "join of {}", Label(task))?,
            None => write!(f, "{}", wait.kind())?,
        }
        if self.awaited(wait).is_none() && wait.resource() != 0 {
            write!(f, " #{}", wait.resource())?;
        }
        write!(f, " at {}", wait.at())
    }

    /// The task whose end is waited for, if it is one of those shown.
    fn awaited(&self, wait: &WaitInfo) -> Option<&TaskInfo> {
        if wait.kind() != WaitKind::Join {
            return None;
        }
        let found = self
            .alive
            .binary_search_by_key(&wait.resource(), |task| task.id().as_u64());
        found.ok().map(|index| self.alive[index])
    }
}
