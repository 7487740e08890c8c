//! Everything that is not epoll used directly: the polling crate, over kqueue, IOCP, event ports, poll, and epoll too.
//!
//! Where it can report edges, a source is registered once, as with epoll; where it cannot, each event ends the source's
//! interest and the next wait re-arms it. It does not report the end of what the peer sends by itself, so with edges a
//! short read proves nothing here. Without edges it does, because arming reports whatever is there at that moment.
//!
//! It swallows signals: a `wait` that one interrupts goes on to its end.

use super::{Interest, Token, Traits};
use crate::readiness::Event;
use crate::sys::{self, Borrowed};
use polling::{Event as Report, PollMode, Poller};
use std::time::Duration;
use std::{fmt, io};

#[derive(Debug)]
pub(crate) struct Polling {
    poller: Poller,
    mode: PollMode,
}

impl Polling {
    pub(crate) fn new() -> io::Result<Polling> {
        let poller = Poller::new()?;
        let mode = if poller.supports_edge() {
            PollMode::Edge
        } else {
            PollMode::Oneshot
        };
        Ok(Polling { poller, mode })
    }

    #[cfg(all(test, unix, not(filch_loom)))]
    pub(crate) fn oneshot() -> io::Result<Polling> {
        Ok(Polling {
            poller: Poller::new()?,
            mode: PollMode::Oneshot,
        })
    }

    pub(crate) fn traits(&self) -> Traits {
        let edge = self.mode == PollMode::Edge;
        Traits {
            edge,
            short_read_clears: !edge,
        }
    }

    pub(crate) fn add(
        &self,
        source: Borrowed<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        // SAFETY: the descriptor is deleted before it is closed: `Source` calls `delete` whenever it goes, and a source
        // goes before its I/O object does.
        unsafe {
            self.poller
                .add_with_mode(sys::descriptor(&source), report(token, interest), self.mode)
        }
    }

    pub(crate) fn modify(
        &self,
        source: Borrowed<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.poller
            .modify_with_mode(source, report(token, interest), self.mode)
    }

    pub(crate) fn delete(&self, source: Borrowed<'_>) -> io::Result<()> {
        self.poller.delete(source)
    }

    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.list.clear();
        self.poller.wait(&mut events.list, timeout).map(drop)
    }

    pub(crate) fn wake(&self) -> io::Result<()> {
        self.poller.notify()
    }
}

/// Exceptional conditions go with reading, as in `epoll.rs`.
fn report(token: Token, interest: Interest) -> Report {
    let mut report = Report::new(token.0, interest.read, interest.write);
    report.set_priority(interest.read);
    report
}

pub(crate) struct Events {
    list: polling::Events,
}

impl Events {
    pub(crate) fn new() -> Events {
        Events {
            list: polling::Events::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn each(&self, mut tell: impl FnMut(Token, Event)) {
        for event in self.list.iter() {
            tell(Token(event.key), decode(event));
        }
    }
}

/// An error makes both directions worth a try, and only a hang-up is final, as in `epoll.rs`; systems that report
/// neither say "readable" and "writable" instead.
fn decode(event: Report) -> Event {
    let hung_up = event.is_interrupt();
    Event::default()
        .and_if(hung_up || event.is_err() == Some(true), Event::BOTH)
        .and_if(event.readable, Event::READABLE)
        .and_if(event.writable, Event::WRITABLE)
        .and_if(event.is_priority(), Event::URGENT)
        .and_if(
            hung_up,
            Event::READ_CLOSED.and_if(true, Event::WRITE_CLOSED),
        )
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("len", &self.list.len())
            .finish()
    }
}
