//! Files: whole ones, open ones, directories, and what a cancelled write leaves.

#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;

mod cancelled;

mod open;

mod paths;

mod std_names;

use std::path::{Path, PathBuf};

/// A directory of its own, gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("filch-fs-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}
