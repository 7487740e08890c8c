//! Names of what tasks wait for, for dumps: a wait record has room for a number alone.
//!
//! Children have their process id there, and are in a table of the process, as children are. So are operations on
//! files, while they wait, under numbers that nobody else has. A signal's name follows from its number.
//!
//! Called by whoever waits for a child or a file, and by `dump`. A name that is not there is not shown.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Children and operations on files belong to the process.
static CHILDREN: Table = Table::new();
static FILES: Table = Table::new();

struct Table(Mutex<Names>);

struct Names {
    by_number: BTreeMap<u64, Arc<str>>,
    next: u64,
}

impl Table {
    const fn new() -> Table {
        Table(Mutex::new(Names {
            by_number: BTreeMap::new(),
            next: 1,
        }))
    }

    fn name(&self, number: u64) -> Option<Arc<str>> {
        self.0.lock().by_number.get(&number).cloned()
    }
}

/// A name in a table, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Known {
    table: Whose,
    number: u64,
}

#[derive(Clone, Copy, Debug)]
enum Whose {
    Child,
    File,
}

impl Whose {
    fn table(self) -> &'static Table {
        match self {
            Whose::Child => &CHILDREN,
            Whose::File => &FILES,
        }
    }
}

impl Known {
    /// The program of a child process.
    pub(crate) fn child(pid: u32, program: &str) -> Known {
        let number = u64::from(pid);
        CHILDREN.0.lock().by_number.insert(number, program.into());
        Known {
            table: Whose::Child,
            number,
        }
    }

    /// What is done with a file.
    pub(crate) fn file(what: &str) -> Known {
        let mut names = FILES.0.lock();
        let number = names.next;
        names.next += 1;
        names.by_number.insert(number, what.into());
        Known {
            table: Whose::File,
            number,
        }
    }

    /// For the wait record.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.table.table().0.lock().by_number.remove(&self.number);
    }
}

/// The program of a child process that somebody waits for.
pub(crate) fn child(pid: u64) -> Option<Arc<str>> {
    CHILDREN.name(pid)
}

/// What an operation on a file does.
pub(crate) fn file(number: u64) -> Option<Arc<str>> {
    FILES.name(number)
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
