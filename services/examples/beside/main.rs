//! What crates that know only tokio cost beside filch, and what they gain: the figures of docs/benchmarks.md.
//!
//! ```text
//! .ci/servers cargo run --release --manifest-path services/Cargo.toml --example beside
//! ```
//!
//! Two tables: `switches` has the switches between threads that an operation takes, `hogs` the time that a request
//! takes while two tasks compute. Give one of the words to have it alone. Without servers their rows are missing.

mod hogs;
mod peer;
mod switches;
mod work;

use std::io;

fn main() -> io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        None => {
            switches::measure()?;
            hogs::measure()
        }
        Some("switches") => switches::measure(),
        Some("hogs") => hogs::measure(),
        Some("peer") => peer::serve(),
        Some(other) => Err(io::Error::other(format!("{other}: switches or hogs"))),
    }
}

/// Of filch, and of tokio where it is alone.
const WORKERS: usize = 2;

fn with_guest() -> io::Result<filch::Runtime> {
    filch::Runtime::builder()
        .workers(WORKERS)
        .tokio(true)
        .build()
}

fn tokio_alone() -> io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(WORKERS).enable_all().build()
}
