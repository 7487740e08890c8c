//! The operating system's readiness facility: one small interface, several implementations.
//!
//! [`Selector`] is what a user chooses; `Engine` is what then runs. Each engine is one file with these functions and
//! contracts; which one it is gets decided when a reactor is made, never by `cfg` inside a function.
//!
//! - `new() -> io::Result<Self>`: `Unsupported` if this system lacks something that is needed.
//! - `add(source, token, interest)`: starts to watch. What is ready already is reported as an event, so nothing that
//!   happened before is lost. Fails with `AlreadyExists` for a descriptor that is being watched.
//! - `modify(source, token, interest)`: replaces the interest. Reports what is ready now, as `add` does.
//! - `delete(source)`: stops to watch. Events that a running `wait` has already picked up may still be delivered
//!   afterwards.
//! - `wait(events, timeout)`: sleeps until there are events, `wake` was called or the time is over (never earlier), and
//!   leaves the events in `events`. One thread at a time, which is the caller's duty. `None` sleeps without end; zero
//!   does not sleep. A signal may end it (`Interrupted`).
//! - `wake()`: ends the `wait` that is running; if none is, the next one. May be called by any thread, at any time.
//! - `traits()`: what this selector is good for; see [`Traits`].
//!
//! `add`, `modify` and `delete` may be called while another thread is in `wait`. No function takes a lock of this
//! crate.

#[cfg(any(
    not(any(target_os = "linux", filch_loom)),
    not(any(feature = "polling", not(target_os = "linux")))
))]
mod absent;
#[cfg(all(target_os = "linux", not(filch_loom)))]
mod epoll;
#[cfg(filch_loom)]
#[path = "model.rs"]
pub(crate) mod epoll;
#[cfg(any(feature = "polling", not(target_os = "linux")))]
mod polling;

#[cfg(not(any(target_os = "linux", filch_loom)))]
use absent::{self as epoll, Absent as Epoll};
#[cfg(not(any(feature = "polling", not(target_os = "linux"))))]
use absent::{self as polling, Absent as Polling};

use crate::readiness::{Direction, Event};
use crate::sys::Borrowed;
#[cfg(any(target_os = "linux", filch_loom))]
use epoll::Epoll;
#[cfg(any(feature = "polling", not(target_os = "linux")))]
use polling::Polling;
use std::time::Duration;
use std::{error, fmt, io, str};

/// Which facility of the operating system a reactor learns of readiness from.
///
/// The default is the fastest one that this system has.
///
/// ```
/// # extern crate filch_reactor as filch;
/// use filch::Selector;
///
/// assert_eq!("polling".parse(), Ok(Selector::Polling));
/// assert_eq!(Selector::Epoll.to_string(), "epoll");
/// assert!("kqueue".parse::<Selector>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Selector {
    /// epoll used directly: one system call per wait, on Linux before 5.11 two for a wait with a time limit. On other
    /// systems than Linux `Polling` takes its place.
    Epoll,
    /// Whatever the polling crate finds on this system: kqueue, IOCP, event ports, and on Linux epoll at five system
    /// calls per wait. On Linux it is compiled with the feature `polling` only, and without it no runtime can be built
    /// that asks for it; on other systems it is always there.
    Polling,
}

impl Default for Selector {
    fn default() -> Selector {
        if cfg!(target_os = "linux") {
            Selector::Epoll
        } else {
            Selector::Polling
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Selector::Epoll => "epoll",
            Selector::Polling => "polling",
        })
    }
}

impl str::FromStr for Selector {
    type Err = ParseSelectorError;

    /// Knows "epoll" and "polling".
    fn from_str(name: &str) -> Result<Selector, ParseSelectorError> {
        match name {
            "epoll" => Ok(Selector::Epoll),
            "polling" => Ok(Selector::Polling),
            _ => Err(ParseSelectorError {
                name: name.to_owned(),
            }),
        }
    }
}

/// A name that belongs to no [`Selector`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseSelectorError {
    name: String,
}

impl fmt::Display for ParseSelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "there is no selector named {:?}; choose \"epoll\" or \"polling\"",
            self.name
        )
    }
}

impl error::Error for ParseSelectorError {}

/// The name under which a selector reports events of a source: the index of its place in the reactor's table, and that
/// place's generation, so that an event of an earlier occupant is recognised as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token(pub(crate) usize);

impl Token {
    const INDEX_BITS: u32 = if usize::BITS == 64 { 32 } else { 20 };
    const INDEX_MASK: usize = (1 << Self::INDEX_BITS) - 1;
    /// No source has this token: its index is never given out. Selectors use it for `wake`.
    pub(crate) const NONE: Token = Token(usize::MAX);
    /// As many places as there are indices below that of `NONE`.
    pub(crate) const MAX_SOURCES: usize = Self::INDEX_MASK;

    /// Generations wrap at whatever is left of a word beside the index.
    pub(crate) fn new(index: usize, generation: u32) -> Token {
        debug_assert!(index < Self::MAX_SOURCES);
        Token((generation as usize) << Self::INDEX_BITS | index)
    }

    pub(crate) fn index(self) -> usize {
        self.0 & Self::INDEX_MASK
    }
}

/// The directions that a selector watches, or should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Interest {
    pub(crate) fn contains(self, direction: Direction) -> bool {
        match direction {
            Direction::Read => self.read,
            Direction::Write => self.write,
        }
    }

    #[must_use]
    pub(crate) fn with(self, direction: Direction) -> Interest {
        match direction {
            Direction::Read => Interest { read: true, ..self },
            Direction::Write => Interest {
                write: true,
                ..self
            },
        }
    }
}

/// How a selector differs from others in what its users may rely on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    /// Reports each change once and goes on watching. If not, an event ends all interest until `modify`, which
    /// reports what is ready at that moment.
    pub(crate) edge: bool,
    /// A short read proves that the next one would block or be the end of stream, and the latter has been or will be
    /// reported.
    pub(crate) short_read_clears: bool,
}

/// The selector that runs.
#[derive(Debug)]
pub(crate) enum Engine {
    Epoll(Epoll),
    Polling(Polling),
}

/// Where `wait` leaves its events.
#[derive(Debug)]
pub(crate) enum Events {
    Epoll(epoll::Events),
    Polling(polling::Events),
}

impl Engine {
    /// The chosen engine, or `Polling` where there is no epoll.
    pub(crate) fn new(choice: Selector) -> io::Result<Engine> {
        match choice {
            Selector::Polling => Ok(Engine::Polling(Polling::new()?)),
            Selector::Epoll => match Epoll::new() {
                Ok(epoll) => Ok(Engine::Epoll(epoll)),
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    Engine::new(Selector::Polling)
                }
                Err(error) => Err(error),
            },
        }
    }

    /// epoll as on Linux before 5.11.
    #[cfg(all(test, target_os = "linux", not(miri), not(filch_loom)))]
    pub(crate) fn in_two_steps() -> io::Result<Engine> {
        Ok(Engine::Epoll(Epoll::in_two_steps()?))
    }

    /// The polling engine with interest that ends at each event, as on systems without edges.
    #[cfg(all(
        test,
        unix,
        not(filch_loom),
        any(feature = "polling", not(target_os = "linux"))
    ))]
    pub(crate) fn oneshot() -> io::Result<Engine> {
        Ok(Engine::Polling(Polling::oneshot()?))
    }

    pub(crate) fn selector(&self) -> Selector {
        match self {
            Engine::Epoll(_) => Selector::Epoll,
            Engine::Polling(_) => Selector::Polling,
        }
    }

    pub(crate) fn traits(&self) -> Traits {
        match self {
            Engine::Epoll(epoll) => epoll.traits(),
            Engine::Polling(polling) => polling.traits(),
        }
    }

    pub(crate) fn events(&self) -> Events {
        match self {
            Engine::Epoll(_) => Events::Epoll(epoll::Events::new()),
            Engine::Polling(_) => Events::Polling(polling::Events::new()),
        }
    }

    pub(crate) fn add(
        &self,
        source: Borrowed<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        match self {
            Engine::Epoll(epoll) => epoll.add(source, token, interest),
            Engine::Polling(polling) => polling.add(source, token, interest),
        }
        .map_err(explain)
    }

    pub(crate) fn modify(
        &self,
        source: Borrowed<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        match self {
            Engine::Epoll(epoll) => epoll.modify(source, token, interest),
            Engine::Polling(polling) => polling.modify(source, token, interest),
        }
    }

    pub(crate) fn delete(&self, source: Borrowed<'_>) -> io::Result<()> {
        match self {
            Engine::Epoll(epoll) => epoll.delete(source),
            Engine::Polling(polling) => polling.delete(source),
        }
    }

    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        match (self, events) {
            (Engine::Epoll(epoll), Events::Epoll(events)) => epoll.wait(events, timeout),
            (Engine::Polling(polling), Events::Polling(events)) => polling.wait(events, timeout),
            _ => unreachable!("the events were made by another selector"),
        }
    }

    pub(crate) fn wake(&self) -> io::Result<()> {
        match self {
            Engine::Epoll(epoll) => epoll.wake(),
            Engine::Polling(polling) => polling.wake(),
        }
    }
}

impl Events {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Events::Epoll(events) => events.is_empty(),
            Events::Polling(events) => events.is_empty(),
        }
    }

    /// Every event with the token of its source; wake-ups are not among them.
    pub(crate) fn each(&self, report: impl FnMut(Token, Event)) {
        match self {
            Events::Epoll(events) => events.each(report),
            Events::Polling(events) => events.each(report),
        }
    }
}

/// Says what to do about the refusals that a user can do something about.
fn explain(error: io::Error) -> io::Error {
    let (kind, advice) = match error.kind() {
        io::ErrorKind::PermissionDenied => (
            io::ErrorKind::Unsupported,
            "this descriptor cannot be watched for readiness: regular files and directories are always ready; use \
             `filch::fs`, or blocking calls in `filch::spawn_blocking`",
        ),
        io::ErrorKind::AlreadyExists => (
            io::ErrorKind::AlreadyExists,
            "this descriptor is already watched by this runtime: share the first I/O object, or duplicate the descriptor",
        ),
        io::ErrorKind::StorageFull => (
            io::ErrorKind::StorageFull,
            "the system's limit on watched descriptors is reached; see /proc/sys/fs/epoll/max_user_watches",
        ),
        _ => return error,
    };
    io::Error::new(kind, advice)
}
