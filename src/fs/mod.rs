//! Files: std's names, async.
//!
//! ```
//! # filch::run(async {
//! let text = filch::fs::read_to_string("Cargo.toml").await?;
//! println!("{} lines", text.lines().count());
//! # std::io::Result::Ok(())
//! # }).unwrap();
//! ```
//!
//! The system has no readiness for files, so a call may block, and a thread of
//! [`spawn_blocking`](crate::spawn_blocking) makes it: one hop for a whole function, however many calls it takes. On
//! Linux, what the system has in memory is read without one.
//!
//! # What a cancelled write leaves
//!
//! A call that no thread has begun when its future is dropped is not made. One that has begun goes on to its end, and
//! the end of the runtime waits for it. So [`write()`] leaves the old file or the whole new one, as far as the system
//! does not fail; who reads it meanwhile may see a part. [`replace`] shows nobody a part, not even after a crash.

mod hop;

mod dir;
mod dir_builder;
mod file;

mod convert;
mod options;
mod paths;
mod replace;
mod surface;

pub use dir::{DirEntry, ReadDir, read_dir};
pub use dir_builder::DirBuilder;
pub use file::File;
pub use options::OpenOptions;
pub use paths::*;
pub use replace::replace;
pub use std::fs::{FileTimes, FileType, Metadata, Permissions};

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use super::dir::NextEntry;
    pub use super::file::IntoStd;
    pub use super::hop::Operation;
    pub use super::surface::{Exclusively, Rewind};
}
