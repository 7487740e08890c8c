//! Miri: it has `epoll_wait`, in milliseconds, and neither `epoll_pwait2` nor urgent data. Waits last as much longer as
//! the clock of the timer crate goes slower.

use super::{Record, wait_coarsely};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// As in the timer crate.
const SLOWER: u128 = 100;

/// What a reader watches.
pub(crate) const READ: libc::c_int = libc::EPOLLIN;

/// Waits with a limit, never too short, and no longer than the call can: whoever asked for more looks again.
pub(crate) fn wait(
    epoll: &OwnedFd,
    list: &mut Vec<Record>,
    timeout: Option<Duration>,
) -> io::Result<()> {
    let milliseconds = timeout.map_or(-1, |time| {
        let milliseconds = (time.as_nanos() * SLOWER).div_ceil(1_000_000);
        milliseconds.min(i32::MAX as u128) as i32
    });
    wait_coarsely(epoll, list, milliseconds)
}
