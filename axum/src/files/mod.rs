//! Files of a directory, on `filch::fs`.
//!
//! [`ServeDir`] is a small one that compiles nothing of tokio: one range of bytes, `ETag`, `index.html`. With the
//! feature `serve-dir` tower-http's own is here, with all it can do, over the same files: `serve_dir`.
//!
//! ```
//! use axum::Router;
//! use filch_axum::files::ServeDir;
//!
//! let app: Router = Router::new().fallback_service(ServeDir::new("assets"));
//! ```

#[cfg(feature = "serve-dir")]
mod backend;

#[cfg(feature = "serve-dir")]
pub use backend::{FilchBackend, FilchFile, Opening, serve_dir};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use filch::fs::{self, File};
use filch::io::{AsyncReadExt, AsyncSeekExt};
use http::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, IF_MATCH,
    IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE,
};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use std::convert::Infallible;
use std::fs::Metadata;
use std::future::Future;
use std::io::{self, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::UNIX_EPOCH;
use tower_service::Service;

/// So much of a file is read at a time.
const PIECE: usize = 64 * 1024;

/// Serves the files of a directory, and `index.html` for a directory itself. Nothing above it, by whatever path.
///
/// Answers have an `ETag` out of length and time, and know `If-None-Match`, `If-Range` and one range of bytes. A
/// symbolic link is followed, wherever it leads.
#[derive(Clone, Debug)]
pub struct ServeDir {
    root: PathBuf,
}

impl ServeDir {
    /// The files below `root`.
    pub fn new(root: impl Into<PathBuf>) -> ServeDir {
        ServeDir { root: root.into() }
    }
}

impl<B> Service<Request<B>> for ServeDir {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let root = self.root.clone();
        let (head, _) = request.into_parts();
        Box::pin(async move {
            let answer = answer(&root, &head.method, &head.uri, &head.headers).await;
            Ok(answer.unwrap_or_else(|error| failed(&error).into_response()))
        })
    }
}

fn failed(error: &io::Error) -> StatusCode {
    use io::ErrorKind::*;
    match error.kind() {
        NotFound | NotADirectory | InvalidFilename | InvalidInput => StatusCode::NOT_FOUND,
        PermissionDenied => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn answer(
    root: &Path,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> io::Result<Response> {
    if method != Method::GET && method != Method::HEAD {
        let allowed = [(ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return Ok((StatusCode::METHOD_NOT_ALLOWED, allowed).into_response());
    }
    let Some(mut path) = below(root, uri.path()) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let mut metadata = fs::metadata(&path).await?;
    if metadata.is_dir() {
        if !uri.path().ends_with('/') {
            return Ok(with_slash(uri));
        }
        path.push("index.html");
        metadata = fs::metadata(&path).await?;
    }
    if !metadata.is_file() {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    let tag = tag(&metadata);
    let kind = HeaderValue::from_static(kind(&path));
    match wanted(headers, &tag, metadata.len()) {
        Wanted::NotModified => Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response()),
        Wanted::Failed => Ok(StatusCode::PRECONDITION_FAILED.into_response()),
        Wanted::Nowhere => {
            let all = format!("bytes */{}", metadata.len());
            Ok((StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, all)]).into_response())
        }
        Wanted::Bytes(from, to) => {
            let body = match method == Method::HEAD {
                true => Body::empty(),
                false => body(&path, from, to).await?,
            };
            let mut answer = Response::new(body);
            let fields = [
                (ETAG, tag),
                (CONTENT_TYPE, kind),
                (ACCEPT_RANGES, HeaderValue::from_static("bytes")),
            ];
            answer.headers_mut().extend(fields);
            answer
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(to - from));
            if headers.contains_key(RANGE) && to - from != metadata.len() {
                *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
                let range = format!("bytes {from}-{}/{}", to.saturating_sub(1), metadata.len());
                answer.headers_mut().extend(
                    HeaderValue::try_from(range)
                        .ok()
                        .map(|range| (CONTENT_RANGE, range)),
                );
            }
            Ok(answer)
        }
    }
}

/// The file that is meant, or nothing if the path would lead out of the directory.
fn below(root: &Path, path: &str) -> Option<PathBuf> {
    let decoded = decoded(path)?;
    let mut full = root.to_owned();
    for component in Path::new(decoded.trim_start_matches('/')).components() {
        match component {
            Component::Normal(name) if !decoded.contains(['\0', '\\']) => full.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(full)
}

fn decoded(path: &str) -> Option<String> {
    let mut bytes = path.bytes();
    let mut plain = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(plain).ok()
}

fn with_slash(uri: &Uri) -> Response {
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    // Not `//host`, which would be another one's.
    let there = format!("/{}/{query}", uri.path().trim_start_matches('/'));
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, there)]).into_response()
}

/// Changes with the file, as far as length and time tell.
fn tag(metadata: &Metadata) -> HeaderValue {
    let time = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let tag = format!(
        "\"{:x}-{:x}\"",
        metadata.len(),
        time.unwrap_or_default().as_nanos()
    );
    HeaderValue::try_from(tag).expect("hexadecimal digits")
}

enum Wanted {
    NotModified,
    Failed,
    /// A range that the file does not have.
    Nowhere,
    Bytes(u64, u64),
}

fn wanted(headers: &HeaderMap, tag: &HeaderValue, length: u64) -> Wanted {
    if headers.contains_key(IF_MATCH) && !has_tag(headers, IF_MATCH, tag) {
        return Wanted::Failed;
    }
    if has_tag(headers, IF_NONE_MATCH, tag) {
        return Wanted::NotModified;
    }
    let is_same = headers.get(IF_RANGE).is_none_or(|known| known == tag);
    let range = headers
        .get(RANGE)
        .filter(|_| is_same)
        .and_then(|range| range.to_str().ok());
    match range.and_then(|range| of_range(range, length)) {
        None => Wanted::Bytes(0, length),
        Some((from, to)) if from < to => Wanted::Bytes(from, to),
        Some(_) => Wanted::Nowhere,
    }
}

fn has_tag(headers: &HeaderMap, name: HeaderName, tag: &HeaderValue) -> bool {
    let values = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.trim_start_matches("W/").as_bytes() == tag.as_bytes())
}

/// The bytes of one range, which may be none at all; nothing if it is no such one, and everything is sent.
fn of_range(range: &str, length: u64) -> Option<(u64, u64)> {
    let (from, to) = range.strip_prefix("bytes=")?.trim().split_once('-')?;
    match (from.trim(), to.trim()) {
        ("", last) => Some((length.saturating_sub(last.parse().ok()?), length)),
        (from, "") => Some((from.parse().ok()?, length)),
        (from, to) => {
            let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
            (from <= to).then_some((from, to.saturating_add(1).min(length)))
        }
    }
}

async fn body(path: &Path, from: u64, to: u64) -> io::Result<Body> {
    let mut file = File::open(path).await?;
    if from > 0 {
        file.seek(SeekFrom::Start(from)).await?;
    }
    let pieces = futures_util::stream::unfold((file, to - from), |(mut file, left)| async move {
        if left == 0 {
            return None;
        }
        let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
        let read = file.read(&mut piece).await.and_then(|count| match count {
            // The length is promised.
            0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file has become shorter",
            )),
            count => Ok(count),
        });
        Some(match read {
            Ok(count) => {
                piece.truncate(count);
                (Ok(piece), (file, left - count as u64))
            }
            Err(error) => (Err(error), (file, 0)),
        })
    });
    Ok(Body::from_stream(pieces))
}

fn kind(path: &Path) -> &'static str {
    let end = path
        .extension()
        .and_then(|end| end.to_str())
        .unwrap_or_default();
    match end.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "xml" => "text/xml; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "gz" => "application/gzip",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
