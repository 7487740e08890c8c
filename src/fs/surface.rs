//! What is done with an open file beside reading, writing and seeking.

use crate::fs::file::File;
use crate::fs::hop::Operation;
use crate::fs::options::OpenOptions;
use filch_executor::leaf;
use futures_core::FusedFuture;
use futures_io::AsyncSeek;
use std::fs::{FileTimes, Metadata, Permissions};
use std::future::Future;
use std::io::{self, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

impl File {
    /// Opens a file to be read.
    ///
    /// # Errors
    /// The system's, such as `NotFound`; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> Operation<File> {
        OpenOptions::new().read(true).open(path)
    }

    /// Opens a file to be written, which is made, or emptied.
    ///
    /// # Errors
    /// As [`open`](File::open).
    ///
    /// # Cancel safety
    /// Dropped, it may have been made or emptied.
    #[track_caller]
    pub fn create(path: impl AsRef<Path>) -> Operation<File> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
    }

    /// Makes a file to be read and written; there must be none.
    ///
    /// # Errors
    /// `AlreadyExists`, and as [`open`](File::open).
    ///
    /// # Cancel safety
    /// Dropped, it may have been made.
    #[track_caller]
    pub fn create_new(path: impl AsRef<Path>) -> Operation<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
    }

    /// Options to open a file with: [`OpenOptions::new`].
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// What is known of the file.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[track_caller]
    pub fn metadata(&self) -> Operation<Metadata> {
        self.call("metadata", |file| file.metadata())
    }

    /// Sets what may be done with the file.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Dropped, it is done or it is not.
    #[track_caller]
    pub fn set_permissions(&self, permissions: Permissions) -> Operation<()> {
        self.call("set permissions", move |file| {
            file.set_permissions(permissions)
        })
    }

    /// How many bytes are copied for one call of a thread, at most: 2 MiB unless it was set.
    #[must_use]
    pub fn max_buf_size(&self) -> usize {
        self.most()
    }

    /// Sets how many bytes are copied for one call of a thread, at most. Less costs more calls; more costs memory, and
    /// a write that is given up late.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn set_max_buf_size(&mut self, bytes: usize) {
        assert!(
            bytes > 0,
            "a file that copies 0 bytes at a time gets nowhere"
        );
        self.set_most(bytes);
    }

    /// The same open file again, with the same position.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[track_caller]
    pub fn try_clone(&self) -> Operation<File> {
        self.call("duplicate", |file| file.try_clone().map(File::from_std))
    }

    /// Reads at a place, and leaves the position alone. Gives at most `length` bytes; none is the end.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[cfg(unix)]
    #[track_caller]
    pub fn read_at(&self, length: usize, offset: u64) -> Operation<Vec<u8>> {
        use std::os::unix::fs::FileExt;
        self.call("read", move |file| {
            let mut buf = vec![0; length];
            let count = file.read_at(&mut buf, offset)?;
            buf.truncate(count);
            Ok(buf)
        })
    }

    /// As on Unix, but the position is behind it then.
    #[cfg(all(windows, feature = "net"))]
    #[track_caller]
    pub(crate) fn read_at(&self, length: usize, offset: u64) -> Operation<Vec<u8>> {
        use std::os::windows::fs::FileExt;
        self.call("read", move |file| {
            let mut buf = vec![0; length];
            let count = file.seek_read(&mut buf, offset)?;
            buf.truncate(count);
            Ok(buf)
        })
    }

    /// Writes all of `buf` at a place, and leaves the position alone.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Dropped, it is done as a whole or not at all.
    #[cfg(unix)]
    #[track_caller]
    pub fn write_all_at(&self, buf: &[u8], offset: u64) -> Operation<()> {
        use std::os::unix::fs::FileExt;
        let buf = buf.to_vec();
        self.call("write", move |file| file.write_all_at(&buf, offset))
    }

    /// Waits until nobody else has a lock on the file, and takes one, for as long as the file is open or until
    /// [`unlock`](File::unlock). Locks bind only who asks for them.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Dropped, it may still be taken: close the file then. The thread waits on.
    #[cfg(unix)]
    #[track_caller]
    pub fn lock(&self) -> Operation<()> {
        self.call("lock", |file| {
            crate::sys::flock(file, libc::LOCK_EX).map(drop)
        })
    }

    /// As [`lock`](File::lock), beside others that are shared too.
    ///
    /// # Errors
    /// As `lock`.
    ///
    /// # Cancel safety
    /// As `lock`.
    #[cfg(unix)]
    #[track_caller]
    pub fn lock_shared(&self) -> Operation<()> {
        self.call("lock", |file| {
            crate::sys::flock(file, libc::LOCK_SH).map(drop)
        })
    }

    /// Takes the lock if nobody has one. False: somebody has.
    ///
    /// # Errors
    /// The system's.
    #[cfg(unix)]
    pub fn try_lock(&self) -> io::Result<bool> {
        crate::sys::flock(self, libc::LOCK_EX | libc::LOCK_NB)
    }

    /// As [`try_lock`](File::try_lock), beside others that are shared too.
    ///
    /// # Errors
    /// The system's.
    #[cfg(unix)]
    pub fn try_lock_shared(&self) -> io::Result<bool> {
        crate::sys::flock(self, libc::LOCK_SH | libc::LOCK_NB)
    }

    /// Gives the lock back.
    ///
    /// # Errors
    /// The system's.
    #[cfg(unix)]
    pub fn unlock(&self) -> io::Result<()> {
        crate::sys::flock(self, libc::LOCK_UN).map(drop)
    }

    /// Waits until what was written is on the disk, with all that is known of the file.
    ///
    /// # Errors
    /// The system's, of the last write too; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn sync_all(&mut self) -> Exclusively<'_> {
        let operation = self.call("sync", |file| file.sync_all());
        Exclusively::new(self, operation)
    }

    /// As [`sync_all`](File::sync_all), without what is not needed to read it again.
    ///
    /// # Errors
    /// As `sync_all`.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn sync_data(&mut self) -> Exclusively<'_> {
        let operation = self.call("sync", |file| file.sync_data());
        Exclusively::new(self, operation)
    }

    /// Cuts the file, or lengthens it with zeros.
    ///
    /// # Errors
    /// As [`sync_all`](File::sync_all).
    ///
    /// # Cancel safety
    /// Dropped, it is done or it is not.
    #[track_caller]
    pub fn set_len(&mut self, length: u64) -> Exclusively<'_> {
        let operation = self.call("set length", move |file| file.set_len(length));
        Exclusively::new(self, operation)
    }

    /// Sets when it was read and written last. A write that is on its way is made first.
    ///
    /// # Errors
    /// As [`sync_all`](File::sync_all).
    ///
    /// # Cancel safety
    /// Dropped, it is done or it is not.
    #[track_caller]
    pub fn set_times(&mut self, times: FileTimes) -> Exclusively<'_> {
        let operation = self.call("set times", move |file| file.set_times(times));
        Exclusively::new(self, operation)
    }

    /// Sets when it was written last, as [`set_times`](File::set_times) does.
    ///
    /// # Errors
    /// As `set_times`.
    ///
    /// # Cancel safety
    /// As `set_times`.
    #[track_caller]
    pub fn set_modified(&mut self, time: SystemTime) -> Exclusively<'_> {
        self.set_times(FileTimes::new().set_modified(time))
    }
}

impl File {
    /// Goes back to the start.
    ///
    /// # Errors
    /// The system's, of the last write too.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn rewind(&mut self) -> Rewind<'_> {
        Rewind {
            file: self,
            over: false,
        }
    }
}

/// The future of [`File::rewind`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Rewind<'a> {
    file: &'a mut File,
    over: bool,
}

impl Future for Rewind<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sought = ready!(Pin::new(&mut *self.file).poll_seek(cx, SeekFrom::Start(0)));
        self.over = true;
        Poll::Ready(sought.map(drop))
    }
}

impl FusedFuture for Rewind<'_> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

/// The future of what [`File`] does when no write is on its way any more.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Exclusively<'a> {
    file: &'a mut File,
    settled: bool,
    operation: Operation<()>,
    over: bool,
}

impl<'a> Exclusively<'a> {
    fn new(file: &'a mut File, operation: Operation<()>) -> Exclusively<'a> {
        Exclusively {
            file,
            settled: false,
            operation,
            over: false,
        }
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.settled {
            ready!(self.file.poll_ready(cx))?;
            self.settled = true;
        }
        Pin::new(&mut self.operation).poll(cx)
    }
}

impl Future for Exclusively<'_> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = self.get_mut();
        let polled = this.advance(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl FusedFuture for Exclusively<'_> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}
