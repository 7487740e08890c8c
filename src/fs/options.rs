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

/// Windows' options, with std's meaning.
#[cfg(windows)]
impl OpenOptions {
    /// What is asked for, in place of `read` and `write`.
    pub fn access_mode(&mut self, access: u32) -> &mut OpenOptions {
        std::os::windows::fs::OpenOptionsExt::access_mode(&mut self.0, access);
        self
    }

    /// What others may do with the file meanwhile.
    pub fn share_mode(&mut self, share: u32) -> &mut OpenOptions {
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut self.0, share);
        self
    }

    /// Flags of `CreateFile` that have no name here.
    pub fn custom_flags(&mut self, flags: u32) -> &mut OpenOptions {
        std::os::windows::fs::OpenOptionsExt::custom_flags(&mut self.0, flags);
        self
    }

    /// The attributes of a file that is made.
    pub fn attributes(&mut self, attributes: u32) -> &mut OpenOptions {
        std::os::windows::fs::OpenOptionsExt::attributes(&mut self.0, attributes);
        self
    }

    /// What a server at the other end of a pipe may do in our name.
    pub fn security_qos_flags(&mut self, flags: u32) -> &mut OpenOptions {
        std::os::windows::fs::OpenOptionsExt::security_qos_flags(&mut self.0, flags);
        self
    }
}

impl From<std::fs::OpenOptions> for OpenOptions {
    fn from(options: std::fs::OpenOptions) -> OpenOptions {
        OpenOptions(options)
    }
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions::new()
    }
}
