//! What is said on standard error of a poll that lasts too long, and when.

use super::View;
use super::poll::{FOLLOW_INTERVAL, Poll};
use crate::figures::slow_polls::Warning;
use crate::seats::remotes::Remote;
use crate::seats::shared::{NewThread, Shared};
use crate::signs::watch::{Known, Mark, Stuck};
use crate::sys;
use crate::task::TaskId;
use filch_timer::Instant;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A poll that goes on for so long is named again, whatever was said of others meanwhile.
const AGAIN: Duration = Duration::from_secs(1);

/// And once more.
const ONCE_MORE: Duration = Duration::from_secs(10);

/// What was said of the poll.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reports {
    /// How often.
    count: u8,
    /// The thread's processor time when it was last said.
    cpu: Option<Duration>,
    /// It is not asked before, whether something is to be said.
    not_before: Option<Instant>,
}

impl Reports {
    /// How long a poll lasts that is due to be named; `first` is what the builder says.
    fn next_due(&self, first: Duration) -> Option<Duration> {
        let again = [AGAIN, ONCE_MORE]
            .into_iter()
            .filter(|after| *after > first);
        [first]
            .into_iter()
            .chain(again)
            .nth(usize::from(self.count))
    }
}

impl Poll {
    /// Has it said on standard error that the poll lasts too long, and again when it still does.
    pub(super) fn report(
        &mut self,
        shared: &Shared,
        remote: &Remote,
        mark: Mark,
        now: Instant,
        view: &mut View,
    ) {
        let Some(first) = shared.config.slow_poll_warning else {
            return;
        };
        if mark.known == Known::Declared || !mark.stuck.needs_substitute() {
            return;
        }
        let thread = remote.thread.load(Relaxed);
        while let Some(due) = self.reports.next_due(first) {
            let not_before = self.since.saturating_add(due);
            let not_before = not_before.max(self.reports.not_before.unwrap_or(not_before));
            let lacks = match now < not_before {
                true => Some(not_before.duration_since(now)),
                false => self.lacks(mark.stuck, due, || sys::is_asleep(thread)),
            };
            if let Some(lacks) = lacks {
                let ask = now.saturating_add(lacks);
                self.reports.not_before = Some(ask);
                view.report_at(ask);
                return;
            }
            let task = TaskId(remote.watch.task());
            let warning = self.warning(task, mark.stuck, thread, now);
            say(shared, warning, now);
            // Should this thread have come late, the next time still says something new.
            let pause = self.reports.next_due(first).map(|next| next / 2);
            self.reports.not_before = pause.map(|pause| now.saturating_add(pause));
        }
    }

    /// Of a poll that lasts for `due`: how much later it may deserve to be named. `None`: now.
    ///
    /// Time that its thread waited for a processor is held against nobody. So one that computes has to have had a
    /// processor for as long as is due. One that was found to be blocked may have been woken since and wait for a
    /// processor: its thread has to be asleep.
    fn lacks(
        &self,
        stuck: Stuck,
        due: Duration,
        is_asleep: impl FnOnce() -> Option<bool>,
    ) -> Option<Duration> {
        let lacks = match (stuck, self.clocks) {
            (Stuck::Blocked, _) if is_asleep() == Some(false) => FOLLOW_INTERVAL,
            (Stuck::Blocked, _) => return None,
            (_, Some((first, last))) => due.saturating_sub(last.since(first).cpu),
            (_, None) if sys::TELLS_CPU_TIME => FOLLOW_INTERVAL,
            (_, None) => return None,
        };
        (!lacks.is_zero()).then_some(lacks)
    }

    /// What is said of it now, which is noted.
    fn warning(&mut self, task: TaskId, stuck: Stuck, thread: u32, now: Instant) -> Warning {
        let cpu = sys::cpu_time(thread);
        let did_nothing = cpu.is_some() && self.reports.cpu == cpu;
        let clocks = self.clocks.filter(|_| stuck == Stuck::Computing);
        let warning = Warning {
            task,
            stuck,
            lasts: now.duration_since(self.since),
            computed: clocks.map(|(first, last)| last.since(first).cpu),
            is_repeated: self.reports.count > 0,
            still: did_nothing.then_some(thread),
        };
        self.reports.count += 1;
        self.reports.cpu = cpu;
        warning
    }
}

/// Has it said by a thread, which is started if none is there.
fn say(shared: &Shared, warning: Warning, now: Instant) {
    let start = match warning.is_repeated {
        false => shared.slow_polls.warn(warning, now),
        true => shared.slow_polls.warn_again(warning),
    };
    if start {
        shared.start_thread(NewThread::Warning);
    }
}

#[cfg(all(test, target_os = "linux", not(filch_loom)))]
mod tests {
    use super::super::poll::Reading;
    use super::*;
    use std::sync::mpsc;

    const START: Instant = Instant::from_nanos(1 << 40);

    /// A poll whose thread had a processor for so many of that many milliseconds.
    fn ran(cpu: u64, of: u64) -> Poll {
        let reading = |cpu, at| Reading {
            cpu: Duration::from_millis(cpu),
            at: START + Duration::from_millis(at),
        };
        let mut poll = Poll::first_seen(1, START);
        poll.clocks = Some((reading(5, 0), reading(5 + cpu, of)));
        poll
    }

    #[test]
    fn a_poll_that_waited_for_a_processor_is_not_said_to_have_computed() {
        let due = Duration::from_millis(100);
        let lacks = |cpu, of| ran(cpu, of).lacks(Stuck::Computing, due, || unreachable!());
        assert_eq!(lacks(2, 382), Some(Duration::from_millis(98)));
        assert_eq!(lacks(99, 10_000), Some(Duration::from_millis(1)));
        assert_eq!(lacks(100, 10_000), None);
        assert_eq!(lacks(130, 130), None);
    }

    #[test]
    fn nor_to_be_blocked_when_it_was_woken_since() {
        let due = Duration::from_millis(100);
        let lacks = |asleep| ran(1, 382).lacks(Stuck::Blocked, due, || asleep);
        assert_eq!(lacks(Some(false)), Some(FOLLOW_INTERVAL));
        assert_eq!(lacks(Some(true)), None);
        assert_eq!(lacks(None), None, "the system does not say");
    }

    #[test]
    fn a_poll_is_named_three_times_or_as_often_as_is_later_than_the_first() {
        let dues = |first: Duration| {
            let reports = |count| Reports {
                count,
                ..Reports::default()
            };
            let dues = (0..4).map_while(|count| reports(count).next_due(first));
            dues.map(|due| due.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(dues(Duration::from_millis(100)), [100, 1000, 10_000]);
        assert_eq!(dues(Duration::from_secs(1)), [1000, 10_000]);
        assert_eq!(dues(Duration::from_secs(60)), [60_000]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows of no processor time")]
    fn a_thread_that_has_done_nothing_between_two_warnings_is_asked_what_it_waits_for() {
        let (number, numbers) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let sleeper = std::thread::spawn(move || {
            number.send(sys::thread_number()).unwrap();
            let _ = stopped.recv();
        });
        let asleep = numbers.recv().unwrap();
        while sys::is_asleep(asleep) != Some(true) {
            std::thread::yield_now();
        }
        for (thread, still) in [(asleep, Some(asleep)), (sys::thread_number(), None)] {
            let mut poll = Poll::first_seen(1, START);
            let mut warn = || {
                poll.warning(
                    TaskId(1),
                    Stuck::Blocked,
                    thread,
                    START + Duration::from_secs(1),
                )
            };
            let first = warn();
            assert!(!first.is_repeated && first.still.is_none());
            let own = || sys::own_cpu_time().unwrap();
            let start = own();
            while own() < start + Duration::from_millis(1) {}
            let second = warn();
            assert!(second.is_repeated);
            assert_eq!(second.still, still);
        }
        drop(stop);
        sleeper.join().unwrap();
    }
}
