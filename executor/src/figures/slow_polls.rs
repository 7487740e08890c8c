//! What is kept of slow polls: counts by the place where their tasks were spawned, and what is said on
//! standard error while one lasts.

use crate::signs::watch::Stuck;
use crate::task::TaskInfo;
use filch_timer::Instant;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// Between two warnings; what would have been said meanwhile is counted.
const WARNING_PAUSE: Duration = Duration::from_secs(1);

/// So many places are told apart; what comes from others is only counted.
const MAX_SITES: usize = 1024;

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
    is_warning: bool,
    unsaid: u64,
}

impl SlowPolls {
    pub(crate) fn new() -> SlowPolls {
        SlowPolls(Mutex::new(Inner {
            total: 0,
            sites: BTreeMap::new(),
            last_warning: None,
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

    /// Whether something is to be said about a poll that still lasts; whoever is told so says it, and then that it is
    /// [said](SlowPolls::said). Something may have been said just now, or still be on its way: then this is only
    /// counted.
    pub(crate) fn may_warn(&self, now: Instant) -> bool {
        let mut inner = self.0.lock();
        let is_early = inner
            .last_warning
            .is_some_and(|last| now.duration_since(last) < WARNING_PAUSE);
        if is_early || inner.is_warning {
            inner.unsaid += 1;
            return false;
        }
        inner.last_warning = Some(now);
        inner.is_warning = true;
        true
    }

    /// How many polls have been counted only, since this was last asked.
    pub(crate) fn take_unsaid(&self) -> u64 {
        std::mem::take(&mut self.0.lock().unsaid)
    }

    /// The end of what `may_warn` has allowed.
    pub(crate) fn said(&self) {
        self.0.lock().is_warning = false;
    }
}

/// A poll that lasts for long.
#[derive(Debug)]
pub(crate) struct SlowPoll<'a> {
    /// Its task, unless that has just ended.
    pub(crate) task: Option<&'a TaskInfo>,
    pub(crate) stuck: Stuck,
    pub(crate) lasts: Duration,
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
        let millis = self.lasts.as_millis();
        match self.stuck {
            Stuck::Computing | Stuck::Preempted => write!(
                f,
                " has been computing for {millis} ms inside one poll; other tasks go on elsewhere, but \
                 whatever is joined with it in the same task does not: `filch::cpu` is meant for this, \
                 or a `yield_now` now and then"
            ),
            Stuck::Blocked => write!(
                f,
                " has been blocked for {millis} ms inside one poll, in a system call or waiting for a \
                 lock; other tasks go on elsewhere, but whatever is joined with it in the same task \
                 does not: `filch::blocking` and `filch::spawn_blocking` are meant for this"
            ),
        }?;
        match self.unsaid {
            0 => Ok(()),
            unsaid => write!(f, " ({unsaid} more slow polls since the last such message)"),
        }
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    const START: Instant = Instant::from_nanos(1 << 40);

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
    fn a_warning_a_second_and_the_rest_is_counted() {
        let polls = SlowPolls::new();
        assert!(polls.may_warn(START));
        assert!(!polls.may_warn(START + WARNING_PAUSE), "not said yet");
        polls.said();
        assert!(polls.may_warn(START + WARNING_PAUSE));
        polls.said();
        assert!(!polls.may_warn(START + WARNING_PAUSE * 3 / 2));
        assert_eq!((polls.take_unsaid(), polls.take_unsaid()), (2, 0));
    }

    #[test]
    fn a_warning_names_the_reason_and_how_many_there_were() {
        let warning = |stuck, unsaid| {
            let lasts = Duration::from_millis(150);
            let task = None;
            let slow = SlowPoll {
                task,
                stuck,
                lasts,
                unsaid,
            };
            slow.to_string()
        };
        let text = warning(Stuck::Computing, 0);
        assert!(text.contains("computing for 150 ms") && !text.contains("more slow polls"));
        let text = warning(Stuck::Blocked, 3);
        assert!(text.contains("blocked for 150 ms") && text.contains("(3 more slow polls"));
    }
}
