//! Children that are run to their end: for their status, or for all that they write.

use crate::process::child::Child;
use filch_executor::leaf::{self, Said, Wait, WaitKind};
use futures_core::FusedFuture;
use futures_io::AsyncRead;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::process::{ExitStatus, Output};
use std::task::{Context, Poll, ready};

/// How much is read at a time, in bytes.
const PIECE: usize = 16 * 1024;

/// The future of [`Child::wait_with_output`] and [`Command::output`](crate::process::Command::output).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct WaitWithOutput {
    running: Running,
    output: Vec<u8>,
    errors: Vec<u8>,
}

impl WaitWithOutput {
    #[track_caller]
    pub(super) fn new(child: io::Result<Child>) -> WaitWithOutput {
        WaitWithOutput {
            running: Running::new(child),
            output: Vec::new(),
            errors: Vec::new(),
        }
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Output>> {
        let child = match &mut self.running.child {
            Some(Ok(child)) => child,
            _ => return Poll::Ready(Err(over(self.running.child.take()))),
        };
        // Both are polled each time: one that is full must not keep the child from filling the other.
        let output = poll_drain(&mut child.stdout, &mut self.output, cx);
        let errors = poll_drain(&mut child.stderr, &mut self.errors, cx);
        ready!(output)?;
        ready!(errors)?;
        let polled = child.poll_for(self.running.wait, cx);
        self.running.said.keep(self.running.wait, &polled);
        let status = ready!(polled)?;
        Poll::Ready(Ok(Output {
            status,
            stdout: std::mem::take(&mut self.output),
            stderr: std::mem::take(&mut self.errors),
        }))
    }
}

/// Reads to the end; then the pipe is gone.
fn poll_drain<R: AsyncRead + Unpin>(
    pipe: &mut Option<R>,
    into: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    while let Some(reader) = pipe {
        let mut piece = [0; PIECE];
        match ready!(Pin::new(reader).poll_read(cx, &mut piece))? {
            0 => *pipe = None,
            count => into.extend_from_slice(&piece[..count]),
        }
    }
    Poll::Ready(Ok(()))
}

impl Future for WaitWithOutput {
    type Output = io::Result<Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Output>> {
        // Also for a child that could not be started.
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = self.get_mut();
        let polled = this.advance(cx);
        if polled.is_ready() {
            this.running.child = None;
        }
        polled
    }
}

impl FusedFuture for WaitWithOutput {
    fn is_terminated(&self) -> bool {
        self.running.child.is_none()
    }
}

/// The future of [`Command::status`](crate::process::Command::status).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Status(Running);

impl Status {
    #[track_caller]
    pub(super) fn new(child: io::Result<Child>) -> Status {
        Status(Running::new(child))
    }
}

impl Future for Status {
    type Output = io::Result<ExitStatus>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        // Also for a child that could not be started.
        ready!(leaf::poll_budget_of(&*self, cx));
        let Running { child, wait, said } = &mut self.get_mut().0;
        let status = match child {
            Some(Ok(child)) => {
                let polled = child.poll_for(*wait, cx);
                said.keep(*wait, &polled);
                ready!(polled)
            }
            _ => Err(over(child.take())),
        };
        *child = None;
        Poll::Ready(status)
    }
}

impl FusedFuture for Status {
    fn is_terminated(&self) -> bool {
        self.0.child.is_none()
    }
}

/// A child that was started, or was not.
#[derive(Debug)]
struct Running {
    child: Option<io::Result<Child>>,
    wait: Wait,
    said: Said,
}

impl Running {
    #[track_caller]
    fn new(mut child: io::Result<Child>) -> Running {
        let wait = match &mut child {
            Ok(child) => {
                child.stdin = None;
                child.wait_here()
            }
            Err(_) => Wait::here(WaitKind::Child),
        };
        Running {
            child: Some(child),
            wait,
            said: Said::new(),
        }
    }
}

/// Why there is no child.
fn over(child: Option<io::Result<Child>>) -> io::Error {
    let failed = child.and_then(Result::err);
    failed.unwrap_or_else(|| io::Error::other("polled again after it was ready"))
}
