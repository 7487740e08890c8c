//! How a program is started.

use crate::process::child::Child;
use crate::process::output::{Status, WaitWithOutput};
use filch_executor::{Handle, blocking};
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;

/// A program to be started, with its arguments, environment and streams: std's, with an async [`Child`].
///
/// ```
/// # #[cfg(unix)]
/// # filch::run(async {
/// let output = filch::process::Command::new("echo").arg("hello").output().await?;
/// assert_eq!(output.stdout, b"hello\n");
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Command {
    std: std::process::Command,
    kill_on_drop: bool,
    leads_group: bool,
    /// Which streams were told where to go.
    told: Told,
}

#[derive(Clone, Copy, Debug, Default)]
struct Told {
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

/// Std's setters, with std's meaning.
macro_rules! setters {
    ($($(#[$meta:meta])* $name:ident[$($generic:tt)*]($($argument:ident: $type:ty),*) $(where $($bound:tt)*)?;)*) => {
        impl Command {$(
            $(#[$meta])*
            pub fn $name<$($generic)*>(&mut self, $($argument: $type),*) -> &mut Command {
                self.std.$name($($argument),*);
                self
            }
        )*}
    };
}

setters! {
    /// Adds an argument.
    arg[S: AsRef<OsStr>](arg: S);
    /// Adds arguments.
    args[I: IntoIterator<Item = S>, S: AsRef<OsStr>](args: I);
    /// Sets a variable of its environment.
    env[K: AsRef<OsStr>, V: AsRef<OsStr>](key: K, value: V);
    /// Sets variables of its environment.
    envs[I: IntoIterator<Item = (K, V)>, K: AsRef<OsStr>, V: AsRef<OsStr>](vars: I);
    /// Takes a variable out of its environment.
    env_remove[K: AsRef<OsStr>](key: K);
    /// It inherits no variable.
    env_clear[]();
    /// The directory that it starts in.
    current_dir[P: AsRef<Path>](dir: P);
}

impl Command {
    /// The program of this name, looked up as std does it; a path if there is a `/` in it.
    pub fn new<S: AsRef<OsStr>>(program: S) -> Command {
        Command::from(std::process::Command::new(program))
    }

    /// Where its standard input comes from. Unless it is told: ours for [`spawn`](Command::spawn) and
    /// [`status`](Command::status), none for [`output`](Command::output).
    pub fn stdin<T: Into<Stdio>>(&mut self, from: T) -> &mut Command {
        self.told.stdin = true;
        self.std.stdin(from);
        self
    }

    /// Where its standard output goes. Unless it is told: to ours for [`spawn`](Command::spawn) and
    /// [`status`](Command::status), into the result of [`output`](Command::output).
    pub fn stdout<T: Into<Stdio>>(&mut self, to: T) -> &mut Command {
        self.told.stdout = true;
        self.std.stdout(to);
        self
    }

    /// Where its standard error goes, as [`stdout`](Command::stdout).
    pub fn stderr<T: Into<Stdio>>(&mut self, to: T) -> &mut Command {
        self.told.stderr = true;
        self.std.stderr(to);
        self
    }

    /// Whether the process is killed when its [`Child`] is dropped before it has been waited for, also inside a future
    /// of [`status`](Command::status) or [`output`](Command::output). With its group, if it leads one. Off by default.
    pub fn kill_on_drop(&mut self, kills: bool) -> &mut Command {
        self.kill_on_drop = kills;
        self
    }

    /// Whether [`kill_on_drop`](Command::kill_on_drop) was set.
    #[must_use]
    pub fn get_kill_on_drop(&self) -> bool {
        self.kill_on_drop
    }

    /// Starts the program.
    ///
    /// # Errors
    /// The system's, such as `NotFound`; one that says so outside of a runtime.
    #[track_caller]
    pub fn spawn(&mut self) -> io::Result<Child> {
        Handle::try_current()?;
        let std = blocking(|| self.std.spawn())?;
        let program = self.std.get_program().to_string_lossy();
        Child::new(std, &program, self.kill_on_drop, self.leads_group)
    }

    /// Starts the program now, and waits until it has ended.
    ///
    /// # Errors
    /// As [`spawn`](Command::spawn), and the system's.
    ///
    /// # Cancel safety
    /// The program goes on when the future is dropped, unless [`kill_on_drop`](Command::kill_on_drop) was set.
    #[track_caller]
    pub fn status(&mut self) -> Status {
        Status::new(self.spawn())
    }

    /// Starts the program now, and reads all that it writes until it has ended.
    ///
    /// # Errors
    /// As [`spawn`](Command::spawn), and the system's.
    ///
    /// # Cancel safety
    /// The program goes on when the future is dropped, unless [`kill_on_drop`](Command::kill_on_drop) was set; what has
    /// been read is lost.
    #[track_caller]
    pub fn output(&mut self) -> WaitWithOutput {
        let told = self.told;
        if !told.stdin {
            self.std.stdin(Stdio::null());
        }
        if !told.stdout {
            self.std.stdout(Stdio::piped());
        }
        if !told.stderr {
            self.std.stderr(Stdio::piped());
        }
        let child = self.spawn();
        // For the next start, which may be another one.
        if !told.stdin {
            self.std.stdin(Stdio::inherit());
        }
        if !told.stdout {
            self.std.stdout(Stdio::inherit());
        }
        if !told.stderr {
            self.std.stderr(Stdio::inherit());
        }
        WaitWithOutput::new(child)
    }

    /// Std's command, to look at.
    #[must_use]
    pub fn as_std(&self) -> &std::process::Command {
        &self.std
    }

    /// Std's command, for what is not offered here. What its streams are told, [`output`](Command::output) does not
    /// know; a process group that is set there leads none here.
    pub fn as_std_mut(&mut self) -> &mut std::process::Command {
        &mut self.std
    }

    /// Std's command.
    #[must_use]
    pub fn into_std(self) -> std::process::Command {
        self.std
    }
}

impl From<std::process::Command> for Command {
    fn from(std: std::process::Command) -> Command {
        Command {
            std,
            kill_on_drop: false,
            leads_group: false,
            told: Told::default(),
        }
    }
}

#[cfg(unix)]
mod unix {
    use super::Command;
    use std::ffi::OsStr;
    use std::io;
    use std::os::unix::process::CommandExt;

    setters! {
        /// The user that it runs as.
        uid[](id: u32);
        /// The group that it runs as.
        gid[](id: u32);
        /// What it is told to be its own name.
        arg0[S: AsRef<OsStr>](arg: S);
    }

    impl Command {
        /// The process group that it belongs to. 0: one of its own, which it leads, and its children belong to. Ctrl-C
        /// of the terminal then reaches neither; [`Child::kill_tree`](crate::process::Child::kill_tree) reaches them all.
        pub fn process_group(&mut self, group: i32) -> &mut Command {
            self.leads_group = group == 0;
            self.std.process_group(group);
            self
        }

        /// Runs `f` in the child, before it becomes the program.
        ///
        /// # Safety
        /// As for std's: between `fork` and `exec` hardly anything may be called.
        pub unsafe fn pre_exec<F>(&mut self, f: F) -> &mut Command
        where
            F: FnMut() -> io::Result<()> + Send + Sync + 'static,
        {
            // SAFETY: the caller keeps what std asks.
            unsafe { self.std.pre_exec(f) };
            self
        }
    }
}

#[cfg(windows)]
mod windows {
    use super::Command;
    use std::ffi::OsStr;
    use std::os::windows::process::CommandExt;

    setters! {
        /// Flags of `CreateProcess`.
        creation_flags[](flags: u32);
        /// Adds text to the command line as it is.
        raw_arg[S: AsRef<OsStr>](text: S);
    }
}
