//! Console events on Windows. The system calls the handler on a thread of its own, so it may do anything.

use super::word;
use std::sync::OnceLock;
use std::{io, thread, time::Duration};

/// What is called for each event that was counted. Console events belong to the process.
static RING: OnceLock<fn()> = OnceLock::new();

/// After these the system ends the process as soon as the handler returns.
const LAST: [u32; 3] = [2, 5, 6];

#[link(name = "kernel32")]
unsafe extern "system" {
    fn SetConsoleCtrlHandler(handler: Option<extern "system" fn(u32) -> i32>, add: i32) -> i32;
}

/// From now on console events are decided upon by their words.
///
/// # Errors
/// The system's; `InvalidInput` for what is no console event.
pub(crate) fn watch(number: i32, ring: fn()) -> io::Result<()> {
    if ![0, 1, 2, 5, 6].contains(&number) {
        let text = format!("there is no console event {number}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    if RING.get().is_some() {
        return Ok(());
    }
    // SAFETY: the handler is a function of this program, and may be called at any time on any thread.
    if unsafe { SetConsoleCtrlHandler(Some(handle), 1) } == 0 {
        return Err(io::Error::last_os_error());
    }
    RING.get_or_init(|| ring);
    Ok(())
}

/// Says whether the event was taken; if not, the next handler is asked, and the last one ends the process.
extern "system" fn handle(event: u32) -> i32 {
    let Ok(number) = i32::try_from(event) else {
        return 0;
    };
    if number > 6 || !word(number).deliver() {
        return 0;
    }
    if let Some(ring) = RING.get() {
        ring();
    }
    while LAST.contains(&event) {
        // The program ends by itself, or the system loses patience.
        thread::sleep(Duration::from_secs(1));
    }
    1
}
