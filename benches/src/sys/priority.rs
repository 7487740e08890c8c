//! The load generator's priority: what it can get, so that its own waiting is not counted as the server's.

use std::fmt;

/// What the system granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// `SCHED_RR`: runs as soon as it is ready.
    RealTime,
    /// A nice value below zero.
    Nice(i32),
    /// Nothing: the generator waits its turn like the servers, and its waiting is in the latencies.
    Ordinary,
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Priority::RealTime => write!(f, "real-time priority (SCHED_RR)"),
            Priority::Nice(nice) => write!(f, "nice {nice} (real-time priority was refused)"),
            Priority::Ordinary => {
                write!(
                    f,
                    "ordinary priority (raising it was refused): latencies include the generator's own waiting"
                )
            }
        }
    }
}

/// Raises the calling thread as far as the system lets it, and says how far that was. Children do not inherit it.
pub(crate) fn raise() -> Priority {
    exact_timeouts();
    if real_time() {
        return Priority::RealTime;
    }
    // On Linux a nice value belongs to a thread, and 0 (`None`) names the calling one.
    match rustix::process::setpriority_process(None, -10) {
        Ok(()) => Priority::Nice(-10),
        Err(_) => Priority::Ordinary,
    }
}

fn real_time() -> bool {
    let parameters = libc::sched_param { sched_priority: 1 };
    // SAFETY: `parameters` is a valid sched_param, and pid 0 names the calling thread.
    unsafe {
        libc::sched_setscheduler(
            0,
            libc::SCHED_RR | libc::SCHED_RESET_ON_FORK,
            &raw const parameters,
        ) == 0
    }
}

/// Ordinary threads wake up to 50 µs late from a timed wait by default; ask for 1 ns.
fn exact_timeouts() {
    // SAFETY: PR_SET_TIMERSLACK takes a number of nanoseconds and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_never_fails_and_says_what_it_got() {
        // On a thread of its own, since the raised priority stays with the thread.
        let got = std::thread::spawn(raise).join().unwrap();
        assert!(!got.to_string().is_empty());
    }
}
