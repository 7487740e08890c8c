//! From what a user calls the path of a Unix socket to its address.

use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;

/// The address of a path. On Linux one that begins with NUL is a name in the abstract namespace, which has no file.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn of(path: &Path) -> io::Result<SocketAddr> {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    match path.as_os_str().as_bytes() {
        [0, name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(path),
    }
}

/// The address of a path.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn of(path: &Path) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(path)
}
