//! Our ends of the pipes to a child.
//!
//! On Unix they are in the runtime's poller. On Windows a pipe has no readiness: a thread of `spawn_blocking` reads and
//! writes.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix::Pipe;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows::Pipe;

use filch_executor::leaf;
use futures_io::{AsyncRead, AsyncWrite};
use std::io::{self, IoSlice, IoSliceMut};
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};

/// The standard input of a child. Dropping it, or closing it, is the end of that input.
///
/// # Cancel safety
/// A dropped write has written nothing, or it was ready.
#[derive(Debug)]
pub struct ChildStdin(Option<Pipe>);

/// The standard output of a child.
///
/// # Cancel safety
/// A dropped read has taken nothing.
#[derive(Debug)]
pub struct ChildStdout(Pipe);

/// The standard error of a child.
///
/// # Cancel safety
/// A dropped read has taken nothing.
#[derive(Debug)]
pub struct ChildStderr(Pipe);

impl AsyncWrite for ChildStdin {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Some(pipe) => pipe.poll_write(cx, &[IoSlice::new(buf)]),
            None => closed(cx).map(|()| Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Some(pipe) => pipe.poll_write(cx, bufs),
            None => closed(cx).map(|()| Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Some(pipe) => pipe.poll_flush(cx),
            None => closed(cx).map(Ok),
        }
    }

    /// The end of the child's input.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.as_mut().poll_flush(cx);
        if flushed.is_ready() {
            self.0 = None;
        }
        flushed
    }
}

/// What is done with a pipe that was closed costs as much as any other operation.
fn closed(cx: &mut Context<'_>) -> Poll<()> {
    leaf::poll_budget(cx)
}

/// Reading, and what both ends have.
macro_rules! output {
    ($($name:ident),*) => {$(
        impl AsyncRead for $name {
            fn poll_read(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.0.poll_read(cx, &mut [IoSliceMut::new(buf)])
            }

            fn poll_read_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                self.0.poll_read(cx, bufs)
            }
        }

        impl TryFrom<$name> for Stdio {
            type Error = io::Error;

            /// For another child's input. What has been read is not read again.
            fn try_from(output: $name) -> io::Result<Stdio> {
                output.0.into_stdio()
            }
        }
    )*};
}

output!(ChildStdout, ChildStderr);

impl TryFrom<ChildStdin> for Stdio {
    type Error = io::Error;

    /// For another child's output.
    fn try_from(input: ChildStdin) -> io::Result<Stdio> {
        let pipe = input.0.ok_or(io::ErrorKind::BrokenPipe)?;
        pipe.into_stdio()
    }
}

/// Takes std's ends over, in the runtime that this is called in.
macro_rules! from_std {
    ($($name:ident: $wrap:expr;)*) => {$(
        impl $name {
            /// Takes std's end over. It is put into non-blocking mode.
            ///
            /// # Errors
            /// The system's; one that says so outside of a runtime.
            #[track_caller]
            pub fn from_std(std: std::process::$name) -> io::Result<$name> {
                Ok($wrap(Pipe::new(std.into())?))
            }
        }
    )*};
}

from_std! {
    ChildStdin: |pipe| ChildStdin(Some(pipe));
    ChildStdout: ChildStdout;
    ChildStderr: ChildStderr;
}

#[cfg(unix)]
mod descriptors {
    use super::{ChildStderr, ChildStdout};
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

    macro_rules! descriptors {
        ($($name:ty),*) => {$(
            impl AsFd for $name {
                fn as_fd(&self) -> BorrowedFd<'_> {
                    self.0.as_fd()
                }
            }

            impl AsRawFd for $name {
                fn as_raw_fd(&self) -> RawFd {
                    self.as_fd().as_raw_fd()
                }
            }
        )*};
    }

    descriptors!(ChildStdout, ChildStderr);
}
