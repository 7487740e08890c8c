//! Linux: `CLOCK_MONOTONIC` in the vDSO, without the conversions of std's `Instant`, which cost a fifth of the whole.
//!
//! The one unsafe block of this crate: libc's `clock_gettime` is a foreign function, and a crate that wraps it safely
//! would take longer to compile than all of filch's timers.

use std::mem::MaybeUninit;

#[inline]
pub(crate) fn now() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// What `now` said at the kernel's last tick, 1 to 10 ms ago: no counter is read, so it costs a seventh.
#[inline]
pub(crate) fn at_last_tick() -> u64 {
    read(libc::CLOCK_MONOTONIC_COARSE)
}

#[inline]
#[expect(
    unsafe_code,
    reason = "see the head of this file; the rest of the crate has none"
)]
fn read(clock: libc::clockid_t) -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the pointer is to a timespec that may be written. The call writes all of it when it returns 0, and fails
    // only for a bad pointer or a clock that the system does not have; every Linux has these. A time is taken out
    // only after that was looked at.
    let time = unsafe {
        let failed = libc::clock_gettime(clock, time.as_mut_ptr());
        assert!(failed == 0, "filch: this system has no monotonic clock");
        time.assume_init()
    };
    // Both are never negative for these clocks, which count from the start of the system.
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
