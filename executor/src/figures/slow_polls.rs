//! What is kept of slow polls: counts by the place where their tasks were spawned, and what is said on
//! standard error while one lasts.
//!
//! First warnings are rare, as many polls may be slow in a program that is fine. A poll that goes on and on is named
//! again whatever else was said: it may be the one that the others wait for.

use crate::signs::watch::Stuck;
use crate::task::{TaskId, TaskInfo};
use filch_timer::Instant;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// Between two first warnings about polls; what would have been said meanwhile is counted.
const WARNING_PAUSE: Duration = Duration::from_secs(1);

/// So many places are told apart; what comes from others is only counted.
const MAX_SITES: usize = 1024;

/// So many warnings wait to be said, while standard error takes none; of more it is only said how many they were.
const MAX_WARNINGS: usize = 1024;

/// A poll that had a processor for less than this part of its time shares it with others: half.
const SHARED_PART: u32 = 2;

/// The slow polls of tasks that were spawned in one place.
///
/// A poll is slow when it was found to last longer than
/// [`Builder::stall_threshold`](crate::Builder::stall_threshold). A call of `blocking` or `cpu` is none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlowSite {
    /// Where the tasks were spawned.
    pub spawned_at: &'static Location<'static>,
    /// How many of their polls were slow.
    pub polls: u64,
    /// How many of those waited for something other than a processor: a blocking call, or a lock.
    pub blocked: u64,
    /// About how long the longest took.
    pub longest: Duration,
}

/// The slow polls of a runtime.
#[derive(Debug)]
pub(crate) struct SlowPolls(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    total: u64,
    /// By file, line and column.
    sites: BTreeMap<(&'static str, u32, u32), SlowSite>,
    last_warning: Option<Instant>,
    /// To be said, by a thread that is there.
    warnings: VecDeque<Warning>,
    is_warning: bool,
    unsaid: u64,
}

impl SlowPolls {
    pub(crate) fn new() -> SlowPolls {
        SlowPolls(Mutex::new(Inner {
            total: 0,
            sites: BTreeMap::new(),
            last_warning: None,
            warnings: VecDeque::new(),
            is_warning: false,
            unsaid: 0,
        }))
    }

    /// A slow poll has ended.
    pub(crate) fn add(&self, at: &'static Location<'static>, stuck: Stuck, took: Duration) {
        let mut inner = self.0.lock();
        inner.total += 1;
        let place = (at.file(), at.line(), at.column());
        if inner.sites.len() >= MAX_SITES && !inner.sites.contains_key(&place) {
            return;
        }
        let site = inner.sites.entry(place).or_insert_with(|| SlowSite {
            spawned_at: at,
            polls: 0,
            blocked: 0,
            longest: Duration::ZERO,
        });
        site.polls += 1;
        site.blocked += u64::from(stuck == Stuck::Blocked);
        site.longest = site.longest.max(took);
    }

    /// How many there were.
    pub(crate) fn total(&self) -> u64 {
        self.0.lock().total
    }

    /// By place, most polls first.
    pub(crate) fn sites(&self) -> Vec<SlowSite> {
        let mut sites: Vec<_> = self.0.lock().sites.values().cloned().collect();
        sites.sort_by_key(|site| std::cmp::Reverse(site.polls));
        sites
    }

    /// A poll lasts too long, which is to be said unless something was said just now, or is still on its way: then this
    /// is only counted. `true`: the caller starts a thread that says it.
    pub(crate) fn warn(&self, warning: Warning, now: Instant) -> bool {
        let mut inner = self.0.lock();
        let is_early = inner
            .last_warning
            .is_some_and(|last| now.duration_since(last) < WARNING_PAUSE);
        if is_early || inner.is_warning {
            inner.unsaid += 1;
            return false;
        }
        inner.last_warning = Some(now);
        inner.push(warning)
    }

    /// A poll of which something was said, or counted, still lasts. Whatever else is said, this will be. `true`: as for
    /// `warn`.
    pub(crate) fn warn_again(&self, warning: Warning) -> bool {
        let mut inner = self.0.lock();
        if inner.warnings.len() >= MAX_WARNINGS {
            inner.unsaid += 1;
            return false;
        }
        inner.push(warning)
    }

    /// For the thread that says them: the next one. `None`: it ends, and another one is started for what comes then.
    pub(crate) fn next_warning(&self) -> Option<Warning> {
        let mut inner = self.0.lock();
        let next = inner.warnings.pop_front();
        inner.is_warning = next.is_some();
        next
    }

    /// That thread cannot be had.
    pub(crate) fn refuse_warnings(&self) {
        let mut inner = self.0.lock();
        inner.is_warning = false;
        inner.unsaid += inner.warnings.len() as u64;
        inner.warnings.clear();
    }

    /// How many polls have been counted only, since this was last asked.
    pub(crate) fn take_unsaid(&self) -> u64 {
        std::mem::take(&mut self.0.lock().unsaid)
    }
}

impl Inner {
    /// `true`: nobody is there to say it.
    fn push(&mut self, warning: Warning) -> bool {
        self.warnings.push_back(warning);
        !std::mem::replace(&mut self.is_warning, true)
    }
}

/// That a poll lasts too long.
#[derive(Debug)]
pub(crate) struct Warning {
    pub(crate) task: TaskId,
    /// Computing or blocked.
    pub(crate) stuck: Stuck,
    /// How long it has gone on, and how much of that it had a processor, where that is known.
    pub(crate) lasts: Duration,
    pub(crate) computed: Option<Duration>,
    /// It is not the first one about this poll.
    pub(crate) is_repeated: bool,
    /// The system's number of its thread, if that has done nothing since the last warning.
    pub(crate) still: Option<u32>,
}

/// A poll that lasts for long, as people are told of it.
#[derive(Debug)]
pub(crate) struct SlowPoll<'a> {
    /// Its task, unless that has just ended.
    pub(crate) task: Option<&'a TaskInfo>,
    pub(crate) warning: &'a Warning,
    /// For a lock, or something like that.
    pub(crate) waits_for_ever: bool,
    /// How many others nothing was said about.
    pub(crate) unsaid: u64,
}

impl fmt::Display for SlowPoll<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.task {
            Some(task) => {
                write!(f, "filch: task {}", task.id())?;
                if let Some(name) = task.name() {
                    write!(f, " \"{name}\"")?;
                }
                write!(f, ", spawned at {},", task.spawned_at())?;
            }
            None => f.write_str("filch: a task")?,
        }
        match self.warning.stuck {
            Stuck::Computing | Stuck::Preempted => self.fmt_computing(f)?,
            Stuck::Blocked => self.fmt_blocked(f)?,
        }
        match self.unsaid {
            0 => Ok(()),
            unsaid => write!(f, " ({unsaid} more slow polls since the last such message)"),
        }
    }
}

impl SlowPoll<'_> {
    fn fmt_computing(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lasts = self.warning.lasts;
        let computed = self.warning.computed.unwrap_or(lasts);
        write!(
            f,
            " has been computing for {} ms inside one poll",
            computed.as_millis()
        )?;
        if SHARED_PART * computed < lasts {
            let lasts = lasts.as_millis();
            write!(
                f,
                ", which has lasted for {lasts} ms as others use the processor too"
            )?;
        }
        f.write_str(
            "; other tasks go on elsewhere, but whatever is joined with it in the same task does not: `filch::cpu` is \
             meant for this, or a `yield_now` now and then",
        )
    }

    fn fmt_blocked(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.warning.lasts.as_millis();
        write!(f, " has been blocked for {millis} ms inside one poll, ")?;
        if self.waits_for_ever {
            return f.write_str(
                "waiting without a time limit for a lock, a condition or a channel, and has done nothing since the last \
                 such message: if nobody is left to wake it, this is a deadlock. A lock may be held by the very task, or \
                 by one that waits for it. `filch::task::dump` shows what the others wait for; for what only takes long, \
                 `filch::blocking` is meant",
            );
        }
        f.write_str(
            "in a system call or waiting for a lock; other tasks go on elsewhere, but whatever is joined with it in the \
             same task does not: `filch::blocking` and `filch::spawn_blocking` are meant for this",
        )?;
        match self.warning.is_repeated {
            true => f.write_str(", or it is a deadlock"),
            false => Ok(()),
        }
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    const START: Instant = Instant::from_nanos(1 << 40);

    fn warning(stuck: Stuck, millis: u64) -> Warning {
        Warning {
            task: TaskId(1),
            stuck,
            lasts: Duration::from_millis(millis),
            computed: None,
            is_repeated: false,
            still: None,
        }
    }

    fn text(warning: &Warning, waits_for_ever: bool, unsaid: u64) -> String {
        let slow = SlowPoll {
            task: None,
            warning,
            waits_for_ever,
            unsaid,
        };
        slow.to_string()
    }

    #[test]
    fn slow_polls_are_counted_by_place() {
        let polls = SlowPolls::new();
        let (one, two) = (Location::caller(), here());
        polls.add(one, Stuck::Computing, Duration::from_millis(3));
        polls.add(two, Stuck::Computing, Duration::from_millis(9));
        polls.add(two, Stuck::Blocked, Duration::from_millis(2));
        assert_eq!(polls.total(), 3);
        let sites = polls.sites();
        assert_eq!(sites.len(), 2);
        assert_eq!(
            (sites[0].spawned_at, sites[0].polls, sites[0].blocked),
            (two, 2, 1)
        );
        assert_eq!(sites[0].longest, Duration::from_millis(9));
    }

    #[track_caller]
    fn here() -> &'static Location<'static> {
        Location::caller()
    }

    #[test]
    fn a_first_warning_a_second_and_the_rest_is_counted() {
        let polls = SlowPolls::new();
        let warn = |at| polls.warn(warning(Stuck::Blocked, 100), at);
        assert!(warn(START));
        assert!(!warn(START + WARNING_PAUSE), "not said yet");
        assert!(polls.next_warning().is_some());
        assert!(
            polls.next_warning().is_none(),
            "the second was only counted"
        );
        assert!(warn(START + WARNING_PAUSE));
        assert!(polls.next_warning().is_some() && polls.next_warning().is_none());
        assert!(!warn(START + WARNING_PAUSE * 3 / 2));
        assert_eq!((polls.take_unsaid(), polls.take_unsaid()), (2, 0));
    }

    #[test]
    fn of_polls_that_still_last_each_one_is_named_by_one_thread() {
        let polls = SlowPolls::new();
        assert!(polls.warn(warning(Stuck::Blocked, 100), START));
        for millis in 1000..1010 {
            assert!(
                !polls.warn_again(warning(Stuck::Blocked, millis)),
                "it has a thread"
            );
        }
        let said: Vec<_> = std::iter::from_fn(|| polls.next_warning()).collect();
        let said: Vec<_> = said.iter().map(|said| said.lasts.as_millis()).collect();
        assert_eq!(said[0], 100);
        assert_eq!(said[1..], (1000..1010).collect::<Vec<_>>());
        assert!(
            polls.warn_again(warning(Stuck::Blocked, 10_000)),
            "that has ended"
        );
        polls.refuse_warnings();
        assert_eq!(polls.take_unsaid(), 1);
        assert!(
            polls.warn_again(warning(Stuck::Blocked, 10_000)),
            "it is tried again"
        );
    }

    #[test]
    fn where_nothing_can_be_said_not_everything_is_kept() {
        let polls = SlowPolls::new();
        for _ in 0..MAX_WARNINGS + 5 {
            polls.warn_again(warning(Stuck::Blocked, 1000));
        }
        assert_eq!(polls.take_unsaid(), 5);
    }

    #[test]
    fn a_warning_names_the_reason_and_how_many_there_were() {
        let computing = text(&warning(Stuck::Computing, 150), false, 0);
        assert!(
            computing.contains("computing for 150 ms") && !computing.contains("more slow polls")
        );
        let blocked = text(&warning(Stuck::Blocked, 150), false, 3);
        assert!(blocked.contains("blocked for 150 ms") && blocked.contains("(3 more slow polls"));
        assert!(!blocked.contains("deadlock"), "{blocked}");
    }

    #[test]
    fn the_time_that_is_said_is_that_of_the_processor() {
        let mut shared = warning(Stuck::Computing, 900);
        shared.computed = Some(Duration::from_millis(120));
        let said = text(&shared, false, 0);
        assert!(
            said.contains("computing for 120 ms") && said.contains("lasted for 900 ms"),
            "{said}"
        );
    }

    #[test]
    fn a_repeated_warning_speaks_of_a_deadlock() {
        let mut again = warning(Stuck::Blocked, 1000);
        again.is_repeated = true;
        let perhaps = text(&again, false, 0);
        assert!(perhaps.contains("or it is a deadlock"), "{perhaps}");
        let lock = text(&again, true, 0);
        assert!(
            lock.contains("a lock") && lock.contains("this is a deadlock"),
            "{lock}"
        );
    }
}
