//! One file.

use super::ServeDir;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, Uri};
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower_http::services::fs::ServeFileSystemResponseBody;
use tower_service::Service;

/// Serves one file, whatever path was asked for: `tower_http::services::ServeFile`, on [`filch::fs`].
///
/// The file's own name has to be UTF-8.
///
/// ```
/// use axum::Router;
/// use filch_axum::files::ServeFile;
///
/// let app: Router = Router::new().route_service("/favicon.ico", ServeFile::new("assets/icon.ico"));
/// ```
#[derive(Clone, Debug)]
pub struct ServeFile {
    /// The directory that it is in.
    dir: ServeDir,
    /// Its path there.
    uri: Uri,
    kind: Option<HeaderValue>,
}

impl ServeFile {
    /// The file at `path`, with a type by its name.
    pub fn new(path: impl AsRef<Path>) -> ServeFile {
        let path = path.as_ref();
        let dir = ServeDir::new(path.parent().unwrap_or(Path::new("")));
        let name = path.file_name().unwrap_or_default();
        ServeFile {
            dir: dir
                .append_index_html_on_directories(false)
                .redirect_to_trailing_slash(false),
            uri: encoded(name.as_encoded_bytes()),
            kind: None,
        }
    }

    /// The file at `path`, with this type.
    ///
    /// # Panics
    /// If `kind` cannot be the value of a header.
    pub fn new_with_mime(path: impl AsRef<Path>, kind: impl AsRef<str>) -> ServeFile {
        let kind = HeaderValue::from_str(kind.as_ref()).expect("a type is a header's value");
        ServeFile {
            kind: Some(kind),
            ..ServeFile::new(path)
        }
    }

    fn with(self, change: impl FnOnce(ServeDir) -> ServeDir) -> ServeFile {
        ServeFile {
            dir: change(self.dir),
            ..self
        }
    }

    /// As [`ServeDir::precompressed_gzip`].
    pub fn precompressed_gzip(self) -> Self {
        self.with(ServeDir::precompressed_gzip)
    }

    /// As [`ServeDir::precompressed_br`].
    pub fn precompressed_br(self) -> Self {
        self.with(ServeDir::precompressed_br)
    }

    /// As [`ServeDir::precompressed_deflate`].
    pub fn precompressed_deflate(self) -> Self {
        self.with(ServeDir::precompressed_deflate)
    }

    /// As [`ServeDir::precompressed_zstd`].
    pub fn precompressed_zstd(self) -> Self {
        self.with(ServeDir::precompressed_zstd)
    }

    /// As [`ServeDir::with_buf_chunk_size`].
    pub fn with_buf_chunk_size(self, size: usize) -> Self {
        self.with(|dir| dir.with_buf_chunk_size(size))
    }

    /// As [`ServeDir::ignore_multi_range_requests`].
    pub fn ignore_multi_range_requests(self, ignore: bool) -> Self {
        self.with(|dir| dir.ignore_multi_range_requests(ignore))
    }
}

/// The path of a file of this name, in which nothing has a meaning.
fn encoded(name: &[u8]) -> Uri {
    let mut path = String::from("/");
    for byte in name {
        let _ = match byte.is_ascii_alphanumeric() || *byte == b'.' {
            true => path.write_char(char::from(*byte)),
            false => write!(path, "%{byte:02X}"),
        };
    }
    path.parse().expect("letters, digits and what is encoded")
}

impl<B: Send + 'static> Service<Request<B>> for ServeFile {
    type Response = Response<ServeFileSystemResponseBody>;
    type Error = Infallible;
    type Future = ServingFile<<ServeDir as Service<Request<B>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        <ServeDir as Service<Request<B>>>::poll_ready(&mut self.dir, cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        *request.uri_mut() = self.uri.clone();
        ServingFile {
            answer: self.dir.call(request),
            kind: self.kind.clone(),
        }
    }
}

pin_project! {
    /// The future of a [`ServeFile`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct ServingFile<F> {
        #[pin]
        answer: F,
        kind: Option<HeaderValue>,
    }
}

impl<F, B> Future for ServingFile<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Ok(mut answer) = ready!(this.answer.poll(cx));
        // What is not the file has no type, or one of its own.
        if let (Some(field), Some(kind)) =
            (answer.headers_mut().get_mut(CONTENT_TYPE), this.kind.take())
        {
            *field = kind;
        }
        Poll::Ready(Ok(answer))
    }
}
