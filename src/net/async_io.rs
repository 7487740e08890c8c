//! Any object that the system can wait for: pipes, terminals, event and timer descriptors, sockets
//! of other libraries.
//!
//! [`Async`] waits; what is done with the object is a closure of the user's, run when it is ready
//! and again after each `WouldBlock`. Not for regular files: the system calls those always ready.

use crate::net::operation::{Operation, poll_place, try_now};
use crate::net::stream::{At, Readable, Writable};
use crate::sys;
use filch_executor::Handle;
use filch_executor::leaf::{self, Wait, WaitKind};
use filch_reactor::{AsSource, Direction, Io};
use futures_core::FusedFuture;
use futures_io::{AsyncRead, AsyncWrite};
use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// An I/O object in non-blocking mode that any number of tasks can wait for.
///
/// It implements `AsyncRead` and `AsyncWrite` if a reference to the object implements `Read` and `Write`, as pipes,
/// files and sockets do; closing it then ends writing, where the object is a socket. The object must not be replaced or
/// closed behind its back, so there is no `get_mut`: use [`into_inner`](Async::into_inner). For the same reason it must
/// own what it stands for (`'static`): instead of a borrowed descriptor, give it a duplicate (`try_clone_to_owned`), or
/// an `Arc` of the owner.
///
/// ```no_run
/// use filch::net::Async;
/// use std::io::{self, Read};
///
/// # filch::run(async {
/// let (reader, writer) = io::pipe()?;
/// let reader = Async::new(reader)?;
/// drop(writer);
/// let count = reader.read_with(|mut pipe| pipe.read(&mut [0; 64])).await?;
/// assert_eq!(count, 0);
/// # io::Result::Ok(()) });
/// ```
///
/// A descriptor that is only borrowed does not do, because its owner could close it while this is still there:
///
/// ```compile_fail
/// use std::os::fd::{AsFd, OwnedFd};
///
/// fn watch(owner: &OwnedFd) -> std::io::Result<filch::net::Async<std::os::fd::BorrowedFd<'_>>> {
///     filch::net::Async::new(owner.as_fd())
/// }
/// ```
pub struct Async<T: AsSource> {
    io: Io<T>,
    at: At,
}

impl<T: AsSource> Async<T> {
    /// Takes an object over and puts it into non-blocking mode. Whether the system can wait for it shows at the
    /// first wait: for a regular file that is an error.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn new(io: T) -> io::Result<Async<T>>
    where
        T: 'static,
    {
        sys::set_nonblocking(&io)?;
        Async::new_nonblocking(io)
    }

    /// Takes over an object that is in non-blocking mode. Makes no system call.
    ///
    /// # Errors
    /// An error that says so outside of a runtime.
    #[track_caller]
    pub fn new_nonblocking(io: T) -> io::Result<Async<T>>
    where
        T: 'static,
    {
        let handle = Handle::try_current()?;
        Ok(Async {
            io: Io::new(handle.reactor().clone(), io),
            at: Location::caller(),
        })
    }

    /// The object.
    pub fn get_ref(&self) -> &T {
        self.io.get_ref()
    }

    /// Gives the object back, still in non-blocking mode.
    ///
    /// # Errors
    /// The system's, if it cannot be taken from the reactor.
    pub fn into_inner(self) -> io::Result<T> {
        self.io.into_inner()
    }

    #[cfg(unix)]
    pub(crate) fn into_object(self) -> T {
        self.io.into_object()
    }

    /// Waits until a read would probably not block. Prefer [`read_with`](Async::read_with), which tries first and
    /// notices when it was a false alarm. Cancel safe.
    ///
    /// # Errors
    /// The system's, if it cannot wait for such an object.
    #[track_caller]
    pub fn readable(&self) -> Readable<'_> {
        Readable {
            operation: Operation::new(self.io.source(), Direction::Read, WaitKind::Readable),
        }
    }

    /// Waits until a write would probably not block; see [`readable`](Async::readable).
    ///
    /// # Errors
    /// The system's, if it cannot wait for such an object.
    #[track_caller]
    pub fn writable(&self) -> Writable<'_> {
        let source = self.io.source();
        Writable {
            operation: Operation::new(source, Direction::Write, WaitKind::Writable),
        }
    }

    /// Runs `call`, which reads, until it does not say `WouldBlock`, and waits in between. Never waits
    /// while the call would succeed.
    ///
    /// # Errors
    /// What `call` returns; the system's, if it cannot wait for such an object.
    ///
    /// # Cancel safety
    /// Cancel safe as far as `call` is: it runs to its end or not at all.
    #[track_caller]
    pub fn read_with<R, F>(&self, call: F) -> Perform<'_, T, F>
    where
        F: FnMut(&T) -> io::Result<R> + Unpin,
    {
        let operation = Operation::new(self.io.source(), Direction::Read, WaitKind::Read);
        Perform {
            operation,
            io: self.get_ref(),
            call,
        }
    }

    /// Runs `call`, which writes; see [`read_with`](Async::read_with).
    ///
    /// # Errors
    /// As [`read_with`](Async::read_with).
    ///
    /// # Cancel safety
    /// Cancel safe as far as `call` is: it runs to its end or not at all.
    #[track_caller]
    pub fn write_with<R, F>(&self, call: F) -> Perform<'_, T, F>
    where
        F: FnMut(&T) -> io::Result<R> + Unpin,
    {
        let operation = Operation::new(self.io.source(), Direction::Write, WaitKind::Write);
        Perform {
            operation,
            io: self.get_ref(),
            call,
        }
    }

    /// Runs `call` once, now. A `WouldBlock` makes the next `readable()` wait.
    ///
    /// # Errors
    /// What `call` returns.
    pub fn try_read_with<R>(&self, mut call: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        let call = || call(self.get_ref());
        try_now(self.io.source(), Direction::Read, call)
    }

    /// Runs `call` once, now. A `WouldBlock` makes the next `writable()` wait.
    ///
    /// # Errors
    /// What `call` returns.
    pub fn try_write_with<R>(&self, mut call: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        let call = || call(self.get_ref());
        try_now(self.io.source(), Direction::Write, call)
    }

    /// For hand-written futures: whether a read would probably not block. Of several tasks that
    /// poll this or read through `AsyncRead`, the last one is woken.
    ///
    /// # Errors
    /// The system's, if it cannot wait for such an object.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wait = self.wait(WaitKind::Readable);
        poll_place(self.io.source(), Direction::Read, wait, cx)
    }

    /// For hand-written futures: whether a write would probably not block; see
    /// [`poll_readable`](Async::poll_readable).
    ///
    /// # Errors
    /// The system's, if it cannot wait for such an object.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wait = self.wait(WaitKind::Writable);
        poll_place(self.io.source(), Direction::Write, wait, cx)
    }

    fn wait(&self, kind: WaitKind) -> Wait {
        Wait {
            kind,
            resource: 0,
            at: self.at,
        }
    }

    fn poll_read_with<R>(
        &self,
        cx: &mut Context<'_>,
        call: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let wait = self.wait(WaitKind::Read);
        leaf::poll_io(self.io.source(), Direction::Read, None, wait, cx, call)
    }

    fn poll_write_with<R>(
        &self,
        cx: &mut Context<'_>,
        call: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let wait = self.wait(WaitKind::Write);
        leaf::poll_io(self.io.source(), Direction::Write, None, wait, cx, call)
    }
}

/// The future of [`Async::read_with`] and [`Async::write_with`].
#[must_use = "futures do nothing unless awaited"]
pub struct Perform<'a, T, F> {
    operation: Operation<'a>,
    io: &'a T,
    call: F,
}

impl<T, F> fmt::Debug for Perform<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Perform")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

impl<T, R, F> Future for Perform<'_, T, F>
where
    F: FnMut(&T) -> io::Result<R> + Unpin,
{
    type Output = io::Result<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let this = self.get_mut();
        let (io, call) = (this.io, &mut this.call);
        let polled = this.operation.poll(cx, || call(io));
        this.operation.end_if(&polled);
        polled
    }
}

impl<T, R, F> FusedFuture for Perform<'_, T, F>
where
    F: FnMut(&T) -> io::Result<R> + Unpin,
{
    fn is_terminated(&self) -> bool {
        self.operation.is_over()
    }
}

/// `AsyncRead` and `AsyncWrite` for an `Async` and for a reference to one.
macro_rules! io_traits {
    ($($object:ty),*) => {$(
        impl<T: AsSource> AsyncRead for $object
        where
            for<'io> &'io T: Read,
        {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.poll_read_with(cx, || self.io.get_ref().read(buf))
            }

            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                self.poll_read_with(cx, || self.io.get_ref().read_vectored(bufs))
            }
        }

        impl<T: AsSource> AsyncWrite for $object
        where
            for<'io> &'io T: Write,
        {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.poll_write_with(cx, || self.io.get_ref().write(buf))
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.poll_write_with(cx, || self.io.get_ref().write_vectored(bufs))
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_write_with(cx, || self.io.get_ref().flush())
            }

            /// Flushes, and of a socket ends writing (`shutdown(Write)`): the peer sees the end of the stream. Any
            /// other object is closed when it is dropped.
            fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                ready!(self.as_mut().poll_flush(cx))?;
                Poll::Ready(sys::end_writing(self.io.get_ref()))
            }
        }
    )*};
}

io_traits!(Async<T>, &Async<T>);
