//! What the operating systems call a descriptor: one file per family behind the same six names.
//!
//! - [`AsSource`]: the types that [`Io`](crate::Io) accepts.
//! - `Descriptor`: a descriptor as a plain number, which proves nothing.
//! - `Borrowed`: a descriptor that is known to be open for some lifetime.
//! - `descriptor(&T) -> Descriptor` and `unsafe borrow(Descriptor) -> Borrowed`: from one to the other.
//! - `number(Descriptor) -> u64`: for showing.
//!
//! `epoll` has the system calls of Linux's selector; those of other systems are in the polling crate.

#[cfg(all(target_os = "linux", not(filch_loom)))]
pub(crate) mod epoll;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::AsSource;
#[cfg(unix)]
pub(crate) use unix::{Borrowed, Descriptor, borrow, descriptor, number};

#[cfg(windows)]
pub use windows::AsSource;
#[cfg(windows)]
pub(crate) use windows::{Borrowed, Descriptor, borrow, descriptor, number};
