//! epoll, used directly: one system call per wait, with timeouts in nanoseconds.
//!
//! Every source is edge-triggered. Its interest starts with the direction that first had to wait and only ever grows:
//! reading alone at first (most connections never wait for room to write, and would otherwise report "writable" once
//! for nothing; a Unix socket even does each time its peer reads), both once a write had to wait. The end of what the
//! peer sends (`EPOLLRDHUP`) is always watched: it comes in the same event as the last data, which is what makes it
//! sound to stop reading at a short read.
//!
//! `wake` writes to an edge-triggered eventfd that is never read: each write makes a new edge, whatever the counter
//! stands at.
//!
//! A timeout in nanoseconds is what `epoll_pwait2` takes, which Linux has since 5.11. Where it is missing, as in some
//! sandboxes and emulators too, `ppoll` sleeps on the epoll's own descriptor, which is readable while there are events:
//! two system calls for a wait that has a limit and may sleep, one for any other.

use super::{Interest, Token, Traits};
use crate::readiness::Event;
use crate::sys::Borrowed;
use crate::sys::epoll::{self, Control, Record};
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// Events that one wait can bring at most. More are left for the next; the table's lock is held while a batch is handed
/// out.
const BATCH: usize = 256;

#[derive(Debug)]
pub(crate) struct Epoll {
    epoll: OwnedFd,
    waker: File,
    /// Is there an `epoll_pwait2`?
    exact: bool,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        let mut selector = Epoll::in_two_steps()?;
        selector.exact = selector.probe()?;
        Ok(selector)
    }

    /// Is there an `epoll_pwait2`? Some sandboxes answer EPERM for calls that they do not know.
    fn probe(&self) -> io::Result<bool> {
        match epoll::wait(&self.epoll, &mut Events::new().list, Some(Duration::ZERO)) {
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                Ok(false)
            }
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(true),
        }
    }

    /// As on systems without `epoll_pwait2`.
    pub(crate) fn in_two_steps() -> io::Result<Epoll> {
        let selector = Epoll {
            epoll: epoll::create()?,
            waker: epoll::eventfd()?,
            exact: false,
        };
        let flags = libc::EPOLLIN | libc::EPOLLET;
        selector.control(Control::Add, selector.waker.as_fd(), Token::NONE, flags)?;
        Ok(selector)
    }

    pub(crate) fn traits(&self) -> Traits {
        Traits {
            edge: true,
            short_read_clears: true,
        }
    }

    pub(crate) fn add(
        &self,
        source: Borrowed<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.control(Control::Add, source, token, flags(interest))
    }

    pub(crate) fn modify(
        &self,
        source: Borrowed<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.control(Control::Modify, source, token, flags(interest))
    }

    pub(crate) fn delete(&self, source: Borrowed<'_>) -> io::Result<()> {
        self.control(Control::Delete, source, Token::NONE, 0)
    }

    fn control(
        &self,
        what: Control,
        source: Borrowed<'_>,
        token: Token,
        flags: libc::c_int,
    ) -> io::Result<()> {
        epoll::control(&self.epoll, what, source, token.0 as u64, flags)
    }

    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let (epoll, list) = (&self.epoll, &mut events.list);
        match timeout {
            _ if self.exact => epoll::wait(epoll, list, timeout),
            None => epoll::wait_coarsely(epoll, list, -1),
            Some(timeout) => {
                list.clear();
                if timeout == Duration::ZERO || epoll::sleep(epoll, timeout)? {
                    epoll::wait_coarsely(epoll, list, 0)?;
                }
                Ok(())
            }
        }
    }

    pub(crate) fn wake(&self) -> io::Result<()> {
        loop {
            match (&self.waker).write(&1_u64.to_ne_bytes()) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The counter is full, after 2^64 - 2 wakes: start it afresh. Another thread may do so at the same
                // time.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    drop((&self.waker).read(&mut [0; 8]));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn flags(interest: Interest) -> libc::c_int {
    let mut flags = libc::EPOLLET | libc::EPOLLRDHUP;
    if interest.read {
        flags |= epoll::READ;
    }
    if interest.write {
        flags |= libc::EPOLLOUT;
    }
    flags
}

pub(crate) struct Events {
    list: Vec<Record>,
}

impl Events {
    pub(crate) fn new() -> Events {
        Events {
            list: Vec::with_capacity(BATCH),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn each(&self, mut report: impl FnMut(Token, Event)) {
        for event in &self.list {
            // The kernel's record is packed: copy its fields before use.
            let (data, flags) = (event.u64, event.events);
            // What went in was a usize.
            let token = Token(data as usize);
            if token != Token::NONE {
                report(token, decode(flags as libc::c_int));
            }
        }
    }
}

/// An error or hang-up makes both directions worth a try, so that the operation reports it. Only a hang-up is final: an
/// error is gone once it has been reported.
fn decode(flags: libc::c_int) -> Event {
    let any = |of: libc::c_int| flags & of != 0;
    if !any(!(libc::EPOLLIN | libc::EPOLLOUT)) {
        // Nearly every event.
        return Event::default()
            .and_if(any(libc::EPOLLIN), Event::READABLE)
            .and_if(any(libc::EPOLLOUT), Event::WRITABLE);
    }
    let read_ended = any(libc::EPOLLHUP | libc::EPOLLRDHUP);
    Event::default()
        .and_if(any(libc::EPOLLHUP | libc::EPOLLERR), Event::BOTH)
        .and_if(
            read_ended || any(libc::EPOLLIN | libc::EPOLLPRI),
            Event::READABLE,
        )
        .and_if(any(libc::EPOLLOUT), Event::WRITABLE)
        .and_if(any(libc::EPOLLPRI), Event::URGENT)
        .and_if(read_ended, Event::READ_CLOSED)
        .and_if(any(libc::EPOLLHUP), Event::WRITE_CLOSED)
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("len", &self.list.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_counter_still_wakes() {
        for epoll in [Epoll::new(), Epoll::in_two_steps()] {
            let epoll = epoll.expect("an epoll");
            let nearly_full = (u64::MAX - 1).to_ne_bytes();
            (&epoll.waker)
                .write_all(&nearly_full)
                .expect("room for all of it");
            for _ in 0..3 {
                epoll.wake().expect("it starts afresh");
                let mut events = Events::new();
                epoll.wait(&mut events, None).expect("it is woken");
                events.each(|_, _| panic!("a wake is nobody's event"));
            }
        }
    }

    #[test]
    fn hang_ups_and_errors_are_for_both_directions_but_only_hang_ups_are_final() {
        let both = Event::BOTH;
        assert_eq!(decode(libc::EPOLLERR), both);
        assert_eq!(
            decode(libc::EPOLLRDHUP | libc::EPOLLIN),
            Event::READABLE.and_if(true, Event::READ_CLOSED)
        );
        assert_eq!(
            decode(libc::EPOLLHUP),
            both.and_if(true, Event::READ_CLOSED)
                .and_if(true, Event::WRITE_CLOSED)
        );
        assert_eq!(decode(libc::EPOLLIN | libc::EPOLLOUT), both);
        assert_eq!(
            decode(libc::EPOLLPRI),
            Event::READABLE.and_if(true, Event::URGENT)
        );
    }
}
