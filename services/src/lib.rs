//! Clients of databases and brokers on filch, tested against real servers.
//!
//! `.ci/servers` starts the servers, and tells the tests where they are:
//!
//! ```text
//! FILCH_SERVERS=required .ci/servers cargo test --manifest-path services/Cargo.toml
//! ```
//!
//! Without a server its tests are ignored, unless they are required (`build.rs`).

/// Where a server is: the URL in the environment variable of this name.
///
/// # Panics
///
/// If there is none. A test that may do without is ignored then, which `build.rs` explains.
pub fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: .ci/servers COMMAND starts the servers and sets it")
    })
}

/// Host and port of a URL.
///
/// # Panics
///
/// If the URL has none.
pub fn address(url: &str) -> &str {
    let (_, rest) = url.split_once("://").expect("a scheme");
    let authority = rest.split('/').next().expect("a part");
    authority.rsplit('@').next().expect("a part")
}
