//! Linux: `futex(2)`, private to the process, the thread's timer slack, and what a thread is doing.

use super::Usage;
use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Half of a time as the call with the number `SYS_futex` takes it, whatever the C library's `timespec` is: a long,
/// which has 64 bits where the kernel itself is one of 64 bits, or is younger than the other kind of call.
#[cfg(not(any(target_arch = "x86_64", target_arch = "riscv32", target_arch = "m68k")))]
type Half = libc::c_long;
#[cfg(any(target_arch = "x86_64", target_arch = "riscv32", target_arch = "m68k"))]
type Half = i64;

#[repr(C)]
struct FutexTime {
    seconds: Half,
    nanoseconds: Half,
}

pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    // A timeout too large for the kernel is as good as none; a spurious return is allowed.
    let timeout = timeout.and_then(|timeout| {
        Some(FutexTime {
            seconds: timeout.as_secs().try_into().ok()?,
            nanoseconds: timeout.subsec_nanos() as Half,
        })
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the word is borrowed, so it is there until the call returns; the time is of the layout that this call
    // takes, or null, which is no limit. Every error (EAGAIN, EINTR, ETIMEDOUT) means: look at the word again.
    unsafe {
        let what = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        libc::syscall(libc::SYS_futex, word.as_ptr(), what, expected, timeout);
    }
}

pub(crate) fn wake_one(word: &AtomicU32) {
    // SAFETY: the kernel does not write here; it takes the word's address for the name of those who wait.
    unsafe {
        let what = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        libc::syscall(libc::SYS_futex, word.as_ptr(), what, 1);
    }
}

/// The shortest slice that the kernel grants.
const SHORT_SLICE: Duration = Duration::from_micros(100);

/// While it lives, this thread is prompt: its timeouts end when they are due, and it gets a processor soon after
/// a wake.
///
/// The kernel lets a thread's timeouts slip by its timer slack, 50 µs by default, to serve several
/// with one interrupt: `PR_SET_TIMERSLACK(2const)`. That would be most of a sleep's lateness.
#[derive(Debug)]
pub(crate) struct Prompt {
    /// What it was before, if there was any.
    slack: Option<libc::c_ulong>,
}

impl Prompt {
    /// For a thread of the runtime's own: what it starts is no part of the runtime, and begins with the default.
    pub(crate) fn start_own() -> Prompt {
        change_attr(0, |attr| attr.flags = SCHED_FLAG_RESET_ON_FORK);
        Prompt::start()
    }

    /// For a thread that is somebody else's afterwards. What it starts meanwhile asks for the same slice.
    pub(crate) fn start() -> Prompt {
        // Without it, timeouts are only less precise.
        let slack = timer_slack();
        set_timer_slack(1);
        set_prompt(0, true);
        Prompt { slack }
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        if let Some(before) = self.slack {
            set_timer_slack(before);
        }
        set_prompt(0, false);
    }
}

/// In nanoseconds. A thread of real-time priority has none.
fn timer_slack() -> Option<libc::c_ulong> {
    // SAFETY: it takes no pointer.
    let slack = unsafe { libc::prctl(libc::PR_GET_TIMERSLACK) };
    slack.try_into().ok().filter(|slack| *slack != 0)
}

fn set_timer_slack(nanoseconds: libc::c_ulong) {
    // SAFETY: it takes no pointer. Where it is refused, timeouts are only less precise.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, nanoseconds) };
}

/// As sched_setattr(2) has it, in its first version; the libc crate does not know it everywhere.
#[repr(C)]
#[derive(Default)]
struct SchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// What such a thread starts begins with the default. It also begins without a negative nice value, and who has no
/// privilege cannot take the flag away: so it is never set on a thread that is not the runtime's.
const SCHED_FLAG_RESET_ON_FORK: u64 = 1;

/// Since Linux 6.12 the runtime of an ordinary thread is the slice that it asks for; older kernels take no
/// notice of it. It changes nothing about the thread's share of a processor. But of two threads the one with the
/// shorter slice has the earlier deadline, and a wake that is owed time preempts a thread with a longer slice at
/// once, not at the next tick of the clock: sched_setattr(2), and `PREEMPT_SHORT` in kernel/sched/features.h.
pub(crate) fn set_prompt(thread: u32, prompt: bool) {
    let slice = if prompt { SHORT_SLICE } else { Duration::ZERO };
    change_attr(thread, |attr| attr.runtime = slice.as_nanos() as u64);
}

/// Changes how an ordinary thread is scheduled. One of another policy keeps what it has.
fn change_attr(thread: u32, change: impl FnOnce(&mut SchedAttr)) {
    let Some(mut attr) = attr(thread) else {
        return;
    };
    attr.size = size_of::<SchedAttr>() as u32;
    attr.flags &= SCHED_FLAG_RESET_ON_FORK;
    change(&mut attr);
    // SAFETY: the kernel reads `attr.size` bytes. Where it refuses, everything stays as it is.
    let _ = unsafe { libc::syscall(libc::SYS_sched_setattr, thread, &raw const attr, 0) };
}

/// How a thread is scheduled, if it is an ordinary one.
fn attr(thread: u32) -> Option<SchedAttr> {
    let mut attr = SchedAttr::default();
    let size = size_of::<SchedAttr>() as u32;
    let own = &raw mut attr;
    // SAFETY: the kernel writes at most `size` bytes where it is told to, or returns an error.
    let got = unsafe { libc::syscall(libc::SYS_sched_getattr, thread, own, size, 0) };
    let ordinary = libc::SCHED_OTHER as u32;
    (got == 0 && attr.policy == ordinary).then_some(attr)
}

/// By the calling thread's affinity: one system call, while std also reads the files of the control group, whose quota
/// limits time and not how many run at once.
pub(crate) fn processors() -> usize {
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: the kernel writes at most as many bytes as the set has; all-zero bytes, which it leaves behind those, are
    // processors that there are not. Counting reads the set alone.
    unsafe {
        match libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), set.as_mut_ptr()) {
            0 => libc::CPU_COUNT(&set.assume_init()) as usize,
            // Where there are more than its set can hold, there are enough.
            _ => usize::MAX,
        }
    }
}

pub(crate) fn thread_number() -> u32 {
    // SAFETY: it takes nothing and cannot fail. The C library's own function is younger than some that Rust supports.
    unsafe { libc::syscall(libc::SYS_gettid) as u32 }
}

pub(crate) const TELLS_CPU_TIME: bool = true;

pub(crate) fn cpu_time(thread: u32) -> Option<Duration> {
    // As clock_getcpuclockid(3) makes it: the complement of the number, and the flags for a thread's
    // scheduler time. A thread that has ended is an error.
    read_clock(!(thread as i32) << 3 | 0b110)
}

pub(crate) fn own_cpu_time() -> Option<Duration> {
    read_clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn read_clock(clock: libc::clockid_t) -> Option<Duration> {
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
    // contain any character, but no more than 15 of them. The rest of the line is not asked for.
    let mut stat = [0; 64];
    let path = format!("/proc/self/task/{thread}/stat");
    let mut file = match File::open(path) {
        Ok(file) => file,
        // Without the file system nothing is known of any thread, ever: better one thread too many than a standstill.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(true),
        // Short of descriptors, perhaps: for the time being.
        Err(_) => return None,
    };
    let len = file.read(&mut stat).ok()?;
    let name_end = stat[..len].iter().rposition(|byte| *byte == b')')?;
    match stat.get(name_end + 2)? {
        b'R' => Some(false),
        _ => Some(true),
    }
}

pub(crate) fn waits_for_ever(thread: u32) -> Option<bool> {
    // proc_pid_syscall(5): the number, its six arguments, two registers; "running" when it is in none. futex(2): the
    // fourth argument is the timeout.
    let text = std::fs::read_to_string(format!("/proc/self/task/{thread}/syscall")).ok()?;
    let mut words = text.split_whitespace();
    let is_futex = words.next()?.parse() == Ok(libc::SYS_futex);
    Some(is_futex && words.nth(3) == Some("0x0"))
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
        preemptions: usage.ru_nivcsw as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_thread_that_was_lent_keeps_none_of_it() {
        // On a thread of its own, which has the flags of no other test.
        let lent = std::thread::spawn(|| {
            let before = attr(0).map(|attr| (attr.flags, attr.runtime));
            let prompt = Prompt::start();
            assert_eq!(
                attr(0).map(|attr| attr.flags),
                before.map(|(flags, _)| flags)
            );
            drop(prompt);
            (before, attr(0).map(|attr| (attr.flags, attr.runtime)))
        });
        let (before, after) = lent.join().unwrap();
        assert_eq!(before, after);
    }

    #[test]
    fn what_a_thread_of_the_runtime_starts_begins_with_the_default() {
        let slice = || attr(0).map(|attr| attr.runtime);
        let own = std::thread::spawn(move || {
            let before = slice();
            let _prompt = Prompt::start_own();
            (before, std::thread::spawn(slice).join().unwrap())
        });
        let (before, child) = own.join().unwrap();
        assert_eq!(before, child);
    }

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
        assert_eq!(waits_for_ever(thread), Some(true), "for a message");
        let used = cpu_time(thread).unwrap();
        assert_eq!(cpu_time(thread), Some(used), "its clock stands still");
        let own = thread_number();
        assert_eq!(is_asleep(own), Some(false));
        assert_eq!(waits_for_ever(own), Some(false));
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
