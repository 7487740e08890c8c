//! The end of a child on Unix.

use crate::signal::bell::Seat;
use crate::signal::interest::Listening;
#[cfg(target_os = "linux")]
use crate::sys::process::open_pidfd;
use filch_executor::Handle;
use filch_executor::leaf::{self, Wait};
use filch_reactor::{Direction, Io};
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::task::{Context, Poll};

/// Who tells that a child has ended.
#[derive(Debug)]
pub(in crate::process) enum Exit {
    /// A descriptor of the child, in no poller.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "they have none"))]
    Free(OwnedFd),
    /// The same in the poller of the runtime that waited last.
    Watched(Io<OwnedFd>),
    /// The signal that tells of any child.
    Signal(Box<(Listening, Seat)>),
    /// Nobody any more.
    Over,
}

impl Exit {
    pub(in crate::process) fn of(child: &Child) -> io::Result<Exit> {
        #[cfg(target_os = "linux")]
        if let Ok(descriptor) = open_pidfd(child.id()) {
            return Ok(Exit::Free(descriptor));
        }
        let _ = child;
        Exit::by_signal()
    }

    fn by_signal() -> io::Result<Exit> {
        let listening = Listening::new(libc::SIGCHLD)?;
        Ok(Exit::Signal(Box::new((listening, Seat::default()))))
    }

    /// Tries, and waits until `look` has something to say.
    pub(in crate::process) fn poll(
        &mut self,
        wait: Wait,
        cx: &mut Context<'_>,
        mut look: impl FnMut() -> io::Result<Option<ExitStatus>>,
    ) -> Poll<io::Result<ExitStatus>> {
        if let Some(status) = look()? {
            return Poll::Ready(Ok(status));
        }
        if let Exit::Signal(signal) = self {
            let look = || look().transpose();
            return signal.1.poll(wait, cx, look).map(|seen| seen?);
        }
        self.watch()?;
        let Exit::Watched(io) = self else {
            let text = "this child has been waited for";
            return Poll::Ready(Err(io::Error::other(text)));
        };
        loop {
            let Poll::Ready(ready) = io.source().poll_ready(Direction::Read, None, cx) else {
                leaf::record(wait);
                return Poll::Pending;
            };
            let ready = ready?;
            if let Some(status) = look()? {
                return Poll::Ready(Ok(status));
            }
            io.source().clear(ready);
        }
    }

    /// Puts the descriptor into the poller of the runtime that polls.
    fn watch(&mut self) -> io::Result<()> {
        let handle = Handle::try_current()?;
        if let Exit::Watched(io) = self {
            if std::sync::Arc::ptr_eq(io.source().reactor(), handle.reactor()) {
                return Ok(());
            }
        }
        *self = match std::mem::replace(self, Exit::Over) {
            Exit::Free(descriptor) => Exit::Watched(Io::new(handle.reactor().clone(), descriptor)),
            Exit::Watched(io) => {
                let descriptor = io.into_object();
                Exit::Watched(Io::new(handle.reactor().clone(), descriptor))
            }
            other => other,
        };
        Ok(())
    }

    /// The child's descriptor, in no poller.
    pub(in crate::process) fn into_descriptor(self) -> Option<OwnedFd> {
        match self {
            Exit::Free(descriptor) => Some(descriptor),
            Exit::Watched(io) => Some(io.into_object()),
            Exit::Signal(_) | Exit::Over => None,
        }
    }

    pub(in crate::process) fn none() -> Exit {
        Exit::Over
    }

    /// Nobody waits any more: what was open for that is closed.
    pub(in crate::process) fn end(&mut self) {
        *self = Exit::Over;
    }
}

#[cfg(all(test, not(miri), not(filch_loom)))]
mod tests {
    use super::*;
    use filch_executor::LocalRuntime;
    use filch_executor::leaf::WaitKind;
    use std::future::poll_fn;
    use std::process::Command;

    /// As on systems without descriptors of processes.
    #[test]
    fn the_signal_of_children_tells_of_each() {
        LocalRuntime::new().unwrap().block_on(async {
            let wait = Wait::here(WaitKind::Child);
            for nap in ["0", "0.05"] {
                let mut child = Command::new("sleep").arg(nap).spawn().unwrap();
                let mut exit = Exit::by_signal().unwrap();
                let status = poll_fn(|cx| exit.poll(wait, cx, || child.try_wait())).await;
                assert!(status.unwrap().success());
            }
        });
    }
}
