//! Windows: waiting for a process's handle.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};

#[link(name = "kernel32")]
unsafe extern "system" {
    fn WaitForSingleObject(handle: *mut c_void, millis: u32) -> u32;
}

/// Without end.
const INFINITE: u32 = u32::MAX;

/// Blocks until the process of this handle has ended.
pub(crate) fn wait_for_object(handle: BorrowedHandle<'_>) -> io::Result<()> {
    // SAFETY: the handle is open while it is borrowed.
    match unsafe { WaitForSingleObject(handle.as_raw_handle(), INFINITE) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
