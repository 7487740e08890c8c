//! The futures that wait for signals.

use crate::signal::bell::Seat;
use crate::signal::interest::{Armed, Listening};
use crate::signal::kind::SignalKind;
use filch_executor::Handle;
use filch_executor::leaf::{self, Said, Wait, WaitKind};
use futures_core::{FusedFuture, Stream};
use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Waits for Ctrl-C (`SIGINT`; on Windows the console's Ctrl-C).
///
/// It counts from this call on, not only from the first poll. When it is ready, or dropped, Ctrl-C does what it does by
/// default, as long as nobody has asked for it again: it ends the program, though every worker is stuck.
///
/// ```no_run
/// use std::time::Duration;
///
/// use filch::time::timeout;
///
/// filch::run(async {
///     let work = filch::spawn(std::future::pending::<()>());
///     filch::signal::ctrl_c().await?;
///     println!("stopping; press Ctrl-C again to end at once");
///     work.abort();
///     let _ = timeout(Duration::from_secs(10), work).await;
///     std::io::Result::Ok(())
/// })
/// # .unwrap();
/// ```
///
/// # Errors
/// The system's, if it does not let the signal be caught; one that says so outside of a runtime.
///
/// # Cancel safety
/// A signal that has come, and that the dropped future has not told yet, is lost. In a loop around `select!` keep one
/// future outside of it, or take [`Signals`]: between two futures a Ctrl-C would end the program.
#[track_caller]
pub fn ctrl_c() -> Arrival {
    Arrival::of(&[SignalKind::interrupt()])
}

/// Waits to be asked to end, by `kill`, systemd, Docker or Kubernetes (`SIGTERM`; on Windows that the console is
/// closed, the user logs off or the system shuts down).
///
/// As [`ctrl_c`] in everything else.
///
/// ```no_run
/// use futures_util::future::{Either, select};
///
/// # filch::run(async {
/// match select(filch::signal::terminate(), filch::signal::ctrl_c()).await {
///     Either::Left(_) => println!("told to stop"),
///     Either::Right(_) => println!("Ctrl-C"),
/// }
/// # });
/// ```
///
/// # Errors
/// As [`ctrl_c`].
///
/// # Cancel safety
/// As [`ctrl_c`].
#[track_caller]
pub fn terminate() -> Arrival {
    #[cfg(unix)]
    let kinds = [SignalKind::terminate()];
    #[cfg(windows)]
    let kinds = [
        SignalKind::close(),
        SignalKind::logoff(),
        SignalKind::shutdown(),
    ];
    Arrival::of(&kinds)
}

/// The future of [`ctrl_c`] and [`terminate`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Arrival {
    /// Of several, whichever comes first.
    armed: Vec<Armed>,
    failed: Option<io::Error>,
    seat: Seat,
    wait: Wait,
    said: Said,
    over: bool,
}

impl Arrival {
    #[track_caller]
    fn of(kinds: &[SignalKind]) -> Arrival {
        let number = kinds[0].as_raw_value();
        let armed: io::Result<Vec<_>> = kinds
            .iter()
            .map(|kind| Armed::new(kind.as_raw_value()))
            .collect();
        let (armed, failed) = match armed {
            Ok(armed) => (armed, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        Arrival {
            armed,
            failed,
            seat: Seat::default(),
            wait: wait_for(number),
            said: Said::new(),
            over: false,
        }
    }
}

#[track_caller]
fn wait_for(number: i32) -> Wait {
    Wait::here(WaitKind::Signal).with_resource(u64::try_from(number).unwrap_or(0))
}

impl Future for Arrival {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = self.get_mut();
        let done = match this.failed.take() {
            Some(error) => Err(error),
            None => {
                let armed = &this.armed;
                let look = || armed.iter().any(Armed::has_come).then_some(());
                let seen = this.seat.poll(this.wait, cx, look);
                this.said.keep(this.wait, &seen);
                ready!(seen)
            }
        };
        this.armed.clear();
        this.over = true;
        Poll::Ready(done)
    }
}

impl FusedFuture for Arrival {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

/// Signals of any kinds, as long as this lives; also a `Stream` of them.
///
/// ```no_run
/// # #[cfg(unix)]
/// # filch::run(async {
/// use filch::signal::{SignalKind, Signals};
///
/// let mut signals = Signals::new([SignalKind::hangup(), SignalKind::terminate()])?;
/// loop {
///     match signals.recv().await? {
///         kind if kind == SignalKind::hangup() => println!("reading the configuration again"),
///         kind => break println!("told to stop by {kind}"),
///     }
/// }
/// # std::io::Result::Ok(())
/// # });
/// ```
#[derive(Debug)]
pub struct Signals {
    listening: Vec<Listening>,
    /// Whose turn it is to be looked at first, so that none is always behind another.
    first: usize,
    seat: Seat,
    wait: Wait,
}

impl Signals {
    /// Waits for these kinds from now on.
    ///
    /// # Errors
    /// `InvalidInput` for a signal that cannot be caught (`SIGKILL`, `SIGSTOP`), or that a program cannot go on after
    /// (`SIGILL`, `SIGFPE`, `SIGSEGV`), and if there is no kind at all; the system's; one that says so outside of a
    /// runtime.
    #[track_caller]
    pub fn new(kinds: impl IntoIterator<Item = SignalKind>) -> io::Result<Signals> {
        let kinds: BTreeSet<SignalKind> = kinds.into_iter().collect();
        let Some(first) = kinds.first() else {
            let text = "Signals of no kind would never come: name one";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        };
        let wait = wait_for(first.as_raw_value());
        Handle::try_current()?;
        let listening = kinds
            .into_iter()
            .map(|kind| Listening::new(kind.as_raw_value()));
        Ok(Signals {
            listening: listening.collect::<io::Result<_>>()?,
            first: 0,
            seat: Seat::default(),
            wait,
        })
    }

    /// Waits for the next signal. Several of one kind that have come since the last call are one; those of several
    /// kinds come one after the other, in no particular order.
    ///
    /// # Errors
    /// One that says so outside of a runtime, or when it has ended.
    ///
    /// # Cancel safety
    /// Cancel safe: what a dropped future has not told comes with the next one.
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_> {
        let wait = wait_for(self.listening[0].number());
        Recv {
            signals: self,
            wait,
            said: Said::new(),
            over: false,
        }
    }

    /// As [`recv`](Signals::recv), for hand-written futures. The last waker that was given is woken.
    ///
    /// # Errors
    /// As [`recv`](Signals::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<SignalKind>> {
        self.poll_for(self.wait, cx)
    }

    fn poll_for(&mut self, wait: Wait, cx: &mut Context<'_>) -> Poll<io::Result<SignalKind>> {
        ready!(leaf::poll_budget_of(&self.seat, cx));
        let (listening, first) = (&mut self.listening, &mut self.first);
        self.seat.poll(wait, cx, || take(listening, first))
    }
}

/// The next kind of which one has come.
fn take(listening: &mut [Listening], first: &mut usize) -> Option<SignalKind> {
    let count = listening.len();
    let mut order = (0..count).map(|step| (*first + step) % count);
    let found = order.find(|&index| listening[index].take())?;
    *first = found + 1;
    Some(SignalKind::from_raw(listening[found].number()))
}

impl Stream for Signals {
    type Item = io::Result<SignalKind>;

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<SignalKind>>> {
        self.get_mut().poll_recv(cx).map(Some)
    }
}

/// The future of [`Signals::recv`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<'a> {
    signals: &'a mut Signals,
    wait: Wait,
    said: Said,
    over: bool,
}

impl Future for Recv<'_> {
    type Output = io::Result<SignalKind>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<SignalKind>> {
        let this = self.get_mut();
        let polled = this.signals.poll_for(this.wait, cx);
        this.said.keep(this.wait, &polled);
        this.over = polled.is_ready();
        polled
    }
}

impl FusedFuture for Recv<'_> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}
