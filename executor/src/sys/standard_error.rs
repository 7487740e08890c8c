//! What the runtime says on standard error.

use std::fmt;
use std::io::{self, Write};

/// Says something, as one line. Where that fails, as when a pipe's reader is gone or the disk is full, nobody can be
/// told; `eprintln!` would panic, and end the process on a thread of the runtime's own.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
