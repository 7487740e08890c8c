//! Operations on sources: try, and wait for readiness when there is nothing to be had.

use super::budget::{SYSTEM_CALL, spend};
use super::record;
use crate::task::wait::Wait;
use filch_reactor::{Direction, Ready, Source, Waiter};
use std::io;
use std::ptr;
use std::task::{Context, Poll};

/// Does a non-blocking operation on a source, or waits until it is worth trying again.
///
/// `op` is tried at once when the source is believed ready, again after `WouldBlock` as long as new
/// readiness comes, and again after `Interrupted`. `waiter` is the future's own place among the
/// waiters, or `None` for the direction's one place (the `poll_*` traits).
pub fn poll_io<R>(
    source: &Source,
    direction: Direction,
    waiter: Option<&mut Waiter>,
    wait: Wait,
    cx: &mut Context<'_>,
    mut op: impl FnMut() -> io::Result<R>,
) -> Poll<io::Result<R>> {
    poll_source(source, direction, waiter, wait, cx, |_| op())
}

/// What an operation on a byte stream has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// So many bytes.
    pub count: usize,
    /// The source is drained, or full: another attempt would block.
    pub is_last: bool,
}

impl Transfer {
    /// A transfer on a stream where it is the last one if it is shorter than it could have been. The end of
    /// the stream is none: it says the same again.
    #[inline]
    pub fn of(count: usize, length: usize) -> Transfer {
        Transfer {
            count,
            is_last: 0 < count && count < length,
        }
    }
}

/// As [`poll_io`], for a byte stream: the last transfer saves the attempt that would say so.
// Inlined: the direction, the place and what is written of a wait are known where it is called from.
#[inline]
pub fn poll_transfer(
    source: &Source,
    direction: Direction,
    waiter: Option<&mut Waiter>,
    wait: Wait,
    cx: &mut Context<'_>,
    mut op: impl FnMut() -> io::Result<Transfer>,
) -> Poll<io::Result<usize>> {
    poll_source(source, direction, waiter, wait, cx, |ready| {
        let done = op()?;
        if done.is_last {
            source.clear_short(ready);
        }
        Ok(done.count)
    })
}

#[inline]
fn poll_source<R>(
    source: &Source,
    direction: Direction,
    mut waiter: Option<&mut Waiter>,
    wait: Wait,
    cx: &mut Context<'_>,
    mut op: impl FnMut(Ready) -> io::Result<R>,
) -> Poll<io::Result<R>> {
    let place = match waiter.as_deref() {
        Some(waiter) => ptr::from_ref(waiter).cast(),
        // A direction's one place: reading and writing are two leaves.
        None => ptr::from_ref(source)
            .cast::<u8>()
            .wrapping_add(direction as usize),
    };
    if spend(SYSTEM_CALL, place.cast(), cx).is_pending() {
        return Poll::Pending;
    }
    loop {
        let ready = match source.poll_ready(direction, waiter.as_deref_mut(), cx) {
            Poll::Ready(ready) => ready?,
            Poll::Pending => {
                record(wait.with_resource(source.number()));
                return Poll::Pending;
            }
        };
        match op(ready) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => source.clear(ready),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Poll::Ready(result),
        }
    }
}
