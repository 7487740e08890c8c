//! Other crates on filch. There is no code here: the programs are those of the pages, and
//! `cargo test -p filch-works-with` compiles and runs them. What they depend on is this package's alone.

#![doc(test(attr(deny(unused_imports, unused_variables, unused_mut, unused_must_use))))]

/// One item per page, so that a failing program names the page that it stands on.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../docs/works-with.md")]
    struct WorksWith;
    #[doc = include_str!("../../docs/from-asyncio.md")]
    struct FromAsyncio;
    #[doc = include_str!("../../docs/from-tokio.md")]
    struct FromTokio;
    #[doc = include_str!("../../docs/guide/stopping-a-server.md")]
    struct StoppingAServer;
    #[doc = include_str!("../../docs/guide/logging.md")]
    struct Logging;
    #[doc = include_str!("../../docs/guide/tokio-crates.md")]
    struct TokioCrates;
    #[doc = include_str!("../../docs/guide/from-fastapi.md")]
    struct FromFastapi;
}
