//! Functions on paths: std's, one hop each.

use crate::fs::hop::Operation;
use std::fs::{Metadata, Permissions};
use std::path::{Path, PathBuf};

/// Reads the whole of a file.
///
/// On Linux a file of up to 64 KiB that the system has in memory is read at once, on the worker, and nobody is woken.
/// Anything else is one call on a thread.
///
/// ```
/// # filch::run(async {
/// let text = filch::fs::read("Cargo.toml").await?;
/// assert!(!text.is_empty());
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// The system's, such as `NotFound`; one that says so outside of a runtime.
///
/// # Cancel safety
/// Nothing is lost but what was read.
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> Operation<Vec<u8>> {
    let operation = Operation::new("read", path, |path| std::fs::read(path));
    #[cfg(target_os = "linux")]
    let operation = operation.looking(crate::sys::file::read_whole);
    operation
}

/// Reads the whole of a file that is text.
///
/// # Errors
/// As [`read`]; `InvalidData` if it is not UTF-8.
///
/// # Cancel safety
/// As [`read`].
#[track_caller]
pub fn read_to_string(path: impl AsRef<Path>) -> Operation<String> {
    let operation = Operation::new("read", path, |path| std::fs::read_to_string(path));
    #[cfg(target_os = "linux")]
    let operation = operation.looking(|path| {
        let text = |bytes| String::from_utf8(bytes).map_err(not_text);
        crate::sys::file::read_whole(path)?.map(text).transpose()
    });
    operation
}

#[cfg(target_os = "linux")]
fn not_text(_: std::string::FromUtf8Error) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, "the file is not UTF-8")
}

/// Writes a file, which is made, or emptied first. Who reads it meanwhile sees a part: [`replace`](crate::fs::replace)
/// never shows one.
///
/// # Errors
/// The system's; one that says so outside of a runtime.
///
/// # Cancel safety
/// A dropped write that no thread has begun is not done, and the file is as it was. One that has begun goes on to its
/// end, and the end of the runtime waits for it: then the whole is there.
#[track_caller]
pub fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Operation<()> {
    let contents = contents.as_ref().to_vec();
    Operation::new("write", path, move |path| std::fs::write(path, contents))
}

/// Copies a file's contents and permissions. Returns the number of bytes.
///
/// # Errors
/// The system's; one that says so outside of a runtime.
///
/// # Cancel safety
/// A dropped copy that has begun goes on to its end.
#[track_caller]
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Operation<u64> {
    let to = to.as_ref().to_owned();
    Operation::new("copy", from, move |from| std::fs::copy(from, to))
}

/// Functions of one path.
macro_rules! of_a_path {
    ($($(#[$meta:meta])* $name:ident -> $output:ty = $verb:literal, $call:expr;)*) => {$(
        $(#[$meta])*
        ///
        /// # Errors
        /// The system's; one that says so outside of a runtime.
        ///
        /// # Cancel safety
        /// Dropped, it is done or it is not, and never by halves of one system call.
        #[track_caller]
        pub fn $name(path: impl AsRef<Path>) -> Operation<$output> {
            Operation::new($verb, path, $call)
        }
    )*};
}

of_a_path! {
    /// What is known of the file, behind links.
    metadata -> Metadata = "metadata of", |path| std::fs::metadata(path);
    /// What is known of the file or link.
    symlink_metadata -> Metadata = "metadata of", |path| std::fs::symlink_metadata(path);
    /// Whether there is such a file.
    try_exists -> bool = "look for", |path| std::fs::exists(path);
    /// The path without links and dots.
    canonicalize -> PathBuf = "resolve", |path| std::fs::canonicalize(path);
    /// Where a link leads.
    read_link -> PathBuf = "read link", |path| std::fs::read_link(path);
    /// Makes a directory.
    create_dir -> () = "make directory", |path| std::fs::create_dir(path);
    /// Makes a directory, and those above it that are missing.
    create_dir_all -> () = "make directory", |path| std::fs::create_dir_all(path);
    /// Removes an empty directory.
    remove_dir -> () = "remove directory", |path| std::fs::remove_dir(path);
    /// Removes a directory and all that is in it. One that is dropped in the midst goes on.
    remove_dir_all -> () = "remove directory", |path| std::fs::remove_dir_all(path);
    /// Removes a file.
    remove_file -> () = "remove", |path| std::fs::remove_file(path);
}

/// Functions of two paths.
macro_rules! of_two_paths {
    ($($(#[$meta:meta])* $name:ident = $verb:literal, $call:path;)*) => {$(
        $(#[$meta])*
        ///
        /// # Errors
        /// The system's; one that says so outside of a runtime.
        ///
        /// # Cancel safety
        /// Dropped, it is done or it is not.
        #[track_caller]
        pub fn $name(one: impl AsRef<Path>, other: impl AsRef<Path>) -> Operation<()> {
            let other = other.as_ref().to_owned();
            Operation::new($verb, one, move |one| $call(one, other))
        }
    )*};
}

of_two_paths! {
    /// Gives a file another name. What has that name is replaced, in one step.
    rename = "rename", std::fs::rename;
    /// Gives a file one more name.
    hard_link = "link", std::fs::hard_link;
}

#[cfg(unix)]
of_two_paths! {
    /// Makes a link with the second path to the first.
    symlink = "link", std::os::unix::fs::symlink;
}

#[cfg(windows)]
of_two_paths! {
    /// Makes a link with the second path to a file, the first.
    symlink_file = "link", std::os::windows::fs::symlink_file;
    /// Makes a link with the second path to a directory, the first.
    symlink_dir = "link", std::os::windows::fs::symlink_dir;
}

/// Sets what may be done with a file.
///
/// # Errors
/// The system's; one that says so outside of a runtime.
///
/// # Cancel safety
/// Dropped, it is done or it is not.
#[track_caller]
pub fn set_permissions(path: impl AsRef<Path>, permissions: Permissions) -> Operation<()> {
    Operation::new("set permissions of", path, move |path| {
        std::fs::set_permissions(path, permissions)
    })
}
