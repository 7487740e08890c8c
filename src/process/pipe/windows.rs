//! A pipe that threads of `spawn_blocking` read from and write to.
//!
//! A read or write that was given up goes on; what it has read is there for the next one.

use filch_executor::leaf;
use filch_executor::{Handle, JoinHandle};
use std::fs::File;
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::windows::io::OwnedHandle;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// How much a thread reads or writes at a time, in bytes.
const PIECE: usize = 8 * 1024;

#[derive(Debug)]
pub(super) struct Pipe {
    file: Arc<File>,
    /// What a thread is doing: it gives what it has read, or nothing.
    running: Option<JoinHandle<io::Result<Vec<u8>>>>,
    /// What has been read and not been taken.
    left: Vec<u8>,
}

impl Pipe {
    pub(super) fn new(end: OwnedHandle) -> io::Result<Pipe> {
        Handle::try_current()?;
        Ok(Pipe {
            file: Arc::new(File::from(end)),
            running: None,
            left: Vec::new(),
        })
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(&*self.file, cx));
        if self.left.is_empty() {
            if self.running.is_none() {
                let file = Arc::clone(&self.file);
                self.start(move || {
                    let mut buf = vec![0; PIECE];
                    let count = (&*file).read(&mut buf)?;
                    buf.truncate(count);
                    Ok(buf)
                })?;
            }
            self.left = ready!(self.poll_running(cx))?;
        }
        let Some(buf) = bufs.iter_mut().find(|buf| !buf.is_empty()) else {
            return Poll::Ready(Ok(0));
        };
        let count = self.left.len().min(buf.len());
        buf[..count].copy_from_slice(&self.left[..count]);
        self.left.drain(..count);
        Poll::Ready(Ok(count))
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(cx))?;
        let Some(buf) = bufs.iter().find(|buf| !buf.is_empty()) else {
            return Poll::Ready(Ok(0));
        };
        let piece = buf[..buf.len().min(PIECE)].to_vec();
        let (file, count) = (Arc::clone(&self.file), piece.len());
        self.start(move || {
            (&*file).write_all(&piece)?;
            Ok(Vec::new())
        })?;
        Poll::Ready(Ok(count))
    }

    /// Until all that was written is in the pipe.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(leaf::poll_budget_of(&*self.file, cx));
        match self.running {
            Some(_) => self.poll_running(cx).map_ok(drop),
            None => Poll::Ready(Ok(())),
        }
    }

    fn start(
        &mut self,
        call: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static,
    ) -> io::Result<()> {
        self.running = Some(Handle::try_current()?.spawn_blocking(call));
        Ok(())
    }

    fn poll_running(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        let Some(running) = &mut self.running else {
            return Poll::Ready(Ok(Vec::new()));
        };
        let done = ready!(Pin::new(running).poll(cx));
        self.running = None;
        Poll::Ready(done.map_err(io::Error::other)?)
    }

    pub(super) fn into_stdio(self) -> io::Result<Stdio> {
        Ok(Stdio::from(self.file.try_clone()?))
    }
}
