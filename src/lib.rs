//! filch: an async runtime for servers that compute as well as serve.
//!
//! asyncio's friendly, structured way of writing concurrent programs, on every core, where no task can
//! stall another: what waits behind a long poll is taken away and run elsewhere, if need be on a further
//! thread.
//!
#![cfg_attr(all(feature = "macros", feature = "net"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "macros", feature = "net")), doc = "```ignore")]
//! use filch::net::{TcpListener, TcpStream};
//!
//! #[filch::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:7000").await?;
//!     loop {
//!         let (stream, _) = listener.accept().await?;
//!         filch::spawn(echo(stream));
//!     }
//! }
//!
//! async fn echo(stream: TcpStream) -> std::io::Result<()> {
//!     let mut buffer = vec![0; 4096];
//!     loop {
//!         match stream.read(&mut buffer).await? {
//!             0 => return Ok(()),
//!             count => stream.write_all(&buffer[..count]).await?,
//!         }
//!     }
//! }
//! ```
//!
//! Where to look: [`run`], [`Runtime`] and `#[filch::main]` start a runtime; [`spawn`], [`task`] and
//! [`spawn_blocking`] make tasks; [`blocking`] and [`cpu`] say that a closure blocks or computes for long;
//! [`gather!`] and [`join!`] put several together, and [`select!`] waits for the first; [`time`], [`net`], [`io`]
//! and [`sync`] are what tasks wait for. The guide is in the repository's `docs/`.
//!
//! # Features
//!
//! The first two are on by default. A feature only ever adds; without any, tasks, timers, locks and channels are all
//! there.
//!
//! | feature | adds | without it |
//! |---|---|---|
//! | `macros` | `#[filch::main]` and `#[filch::test]` | [`run`] and [`Runtime`] start a runtime. [`gather!`], [`join!`] and [`select!`] are always there |
//! | `net` | the module `net`: sockets, and waiting for any descriptor | one crate fewer is compiled (`socket2`) |
//! | `bytes` | the crate `bytes`: `BytesMut` in `read_buf` and `recv_buf`, `write_all_buf` | `read_buf` takes a `Vec<u8>` |
//! | `tls` | the module `tls`: TLS over any stream, by rustls and ring | no C compiler is needed |
//! | `tokio-io` | tokio's io traits on all streams | other crates' `compat()` |
//! | `hyper` | `http::rt`: executor, timer and streams for hyper | |
//! | `http` | `http`: a server of tower services over HTTP/1.1 and HTTP/2, with limits and a graceful end | |
//! | `http-client` | `http::Client`, an HTTP client; by TLS with the feature `tls` | |
//! | `json` | JSON in the client's requests and answers, and in server-sent events | `body` and `bytes` |
//! | `websocket` | `http::websocket`: WebSockets, a server's and a client's, by tungstenite; `wss://` with the feature `tls` | |
//! | `tokio` | a tokio runtime beside filch's, for who asks for it: `#[filch::main(tokio)]`, `Builder::tokio`, `guest` | crates that need tokio panic in a task |
//! | `polling` | [`Selector::Polling`] on Linux. Other systems have it anyway | Linux has [`Selector::Epoll`] alone, and five crates fewer are compiled |

mod exclusive;

mod known;

mod dump;

pub mod time;

mod sys;

pub mod io;

pub mod sync;

mod structure;

pub mod fs;

#[cfg(feature = "net")]
pub mod net;

pub mod signal;

pub mod process;

pub mod stream;

#[cfg(feature = "tls")]
pub mod tls;

#[cfg(any(feature = "tokio-io", feature = "hyper"))]
mod adapters;

#[cfg(feature = "hyper")]
pub mod http;

pub mod task;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

mod run;

pub mod testing;

#[cfg(feature = "tokio")]
pub use filch_executor::guest;
pub use filch_executor::{
    AbortHandle, Builder, Cancelled, CleanupError, EnterGuard, Handle, IdleLook, JoinError,
    JoinHandle, Leftover, LocalRuntime, Metrics, NoRuntime, Runtime, SlowSite, UnhandledPanic,
    WorkerMetrics, blocking, cpu, spawn, spawn_blocking, spawn_local, task_local,
};
#[cfg(feature = "macros")]
pub use filch_macros::{main, test};
pub use filch_reactor::{ParseSelectorError, Selector};
pub use run::run;
pub use structure::{
    AbortOnDrop, CancelToken, Child, GroupEnded, GroupError, LimitedGroup, TaskGroup, When,
    as_completed, cleanup, cleanup_with, gather, gather_results, race, shield, wait,
};
pub use time::FutureExt;

pub mod future {
    //! The futures of [`gather()`](crate::gather()), [`race()`](crate::race()) and their like, for who keeps one in a
    //! struct. Other modules have such a sub-module too, as [`sync::future`](crate::sync::future).

    pub use crate::structure::{
        Cleanup, CleanupOutput, CleanupWith, DropGuard, Finish, Gather, GatherResults, GroupRun,
        JoinAll, JoinNext, JoinNextWithId, Limit, Outcome, Race, RunUntil, RunUntilCancelled,
        Shield, Shutdown, SpawnLimited, UntilCancelled, WaitFor,
    };
}

/// Keeps the code in README and guide compiling.
///
/// Chapters whose code needs other crates (`stopping-a-server`, `logging`, `tokio-crates`) are compiled by the member
/// `works-with`.
/// `tests/pages.rs` sees that none is left out.
#[cfg(all(doctest, feature = "macros", feature = "net"))]
mod documents {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/guide/running.md")]
    struct Running;
    #[doc = include_str!("../docs/guide/tasks.md")]
    struct Tasks;
    #[doc = include_str!("../docs/guide/sharing-state.md")]
    struct SharingState;
    #[doc = include_str!("../docs/guide/structure.md")]
    struct Structure;
    #[doc = include_str!("../docs/guide/recursion.md")]
    struct Recursion;
    #[doc = include_str!("../docs/guide/errors.md")]
    struct Errors;
    #[doc = include_str!("../docs/guide/time.md")]
    struct Time;
    #[doc = include_str!("../docs/guide/io.md")]
    struct Io;
    #[cfg(feature = "tls")]
    #[doc = include_str!("../docs/guide/tls.md")]
    struct Tls;
    #[cfg(feature = "http")]
    #[doc = include_str!("../docs/guide/http.md")]
    struct Http;
    #[cfg(feature = "http")]
    #[doc = include_str!("../docs/guide/http-limits.md")]
    struct HttpLimits;
    #[doc = include_str!("../docs/guide/streams.md")]
    struct Streams;
    #[doc = include_str!("../docs/guide/files.md")]
    struct Files;
    #[cfg(unix)]
    #[doc = include_str!("../docs/guide/running-programs.md")]
    struct RunningPrograms;
    #[doc = include_str!("../docs/guide/computing-and-blocking.md")]
    struct ComputingAndBlocking;
    #[doc = include_str!("../docs/guide/cancellation.md")]
    struct Cancellation;
    #[doc = include_str!("../docs/guide/hangs.md")]
    struct Hangs;
    #[doc = include_str!("../docs/guide/testing.md")]
    struct Testing;
    #[doc = include_str!("../docs/guide/compile-errors.md")]
    struct CompileErrors;
}
