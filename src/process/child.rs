//! A child process, and the futures that wait for its end.

use crate::known::Known;
use crate::process::exit::Exit;
#[cfg(unix)]
use crate::process::orphans;
use crate::process::output::WaitWithOutput;
use crate::process::pipe::{ChildStderr, ChildStdin, ChildStdout};
use crate::process::stop::Stop;
#[cfg(unix)]
use crate::signal::SignalKind;
#[cfg(unix)]
use crate::sys::process::{Whom, has_ended, send};
use filch_executor::leaf::{self, Wait, WaitKind};
use filch_executor::{Handle, Hold};
use futures_core::FusedFuture;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::process::ExitStatus;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A child process.
///
/// Dropping it neither ends nor waits for the process, unless
/// [`kill_on_drop`](crate::process::Command::kill_on_drop) was set. Either way nothing of it stays in the system's table:
/// a thread of the process waits for children that were dropped, also when their runtime has ended. That thread ends
/// with the last of them.
#[derive(Debug)]
pub struct Child {
    /// The pipe to its standard input, if it was made.
    pub stdin: Option<ChildStdin>,
    /// The pipe from its standard output, if it was made.
    pub stdout: Option<ChildStdout>,
    /// The pipe from its standard error, if it was made.
    pub stderr: Option<ChildStderr>,
    life: Life,
}

/// The process, until it has been waited for.
#[derive(Debug)]
struct Life {
    /// There until this is dropped.
    std: Option<std::process::Child>,
    exit: Exit,
    /// How it has ended; then its process id may be somebody else's.
    status: Option<ExitStatus>,
    name: Option<Known>,
    kill_on_drop: bool,
    leads_group: bool,
    /// What is left of its group is killed when it has ended.
    sweeps: bool,
    /// As long as it runs, a paused clock stands still: its end comes from outside.
    hold: Option<Hold>,
}

impl Child {
    #[track_caller]
    pub(super) fn new(
        mut std: std::process::Child,
        program: &str,
        kill_on_drop: bool,
        leads_group: bool,
    ) -> io::Result<Child> {
        let (stdin, stdout, stderr) = (std.stdin.take(), std.stdout.take(), std.stderr.take());
        let exit = Exit::of(&std);
        let name = Some(Known::child(std.id(), program));
        // From here on nothing of it is lost if something fails.
        let mut life = Life {
            std: Some(std),
            exit: Exit::none(),
            status: None,
            name,
            kill_on_drop: true,
            leads_group,
            sweeps: false,
            hold: Some(Handle::try_current()?.hold_clock()),
        };
        life.exit = exit?;
        // Not mapped: the pipes are to know whose line this is.
        let child = Child {
            stdin: match stdin {
                Some(stdin) => Some(ChildStdin::from_std(stdin)?),
                None => None,
            },
            stdout: match stdout {
                Some(stdout) => Some(ChildStdout::from_std(stdout)?),
                None => None,
            },
            stderr: match stderr {
                Some(stderr) => Some(ChildStderr::from_std(stderr)?),
                None => None,
            },
            life: {
                life.kill_on_drop = kill_on_drop;
                life
            },
        };
        Ok(child)
    }

    /// Its process id, as long as it has not been waited for: then somebody else may have it.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.life.id()
    }

    /// Waits until the process has ended; also again, when it has been waited for. Its standard input is closed first,
    /// so that no child waits for more while it is waited for.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # filch::run(async {
    /// let mut child = filch::process::Command::new("true").spawn()?;
    /// assert!(child.wait().await?.success());
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe: the next call waits on.
    #[track_caller]
    pub fn wait(&mut self) -> future::Wait<'_> {
        let wait = self.wait_here();
        self.stdin = None;
        future::Wait {
            child: self,
            wait,
            said: leaf::Said::new(),
            over: false,
        }
    }

    #[track_caller]
    pub(super) fn wait_here(&self) -> Wait {
        let number = self.life.name.as_ref().map_or(0, Known::number);
        Wait::here(WaitKind::Child).with_resource(number)
    }

    /// Looks whether it has ended, without waiting.
    ///
    /// # Errors
    /// The system's.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.life.look()?;
        if let Some(status) = status {
            self.life.end(status);
        }
        Ok(status)
    }

    /// As [`wait`](Child::wait), for hand-written futures; the last waker that was given is woken. It does not close the
    /// standard input.
    ///
    /// # Errors
    /// As [`wait`](Child::wait).
    #[track_caller]
    pub fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        let wait = self.wait_here();
        self.poll_for(wait, cx)
    }

    pub(super) fn poll_for(
        &mut self,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<ExitStatus>> {
        ready!(leaf::poll_budget_of(&self.life, cx));
        self.life.poll(wait, cx)
    }

    /// Kills it, at once, and does not wait for its end (`SIGKILL`). Nothing happens if it has been waited for.
    ///
    /// # Errors
    /// The system's.
    pub fn start_kill(&mut self) -> io::Result<()> {
        self.life.kill(false)
    }

    /// Kills it and waits until it has ended.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Cancel safety
    /// It is killed by the call, also if the future is dropped.
    #[track_caller]
    pub fn kill(&mut self) -> future::Kill<'_> {
        let failed = self.life.kill(false).err();
        future::Kill {
            wait: self.wait(),
            failed,
        }
    }

    /// Kills it and its whole process group, and waits until it has ended. What is in the group: its own children and
    /// theirs, but for those that have left it (`setsid`, `setpgid`, and daemons do). On Windows it alone is killed.
    ///
    /// # Errors
    /// `InvalidInput` if it leads no group: start it with
    /// [`Command::process_group(0)`](crate::process::Command::process_group). The system's.
    ///
    /// # Cancel safety
    /// They are killed by the call, also if the future is dropped.
    #[track_caller]
    pub fn kill_tree(&mut self) -> future::Kill<'_> {
        let failed = self.life.kill_tree().err();
        future::Kill {
            wait: self.wait(),
            failed,
        }
    }

    /// Asks it to end (`SIGTERM`) and waits; what has not ended after the grace time is killed. If it leads a process
    /// group, all of the group are asked, and what is left of it when the child has ended is killed. On Windows it is
    /// killed at once.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # filch::run(async {
    /// use std::time::Duration;
    ///
    /// let mut child = filch::process::Command::new("sleep").arg("60").spawn()?;
    /// let status = child.stop(Duration::from_secs(5)).await?;
    /// assert!(!status.success());
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// It is asked by the call. Dropped in the grace time, the future kills nobody: the child is yours to wait for, or
    /// to drop.
    #[track_caller]
    pub fn stop(&mut self, grace: Duration) -> Stop<'_> {
        Stop::new(self, grace)
    }

    /// Asks it, and its group if it leads one, to end.
    pub(super) fn ask_to_end(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(pid) = self.life.id() {
            self.life.sweeps = self.life.leads_group;
            return send(self.life.whom(pid), libc::SIGTERM);
        }
        #[cfg(windows)]
        self.life.kill(false)?;
        Ok(())
    }

    /// Kills it, and its group if it leads one.
    pub(super) fn kill_all(&mut self) -> io::Result<()> {
        self.life.kill(true)
    }

    /// Sends it a signal. Nothing happens if it has been waited for.
    ///
    /// # Errors
    /// The system's.
    #[cfg(unix)]
    pub fn send_signal(&mut self, kind: SignalKind) -> io::Result<()> {
        let id = self.life.id();
        id.map_or(Ok(()), |pid| send(Whom::Child(pid), kind.as_raw_value()))
    }

    /// Waits until it has ended, and reads its standard output and standard error to their ends meanwhile, where they
    /// are pipes that have not been taken. Its standard input is closed first.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// The child is dropped with the future, and what has been read is lost.
    #[track_caller]
    pub fn wait_with_output(self) -> WaitWithOutput {
        WaitWithOutput::new(Ok(self))
    }
}

impl Life {
    fn id(&self) -> Option<u32> {
        let is_there = self.status.is_none();
        self.std
            .as_ref()
            .filter(|_| is_there)
            .map(std::process::Child::id)
    }

    #[cfg(unix)]
    fn whom(&self, pid: u32) -> Whom {
        match self.leads_group {
            true => Whom::GroupOf(pid),
            false => Whom::Child(pid),
        }
    }

    /// Whether it has ended. Then its process id is free, and so is its group's if nobody is left in it.
    fn look(&mut self) -> io::Result<Option<ExitStatus>> {
        look(self.status, &mut self.std, self.sweeps)
    }

    fn poll(&mut self, wait: Wait, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        if let Some(status) = self.status {
            return Poll::Ready(Ok(status));
        }
        let (std, sweeps) = (&mut self.std, self.sweeps);
        let status = ready!(self.exit.poll(wait, cx, || look(None, std, sweeps)))?;
        self.end(status);
        Poll::Ready(Ok(status))
    }

    fn end(&mut self, status: ExitStatus) {
        self.status = Some(status);
        self.name = None;
        self.hold = None;
        self.exit.end();
    }

    fn kill(&mut self, with_group: bool) -> io::Result<()> {
        #[cfg(unix)]
        if let (true, true, Some(pid)) = (with_group, self.leads_group, self.id()) {
            return send(Whom::GroupOf(pid), libc::SIGKILL);
        }
        let _ = with_group;
        match (&mut self.std, self.status) {
            (Some(std), None) => std.kill(),
            _ => Ok(()),
        }
    }

    fn kill_tree(&mut self) -> io::Result<()> {
        if cfg!(unix) && !self.leads_group {
            let text =
                "this child leads no process group: start it with `Command::process_group(0)`";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        self.kill(true)
    }
}

/// Waits without waiting. With `sweeps`, what is left of the group of a child that has ended is killed before the
/// child's process id is free.
fn look(
    status: Option<ExitStatus>,
    std: &mut Option<std::process::Child>,
    sweeps: bool,
) -> io::Result<Option<ExitStatus>> {
    let (None, Some(std)) = (status, std) else {
        return Ok(status);
    };
    #[cfg(unix)]
    if sweeps {
        if !has_ended(std.id())? {
            return Ok(None);
        }
        send(Whom::GroupOf(std.id()), libc::SIGKILL)?;
    }
    let _ = sweeps;
    std.try_wait()
}

impl Drop for Life {
    fn drop(&mut self) {
        if self.status.is_some() {
            return;
        }
        if self.kill_on_drop {
            // It may have ended just now; then there is nothing to do.
            let _ = self.kill(true);
        }
        #[cfg(unix)]
        if let (Ok(None), Some(std)) = (self.look(), self.std.take()) {
            let exit = std::mem::replace(&mut self.exit, Exit::none());
            orphans::adopt(std, exit.into_descriptor());
        }
    }
}

pub(super) mod future {
    //! The futures that wait for a child.

    use super::*;

    /// The future of [`Child::wait`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Wait<'a> {
        pub(super) child: &'a mut Child,
        pub(super) wait: leaf::Wait,
        pub(super) said: leaf::Said,
        pub(super) over: bool,
    }

    impl Future for Wait<'_> {
        type Output = io::Result<ExitStatus>;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
            let this = self.get_mut();
            let polled = this.child.poll_for(this.wait, cx);
            this.said.keep(this.wait, &polled);
            this.over = polled.is_ready();
            polled
        }
    }

    impl FusedFuture for Wait<'_> {
        fn is_terminated(&self) -> bool {
            self.over
        }
    }

    /// The future of [`Child::kill`] and [`Child::kill_tree`].
    #[derive(Debug)]
    #[must_use = "the child has been killed, and should be waited for"]
    pub struct Kill<'a> {
        pub(super) wait: Wait<'a>,
        pub(super) failed: Option<io::Error>,
    }

    impl Future for Kill<'_> {
        type Output = io::Result<()>;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
            ready!(leaf::poll_budget_of(&*self, cx));
            if let Some(error) = self.failed.take() {
                self.wait.over = true;
                return Poll::Ready(Err(error));
            }
            Pin::new(&mut self.wait).poll(cx).map_ok(drop)
        }
    }

    impl FusedFuture for Kill<'_> {
        fn is_terminated(&self) -> bool {
            self.wait.over
        }
    }
}
