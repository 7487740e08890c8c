//! Counters of this process (getrusage) and of another one (`/proc/PID`).

use std::fs;
use std::io;

/// What a process has used so far; subtract two to get a section's share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// CPU time of all threads, user and system, in nanoseconds.
    pub(crate) cpu_ns: f64,
    /// Context switches of all threads, voluntary and not.
    pub(crate) switches: f64,
}

impl Usage {
    /// What was used since `before`; never negative (a thread that ended takes its `/proc` counters with it).
    pub(crate) fn since(self, before: Usage) -> Usage {
        Usage {
            cpu_ns: (self.cpu_ns - before.cpu_ns).max(0.0),
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
        switches: (raw.ru_nvcsw + raw.ru_nivcsw) as f64,
    }
}

/// Another process: the sum over its living threads.
///
/// # Errors
/// When `/proc/PID/task` cannot be read, because the process is gone.
pub(crate) fn of(pid: u32) -> io::Result<Usage> {
    let mut sum = Usage::default();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = entry?.path();
        // A thread may end between the listing and the reading; then it counts for nothing.
        if let Ok(line) = fs::read_to_string(task.join("schedstat")) {
            sum.cpu_ns += first_number(&line);
        }
        if let Ok(status) = fs::read_to_string(task.join("status")) {
            sum.switches += field(&status, "voluntary_ctxt_switches:")
                + field(&status, "nonvoluntary_ctxt_switches:");
        }
    }
    Ok(sum)
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
    fn this_process_has_used_something() {
        assert!(own().cpu_ns > 0.0);
        assert!(of(std::process::id()).unwrap().cpu_ns > 0.0);
        assert!(peak_memory("self") > 100_000.0);
        assert!(resident("self") > 100_000.0);
    }

    #[test]
    fn a_missing_process_is_an_error() {
        assert!(of(u32::MAX).is_err());
    }
}
