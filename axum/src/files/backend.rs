//! Where tower-http's `ServeDir` gets its files from: `filch::fs`.

use filch::fs::future::Operation;
use filch::fs::{self, File, Metadata};
use std::io::{self, SeekFrom};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::fs::Backend;

/// The [`Backend`] of `ServeDir` that opens and reads files by [`filch::fs`]: on filch's blocking threads, which any
/// runtime of filch has. [`ServeDir`](crate::files::ServeDir) is tower-http's with it.
///
/// ```
/// use filch_axum::files::FilchBackend;
/// use tower_http::services::ServeDir;
///
/// let files = ServeDir::with_backend("assets", FilchBackend);
/// # let _ = files;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FilchBackend;

impl Backend for FilchBackend {
    type File = FilchFile;
    type Metadata = Metadata;
    type OpenFuture = Opening;
    type MetadataFuture = Operation<Metadata>;

    fn open(&self, path: PathBuf) -> Opening {
        Opening(File::open(path))
    }

    fn metadata(&self, path: PathBuf) -> Operation<Metadata> {
        fs::metadata(path)
    }
}

/// A file that [`FilchBackend`] is opening.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Opening(Operation<File>);

impl Future for Opening {
    type Output = io::Result<FilchFile>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<FilchFile>> {
        let file = ready!(Pin::new(&mut self.0).poll(cx))?;
        Poll::Ready(Ok(FilchFile(file)))
    }
}

/// A file that [`FilchBackend`] has opened.
#[derive(Debug)]
pub struct FilchFile(File);

impl tower_http::services::fs::File for FilchFile {
    type Metadata = Metadata;
    type MetadataFuture<'a> = Operation<Metadata>;

    fn metadata(&self) -> Operation<Metadata> {
        self.0.metadata()
    }
}

impl AsyncRead for FilchFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        AsyncRead::poll_read(Pin::new(&mut self.0), cx, buffer)
    }
}

impl AsyncSeek for FilchFile {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        AsyncSeek::start_seek(Pin::new(&mut self.0), position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        AsyncSeek::poll_complete(Pin::new(&mut self.0), cx)
    }
}
