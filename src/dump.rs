//! The dump of tasks that tells why a program hangs.
//!
//! One format for every place that has tasks to show: `filch::task::dump` for users, and the test runner when a test
//! hangs. Tasks that were spawned in one place and wait alike are many in a large program, and one thing to a reader:
//! so they are shown as one.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};
use std::panic::Location;
use std::time::Duration;

use crate::known;
use filch_executor::leaf::WaitKind;
use filch_executor::{PollInfo, TaskId, TaskInfo, TaskState, WaitInfo};

/// So many tasks of one kind are shown one by one; more are a group.
const FEW: usize = 8;

/// Writes what each of `tasks` is doing, for people: two lines a task, with its name, where it was spawned, its state,
/// and what it waits for, since when, and where in the source.
///
/// ```text
/// 2 tasks are alive:
///   task 1 'accept', spawned at src/main.rs:12:5
///     waiting for 3.2s for join of task 7 'connection' at src/main.rs:20:9
///   task 7 'connection', spawned at src/main.rs:18:17
///     waiting for 3.2s for read fd 12 at src/main.rs:31:24
/// ```
///
/// A descriptor has the number that `lsof` and `ss -p` show. Who waits for a [`Mutex`](crate::sync::Mutex) is told which
/// task holds it. More than eight tasks that were spawned in one place and wait in one place for the same lock, or for
/// the same kind of thing, are shown together, with the least and the longest time:
///
/// ```text
///   9,900 tasks, 12 'job' to 9911 'job', spawned at src/main.rs:12:5
///     waiting for 350.0ms to 12.0s for lock at src/main.rs:20:9, held by task 7 'writer'
/// ```
///
/// Tasks that have ended are left out, and the others stand in the order of their ids, a group where its first task
/// would. The text may change between versions: read it, or use [`TaskInfo`]'s methods in programs.
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
        count => format!("{} tasks are alive:", Thousands(count)),
    };
    for tasks in groups(&alive) {
        let group = Group {
            tasks: &tasks,
            alive: &alive,
        };
        write!(text, "\n  {group}").expect("a String takes everything");
    }
    text
}

/// What tasks of one group have in common: where they were spawned, their state, and what they wait for.
type Likeness = (
    Place,
    u8,
    Option<(WaitKindCode, Place, u64, Option<TaskId>)>,
);
type Place = (&'static str, u32, u32);
type WaitKindCode = u8;

/// The tasks that are shown together, in the order of the first of each.
fn groups<'a>(alive: &[&'a TaskInfo]) -> Vec<Vec<&'a TaskInfo>> {
    let mut sizes = BTreeMap::<Likeness, usize>::new();
    for task in alive {
        *sizes.entry(likeness(task)).or_default() += 1;
    }
    let mut groups = Vec::<Vec<&TaskInfo>>::new();
    let mut begun = BTreeMap::<Likeness, usize>::new();
    for task in alive {
        let likeness = likeness(task);
        match begun.get(&likeness) {
            Some(group) => groups[*group].push(task),
            None => {
                if sizes[&likeness] > FEW {
                    begun.insert(likeness, groups.len());
                }
                groups.push(vec![task]);
            }
        }
    }
    groups
}

fn likeness(task: &TaskInfo) -> Likeness {
    let place = |at: &'static Location<'static>| (at.file(), at.line(), at.column());
    let waits = task.wait().map(|wait| {
        let lock = match wait.kind() {
            WaitKind::Lock => wait.resource(),
            _ => 0,
        };
        (wait.kind() as u8, place(wait.at()), lock, wait.holder())
    });
    let doing = match (task.state(), task.poll()) {
        (TaskState::Running, None) => 0,
        (TaskState::Running, Some(poll)) => {
            1 + 2 * u8::from(poll.is_blocked()) + u8::from(poll.is_declared())
        }
        (TaskState::Scheduled, _) => 5,
        _ => 6,
    };
    (place(task.spawned_at()), doing, waits)
}

/// Tasks that are shown together, often one; the tasks beside them lend their names.
struct Group<'a> {
    tasks: &'a [&'a TaskInfo],
    alive: &'a [&'a TaskInfo],
}

impl Display for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.tasks[0], self.tasks[self.tasks.len() - 1]);
        match self.tasks.len() {
            1 => write!(f, "task {}", Label(first))?,
            count => write!(
                f,
                "{} tasks, {} to {}",
                Thousands(count),
                Label(first),
                Label(last)
            )?,
        }
        write!(f, ", spawned at {}\n    ", first.spawned_at())?;
        match (first.state(), first.wait()) {
            (TaskState::Running, _) => self.fmt_running(first.poll(), f),
            (TaskState::Scheduled, _) => {
                f.write_str("scheduled: woken, and waiting for a worker to poll it")
            }
            (TaskState::Waiting, Some(wait)) => {
                self.fmt_wait(wait, f)?;
                self.fmt_branches(f)
            }
            (TaskState::Waiting, None) => f.write_str(
                "waiting for something that is not filch's, such as a channel of another crate",
            ),
            (state, _) => state.fmt(f),
        }
    }
}

impl Group<'_> {
    fn fmt_running(&self, poll: Option<&PollInfo>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("running: ")?;
        if let Some(poll) = poll {
            f.write_str(if poll.is_blocked() {
                "blocked, "
            } else {
                "computing, "
            })?;
        }
        f.write_str("in a poll that has not returned")?;
        let lasts = self.tasks.iter().filter_map(|task| task.poll()?.lasts());
        if let Some(lasts) = Span::of(lasts) {
            write!(f, " for {lasts}")?;
        }
        match poll.is_some_and(PollInfo::is_declared) {
            true => f.write_str(", inside `filch::blocking` or `filch::cpu`"),
            false => Ok(()),
        }
    }

    fn fmt_wait(&self, wait: &WaitInfo, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = || self.tasks.iter().filter_map(|task| task.wait());
        if let Some(since) = Span::of(waits().map(WaitInfo::since)) {
            write!(f, "waiting for {since} for ")?;
        }
        self.fmt_what(wait, Span::of(waits().map(WaitInfo::resource)), f)
    }

    fn fmt_what(
        &self,
        wait: &WaitInfo,
        resources: Option<Span<u64>>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        match (wait.kind(), resources) {
            (WaitKind::Join, Some(Span { least, most })) if least == most => {
                write!(f, "join of task {}", self.label(least))?;
            }
            (WaitKind::Join, Some(tasks)) => write!(f, "join of tasks {tasks}")?,
            (kind, Some(descriptors)) if is_of_descriptor(kind) => {
                write!(f, "{kind} fd {descriptors}")?;
            }
            (kind, Some(Span { least, most })) if least == most => Named(kind, least).fmt(f)?,
            (kind, _) => write!(f, "{kind}")?,
        }
        write!(f, " at {}", wait.at())?;
        match wait.holder() {
            Some(holder) => write!(f, ", held by task {}", self.label(holder.as_u64())),
            None => Ok(()),
        }
    }

    /// What the branches of a task wait for, one a line; of more tasks than one that are shown together, of the first.
    fn fmt_branches(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let branches = self.tasks[0].branches();
        for (at, branch) in branches.iter().enumerate() {
            let indent = 6 + 2 * branch.depth();
            write!(f, "\n{:indent$}branch {}: ", "", branch.number())?;
            let inner = branches
                .get(at + 1)
                .filter(|next| next.depth() > branch.depth());
            match (branch.wait(), inner) {
                (Some(wait), _) => {
                    write!(f, "{:.1?} for ", wait.since())?;
                    self.fmt_what(wait, Span::of([wait.resource()].into_iter()), f)?;
                }
                (None, Some(inner)) => write!(f, "{} at {}", inner.of().kind(), inner.of().at())?,
                (None, None) => f.write_str("something that is not filch's")?,
            }
        }
        Ok(())
    }

    /// The task of that number, with its name if it is one of those shown.
    fn label(&self, id: u64) -> String {
        let found = self
            .alive
            .binary_search_by_key(&id, |task| task.id().as_u64());
        found.map_or_else(
            |_| id.to_string(),
            |index| Label(self.alive[index]).to_string(),
        )
    }
}

/// Whether the resource of such a wait is a descriptor's number.
fn is_of_descriptor(kind: WaitKind) -> bool {
    matches!(
        kind,
        WaitKind::Read
            | WaitKind::Write
            | WaitKind::Accept
            | WaitKind::Connect
            | WaitKind::Readable
            | WaitKind::Writable
    )
}

/// A kind of thing, and which one if it has a name.
struct Named(WaitKind, u64);

impl Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Named(kind, number) = *self;
        match kind {
            WaitKind::Signal => {
                let name = known::signal(number).map_or_else(|| number.to_string(), String::from);
                write!(f, "{kind} {name}")
            }
            WaitKind::Child => {
                write!(f, "{kind} {number}")?;
                known::child(number).map_or(Ok(()), |program| write!(f, " '{program}'"))
            }
            WaitKind::File => match known::file(number) {
                Some(what) => write!(f, "{kind}: {what}"),
                None => write!(f, "{kind}"),
            },
            WaitKind::Guest => write!(f, "{kind} {number}"),
            kind => write!(f, "{kind}"),
        }
    }
}

/// A task's number and name.
struct Label<'a>(&'a TaskInfo);

impl Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.id())?;
        self.0.name().map_or(Ok(()), |name| write!(f, " '{name}'"))
    }
}

/// From the least to the most of some values.
#[derive(Clone, Copy)]
struct Span<T> {
    least: T,
    most: T,
}

impl<T: Copy + Ord> Span<T> {
    fn of(values: impl Iterator<Item = T>) -> Option<Span<T>> {
        values.fold(None, |span: Option<Span<T>>, value| {
            let span = span.unwrap_or(Span {
                least: value,
                most: value,
            });
            Some(Span {
                least: span.least.min(value),
                most: span.most.max(value),
            })
        })
    }
}

impl Display for Span<u64> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.least == self.most {
            true => write!(f, "{}", self.least),
            false => write!(f, "{} to {}", self.least, self.most),
        }
    }
}

impl Display for Span<Duration> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, most] = [self.least, self.most].map(|time| format!("{time:.1?}"));
        match least == most {
            true => f.write_str(&least),
            false => write!(f, "{least} to {most}"),
        }
    }
}

/// A count with a comma before every three digits.
struct Thousands(usize);

impl Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            small @ ..1000 => write!(f, "{small}"),
            large => write!(f, "{},{:03}", Thousands(large / 1000), large % 1000),
        }
    }
}
