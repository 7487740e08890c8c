//! What is said on standard error when every thread that may run tasks is stuck, and no further one may come.

use crate::task::TaskId;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;

/// So many places are named, those with most blocked polls.
const MOST_PLACES: usize = 8;

/// Tasks wait, and nobody is left who could run them.
#[derive(Debug)]
pub(crate) struct Standstill {
    /// Threads that hold a seat, and how many of these are spare.
    pub(crate) threads: usize,
    pub(crate) spares: usize,
    /// Tasks that wait for one of them.
    pub(crate) waiting: usize,
    /// The tasks whose polls block.
    pub(crate) blocked: Vec<TaskId>,
}

/// The same, with the places where the blocked tasks were spawned, as far as they are still there.
#[derive(Debug)]
pub(crate) struct StandstillAt<'a> {
    standstill: &'a Standstill,
    /// How many in each place, most first.
    places: Vec<(usize, &'static Location<'static>)>,
}

impl Standstill {
    pub(crate) fn at(&self, sites: &[&'static Location<'static>]) -> StandstillAt<'_> {
        let mut counts = BTreeMap::new();
        for at in sites {
            let place = (at.file(), at.line(), at.column());
            counts.entry(place).or_insert((0, *at)).0 += 1;
        }
        let mut places: Vec<_> = counts.into_values().collect();
        places.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        StandstillAt {
            standstill: self,
            places,
        }
    }
}

impl fmt::Display for StandstillAt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Standstill {
            threads,
            spares,
            waiting,
            blocked,
        } = self.standstill;
        let (blocked, mut named) = (blocked.len(), 0);
        write!(
            f,
            "filch: no thread is left for the tasks that wait ({waiting}): all {threads} are stuck, \
             {spares} of them spare ones, the most that `max_spare_threads` allows; blocked inside one \
             poll are"
        )?;
        for (count, at) in self.places.iter().take(MOST_PLACES) {
            let separator = if named == 0 { "" } else { "," };
            write!(f, "{separator} {count} in tasks spawned at {at}")?;
            named += count;
        }
        if named < blocked {
            let separator = if named == 0 { "" } else { "," };
            write!(f, "{separator} {} elsewhere", blocked - named)?;
        }
        f.write_str(
            "; nothing goes on until one of them does, so if they wait for a task of this runtime, it \
             is a deadlock: `.await` needs no thread, and `Builder::max_spare_threads` allows more",
        )
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    fn standstill(blocked: u64) -> Standstill {
        Standstill {
            threads: 300,
            spares: 256,
            waiting: 7,
            blocked: (1..=blocked).map(TaskId).collect(),
        }
    }

    #[test]
    fn places_are_counted_and_what_is_no_task_any_more_is_elsewhere() {
        let (one, two) = (Location::caller(), here());
        let text = standstill(5).at(&[one, two, two]).to_string();
        let places =
            format!("are 2 in tasks spawned at {two}, 1 in tasks spawned at {one}, 2 elsewhere;");
        assert!(text.contains(&places), "{text}");
        for part in ["wait (7)", "all 300 are stuck", "256 of them spare"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn without_any_place_it_is_still_a_sentence() {
        let text = standstill(1).at(&[]).to_string();
        assert!(
            text.contains("blocked inside one poll are 1 elsewhere; nothing"),
            "{text}"
        );
    }

    #[track_caller]
    fn here() -> &'static Location<'static> {
        Location::caller()
    }
}
