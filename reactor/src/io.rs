//! An I/O object together with its source.
//!
//! This is where it is guaranteed that a descriptor in the reactor's table is open: `Io` owns the object, never lends
//! it mutably, and drops the source before it. An object that lends its descriptor for as long as it is borrowed (which
//! is what `AsFd` and `AsSocket` promise) cannot close it under a shared borrow. Whoever leaks an `Io` leaks the object
//! with it, and the descriptor stays open. That would not hold for an object that only borrows its descriptor
//! (`BorrowedFd`), whose owner could close it then; so an object must be `'static`.

use crate::reactor::Reactor;
use crate::source::Source;
use crate::sys::{self, AsSource};
use std::sync::Arc;
use std::{fmt, io};

/// An I/O object that belongs to a reactor.
///
/// The object must be in non-blocking mode, or its operations block the thread instead of waiting. It can be borrowed,
/// but not mutably: std's sockets do all their I/O through a shared reference.
///
/// ```
/// # #[cfg(unix)] fn main() -> std::io::Result<()> {
/// # use filch_reactor::{Io, Reactor, Selector};
/// use std::{io::Write, os::unix::net::UnixStream, sync::Arc};
///
/// let reactor = Arc::new(Reactor::new(Selector::default())?);
/// let (ours, _theirs) = UnixStream::pair()?;
/// ours.set_nonblocking(true)?;
/// let io = Io::new(reactor, ours);
/// io.get_ref().write_all(b"hello")?;
/// let _stream: UnixStream = io.into_inner()?;
/// # Ok(()) }
/// # #[cfg(not(unix))] fn main() {}
/// ```
pub struct Io<T: AsSource> {
    // The order matters: fields are dropped from top to bottom, and the source must go before the descriptor is closed.
    source: Source,
    object: T,
}

impl<T: AsSource> Io<T> {
    /// Makes no system call: the object is registered with the selector when somebody first has to wait for it.
    pub fn new(reactor: Arc<Reactor>, object: T) -> Io<T>
    where
        T: 'static,
    {
        Io {
            source: Source::new(reactor, sys::descriptor(&object)),
            object,
        }
    }

    /// The object, for its operations.
    pub fn get_ref(&self) -> &T {
        &self.object
    }

    /// Its readiness.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The object, deregistered. It stays in non-blocking mode.
    ///
    /// # Errors
    /// When the operating system refuses to stop watching the descriptor. Then the object is dropped.
    pub fn into_inner(self) -> io::Result<T> {
        self.source.deregister()?;
        Ok(self.object)
    }

    /// As [`into_inner`](Io::into_inner), for who cannot hand an error on: should the operating system refuse, it goes
    /// on to watch the descriptor, for nobody.
    pub fn into_object(self) -> T {
        let _ = self.source.deregister();
        self.object
    }
}

impl<T: AsSource + fmt::Debug> fmt::Debug for Io<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io")
            .field("object", &self.object)
            .field("source", &self.source)
            .finish()
    }
}
