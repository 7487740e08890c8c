//! A pipe that the runtime's poller watches.

use crate::sys::{set_blocking, set_nonblocking};
use filch_executor::Handle;
use filch_executor::leaf::{self, Transfer, Wait, WaitKind};
use filch_reactor::{Direction, Io};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::Location;
use std::process::Stdio;
use std::task::{Context, Poll};

#[derive(Debug)]
pub(super) struct Pipe {
    io: Io<File>,
    at: &'static Location<'static>,
}

impl Pipe {
    #[track_caller]
    pub(super) fn new(end: OwnedFd) -> io::Result<Pipe> {
        let handle = Handle::try_current()?;
        set_nonblocking(&end)?;
        Ok(Pipe {
            io: Io::new(handle.reactor().clone(), File::from(end)),
            at: Location::caller(),
        })
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = bufs.iter().map(|buf| buf.len()).sum();
        self.poll(Direction::Read, WaitKind::Read, cx, |mut file| {
            Ok(Transfer::of(file.read_vectored(bufs)?, length))
        })
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = bufs.iter().map(|buf| buf.len()).sum();
        self.poll(Direction::Write, WaitKind::Write, cx, |mut file| {
            Ok(Transfer::of(file.write_vectored(bufs)?, length))
        })
    }

    fn poll(
        &self,
        direction: Direction,
        kind: WaitKind,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&File) -> io::Result<Transfer>,
    ) -> Poll<io::Result<usize>> {
        let wait = Wait {
            kind,
            resource: 0,
            at: self.at,
        };
        let call = || call(self.io.get_ref());
        leaf::poll_transfer(self.io.source(), direction, None, wait, cx, call)
    }

    /// Nothing is held back.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        leaf::poll_budget_of(&self.io, cx).map(Ok)
    }

    pub(super) fn into_stdio(self) -> io::Result<Stdio> {
        let end = self.io.into_object();
        set_blocking(&end)?;
        Ok(Stdio::from(end))
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}
