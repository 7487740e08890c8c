//! Files from and to what the system knows them by.

use crate::fs::file::File;

impl From<std::fs::File> for File {
    #[track_caller]
    fn from(std: std::fs::File) -> File {
        File::from_std(std)
    }
}

#[cfg(unix)]
mod unix {
    use super::File;
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

    impl AsFd for File {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.std().as_fd()
        }
    }

    impl AsRawFd for File {
        fn as_raw_fd(&self) -> RawFd {
            self.std().as_raw_fd()
        }
    }

    impl From<OwnedFd> for File {
        #[track_caller]
        fn from(descriptor: OwnedFd) -> File {
            File::from_std(descriptor.into())
        }
    }

    impl FromRawFd for File {
        #[track_caller]
        unsafe fn from_raw_fd(descriptor: RawFd) -> File {
            // SAFETY: the caller keeps what std asks: it is open, and nobody else's.
            File::from_std(unsafe { std::fs::File::from_raw_fd(descriptor) })
        }
    }
}

#[cfg(windows)]
mod windows {
    use super::File;
    use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle};
    use std::os::windows::io::{OwnedHandle, RawHandle};

    impl AsHandle for File {
        fn as_handle(&self) -> BorrowedHandle<'_> {
            self.std().as_handle()
        }
    }

    impl AsRawHandle for File {
        fn as_raw_handle(&self) -> RawHandle {
            self.std().as_raw_handle()
        }
    }

    impl From<OwnedHandle> for File {
        #[track_caller]
        fn from(handle: OwnedHandle) -> File {
            File::from_std(handle.into())
        }
    }

    impl FromRawHandle for File {
        #[track_caller]
        unsafe fn from_raw_handle(handle: RawHandle) -> File {
            // SAFETY: the caller keeps what std asks: it is open, and nobody else's.
            File::from_std(unsafe { std::fs::File::from_raw_handle(handle) })
        }
    }
}
