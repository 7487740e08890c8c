//! The bell as a descriptor that every runtime's poller watches, as long as somebody there waits.

use crate::sys::signal::bell;
use filch_executor::Handle;
use filch_executor::leaf::{self, Wait};
use filch_reactor::{Direction, Io, Reactor, Source, Waiter};
use parking_lot::Mutex;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

/// The bell in one runtime.
#[derive(Debug)]
struct Hub(Io<OwnedFd>);

/// The bells that somebody waits for; as the signals, they belong to the process.
static HUBS: Mutex<Vec<Weak<Hub>>> = Mutex::new(Vec::new());

impl Hub {
    /// The one of this reactor.
    fn of(reactor: &Arc<Reactor>) -> io::Result<Arc<Hub>> {
        let mut hubs = HUBS.lock();
        hubs.retain(|hub| hub.strong_count() > 0);
        let mut alive = hubs.iter().filter_map(Weak::upgrade);
        if let Some(hub) = alive.find(|hub| hub.belongs_to(reactor)) {
            return Ok(hub);
        }
        let hub = Arc::new(Hub(Io::new(Arc::clone(reactor), bell::duplicate()?)));
        hubs.push(Arc::downgrade(&hub));
        Ok(hub)
    }

    fn belongs_to(&self, reactor: &Arc<Reactor>) -> bool {
        Arc::ptr_eq(self.0.source().reactor(), reactor)
    }
}

/// The bell's descriptors need no ring of ours.
pub(crate) fn ring() {}

/// The place of one who waits.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    hub: Option<Arc<Hub>>,
    waiter: Waiter,
}

impl Seat {
    /// Looks, and waits until there is something to be seen.
    pub(crate) fn poll<R>(
        &mut self,
        wait: Wait,
        cx: &mut Context<'_>,
        mut look: impl FnMut() -> Option<R>,
    ) -> Poll<io::Result<R>> {
        if let Some(seen) = look() {
            return Poll::Ready(Ok(seen));
        }
        self.sit_down()?;
        let Some(hub) = &self.hub else {
            return Poll::Pending;
        };
        let source: &Source = hub.0.source();
        loop {
            let waiter = Some(&mut self.waiter);
            let Poll::Ready(ready) = source.poll_ready(Direction::Read, waiter, cx) else {
                leaf::record(wait);
                return Poll::Pending;
            };
            let ready = ready?;
            if let Some(seen) = look() {
                return Poll::Ready(Ok(seen));
            }
            // A ring after the look has moved the tick, and this does nothing.
            source.clear(ready);
        }
    }

    /// In the runtime that polls.
    fn sit_down(&mut self) -> io::Result<()> {
        let handle = Handle::try_current()?;
        let sits = |hub: &Arc<Hub>| hub.belongs_to(handle.reactor());
        if !self.hub.as_ref().is_some_and(sits) {
            self.leave();
            self.hub = Some(Hub::of(handle.reactor())?);
        }
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(hub) = self.hub.take() {
            hub.0.source().forget(&mut self.waiter);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}
