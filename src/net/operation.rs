//! One wait of one future for one direction of one source, and what named futures are made of.
//!
//! An [`Operation`] holds everything of an I/O future but the system call: where readiness is kept,
//! the future's place among the waiters, and its wait record. The call is a closure given at each
//! poll. Every future of this module tree is an operation and some arguments, written down with
//! [`io_futures!`]; dropping one leaves the list of waiters and has no other effect, which is why
//! all of them are cancel safe.
//!
//! Not here: budget, readiness loop and records themselves (`filch_executor::leaf`).

use crate::io::Interest;
use filch_executor::leaf::{self, Transfer, Wait, WaitKind};
use filch_reactor::{Direction, Ready, Source, Waiter};
use std::io;
use std::task::{Context, Poll, ready};

/// A future's wait for a source, without the system call.
#[derive(Debug)]
pub(crate) struct Operation<'a> {
    source: &'a Source,
    direction: Direction,
    wait: Wait,
    waiter: Waiter,
    /// Its future was ready.
    over: bool,
}

impl<'a> Operation<'a> {
    /// An operation made where the caller was called. Nothing is registered before the first poll.
    #[track_caller]
    pub(crate) fn new(source: &'a Source, direction: Direction, kind: WaitKind) -> Operation<'a> {
        Operation {
            source,
            direction,
            wait: Wait::here(kind),
            waiter: Waiter::default(),
            over: false,
        }
    }

    /// One that takes one of what has come, a connection or a datagram: of several such, an event wakes one.
    #[track_caller]
    pub(crate) fn in_line(source: &'a Source, kind: WaitKind) -> Operation<'a> {
        let mut operation = Operation::new(source, Direction::Read, kind);
        operation.waiter = Waiter::in_line();
        operation
    }

    /// As [`poll`](Operation::poll), for an operation in line: when it has ended, the next one is called if more has
    /// come.
    pub(crate) fn poll_one<R>(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let done = self.poll(cx, call);
        if done.is_ready() {
            self.source.pass_on();
        }
        done
    }

    /// Runs `call` when the source is ready, until it does not say `WouldBlock`.
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        leaf::poll_io(
            self.source,
            self.direction,
            Some(&mut self.waiter),
            self.wait,
            cx,
            call,
        )
    }

    /// The same for a byte stream, where some transfers say that the next one would block.
    pub(crate) fn poll_transfer(
        &mut self,
        cx: &mut Context<'_>,
        call: impl FnMut() -> io::Result<Transfer>,
    ) -> Poll<io::Result<usize>> {
        let (source, waiter) = (self.source, Some(&mut self.waiter));
        leaf::poll_transfer(source, self.direction, waiter, self.wait, cx, call)
    }

    /// For a transfer of no byte: it needs no readiness, and counts all the same.
    pub(crate) fn poll_nothing(&self, cx: &mut Context<'_>) -> Poll<()> {
        leaf::poll_budget_of(self, cx)
    }

    /// What is recorded while it waits.
    pub(crate) fn wait(&self) -> Wait {
        self.wait.with_resource(self.source.number())
    }

    /// Waits for readiness and performs nothing.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(leaf::poll_budget_of(self, cx));
        self.poll_seen(cx).map_ok(|_| ())
    }

    /// The same as a part of something that spends budget itself, with the evidence.
    pub(crate) fn poll_seen(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        let waiter = Some(&mut self.waiter);
        let ready = self.source.poll_wait(self.direction, waiter, cx);
        if ready.is_pending() {
            leaf::record(self.wait());
        }
        ready
    }

    /// As `poll_seen`, for who then tries something: a fresh source is worth it.
    pub(crate) fn poll_worth(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        let waiter = Some(&mut self.waiter);
        let ready = self.source.poll_ready(self.direction, waiter, cx);
        if ready.is_pending() {
            leaf::record(self.wait());
        }
        ready
    }

    /// What is waited for.
    pub(crate) fn source(&self) -> &'a Source {
        self.source
    }
}

impl Operation<'_> {
    /// Remembers whether its future is ready now.
    pub(crate) fn end_if<R>(&mut self, polled: &Poll<R>) {
        self.over = polled.is_ready();
    }

    /// Whether its future was ready, and is not to be polled again.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        self.source.forget(&mut self.waiter);
        if !self.over {
            leaf::take_back(|| self.wait());
        }
    }
}

/// Waits for readiness through the one place that a direction has for the `poll_*` methods: of several tasks that come
/// here, or read or write through the traits, the last one is woken. The other direction's place stays as it is.
pub(crate) fn poll_place(
    source: &Source,
    direction: Direction,
    wait: Wait,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    ready!(leaf::poll_budget_of(source, cx));
    let ready = source.poll_wait(direction, None, cx);
    if ready.is_pending() {
        leaf::record(wait.with_resource(source.number()));
    }
    ready.map_ok(|_| ())
}

/// Tries `call` once, now. `WouldBlock` clears the readiness that was seen before, so that a following
/// wait for readiness really waits.
pub(crate) fn try_now<R>(
    source: &Source,
    direction: Direction,
    call: impl FnMut() -> io::Result<R>,
) -> io::Result<R> {
    try_seen(source, source.ready(direction), call)
}

/// The same for a byte stream, where some transfers too clear the readiness.
pub(crate) fn try_transfer(
    source: &Source,
    direction: Direction,
    call: impl FnMut() -> io::Result<Transfer>,
) -> io::Result<usize> {
    let seen = source.ready(direction);
    let done = try_seen(source, seen, call)?;
    if let (true, Some(seen)) = (done.is_last, seen) {
        source.clear_short(seen);
    }
    Ok(done.count)
}

/// The same for an operation of others that is about both directions, or either: it is made once, whatever it says.
pub(crate) fn try_once<R>(
    source: &Source,
    interest: Interest,
    call: impl FnOnce() -> io::Result<R>,
) -> io::Result<R> {
    let seen = directions(interest).map(|direction| direction.and_then(|it| source.ready(it)));
    let done = call();
    if matches!(&done, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
        seen.into_iter().flatten().for_each(|it| source.clear(it));
    }
    done
}

/// The directions of an interest, reading first.
pub(crate) fn directions(interest: Interest) -> [Option<Direction>; 2] {
    [
        interest.is_readable().then_some(Direction::Read),
        interest.is_writable().then_some(Direction::Write),
    ]
}

fn try_seen<R>(
    source: &Source,
    seen: Option<Ready>,
    mut call: impl FnMut() -> io::Result<R>,
) -> io::Result<R> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                seen.into_iter().for_each(|seen| source.clear(seen));
                return Err(error);
            }
            result => return result,
        }
    }
}

/// Defines named futures: each has its arguments' fields and an [`Operation`], and the block says
/// how it is polled. One may have a type parameter, in brackets.
macro_rules! io_futures {
    ($(
        $(#[$meta:meta])*
        $name:ident $([$param:ident: $bound:ident = $default:ty])? { $($field:ident: $type:ty),* $(,)? }
        |$this:ident, $cx:ident| -> $output:ty { $($body:tt)* }
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        #[must_use = "futures do nothing unless awaited"]
        pub struct $name<'a $(, $param = $default)?> {
            pub(super) operation: $crate::net::operation::Operation<'a>,
            $(pub(super) $field: $type,)*
        }

        impl<'a $(, $param: $bound)?> std::future::Future for $name<'a $(, $param)?> {
            type Output = std::io::Result<$output>;

            fn poll(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Self::Output> {
                let this = self.get_mut();
                let polled = this.advance(cx);
                this.operation.end_if(&polled);
                polled
            }
        }

        impl<'a $(, $param: $bound)?> $name<'a $(, $param)?> {
            fn advance(
                &mut self,
                $cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<$output>> {
                let $this = self;
                $($body)*
            }
        }

        impl<'a $(, $param: $bound)?> futures_core::FusedFuture for $name<'a $(, $param)?> {
            fn is_terminated(&self) -> bool {
                self.operation.is_over()
            }
        }
    )*};
}

pub(crate) use io_futures;
