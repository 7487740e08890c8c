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

use super::{Interest, Token, Traits};
use crate::readiness::Event;
use crate::sys::Borrowed;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;
use std::{fmt, io, ptr};

/// Events that one wait can bring at most. More are left for the next; the table's lock is held while a batch is handed
/// out.
const BATCH: usize = 256;

#[derive(Debug)]
pub(crate) struct Epoll {
    epoll: OwnedFd,
    waker: OwnedFd,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let waker = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(
            &epoll,
            &waker,
            EventData::new_u64(Token::NONE.0 as u64),
            EventFlags::IN | EventFlags::ET,
        )?;
        let selector = Epoll { epoll, waker };
        selector.probe()?;
        Ok(selector)
    }

    /// Is there an `epoll_pwait2`? Linux has it since 5.11; some sandboxes answer EPERM for calls that they do not
    /// know.
    fn probe(&self) -> io::Result<()> {
        match self.wait(&mut Events::new(), Some(Duration::ZERO)) {
            Err(error)
                if matches!(
                    Errno::from_io_error(&error),
                    Some(Errno::NOSYS | Errno::PERM)
                ) =>
            {
                Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "this system has no epoll_pwait2",
                ))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
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
        Ok(epoll::add(
            &self.epoll,
            source,
            EventData::new_u64(token.0 as u64),
            flags(interest),
        )?)
    }

    pub(crate) fn modify(
        &self,
        source: Borrowed<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        Ok(epoll::modify(
            &self.epoll,
            source,
            EventData::new_u64(token.0 as u64),
            flags(interest),
        )?)
    }

    pub(crate) fn delete(&self, source: Borrowed<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, source)?)
    }

    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let list = &mut events.list;
        list.clear();
        let timeout = timeout.map(KernelTimespec::from);
        let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the descriptor is an epoll's and open; the list has room for as many events as are asked for, of the
        // kernel's layout (rustix's `Event` mirrors `epoll_event` and is checked by it); the time is a valid timespec
        // of the kernel's own layout or null; there is no signal mask.
        let count = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.epoll.as_raw_fd(),
                list.as_mut_ptr(),
                list.capacity() as libc::c_int,
                timeout,
                ptr::null::<libc::sigset_t>(),
                0_usize,
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        // SAFETY: the kernel has written that many events, and no more than there is room for.
        unsafe { list.set_len(count) };
        Ok(())
    }

    pub(crate) fn wake(&self) -> io::Result<()> {
        loop {
            match rustix::io::write(&self.waker, &1_u64.to_ne_bytes()) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                // The counter is full, after 2^64 - 2 wakes: start it afresh. Another thread may do so at the same
                // time.
                Err(Errno::AGAIN) => drop(rustix::io::read(&self.waker, &mut [0; 8])),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn flags(interest: Interest) -> EventFlags {
    let mut flags = EventFlags::ET | EventFlags::RDHUP;
    if interest.read {
        flags |= EventFlags::IN | EventFlags::PRI;
    }
    if interest.write {
        flags |= EventFlags::OUT;
    }
    flags
}

/// What the system call wants on every architecture, 32-bit ones too.
#[repr(C)]
struct KernelTimespec {
    seconds: i64,
    nanoseconds: i64,
}

impl From<Duration> for KernelTimespec {
    /// A time beyond the kernel's range becomes its largest.
    fn from(time: Duration) -> KernelTimespec {
        KernelTimespec {
            seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: i64::from(time.subsec_nanos()),
        }
    }
}

pub(crate) struct Events {
    list: Vec<epoll::Event>,
}

// SAFETY: an event's data is always a number here, made by `EventData::new_u64`; only its type could also hold a
// pointer.
unsafe impl Send for Events {}

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
            let (data, flags) = (event.data, event.flags);
            // What went in was a usize.
            let token = Token(data.u64() as usize);
            if token != Token::NONE {
                report(token, decode(flags));
            }
        }
    }
}

/// An error or hang-up makes both directions worth a try, so that the operation reports it. Only a hang-up is final: an
/// error is gone once it has been reported.
fn decode(flags: EventFlags) -> Event {
    let ends = flags.intersects(EventFlags::HUP | EventFlags::ERR);
    let read_ended = flags.intersects(EventFlags::HUP | EventFlags::RDHUP);
    Event::default()
        .and_if(ends, Event::BOTH)
        .and_if(
            read_ended || flags.intersects(EventFlags::IN | EventFlags::PRI),
            Event::READABLE,
        )
        .and_if(flags.contains(EventFlags::OUT), Event::WRITABLE)
        .and_if(flags.contains(EventFlags::PRI), Event::URGENT)
        .and_if(read_ended, Event::READ_CLOSED)
        .and_if(flags.contains(EventFlags::HUP), Event::WRITE_CLOSED)
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
        let epoll = Epoll::new().expect("an epoll");
        rustix::io::write(&epoll.waker, &(u64::MAX - 1).to_ne_bytes()).expect("room for all of it");
        for _ in 0..3 {
            epoll.wake().expect("it starts afresh");
            let mut events = Events::new();
            epoll.wait(&mut events, None).expect("it is woken");
            events.each(|_, _| panic!("a wake is nobody's event"));
        }
    }

    #[test]
    fn hang_ups_and_errors_are_for_both_directions_but_only_hang_ups_are_final() {
        let both = Event::BOTH;
        assert_eq!(decode(EventFlags::ERR), both);
        assert_eq!(
            decode(EventFlags::RDHUP | EventFlags::IN),
            Event::READABLE.and_if(true, Event::READ_CLOSED)
        );
        assert_eq!(
            decode(EventFlags::HUP),
            both.and_if(true, Event::READ_CLOSED)
                .and_if(true, Event::WRITE_CLOSED)
        );
        assert_eq!(decode(EventFlags::IN | EventFlags::OUT), both);
        assert_eq!(
            decode(EventFlags::PRI),
            Event::READABLE.and_if(true, Event::URGENT)
        );
    }
}
