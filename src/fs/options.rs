//! How files are opened.

use crate::fs::file::File;
use crate::fs::hop::Operation;
use std::path::Path;

/// How a file is opened: std's options.
#[derive(Clone, Debug)]
pub struct OpenOptions(std::fs::OpenOptions);

/// Std's setters, with std's meaning.
macro_rules! setters {
    ($($(#[$meta:meta])* $name:ident;)*) => {
        impl OpenOptions {$(
            $(#[$meta])*
            pub fn $name(&mut self, on: bool) -> &mut OpenOptions {
                self.0.$name(on);
                self
            }
        )*}
    };
}

setters! {
    /// To be read.
    read;
    /// To be written.
    write;
    /// To be written behind its end, always.
    append;
    /// Emptied first.
    truncate;
    /// Made if it is not there.
    create;
    /// Made, and an error if it is there.
    create_new;
}

impl OpenOptions {
    /// Nothing is allowed yet.
    #[must_use]
    pub fn new() -> OpenOptions {
        OpenOptions(std::fs::OpenOptions::new())
    }

    /// Opens a file so.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Dropped, it may have been made or emptied.
    #[track_caller]
    pub fn open(&self, path: impl AsRef<Path>) -> Operation<File> {
        let options = self.0.clone();
        let at = std::panic::Location::caller();
        Operation::new("open", path, move |path| {
            Ok(File::named(options.open(path)?, path, at))
        })
    }

    /// The permissions of a file that is made (`0o666` without those that the process masks).
    #[cfg(unix)]
    pub fn mode(&mut self, mode: u32) -> &mut OpenOptions {
        std::os::unix::fs::OpenOptionsExt::mode(&mut self.0, mode);
        self
    }

    /// Flags of `open` that have no name here.
    #[cfg(unix)]
    pub fn custom_flags(&mut self, flags: i32) -> &mut OpenOptions {
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut self.0, flags);
        self
    }
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions::new()
    }
}
