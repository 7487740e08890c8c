//! Names of what tasks wait for, for dumps: a wait record has room for a number alone.
//!
//! Children have their process id there, and are in a table of the process, as children are. A signal's name follows
//! from its number.
//!
//! Called by whoever waits for a child, and by `dump`. A name that is not there is not shown.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Children belong to the process.
static CHILDREN: Mutex<BTreeMap<u64, Arc<str>>> = Mutex::new(BTreeMap::new());

/// The name of a child, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Known(u64);

impl Known {
    /// The program of a child process.
    pub(crate) fn child(pid: u32, program: &str) -> Known {
        let number = u64::from(pid);
        CHILDREN.lock().insert(number, program.into());
        Known(number)
    }

    /// For the wait record.
    pub(crate) fn number(&self) -> u64 {
        self.0
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        CHILDREN.lock().remove(&self.0);
    }
}

/// The program of a child process that somebody waits for.
pub(crate) fn child(pid: u64) -> Option<Arc<str>> {
    CHILDREN.lock().get(&pid).cloned()
}

/// How the system's manual calls a signal.
#[cfg(unix)]
pub(crate) fn signal(number: u64) -> Option<&'static str> {
    let number = i32::try_from(number).ok()?;
    let known = [
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGUSR2, "SIGUSR2"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGCHLD, "SIGCHLD"),
        (libc::SIGCONT, "SIGCONT"),
        (libc::SIGTSTP, "SIGTSTP"),
        (libc::SIGTTIN, "SIGTTIN"),
        (libc::SIGTTOU, "SIGTTOU"),
        (libc::SIGURG, "SIGURG"),
        (libc::SIGWINCH, "SIGWINCH"),
        (libc::SIGIO, "SIGIO"),
    ];
    let found = known.iter().find(|(of, _)| *of == number);
    found.map(|(_, name)| *name)
}

/// How the system's manual calls a console event.
#[cfg(windows)]
pub(crate) fn signal(number: u64) -> Option<&'static str> {
    Some(match number {
        0 => "CTRL_C_EVENT",
        1 => "CTRL_BREAK_EVENT",
        2 => "CTRL_CLOSE_EVENT",
        5 => "CTRL_LOGOFF_EVENT",
        6 => "CTRL_SHUTDOWN_EVENT",
        _ => return None,
    })
}
