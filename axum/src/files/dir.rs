//! The files of a directory.

use super::FilchBackend;
use http::Request;
use std::path::Path;
use std::task::{Context, Poll};
use tower_http::services::fs::DefaultServeDirFallback;
use tower_http::set_status::SetStatus;
use tower_service::Service;

/// tower-http's, with files that are read by [`FilchBackend`].
type Inner<F> = tower_http::services::ServeDir<F, FilchBackend>;

/// Serves the files of a directory, and `index.html` for a directory itself: `tower_http::services::ServeDir`, with its
/// methods, on [`filch::fs`].
///
/// Nothing above the directory is served, by whatever path; a symbolic link in it is followed, wherever it leads. What
/// is not there and what may not be read is 404, or the fallback's matter; another error is 500.
///
/// ```
/// use axum::Router;
/// use filch_axum::files::ServeDir;
///
/// let app: Router = Router::new().nest_service("/assets", ServeDir::new("assets").precompressed_gzip());
/// ```
#[derive(Clone, Debug)]
pub struct ServeDir<F = DefaultServeDirFallback>(Inner<F>);

impl ServeDir {
    /// The files below `root`.
    pub fn new(root: impl AsRef<Path>) -> ServeDir {
        ServeDir(Inner::with_backend(root, FilchBackend))
    }
}

impl<F> ServeDir<F> {
    /// Whether a directory is its `index.html`; it is by default.
    pub fn append_index_html_on_directories(self, append: bool) -> Self {
        ServeDir(self.0.append_index_html_on_directories(append))
    }

    /// Whether `/dir` is sent on to `/dir/`; it is by default.
    pub fn redirect_to_trailing_slash(self, redirect: bool) -> Self {
        ServeDir(self.0.redirect_to_trailing_slash(redirect))
    }

    /// Whether a path without an extension gets `.html`; it does not by default.
    pub fn html_as_default_extension(self, append: bool) -> Self {
        ServeDir(self.0.html_as_default_extension(append))
    }

    /// What stands before a path that a client is sent on to: where this service is nested.
    pub fn redirect_path_prefix(self, prefix: impl Into<String>) -> Self {
        ServeDir(self.0.redirect_path_prefix(prefix))
    }

    /// So many bytes of a file are read at a time; 64 KiB by default.
    pub fn with_buf_chunk_size(self, size: usize) -> Self {
        ServeDir(self.0.with_buf_chunk_size(size))
    }

    /// Sends the whole file to who asks for several ranges of it. By default that is 416.
    pub fn ignore_multi_range_requests(self, ignore: bool) -> Self {
        ServeDir(self.0.ignore_multi_range_requests(ignore))
    }

    /// Sends `name.gz` in place of `name` to who takes `gzip`, if it is there.
    pub fn precompressed_gzip(self) -> Self {
        ServeDir(self.0.precompressed_gzip())
    }

    /// Sends `name.br` in place of `name` to who takes `br`, if it is there.
    pub fn precompressed_br(self) -> Self {
        ServeDir(self.0.precompressed_br())
    }

    /// Sends `name.zz` in place of `name` to who takes `deflate`, if it is there.
    pub fn precompressed_deflate(self) -> Self {
        ServeDir(self.0.precompressed_deflate())
    }

    /// Sends `name.zst` in place of `name` to who takes `zstd`, if it is there.
    pub fn precompressed_zstd(self) -> Self {
        ServeDir(self.0.precompressed_zstd())
    }

    /// Who answers when there is no such file, with whatever status.
    pub fn fallback<F2>(self, fallback: F2) -> ServeDir<F2> {
        ServeDir(self.0.fallback(fallback))
    }

    /// Who answers when there is no such file, with the status 404.
    pub fn not_found_service<F2>(self, fallback: F2) -> ServeDir<SetStatus<F2>> {
        ServeDir(self.0.not_found_service(fallback))
    }

    /// Whether the fallback answers methods other than `GET` and `HEAD`. By default that is 405.
    pub fn call_fallback_on_method_not_allowed(self, call: bool) -> Self {
        ServeDir(self.0.call_fallback_on_method_not_allowed(call))
    }

    /// tower-http's own type, for what is not here.
    pub fn into_inner(self) -> tower_http::services::ServeDir<F, FilchBackend> {
        self.0
    }
}

impl<B, F> Service<Request<B>> for ServeDir<F>
where
    Inner<F>: Service<Request<B>>,
{
    type Response = <Inner<F> as Service<Request<B>>>::Response;
    type Error = <Inner<F> as Service<Request<B>>>::Error;
    type Future = <Inner<F> as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.0.call(request)
    }
}
