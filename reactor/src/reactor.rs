//! The reactor: one selector, the table of its sources, and the right to poll.
//!
//! It has no thread. Whoever has nothing better to do takes the [`Turn`], sleeps in it, and wakes the wakers that it
//! brings back; which thread that is, and until when it may sleep, is the executor's business.
//!
//! # Locks
//!
//! `events` (held for the whole of a turn), then `sources`, then one registration's waiters; never in another order,
//! and never two registrations at once. No waker is woken, cloned or dropped under either of the last two. The system
//! calls `add` and `modify` happen under a registration's lock, so that those who wait for one source agree on what is
//! armed.

use crate::primitive::{AtomicBool, Mutex, MutexGuard, Ordering};
use crate::registration::Registration;
use crate::selector::{Engine, Events, Selector, Token};
use crate::signal::Signal;
use crate::sys::{self, Descriptor};
use crate::table::{Table, shut_down};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;
use std::{fmt, io};

/// Readiness for any number of sources, from one selector of the operating system.
///
/// Shared as `Arc<Reactor>`. Every [`Io`](crate::Io) holds one, so a reactor outlives its sources;
/// [`close`](Reactor::close) is what ends them. There may be any number of reactors.
///
/// ```
/// # use filch_reactor::{Reactor, Selector};
/// use std::time::Duration;
///
/// let reactor = Reactor::new(Selector::default())?;
/// let mut turn = reactor.try_lock().expect("nobody else polls");
/// assert!(reactor.try_lock().is_none());
///
/// reactor.notify(); // between two waits, or from any other thread during one
/// let events = turn.wait(Some(Duration::from_secs(3600)), &mut Vec::new())?;
/// assert_eq!(events, 0);
/// # std::io::Result::Ok(())
/// ```
pub struct Reactor {
    engine: Engine,
    /// The batch of the wait that is running. Holding the lock is the right to poll.
    events: Mutex<Events>,
    sources: Mutex<Table>,
    signal: Signal,
    closed: AtomicBool,
}

impl Reactor {
    /// A reactor without sources. Where there is no epoll, `Selector::Polling` runs instead: see
    /// [`selector`](Reactor::selector).
    ///
    /// # Errors
    /// What the operating system answers: usually that the process or the system has too many open descriptors.
    /// [`Unsupported`](io::ErrorKind::Unsupported) for `Selector::Polling` on Linux without the feature `polling`.
    pub fn new(selector: Selector) -> io::Result<Reactor> {
        Engine::new(selector).map(Reactor::with_engine)
    }

    pub(crate) fn with_engine(engine: Engine) -> Reactor {
        Reactor {
            events: Mutex::new(engine.events()),
            sources: Mutex::new(Table::default()),
            signal: Signal::new(),
            closed: AtomicBool::new(false),
            engine,
        }
    }

    /// The selector that really runs.
    pub fn selector(&self) -> Selector {
        self.engine.selector()
    }

    /// Takes the right to poll, unless another thread has it.
    pub fn try_lock(&self) -> Option<Turn<'_>> {
        let events = self.events.try_lock()?;
        Some(Turn {
            reactor: self,
            events,
        })
    }

    /// Makes the wait that is running return early, or if there is none, the next one.
    ///
    /// What the caller did before is visible to the thread whose wait returns. Any number of calls during one wait cost
    /// at most one system call, and a call while nobody waits costs none.
    ///
    /// # Panics
    /// If the operating system refuses to wake its own selector: nothing that sleeps could be relied on any more.
    pub fn notify(&self) {
        if self.signal.notify() {
            self.engine
                .wake()
                .expect("filch: the reactor could not wake its selector");
        }
    }

    /// How many sources are registered. Those that never had to wait are not.
    pub fn len(&self) -> usize {
        self.sources.lock().len()
    }

    /// Is no source registered?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends all waiting, for good: every waiter is handed back to be woken by the caller, and finds that its next
    /// [`poll_ready`](crate::Source::poll_ready) fails. A running wait returns early, later ones fail. Sources may
    /// outlive this; one that never had to wait learns of it when it first does.
    pub fn close(&self, woken: &mut Vec<Waker>) {
        // Orderings: Release, against the Acquire in `Turn::wait`. A wait that misses it is ended by the notification
        // below.
        self.closed.store(true, Ordering::Release);
        let sources = self.sources.lock().close();
        for source in &sources {
            source.shut_down(woken);
        }
        self.notify();
    }

    /// Has it been closed? A source that never had to wait is not told; who promises an error then asks here.
    pub fn is_closed(&self) -> bool {
        // Orderings: Acquire, against the Release in `close`.
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A place in the table. The descriptor must stay open until `remove`.
    pub(crate) fn insert(
        &self,
        registration: Arc<Registration>,
        descriptor: Descriptor,
    ) -> io::Result<Token> {
        self.sources.lock().insert(registration, descriptor)
    }

    /// Gives a place back: once this returns, no event reaches the source any more.
    pub(crate) fn remove(&self, token: Token) {
        let removed = self.sources.lock().remove(token);
        // The lock is free again: what this drops may be a waker, and behind it anything.
        drop(removed);
    }

    /// Hands a batch of events out under one lock. Returns how many of them found their source.
    fn dispatch(&self, events: &Events, woken: &mut Vec<Waker>) -> usize {
        let sources = self.sources.lock();
        let mut count = 0;
        events.each(|token, event| {
            if let Some((registration, descriptor)) = sources.get(token) {
                // SAFETY: a source leaves the table, whose lock is held, before its descriptor is closed.
                let descriptor = unsafe { sys::borrow(descriptor) };
                registration.deliver(event, &self.engine, descriptor, woken);
                count += 1;
            }
        });
        count
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor")
            .field("selector", &self.selector())
            .field("signal", &self.signal)
            .finish_non_exhaustive()
    }
}

/// The right to sleep in a reactor's selector, obtained from [`Reactor::try_lock`] and given back by dropping it.
pub struct Turn<'a> {
    reactor: &'a Reactor,
    events: MutexGuard<'a, Events>,
}

impl Turn<'_> {
    /// Sleeps until there are events, somebody calls [`Reactor::notify`], or `timeout` is over: never earlier, with the
    /// clock's full resolution. `None` is no limit; zero only looks. A signal may end it early as well.
    ///
    /// The wakers of all who waited for what happened are pushed to `woken`; wake them, preferably after dropping the
    /// turn. Returns the number of events that were for a source, whether or not anybody waited for them.
    ///
    /// # Errors
    /// After [`Reactor::close`], and whatever else the operating system may say against waiting.
    pub fn wait(&mut self, timeout: Option<Duration>, woken: &mut Vec<Waker>) -> io::Result<usize> {
        if self.reactor.is_closed() {
            return Err(shut_down());
        }
        let timeout = self.reactor.signal.begin(timeout);
        let waited = self.reactor.engine.wait(&mut self.events, timeout);
        self.reactor.signal.end();
        match waited {
            Ok(()) if self.events.is_empty() => Ok(0),
            Ok(()) => Ok(self.reactor.dispatch(&self.events, woken)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("reactor", &self.reactor)
            .finish()
    }
}
