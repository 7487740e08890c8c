//! Readiness from the operating system, for the filch runtime.
//!
//! This crate turns "the kernel says that descriptor 7 can be read" into "wake this [`Waker`](std::task::Waker)". It
//! knows neither tasks nor timers nor threads of its own: somebody else decides who sleeps in the selector and for how
//! long, and wakes the wakers that are handed back. `filch-executor` is that somebody; users of filch never see this
//! crate.
//!
//! # The nouns
//!
//! - A **selector** is the operating system's facility: epoll on Linux, whatever the `polling` crate finds elsewhere,
//!   and with the feature `polling` on Linux too.
//! - A **reactor** owns one selector and the table of all sources. There may be any number of reactors.
//! - A **turn** is the right to sleep in the selector; one thread at a time holds it.
//! - A **source** is one descriptor as the reactor sees it: its readiness, and the wakers of those who wait for it.
//!   [`Io`] owns a source together with the I/O object itself.
//! - **Readiness** is what is believed about a direction of a source. It is a hint: the truth is what the operation
//!   returns.
//! - A **tick** counts the events of one direction, so that an old "it would block" cannot wipe out a newer event.
//!
//! # Reading order
//!
//! The modules are declared in the order in which they are best read, and import only what stands above them. Whoever
//! wants only the argument why no event is ever lost reads the head of `source.rs`; each of its steps has a loom model
//! in `models.rs`.
//!
//! # Example
//!
//! ```
//! # #[cfg(unix)] fn main() -> std::io::Result<()> {
//! # use filch_reactor::{Direction, Io, Reactor, Selector};
//! use std::{io::{Read, Write}, os::unix::net::UnixStream, sync::Arc, task::{Context, Poll, Waker}};
//!
//! let reactor = Arc::new(Reactor::new(Selector::default())?);
//! let (ours, mut theirs) = UnixStream::pair()?;
//! ours.set_nonblocking(true)?;
//! let io = Io::new(Arc::clone(&reactor), ours);
//! let mut cx = Context::from_waker(Waker::noop());
//!
//! // A fresh source is believed ready; the operation knows better.
//! let Poll::Ready(Ok(ready)) = io.source().poll_ready(Direction::Read, None, &mut cx) else { panic!() };
//! assert!(io.get_ref().read(&mut [0; 8]).is_err());
//! io.source().clear(ready);
//! assert!(io.source().poll_ready(Direction::Read, None, &mut cx).is_pending());
//!
//! // An event comes; whoever holds the turn learns of it and wakes those who waited.
//! theirs.write_all(b"hello")?;
//! let mut woken = Vec::new();
//! reactor.try_lock().expect("nobody else polls").wait(None, &mut woken)?;
//! woken.drain(..).for_each(Waker::wake);
//! assert!(io.source().poll_ready(Direction::Read, None, &mut cx).is_ready());
//! # Ok(()) }
//! # #[cfg(not(unix))] fn main() {}
//! ```

mod primitive;
mod sys;

mod readiness;
mod waking;

mod waiters;

mod selector;
mod signal;

mod registration;
mod table;

mod reactor;
mod source;

mod io;

#[cfg(all(test, filch_loom))]
mod models;
#[cfg(all(test, unix, not(miri), not(filch_loom)))]
mod tests;

pub use io::Io;
pub use reactor::{Reactor, Turn};
pub use readiness::{Direction, Ready};
pub use selector::{ParseSelectorError, Selector};
pub use source::Source;
pub use sys::AsSource;
pub use waiters::Waiter;
