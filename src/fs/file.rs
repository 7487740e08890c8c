//! Open files.

use crate::fs::hop::{Operation, Running};
use crate::known::Known;
use filch_executor::blocking;
use filch_executor::leaf::{self, Wait, WaitKind};
use futures_core::FusedFuture;
use futures_io::{AsyncRead, AsyncSeek, AsyncWrite};
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::panic::Location;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// No more is copied for one call of a thread, in bytes, unless a file says otherwise.
const PIECE: usize = 2 * 1024 * 1024;

/// An open file.
///
/// Reads, writes and seeks come with [`AsyncReadExt`](crate::io::AsyncReadExt),
/// [`AsyncWriteExt`](crate::io::AsyncWriteExt) and [`AsyncSeekExt`](crate::io::AsyncSeekExt). On Linux a read of what
/// the system has in memory is made at once, on the worker; any other is a call on a thread.
///
/// A write is ready when its bytes are copied; a thread then writes them. The next operation waits for it, and tells
/// its error. So end with `flush`, [`sync_all`](File::sync_all) or `close`, or the last error is told to nobody.
///
/// ```
/// # filch::run(async {
/// # let path = std::env::temp_dir().join(format!("filch-file-{}", std::process::id()));
/// use filch::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};
///
/// let mut file = filch::fs::OpenOptions::new().read(true).write(true).create(true).open(&path).await?;
/// file.write_all(b"hello").await?;
/// file.seek(SeekFrom::Start(1)).await?;
/// let mut text = String::new();
/// file.read_to_string(&mut text).await?;
/// assert_eq!(text, "ello");
/// # filch::fs::remove_file(&path).await?;
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
///
/// # Cancel safety
/// A dropped read loses nothing: what a thread has read is there for the next one. A dropped write that was ready is
/// written; one that was not has done nothing. A `File` that is dropped lets its last write go on to its end.
#[derive(Debug)]
pub struct File {
    std: Arc<std::fs::File>,
    /// For dumps, as the next one.
    path: Arc<Path>,
    at: &'static Location<'static>,
    busy: Busy,
    /// While somebody waits for the thread.
    known: Option<Known>,
    /// Read by a thread, and not yet taken: the file's position is behind it.
    left: Vec<u8>,
    /// Why a write has failed whose writer has gone on.
    failed: Option<io::Error>,
    /// No more is copied for one call of a thread.
    most: usize,
    /// Where a seek that was started goes to.
    #[cfg(feature = "tokio-io")]
    sought: Option<SeekFrom>,
}

/// What a thread does with the file.
enum Busy {
    Idle,
    Reading(Running<Vec<u8>>),
    Writing(Running<()>),
}

impl std::fmt::Debug for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Busy::Idle => "Idle",
            Busy::Reading(_) => "Reading",
            Busy::Writing(_) => "Writing",
        })
    }
}

impl File {
    /// Takes a file of std's over.
    #[track_caller]
    #[must_use]
    pub fn from_std(std: std::fs::File) -> File {
        File::named(std, Path::new("an open file"), Location::caller())
    }

    /// A file that dumps call by its path.
    pub(super) fn named(std: std::fs::File, path: &Path, at: &'static Location<'static>) -> File {
        File {
            std: Arc::new(std),
            path: path.into(),
            at,
            busy: Busy::Idle,
            known: None,
            left: Vec::new(),
            failed: None,
            most: PIECE,
            #[cfg(feature = "tokio-io")]
            sought: None,
        }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn set_most(&mut self, bytes: usize) {
        self.most = bytes;
    }

    #[track_caller]
    pub(super) fn call<T: Send + 'static>(
        &self,
        verb: &'static str,
        call: impl FnOnce(&std::fs::File) -> io::Result<T> + Send + Sync + 'static,
    ) -> Operation<T> {
        let std = Arc::clone(&self.std);
        Operation::new(verb, &self.path, move |_| call(&std))
    }

    /// Takes std's file back, once what was written is written, and what was read and not taken is to be read again.
    ///
    /// # Errors
    /// Those of the last write, and the file is closed.
    ///
    /// # Cancel safety
    /// The file is dropped with the future.
    #[track_caller]
    pub fn into_std(self) -> IntoStd {
        IntoStd(Some(self))
    }

    /// As [`into_std`](File::into_std), if no thread is at work with the file.
    ///
    /// # Errors
    /// The file itself: [`into_std`](File::into_std) waits.
    #[allow(
        clippy::result_large_err,
        reason = "whoever cannot have it goes on with the file"
    )]
    pub fn try_into_std(mut self) -> Result<std::fs::File, File> {
        self.take_left_back();
        if !matches!(self.busy, Busy::Idle) {
            return Err(self);
        }
        // An operation that was dropped may still have it: a duplicate is the same open file.
        self.std.try_clone().map_err(|_| self)
    }

    /// Where a seek that was started goes to; tokio's traits start one by itself.
    #[cfg(feature = "tokio-io")]
    pub(crate) fn sought(&mut self) -> &mut Option<SeekFrom> {
        &mut self.sought
    }

    /// What the system knows.
    pub(crate) fn std(&self) -> &std::fs::File {
        &self.std
    }

    fn wait(&mut self, verb: &str) -> Wait {
        let text = || format!("{verb} {}", self.path.display());
        let known = self.known.get_or_insert_with(|| Known::file(&text()));
        Wait {
            kind: WaitKind::File,
            resource: known.number(),
            at: self.at,
        }
    }

    /// Until no thread is at work.
    fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let wait = match self.busy {
            Busy::Idle => return Poll::Ready(()),
            Busy::Reading(_) => self.wait("read"),
            Busy::Writing(_) => self.wait("write"),
        };
        match &mut self.busy {
            Busy::Idle => {}
            Busy::Reading(running) => match ready!(running.poll(wait, cx)) {
                Ok(bytes) => self.left = bytes,
                Err(error) => self.failed = Some(error),
            },
            Busy::Writing(running) => {
                if let Err(error) = ready!(running.poll(wait, cx)) {
                    self.failed = Some(error);
                }
            }
        }
        self.known = None;
        self.busy = Busy::Idle;
        Poll::Ready(())
    }

    /// Settled, and nothing has failed.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_settle(cx));
        Poll::Ready(self.failed.take().map_or(Ok(()), Err))
    }

    /// The file's position is behind what nobody has taken.
    fn take_left_back(&mut self) {
        let left = std::mem::take(&mut self.left);
        if !left.is_empty() {
            // A pipe has no position, and then nothing to be taken back to.
            let _ = (&*self.std).seek(SeekFrom::Current(-(left.len() as i64)));
        }
    }

    fn start_reading(&mut self, length: usize) -> io::Result<()> {
        let (std, most) = (Arc::clone(&self.std), self.most);
        self.busy = Busy::Reading(Running::start(move || {
            let mut buf = vec![0; length.min(most)];
            let count = (&*std).read(&mut buf)?;
            buf.truncate(count);
            Ok(buf)
        })?);
        Ok(())
    }

    fn start_writing(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let std = Arc::clone(&self.std);
        self.busy = Busy::Writing(Running::start(move || (&*std).write_all(&bytes))?);
        Ok(())
    }
}

impl AsyncRead for File {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_vectored(cx, &mut [IoSliceMut::new(buf)])
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(&*self.std, cx));
        let this = self.get_mut();
        let was_reading = matches!(this.busy, Busy::Reading(_));
        ready!(this.poll_ready(cx))?;
        let length = bufs.iter().map(|buf| buf.len()).sum();
        if length == 0 {
            return Poll::Ready(Ok(0));
        }
        if this.left.is_empty() && !was_reading {
            #[cfg(target_os = "linux")]
            if let Some(count) = crate::sys::file::read_now_vectored(&this.std, bufs)? {
                return Poll::Ready(Ok(count));
            }
            this.start_reading(length)?;
            ready!(this.poll_ready(cx))?;
        }
        let mut left = &this.left[..];
        for buf in bufs {
            let (now, later) = left.split_at(left.len().min(buf.len()));
            buf[..now.len()].copy_from_slice(now);
            left = later;
        }
        let count = this.left.len() - left.len();
        this.left.drain(..count);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for File {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(&*self.std, cx));
        let this = self.get_mut();
        ready!(this.poll_ready(cx))?;
        this.take_left_back();
        let mut bytes = Vec::new();
        for buf in bufs {
            let room = this.most - bytes.len();
            bytes.extend_from_slice(&buf[..buf.len().min(room)]);
        }
        let count = bytes.len();
        if count > 0 {
            this.start_writing(bytes)?;
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(leaf::poll_budget_of(&*self.std, cx));
        self.get_mut().poll_ready(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl AsyncSeek for File {
    fn poll_seek(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        ready!(leaf::poll_budget_of(&*self.std, cx));
        let this = self.get_mut();
        ready!(this.poll_ready(cx))?;
        this.take_left_back();
        let mut std = &*this.std;
        Poll::Ready(match to {
            // A file system of the network asks its server for the end.
            SeekFrom::End(_) => blocking(|| std.seek(to)),
            _ => std.seek(to),
        })
    }
}

impl Drop for File {
    /// A write that was ready is written, though nobody waits for it.
    fn drop(&mut self) {
        if let Busy::Writing(running) = std::mem::replace(&mut self.busy, Busy::Idle) {
            running.detach();
        }
    }
}

/// The future of [`File::into_std`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct IntoStd(Option<File>);

impl Future for IntoStd {
    type Output = io::Result<std::fs::File>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = self.get_mut();
        let Some(file) = &mut this.0 else {
            let text = "polled again after it was ready";
            return Poll::Ready(Err(io::Error::other(text)));
        };
        let settled = ready!(file.poll_ready(cx));
        file.take_left_back();
        let std = file.std.try_clone();
        this.0 = None;
        Poll::Ready(settled.and(std))
    }
}

impl FusedFuture for IntoStd {
    fn is_terminated(&self) -> bool {
        self.0.is_none()
    }
}
