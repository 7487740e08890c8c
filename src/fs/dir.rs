//! Directories: entries in batches, a hop each.

use crate::fs::hop::Operation;
use filch_executor::leaf;
use futures_core::{FusedFuture, Stream};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{FileType, Metadata};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// So many entries a hop.
const BATCH: usize = 32;

type Entries = VecDeque<io::Result<DirEntry>>;

/// The entries of a directory.
///
/// ```
/// # filch::run(async {
/// let mut entries = filch::fs::read_dir("src").await?;
/// while let Some(entry) = entries.next_entry().await? {
///     println!("{}", entry.path().display());
/// }
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// The system's; one that says so outside of a runtime.
///
/// # Cancel safety
/// Nothing is lost.
#[track_caller]
pub fn read_dir(path: impl AsRef<Path>) -> Operation<ReadDir> {
    Operation::new("list", path, |path| {
        let mut batch = Batch {
            std: std::fs::read_dir(path)?,
            entries: Entries::new(),
            is_last: false,
        };
        batch.fill();
        Ok(ReadDir {
            path: path.into(),
            batch: Some(batch),
            next: None,
        })
    })
}

/// The entries of a directory, in no particular order; also a `Stream` of them.
#[derive(Debug)]
pub struct ReadDir {
    path: Arc<Path>,
    /// There unless the next one is being read.
    batch: Option<Batch>,
    next: Option<Operation<Batch>>,
}

#[derive(Debug)]
struct Batch {
    std: std::fs::ReadDir,
    entries: Entries,
    is_last: bool,
}

impl Batch {
    fn fill(&mut self) {
        let entries = self.std.by_ref().take(BATCH);
        let found = entries.map(|entry| entry.map(|std| DirEntry(Arc::new(std))));
        self.entries.extend(found);
        self.is_last = self.entries.len() < BATCH;
    }
}

impl ReadDir {
    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future has taken no entry.
    #[track_caller]
    pub fn next_entry(&mut self) -> NextEntry<'_> {
        NextEntry {
            entries: self,
            over: false,
        }
    }

    /// As [`next_entry`](ReadDir::next_entry), for hand-written futures.
    ///
    /// # Errors
    /// As `next_entry`.
    #[track_caller]
    pub fn poll_next_entry(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<DirEntry>>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        loop {
            if let Some(batch) = &mut self.batch {
                if let Some(entry) = batch.entries.pop_front() {
                    return Poll::Ready(entry.map(Some));
                }
                if batch.is_last {
                    return Poll::Ready(Ok(None));
                }
            }
            if let Some(mut batch) = self.batch.take() {
                self.next = Some(Operation::new("list", &self.path, move |_| {
                    batch.fill();
                    Ok(batch)
                }));
            }
            let Some(next) = &mut self.next else {
                return Poll::Ready(Ok(None));
            };
            let batch = ready!(Pin::new(next).poll(cx));
            self.next = None;
            self.batch = Some(batch?);
        }
    }
}

impl Stream for ReadDir {
    type Item = io::Result<DirEntry>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_next_entry(cx).map(Result::transpose)
    }
}

/// The future of [`ReadDir::next_entry`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextEntry<'a> {
    entries: &'a mut ReadDir,
    over: bool,
}

impl Future for NextEntry<'_> {
    type Output = io::Result<Option<DirEntry>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let polled = this.entries.poll_next_entry(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl FusedFuture for NextEntry<'_> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

/// An entry of a directory.
#[derive(Clone, Debug)]
pub struct DirEntry(Arc<std::fs::DirEntry>);

impl DirEntry {
    /// The directory's path and the name.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.0.path()
    }

    /// The name.
    #[must_use]
    pub fn file_name(&self) -> OsString {
        self.0.file_name()
    }

    /// What is known of the file or link.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[track_caller]
    pub fn metadata(&self) -> Operation<Metadata> {
        let entry = Arc::clone(&self.0);
        Operation::new("metadata of", entry.path(), move |_| entry.metadata())
    }

    /// File, directory or link. Most systems say so with the name, and then nobody is asked.
    ///
    /// # Errors
    /// The system's; one that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[track_caller]
    pub fn file_type(&self) -> Operation<FileType> {
        let entry = Arc::clone(&self.0);
        Operation::new("type of", entry.path(), move |_| entry.file_type())
    }

    /// The number of the file in its file system.
    #[cfg(unix)]
    #[must_use]
    pub fn ino(&self) -> u64 {
        std::os::unix::fs::DirEntryExt::ino(&*self.0)
    }
}
