//! Where tower-http's `ServeDir` gets its files from: `filch::fs`.

use filch::fs::future::Operation;
use filch::fs::{self, File, Metadata};
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::ServeDir;
use tower_http::services::fs::{Backend, DefaultServeDirFallback};

/// tower-http's `ServeDir` over the files below `root`, read by [`filch::fs`].
///
/// Ranges, `Last-Modified` and the conditions on it, precompressed files, the type by the name, redirects and fallbacks
/// are tower-http's, with all its options. A program that has `ServeDir::new("assets")` changes that call and nothing
/// behind it. Needs the feature `serve-dir`, which compiles tokio's files and runtime; nobody starts them.
///
/// ```
/// use axum::Router;
/// use filch_axum::files::serve_dir;
///
/// let app: Router = Router::new()
///     .fallback_service(serve_dir("assets").precompressed_gzip().append_index_html_on_directories(true));
/// ```
pub fn serve_dir(root: impl AsRef<Path>) -> ServeDir<DefaultServeDirFallback, FilchBackend> {
    ServeDir::with_backend(root, FilchBackend)
}

/// The [`Backend`] of `ServeDir` that opens and reads files by [`filch::fs`]: on filch's blocking threads, which any
/// runtime of filch has. With the feature `serve-dir`.
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
