//! Whether every thread that may run tasks is stuck while tasks wait, and no further one may come: the program should
//! hear of that, since it looks like any other hang.

use super::View;
use crate::figures::standstill::Standstill;
use crate::rescue::staff::Census;
use crate::seats::remotes::Remote;
use crate::seats::shared::{NewThread, Shared};
use crate::signs::watch::Stuck;
use crate::task::TaskId;
use filch_timer::Instant;
use std::time::Duration;

/// Between two lines; a standstill that begins meanwhile is said afterwards, if it lasts.
const STANDSTILL_PAUSE: Duration = Duration::from_secs(1);

/// What is remembered of it from look to look.
#[derive(Debug, Default)]
pub(super) struct StandstillWatch {
    since: Option<Instant>,
    /// It was said of this one.
    is_said: bool,
    last: Option<Instant>,
}

/// What there is to be done.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Nothing,
    /// Another look then.
    Look(Instant),
    Say,
}

impl StandstillWatch {
    pub(super) fn look(&mut self, shared: &Shared, census: Census, now: Instant, view: &mut View) {
        let Some(after) = shared.config.slow_poll_warning else {
            return;
        };
        let is_at_limit = census.spares >= shared.remotes.max_spares();
        let is_left = !is_at_limit || census.at_work > 0 || census.blocked == 0;
        match self.judge(!is_left && census.waiting > 0, after, now) {
            // Whatever comes to wait wakes nobody, neither a worker nor this thread.
            Next::Nothing if !is_left => view.report_at(now.saturating_add(after)),
            Next::Nothing => {}
            Next::Look(due) => view.report_at(due),
            Next::Say => {
                shared.start_thread(NewThread::Standstill(describe(shared, census)));
            }
        }
    }

    /// Once of each standstill that lasts, and after a pause since the last one.
    fn judge(&mut self, stands_still: bool, after: Duration, now: Instant) -> Next {
        if !stands_still {
            (self.since, self.is_said) = (None, false);
            return Next::Nothing;
        }
        let since = *self.since.get_or_insert(now);
        if self.is_said {
            return Next::Nothing;
        }
        let pause_over = self.last.map_or(since, |last| last + STANDSTILL_PAUSE);
        let due = since.saturating_add(after).max(pause_over);
        if now < due {
            return Next::Look(due);
        }
        (self.is_said, self.last) = (true, Some(now));
        Next::Say
    }
}

fn describe(shared: &Shared, census: Census) -> Standstill {
    let is_blocked = |remote: &&Remote| remote.watch.stuck() == Some(Stuck::Blocked);
    let blocked = shared.remotes.iter().filter(is_blocked);
    Standstill {
        threads: census.computing + census.blocked,
        spares: census.spares,
        waiting: census.waiting,
        blocked: blocked.map(|remote| TaskId(remote.watch.task())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_standstill_that_lasts_is_said_once_and_after_a_pause() {
        let (start, after) = (Instant::from_nanos(1 << 40), Duration::from_millis(100));
        let mut watch = StandstillWatch::default();
        let mut judge = |stands_still, millis| {
            watch.judge(stands_still, after, start + Duration::from_millis(millis))
        };
        let at = |millis| Next::Look(start + Duration::from_millis(millis));
        assert_eq!(judge(true, 0), at(100));
        assert_eq!(judge(false, 50), Next::Nothing, "somebody has gone on");
        assert_eq!(judge(true, 60), at(160));
        assert_eq!(judge(true, 160), Next::Say);
        assert_eq!(judge(true, 9000), Next::Nothing);
        assert_eq!(judge(false, 9001), Next::Nothing);
        assert_eq!(judge(true, 9002), at(9102));
        assert_eq!(judge(true, 9102), Next::Say);
        assert_eq!(judge(false, 9103), Next::Nothing);
        assert_eq!(judge(true, 9104), at(10102), "the pause");
        assert_eq!(judge(true, 10102), Next::Say);
    }
}
