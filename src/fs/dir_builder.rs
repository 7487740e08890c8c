//! How directories are made.

use crate::fs::hop::Operation;
use std::path::Path;

/// How a directory is made: std's options.
///
/// ```
/// # filch::run(async {
/// # let folder = std::env::temp_dir().join(format!("filch-doc-dir-{}", std::process::id()));
/// use filch::fs::DirBuilder;
///
/// DirBuilder::new().recursive(true).create(folder.join("a/b")).await?;
/// assert!(folder.join("a/b").is_dir());
/// # filch::fs::remove_dir_all(&folder).await?;
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct DirBuilder {
    recursive: bool,
    #[cfg(unix)]
    mode: Option<u32>,
}

impl DirBuilder {
    /// One directory, with the permissions that the process gives.
    #[must_use]
    pub fn new() -> DirBuilder {
        DirBuilder::default()
    }

    /// Whether those above it that are missing are made too. Then it is no error that it is there already.
    pub fn recursive(&mut self, recursive: bool) -> &mut DirBuilder {
        self.recursive = recursive;
        self
    }

    /// The permissions of what is made (`0o777` without those that the process masks).
    #[cfg(unix)]
    pub fn mode(&mut self, mode: u32) -> &mut DirBuilder {
        self.mode = Some(mode);
        self
    }

    /// Makes it.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Dropped, it is done or it is not; with [`recursive`](DirBuilder::recursive) as a whole.
    #[track_caller]
    pub fn create(&self, path: impl AsRef<Path>) -> Operation<()> {
        let builder = self.to_std();
        Operation::new("make directory", path, move |path| builder.create(path))
    }

    fn to_std(&self) -> std::fs::DirBuilder {
        let mut std = std::fs::DirBuilder::new();
        std.recursive(self.recursive);
        #[cfg(unix)]
        if let Some(mode) = self.mode {
            std::os::unix::fs::DirBuilderExt::mode(&mut std, mode);
        }
        std
    }
}
