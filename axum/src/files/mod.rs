//! Static files: tower-http's [`ServeDir`](tower_http::services::ServeDir), over files that filch reads.
//!
//! Ranges, `ETag`, `Last-Modified` and the conditions on them, precompressed files, types by the name, redirects and
//! fallbacks are tower-http's. Its own `ServeDir` reads by tokio, whose runtime it needs; these need none but filch's.
//! With the feature `serve-dir`, which is on by default.
//!
//! ```
//! use axum::Router;
//! use filch_axum::files::{ServeDir, ServeFile};
//!
//! // A program in the browser: all paths that are no file are its own matter.
//! let page = ServeFile::new("assets/index.html");
//! let app: Router = Router::new().fallback_service(ServeDir::new("assets").fallback(page));
//! ```

mod backend;
mod dir;
mod file;

pub use backend::{FilchBackend, FilchFile, Opening};
pub use dir::ServeDir;
pub use file::{ServeFile, ServingFile};
