//! Opening a pipe that has a name.

use super::end::{adopt, check};
use super::receiver::Receiver;
use super::sender::Sender;
use crate::net::error::context;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::Location;
use std::path::Path;

/// How a pipe with a name (a FIFO) is opened.
///
/// ```no_run
/// use filch::net::unix::pipe::OpenOptions;
///
/// # filch::run(async {
/// let receiver = OpenOptions::new().open_receiver("/run/example.fifo")?;
/// let mut buf = [0; 512];
/// let count = receiver.read(&mut buf).await?;
/// # std::io::Result::Ok(()) });
/// ```
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    read_write: bool,
    unchecked: bool,
}

impl OpenOptions {
    /// One direction, and only what is a pipe.
    #[must_use]
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    /// Opens the pipe for both directions (only on Linux). Then a sender need not wait until there is a receiver, and a
    /// receiver does not come to the end of the stream when the last sender is gone.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn read_write(&mut self, value: bool) -> &mut OpenOptions {
        self.read_write = value;
        self
    }

    /// Does not look whether the path is that of a pipe. What is none may not work.
    pub fn unchecked(&mut self, value: bool) -> &mut OpenOptions {
        self.unchecked = value;
        self
    }

    /// Opens the reading end. It comes to the end of the stream at once while nobody has opened the writing end.
    ///
    /// # Errors
    /// The system's with the path in its text; `InvalidInput` if it is no pipe; an error that says so outside of a
    /// runtime.
    #[track_caller]
    pub fn open_receiver<P: AsRef<Path>>(&self, path: P) -> io::Result<Receiver> {
        let at = Location::caller();
        let mut options = fs::OpenOptions::new();
        let descriptor = self.open(path.as_ref(), options.read(true).write(self.read_write))?;
        adopt(descriptor, at).map(Receiver::new)
    }

    /// Opens the writing end.
    ///
    /// # Errors
    /// As [`open_receiver`](OpenOptions::open_receiver). While nobody has opened the reading end, the system's with the
    /// number `ENXIO`: try again later, or see [`read_write`](OpenOptions::read_write).
    #[track_caller]
    pub fn open_sender<P: AsRef<Path>>(&self, path: P) -> io::Result<Sender> {
        let at = Location::caller();
        let mut options = fs::OpenOptions::new();
        let descriptor = self.open(path.as_ref(), options.write(true).read(self.read_write))?;
        adopt(descriptor, at).map(Sender::new)
    }

    fn open(&self, path: &Path, options: &mut fs::OpenOptions) -> io::Result<OwnedFd> {
        let explain = |error| context(error, format_args!("open {path:?}"));
        let file = options.custom_flags(libc::O_NONBLOCK).open(path);
        let descriptor = OwnedFd::from(file.map_err(explain)?);
        if !self.unchecked {
            // The direction is what was asked for.
            check(&descriptor, "anything", |_| true).map_err(explain)?;
        }
        Ok(descriptor)
    }
}
