//! Which signal.

use crate::known;
use std::fmt;

/// A signal of the system; on Windows, a console event.
///
/// ```
/// use filch::signal::SignalKind;
///
/// let kind = SignalKind::interrupt();
/// # #[cfg(unix)]
/// assert_eq!((kind.as_raw_value(), kind.to_string()), (2, String::from("SIGINT")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalKind(i32);

impl SignalKind {
    /// The signal of this number; a real-time one, for instance. Whether it can be waited for shows when somebody does.
    #[must_use]
    pub const fn from_raw(number: i32) -> SignalKind {
        SignalKind(number)
    }

    /// Its number.
    #[must_use]
    pub const fn as_raw_value(self) -> i32 {
        self.0
    }
}

impl From<i32> for SignalKind {
    fn from(number: i32) -> SignalKind {
        SignalKind(number)
    }
}

impl From<SignalKind> for i32 {
    fn from(kind: SignalKind) -> i32 {
        kind.0
    }
}

impl fmt::Display for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = u64::try_from(self.0).ok().and_then(known::signal);
        match name {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

/// Kinds by name.
macro_rules! kinds {
    ($($name:ident: $number:expr, $what:literal;)*) => {
        impl SignalKind {
            $(
                #[doc = $what]
                #[must_use]
                pub const fn $name() -> SignalKind {
                    SignalKind($number)
                }
            )*
        }
    };
}

#[cfg(unix)]
kinds! {
    alarm: libc::SIGALRM, "`SIGALRM`: a real-time timer has expired. By default it ends the process.";
    child: libc::SIGCHLD, "`SIGCHLD`: a child process has changed. By default nothing happens.";
    hangup: libc::SIGHUP, "`SIGHUP`: the terminal is gone; to servers often: read your configuration again. By default it ends the process.";
    interrupt: libc::SIGINT, "`SIGINT`: Ctrl-C. By default it ends the process.";
    io: libc::SIGIO, "`SIGIO`: I/O is possible. What it does by default depends on the system.";
    pipe: libc::SIGPIPE, "`SIGPIPE`: a write to a pipe that nobody reads. Rust's programs ignore it from the start.";
    quit: libc::SIGQUIT, "`SIGQUIT`: Ctrl-\\\\. By default it ends the process with a memory dump.";
    terminate: libc::SIGTERM, "`SIGTERM`: `kill`, systemd, Docker, Kubernetes. By default it ends the process.";
    user_defined1: libc::SIGUSR1, "`SIGUSR1`. By default it ends the process.";
    user_defined2: libc::SIGUSR2, "`SIGUSR2`. By default it ends the process.";
    window_change: libc::SIGWINCH, "`SIGWINCH`: the terminal has another size. By default nothing happens.";
}

#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
))]
kinds! {
    info: libc::SIGINFO, "`SIGINFO`: Ctrl-T, say what you are doing. By default nothing happens.";
}

#[cfg(windows)]
kinds! {
    interrupt: 0, "Ctrl-C.";
    ctrl_break: 1, "Ctrl-Break.";
    close: 2, "The console is closed. The system ends the process some seconds later.";
    logoff: 5, "The user logs off.";
    shutdown: 6, "The system shuts down. It ends the process some seconds later.";
}
