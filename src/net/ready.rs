//! Readiness for its own sake: waiting for either direction, and operations that are the caller's.
//!
//! For who performs I/O on a socket by other means than its methods: a QUIC stack with batches of datagrams, `splice`,
//! out-of-band data. [`readiness_of!`] gives a socket the methods; they are tokio's.

use crate::io::{Interest, Ready};
use crate::net::operation::{Operation, directions, poll_place};
use filch_executor::leaf::{self, Wait, WaitKind};
use filch_reactor::{Direction, Source};
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A place among the waiters of each direction that is of interest.
#[derive(Debug)]
struct Places<'a>([Option<Operation<'a>>; 2]);

impl<'a> Places<'a> {
    #[track_caller]
    fn new(source: &'a Source, interest: Interest) -> Places<'a> {
        let [read, write] = directions(interest);
        // Not by closures, which would be the callers then.
        let mut places = [None, None];
        if let Some(read) = read {
            places[0] = Some(Operation::new(source, read, WaitKind::Readable));
        }
        if let Some(write) = write {
            places[1] = Some(Operation::new(source, write, WaitKind::Writable));
        }
        Places(places)
    }

    /// What is ready, which is not nothing. A place whose direction is not ready stays taken.
    fn poll(
        &mut self,
        mut each: impl FnMut(&mut Operation<'a>) -> Poll<io::Result<filch_reactor::Ready>>,
    ) -> Poll<io::Result<Seen>> {
        let mut seen = Seen::default();
        for (place, evidence) in self.0.iter_mut().zip(&mut seen.0) {
            match place.as_mut().map(&mut each) {
                Some(Poll::Ready(ready)) => *evidence = Some(ready?),
                Some(Poll::Pending) | None => {}
            }
        }
        match seen.0.iter().any(Option::is_some) {
            true => Poll::Ready(Ok(seen)),
            false => Poll::Pending,
        }
    }

    /// Nothing is waited for any more.
    fn leave(&mut self) {
        self.0 = [None, None];
    }

    fn source(&self) -> Option<&'a Source> {
        let taken = self.0.iter().flatten().next();
        taken.map(Operation::source)
    }
}

/// Evidence of each direction that is ready.
#[derive(Debug, Default)]
struct Seen([Option<filch_reactor::Ready>; 2]);

impl Seen {
    /// In public words.
    fn tell(&self, source: &Source) -> Ready {
        let mut told = Ready::EMPTY;
        for ready in self.0.iter().flatten() {
            let direction = ready.direction();
            let (open, closed) = match direction {
                Direction::Read => (Ready::READABLE, Ready::READ_CLOSED),
                Direction::Write => (Ready::WRITABLE, Ready::WRITE_CLOSED),
            };
            told |= open;
            if source.is_closed(direction) {
                told |= closed;
            }
        }
        told
    }
}

/// The future of a socket's `ready`.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct WaitReady<'a> {
    places: Places<'a>,
}

impl<'a> WaitReady<'a> {
    #[track_caller]
    pub(crate) fn new(source: &'a Source, interest: Interest) -> WaitReady<'a> {
        WaitReady {
            places: Places::new(source, interest),
        }
    }
}

impl Future for WaitReady<'_> {
    type Output = io::Result<Ready>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        let this = self.get_mut();
        ready!(leaf::poll_budget_of(this, cx));
        let source = this.places.source().expect("not polled after it was ready");
        let seen = ready!(this.places.poll(|place| place.poll_seen(cx)));
        this.places.leave();
        Poll::Ready(seen.map(|seen| seen.tell(source)))
    }
}

impl FusedFuture for WaitReady<'_> {
    fn is_terminated(&self) -> bool {
        self.places.source().is_none()
    }
}

/// The future of a socket's `async_io`.
#[must_use = "futures do nothing unless awaited"]
pub struct PerformIo<'a, F> {
    places: Places<'a>,
    call: F,
}

// The closure is called and never pinned.
impl<F> Unpin for PerformIo<'_, F> {}

impl<'a, F> PerformIo<'a, F> {
    #[track_caller]
    pub(crate) fn new(source: &'a Source, interest: Interest, call: F) -> PerformIo<'a, F> {
        PerformIo {
            places: Places::new(source, interest),
            call,
        }
    }
}

impl<R, F: FnMut() -> io::Result<R>> PerformIo<'_, F> {
    fn poll_call(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        ready!(leaf::poll_call_of(self, cx));
        let source = self.places.source().expect("not polled after it was ready");
        loop {
            let seen = ready!(self.places.poll(|place| place.poll_worth(cx)))?;
            match (self.call)() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    seen.0.into_iter().flatten().for_each(|it| source.clear(it));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl<R, F: FnMut() -> io::Result<R>> Future for PerformIo<'_, F> {
    type Output = io::Result<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let this = self.get_mut();
        let done = ready!(this.poll_call(cx));
        this.places.leave();
        Poll::Ready(done)
    }
}

impl<R, F: FnMut() -> io::Result<R>> FusedFuture for PerformIo<'_, F> {
    fn is_terminated(&self) -> bool {
        self.places.source().is_none()
    }
}

impl<F> fmt::Debug for PerformIo<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerformIo")
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

/// Readiness of an object that has `source(&self) -> &Source`.
macro_rules! readiness_of {
    ($socket:ty) => {
        /// Readiness, and operations of the caller's own.
        impl $socket {
            /// Waits until at least one of the directions of `interest` is probably ready, and tells which are.
            /// Pair this with `try_*` methods or [`try_io`](Self::try_io) in a loop.
            ///
            /// # Errors
            /// An error that says so when the runtime has ended.
            ///
            /// # Cancel safety
            /// Cancel safe.
            #[track_caller]
            pub fn ready(
                &self,
                interest: $crate::io::Interest,
            ) -> $crate::net::future::WaitReady<'_> {
                $crate::net::future::WaitReady::new(self.source(), interest)
            }

            /// Performs an operation of your own on this descriptor once, now, without waiting. If it says
            /// `WouldBlock`, the next wait for a direction of `interest` really waits.
            ///
            /// It must be an operation on this descriptor and in these directions: a `WouldBlock` from elsewhere makes
            /// later waits miss what is already there.
            ///
            /// # Errors
            /// What `call` returns.
            pub fn try_io<R>(
                &self,
                interest: $crate::io::Interest,
                call: impl FnOnce() -> std::io::Result<R>,
            ) -> std::io::Result<R> {
                $crate::net::operation::try_once(self.source(), interest, call)
            }

            /// Performs an operation of your own on this descriptor as soon as a direction of `interest` is ready,
            /// again after each `WouldBlock`. See [`try_io`](Self::try_io) for what it may be.
            ///
            /// # Errors
            /// What `call` returns; an error that says so when the runtime has ended.
            ///
            /// # Cancel safety
            /// Cancel safe as far as `call` is: it runs to its end or not at all.
            #[track_caller]
            pub fn async_io<R, F: FnMut() -> std::io::Result<R>>(
                &self,
                interest: $crate::io::Interest,
                call: F,
            ) -> $crate::net::future::PerformIo<'_, F> {
                $crate::net::future::PerformIo::new(self.source(), interest, call)
            }
        }
    };
}

/// For hand-written futures: whether there is something to read.
macro_rules! readiness_to_read {
    ($socket:ty, $poll_ready:ident) => {
        impl $socket {
            /// For hand-written futures: whether there is probably something to read. Of several tasks that use the
            /// `poll_*` methods to read, the last one is woken; who writes is another matter.
            ///
            /// # Errors
            /// An error that says so when the runtime has ended.
            #[track_caller]
            pub fn $poll_ready(
                &self,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                $crate::net::ready::poll_readable(self.source(), cx)
            }
        }
    };
}

/// The same for writing.
macro_rules! readiness_to_write {
    ($socket:ty, $poll_ready:ident) => {
        impl $socket {
            /// For hand-written futures: whether there is probably room to write. Of several tasks that use the
            /// `poll_*` methods to write, the last one is woken; who reads is another matter.
            ///
            /// # Errors
            /// An error that says so when the runtime has ended.
            #[track_caller]
            pub fn $poll_ready(
                &self,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                $crate::net::ready::poll_writable(self.source(), cx)
            }
        }
    };
}

#[track_caller]
pub(crate) fn poll_readable(source: &Source, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    poll_place(source, Direction::Read, Wait::here(WaitKind::Readable), cx)
}

#[track_caller]
pub(crate) fn poll_writable(source: &Source, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    poll_place(source, Direction::Write, Wait::here(WaitKind::Writable), cx)
}

pub(crate) use {readiness_of, readiness_to_read, readiness_to_write};
