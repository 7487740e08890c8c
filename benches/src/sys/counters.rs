//! Counters of this process (getrusage) and of another one (`/proc/PID`).

use std::fs;
use std::io;
use std::path::Path;

/// What a process has used so far; subtract two to get a section's share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// CPU time of all threads, user and system, in nanoseconds.
    pub(crate) cpu_ns: f64,
    /// The part of it that was spent in the kernel; the rest is the program's own.
    pub(crate) system_ns: f64,
    /// Context switches of all threads, voluntary and not.
    pub(crate) switches: f64,
}

impl Usage {
    /// What was used since `before`; never negative (a thread that ended takes its `/proc` counters with it).
    pub(crate) fn since(self, before: Usage) -> Usage {
        Usage {
            cpu_ns: (self.cpu_ns - before.cpu_ns).max(0.0),
            system_ns: (self.system_ns - before.system_ns).max(0.0),
            switches: (self.switches - before.switches).max(0.0),
        }
    }
}

/// This process, threads that have ended included.
pub(crate) fn own() -> Usage {
    let mut raw = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `raw` is a valid place for one rusage, and all-zero bytes are one too, should the call fail.
    let raw = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, raw.as_mut_ptr());
        raw.assume_init()
    };
    let ns = |time: libc::timeval| time.tv_sec as f64 * 1e9 + time.tv_usec as f64 * 1e3;
    Usage {
        cpu_ns: ns(raw.ru_utime) + ns(raw.ru_stime),
        system_ns: ns(raw.ru_stime),
        switches: (raw.ru_nvcsw + raw.ru_nivcsw) as f64,
    }
}

/// Another process, and of it the thread called `name`, if there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Both {
    /// All threads: CPU time with those that have ended, switches of those that live.
    pub(crate) process: Usage,
    /// That thread.
    pub(crate) thread: Option<Usage>,
}

/// Reads another process.
///
/// # Errors
/// When it is gone.
pub(crate) fn of(pid: u32, name: &str) -> io::Result<Both> {
    let mut both = Both::default();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = entry?.path();
        let usage = of_thread(&task);
        both.process.switches += usage.switches;
        let comm = fs::read_to_string(task.join("comm")).unwrap_or_default();
        if comm.trim_end() == name {
            both.thread = Some(usage);
        }
    }
    both.process.cpu_ns = process_cpu(pid)?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    both.process.system_ns = system_ticks(&stat) * tick_ns();
    Ok(both)
}

/// A thread by its directory in `/proc`. It may end between the listing and the reading; then it counts for nothing.
fn of_thread(task: &Path) -> Usage {
    let schedstat = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    let status = fs::read_to_string(task.join("status")).unwrap_or_default();
    Usage {
        cpu_ns: first_number(&schedstat),
        system_ns: 0.0,
        switches: field(&status, "voluntary_ctxt_switches:")
            + field(&status, "nonvoluntary_ctxt_switches:"),
    }
}

/// The CPU time of all threads of a process that it ever had, in nanoseconds.
fn process_cpu(pid: u32) -> io::Result<f64> {
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    let mut clock: libc::clockid_t = 0;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `clock` is a valid place for one clock's id.
    let error = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    // SAFETY: `time` is a valid place for one timespec.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(time.tv_sec as f64 * 1e9 + time.tv_nsec as f64)
}

/// The CPU time of everything on this machine, in nanoseconds, what a hypervisor took away included.
pub(crate) fn machine_cpu() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    busy_ticks(&stat) * tick_ns()
}

/// How long one of the ticks is that `/proc` counts in.
fn tick_ns() -> f64 {
    // SAFETY: sysconf reads a constant of the system.
    1e9 / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64
}

/// The ticks that a process has spent in the kernel: the fifteenth field of its `stat`, the second of which is a name
/// in brackets that may hold anything.
fn system_ticks(stat: &str) -> f64 {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name
        .split_ascii_whitespace()
        .nth(12)
        .map_or(0.0, first_number)
}

/// The first line is `cpu` and the ticks spent as user, nice, system, idle, waiting for disks, irq, softirq and stolen;
/// what follows is part of those.
fn busy_ticks(stat: &str) -> f64 {
    let ticks = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .skip(1);
    let is_busy = |index: &usize| !matches!(index, 3 | 4);
    ticks
        .take(8)
        .enumerate()
        .filter(|(index, _)| is_busy(index))
        .map(|(_, ticks)| first_number(ticks))
        .sum()
}

/// How many threads this process has.
pub(crate) fn threads() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    field(&status, "Threads:") as usize
}

/// The most memory that `pid` (`"self"` works) ever held, in bytes; 0 if it is gone.
pub(crate) fn peak_memory(pid: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    field(&status, "VmHWM:") * 1024.0
}

/// The memory that `pid` holds now, in bytes, counted page by page; 0 if it is gone.
pub(crate) fn resident(pid: &str) -> f64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    field(&rollup, "Rss:") * 1024.0
}

/// The number behind `name` at the start of a line, as `/proc` prints them; 0 if there is none.
fn field(text: &str, name: &str) -> f64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .map_or(0.0, first_number)
}

fn first_number(text: &str) -> f64 {
    text.split_ascii_whitespace()
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let status =
            "VmHWM:\t    2048 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(field(status, "voluntary_ctxt_switches:"), 7.0);
        assert_eq!(field(status, "nonvoluntary_ctxt_switches:"), 3.0);
        assert_eq!(field(status, "VmHWM:"), 2048.0);
        assert_eq!(field(status, "VmRSS:"), 0.0);
    }

    #[test]
    fn a_machine_is_busy_with_all_but_idling() {
        assert_eq!(
            busy_ticks("cpu  1 2 4 800 1600 8 16 32 64 128\ncpu0 9\n"),
            63.0
        );
        assert!(machine_cpu() > 0.0);
    }

    #[test]
    fn kernel_time_is_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 42 13";
        assert_eq!(system_ticks(stat), 42.0);
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(own().cpu_ns > 0.0);
        let ours = of(std::process::id(), "nobody").unwrap();
        assert!(ours.process.cpu_ns > 0.0 && ours.thread.is_none());
        assert!(peak_memory("self") > 100_000.0);
        assert!(resident("self") > 100_000.0);
    }

    #[test]
    fn a_missing_process_is_an_error() {
        assert!(of(u32::MAX, "").is_err());
    }

    #[test]
    fn a_thread_is_found_by_its_name() {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("look-at-me".into());
        let thread = thread.spawn(move || receiver.recv()).unwrap();
        // A new thread names itself, which may take a moment.
        while of(std::process::id(), "look-at-me")
            .unwrap()
            .thread
            .is_none()
        {
            std::thread::yield_now();
        }
        drop(sender);
        assert!(thread.join().unwrap().is_err());
    }

    #[test]
    fn the_cpu_time_of_threads_that_ended_counts() {
        let work = std::time::Duration::from_millis(20);
        let cpu = || of(std::process::id(), "").unwrap().process.cpu_ns;
        let before = cpu();
        let compute = move || crate::harness::clock::compute(work, |_| ());
        std::thread::spawn(compute).join().unwrap();
        assert!(cpu() - before >= 20e6);
    }
}
