//! How many threads should be at work: the monitor's decisions, apart from how they are carried out.
//!
//! - While a worker that is not stuck exists, the computing ones need no replacement: their processors are
//!   in use. When there is none left, there is one spare worker for all computing ones. Should that get
//!   stuck in computing too, the next one follows after 1 ms, then 2, 4, 8.
//! - A blocked worker leaves a processor unused: each is replaced as long as there is work that no idle worker is left
//!   for, and no more are at work than there are processors. If even the
//!   replacements block, they grow by half, as far as there are tasks.
//! - Who is surplus for 10 ms retires.
//!
//! Every decision follows from what is stuck now, so there is no feedback and nothing to oscillate.

use filch_timer::Instant;
use std::time::Duration;

/// A spare worker that was not needed for this long retires.
const RETIRE_AFTER: Duration = Duration::from_millis(10);
/// Between two spares for computing workers, the first time; it doubles up to `LONGEST_GROWTH`.
const FIRST_GROWTH: Duration = Duration::from_millis(1);
const LONGEST_GROWTH: Duration = Duration::from_millis(8);

/// Where the replacements of all workers have blocked too, this part of the blocked is called at a time: half.
const GROWTH_PART: usize = 2;

/// What the workers are doing, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Census {
    pub(crate) workers: usize,
    /// How many of them the processors are enough for.
    pub(crate) crew: usize,
    /// Not stuck: they run tasks, or sleep and can be woken, or can be started.
    pub(crate) at_work: usize,
    /// Those of them that sleep.
    pub(crate) idle: usize,
    pub(crate) computing: usize,
    pub(crate) blocked: usize,
    /// Spare seats that are taken.
    pub(crate) spares: usize,
    /// Tasks that wait for somebody who is not stuck.
    pub(crate) waiting: usize,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Keep,
    Call(usize),
    Retire(usize),
}

/// The monitor's memory of its decisions.
#[derive(Debug, Default)]
pub(crate) struct Staff {
    surplus_since: Option<Instant>,
    last_growth: Option<Instant>,
}

impl Census {
    /// How many should be at work.
    fn target(&self) -> usize {
        self.crew.saturating_sub(self.computing).max(1)
    }
}

impl Staff {
    pub(crate) fn decide(&mut self, census: Census, now: Instant) -> Decision {
        let target = census.target();
        if census.at_work > target && census.spares > 0 {
            let since = *self.surplus_since.get_or_insert(now);
            if now.duration_since(since) < RETIRE_AFTER {
                return Decision::Keep;
            }
            return Decision::Retire((census.at_work - target).min(census.spares));
        }
        self.surplus_since = None;
        let missing = self.missing(census, target, now);
        if missing == 0 {
            return Decision::Keep;
        }
        self.last_growth = Some(now);
        Decision::Call(missing)
    }

    /// Whether a surplus is waiting to be sent home.
    pub(crate) fn has_surplus(&self) -> bool {
        self.surplus_since.is_some()
    }

    fn missing(&self, census: Census, target: usize, now: Instant) -> usize {
        if census.at_work == 0 {
            if census.blocked > 0 && census.computing < census.crew {
                // Grow by half if the replacements of all workers have blocked too.
                let more = (census.blocked / GROWTH_PART).min(census.waiting);
                return more.max(target.min(census.waiting)).max(1);
            }
            // The first spare at once; another only if the one before has been stuck for a while.
            let grown = census.computing.saturating_sub(census.workers) as u32;
            let pause = match grown {
                0 => Duration::ZERO,
                _ => LONGEST_GROWTH.min(FIRST_GROWTH * (1 << (grown - 1).min(8))),
            };
            let due = self
                .last_growth
                .is_none_or(|last| now.duration_since(last) >= pause);
            return usize::from(due);
        }
        if census.blocked == 0 {
            return 0;
        }
        let unclaimed = census.waiting.saturating_sub(census.idle);
        target.saturating_sub(census.at_work).min(unclaimed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_nanos(1 << 40);

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn census(at_work: usize, computing: usize, blocked: usize) -> Census {
        Census {
            workers: 2,
            crew: 2,
            at_work,
            idle: 0,
            computing,
            blocked,
            spares: (at_work + computing + blocked).saturating_sub(2),
            waiting: 1000,
        }
    }

    #[test]
    fn nobody_is_called_while_a_worker_is_at_work_beside_computing_ones() {
        let mut staff = Staff::default();
        assert_eq!(staff.decide(census(2, 0, 0), START), Decision::Keep);
        assert_eq!(staff.decide(census(1, 1, 0), START), Decision::Keep);
    }

    #[test]
    fn one_spare_for_all_computing_workers_and_slowly_more() {
        let mut staff = Staff::default();
        assert_eq!(staff.decide(census(0, 2, 0), START), Decision::Call(1));
        assert_eq!(staff.decide(census(1, 2, 0), START), Decision::Keep);
        let mut at = START;
        for (computing, pause) in [(3, 1), (4, 2), (5, 4), (6, 8), (7, 8)] {
            let early = at + ms(pause) / 2;
            assert_eq!(staff.decide(census(0, computing, 0), early), Decision::Keep);
            at += ms(pause);
            let call = staff.decide(census(0, computing, 0), at);
            assert_eq!(call, Decision::Call(1), "{computing} computing");
        }
    }

    #[test]
    fn where_the_processors_are_in_use_a_blocked_worker_makes_spares_come_no_faster() {
        let mut staff = Staff::default();
        assert_eq!(staff.decide(census(0, 2, 40), START), Decision::Call(1));
        assert_eq!(
            staff.decide(census(0, 3, 40), START + ms(1) / 2),
            Decision::Keep
        );
        assert_eq!(
            staff.decide(census(0, 3, 40), START + ms(1)),
            Decision::Call(1)
        );
    }

    #[test]
    fn every_blocked_worker_is_replaced_as_far_as_there_is_work() {
        let mut staff = Staff::default();
        assert_eq!(staff.decide(census(0, 0, 2), START), Decision::Call(2));
        assert_eq!(staff.decide(census(1, 0, 1), START), Decision::Call(1));
        assert_eq!(staff.decide(census(2, 0, 2), START), Decision::Keep);
        assert_eq!(staff.decide(census(0, 0, 30), START), Decision::Call(15));
        assert_eq!(staff.decide(census(0, 1, 30), START), Decision::Call(15));
        let idle = Census {
            waiting: 0,
            ..census(0, 0, 2)
        };
        assert_eq!(
            staff.decide(idle, START),
            Decision::Call(1),
            "somebody has to be there"
        );
        let idle = Census {
            waiting: 0,
            ..census(1, 0, 1)
        };
        assert_eq!(staff.decide(idle, START), Decision::Keep);
    }

    #[test]
    fn nobody_is_called_where_workers_sleep_or_all_processors_are_in_use() {
        let mut staff = Staff::default();
        let with = |crew, idle, waiting| Census {
            workers: 8,
            crew,
            idle,
            waiting,
            ..census(4, 0, 4)
        };
        assert_eq!(staff.decide(with(8, 3, 3), START), Decision::Keep);
        assert_eq!(staff.decide(with(8, 3, 5), START), Decision::Call(2));
        assert_eq!(staff.decide(with(4, 0, 9), START), Decision::Keep);
        assert_eq!(staff.decide(with(5, 0, 9), START), Decision::Call(1));
    }

    #[test]
    fn who_is_surplus_for_long_retires() {
        let mut staff = Staff::default();
        let surplus = census(5, 0, 0);
        assert_eq!(staff.decide(surplus, START), Decision::Keep);
        assert!(staff.has_surplus());
        assert_eq!(staff.decide(surplus, START + ms(9)), Decision::Keep);
        assert_eq!(staff.decide(surplus, START + ms(10)), Decision::Retire(3));
        assert_eq!(
            staff.decide(census(1, 2, 0), START + ms(11)),
            Decision::Keep
        );
        assert!(!staff.has_surplus(), "they were needed in between");
        assert_eq!(
            staff.decide(census(2, 1, 0), START + ms(30)),
            Decision::Keep
        );
        assert_eq!(
            staff.decide(census(2, 1, 0), START + ms(40)),
            Decision::Retire(1)
        );
    }
}
