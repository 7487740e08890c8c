//! axum on filch: [`serve()`], with the limits, the graceful end and the numbers of [`filch::http`]; WebSockets
//! ([`ws`]), server-sent events ([`sse`]), [`timeout`] and [`files`] on filch's own sockets, timers and threads.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use filch::net::TcpListener;
//!
//! #[filch::main]
//! async fn main() -> std::io::Result<()> {
//!     let app = Router::new().route("/", get(|| async { "hello" }));
//!     let listener = TcpListener::bind("127.0.0.1:3000").await?;
//!     filch_axum::serve(listener, app).await
//! }
//! ```
//!
//! axum needs none of its default feature `tokio` for this: take it with `default-features = false`. What that feature
//! would add is here, under axum's names:
//!
//! | axum, tower-http | here |
//! |---|---|
//! | `axum::serve`, the function and the module | [`serve()`], [`mod@serve`] |
//! | `axum::extract::ws` | [`ws`], with the feature `ws` |
//! | `axum::extract::{ConnectInfo, connect_info}` | [`ConnectInfo`], [`connect_info`], [`MakeServiceExt`] |
//! | `axum::response::sse` | [`sse`] |
//! | `tower_http::timeout` | [`timeout`] |
//! | `tower_http::services::{ServeDir, ServeFile}` | [`files::ServeDir`], [`files::ServeFile`], with the feature `serve-dir` |
//!
//! What you may want next:
//!
//! | you want | write |
//! |---|---|
//! | an end that loses no request | `serve(listener, app).with_graceful_shutdown(signal)`, and [`deadline`](serve::WithGracefulShutdown::deadline) |
//! | other limits on clients | [`limits`](Serve::limits), with [`filch::http::Limits`] |
//! | an access log | [`on_request`](Serve::on_request), and [`matched_route`] |
//! | how many requests were answered, how many cut off | `.report()` |
//! | a test without a socket | [`filch::http::test_client`], which takes a `Router` |
//! | TLS, Unix sockets, several listeners | a [`Listener`] of `filch::http` or `filch::net` |
//!
//! In the guide, the page "From tokio" has the whole way of a service, line by line, under "Moving an axum service";
//! "Serving HTTP, from FastAPI" begins at nothing.

mod incoming;
mod listener;

pub mod connect_info;

mod route;

pub mod serve;

#[cfg(feature = "serve-dir")]
pub mod files;
pub mod sse;
pub mod timeout;
#[cfg(feature = "ws")]
pub mod ws;

pub use connect_info::{ConnectInfo, Connected, MakeServiceExt};
pub use incoming::IncomingStream;
pub use listener::{Listener, ListenerExt, TapIo};
pub use route::matched_route;
pub use serve::{Reported, Serve, Serving, WithGracefulShutdown, serve};

pub mod response {
    //! axum's path for what it has with its feature `tokio`.

    pub use crate::sse::{self, Sse};
}

pub mod extract {
    //! axum's path for what it has with its feature `tokio`.

    pub use crate::connect_info::{self, ConnectInfo};
    #[cfg(feature = "ws")]
    pub use crate::ws;
}
