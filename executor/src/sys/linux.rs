//! Linux: `futex(2)`, private to the process, the thread's timer slack, and what a thread is doing.

use super::Usage;
use rustix::fs::Timespec;
use rustix::thread::{current_timer_slack, futex, gettid, set_current_timer_slack};
use std::mem::MaybeUninit;
use std::num::NonZeroU64;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    // A timeout too large for the kernel is as good as none; a spurious return is allowed.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    // Every error (EAGAIN, EINTR, ETIMEDOUT) means: look at the word again.
    let _ = futex::wait(word, futex::Flags::PRIVATE, expected, timeout.as_ref());
}

pub(crate) fn wake_one(word: &AtomicU32) {
    let _ = futex::wake(word, futex::Flags::PRIVATE, 1);
}

/// While it lives, this thread's timeouts end when they are due.
///
/// The kernel lets a thread's timeouts slip by its timer slack, 50 µs by default, to serve several
/// with one interrupt: `PR_SET_TIMERSLACK(2const)`. That would be most of a sleep's lateness.
#[derive(Debug)]
pub(crate) struct PreciseTimeouts {
    before: Option<NonZeroU64>,
}

impl PreciseTimeouts {
    pub(crate) fn start() -> PreciseTimeouts {
        // Without it, timeouts are only less precise.
        let before = current_timer_slack().ok().and_then(NonZeroU64::new);
        let _ = set_current_timer_slack(NonZeroU64::new(1));
        PreciseTimeouts { before }
    }
}

impl Drop for PreciseTimeouts {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            let _ = set_current_timer_slack(Some(before));
        }
    }
}

pub(crate) fn thread_number() -> u32 {
    gettid().as_raw_nonzero().get().cast_unsigned()
}

pub(crate) fn cpu_time(thread: u32) -> Option<Duration> {
    // As clock_getcpuclockid(3) makes it: the complement of the number, and the flags for a thread's
    // scheduler time. A thread that has ended is an error.
    let clock = !thread.cast_signed() << 3 | 0b110;
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the kernel writes a timespec where it is told to, or returns an error.
    let time = unsafe {
        if libc::clock_gettime(clock, time.as_mut_ptr()) != 0 {
            return None;
        }
        time.assume_init()
    };
    Some(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

pub(crate) fn is_asleep(thread: u32) -> Option<bool> {
    // proc_pid_stat(5): the state is the field after the name, which is in parentheses and may itself
    // contain any character.
    let stat = std::fs::read(format!("/proc/self/task/{thread}/stat")).ok()?;
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    match stat.get(name_end + 2)? {
        b'R' => Some(false),
        _ => Some(true),
    }
}

pub(crate) fn own_usage() -> Option<Usage> {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the kernel writes an rusage where it is told to, or returns an error.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    let time = |time: libc::timeval| {
        Duration::new(
            time.tv_sec as u64,
            1000 * u32::try_from(time.tv_usec).unwrap_or(0),
        )
    };
    Some(Usage {
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        waits: usage.ru_nvcsw as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_thread_that_sleeps_can_be_told_from_one_that_computes() {
        let (number, numbers) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let sleeper = std::thread::spawn(move || {
            number.send(thread_number()).unwrap();
            let _ = stopped.recv();
        });
        let thread = numbers.recv().unwrap();
        while is_asleep(thread) != Some(true) {
            std::thread::yield_now();
        }
        let used = cpu_time(thread).unwrap();
        assert_eq!(cpu_time(thread), Some(used), "its clock stands still");
        let own = thread_number();
        assert_eq!(is_asleep(own), Some(false));
        let before = (cpu_time(own).unwrap(), own_usage().unwrap());
        while own_usage().unwrap().cpu == before.1.cpu {}
        assert!(cpu_time(own).unwrap() > before.0);
        drop(stop);
        sleeper.join().unwrap();
        // Whoever joins a thread is woken a little before the system has forgotten it.
        while cpu_time(thread).is_some() {
            std::thread::yield_now();
        }
    }
}
