//! A to-do service as FastAPI's tutorial has it, which answers as `original.py` does.
//!
//!     cargo run -p filch-works-with --example todo
//!     python3 works-with/examples/todo/check.py http://127.0.0.1:8000

mod app;
mod detail;
mod extract;
mod fault;
mod input;

use filch::net::TcpListener;
use std::time::Duration;

#[filch::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("serving on http://{}", listener.local_addr()?);
    let stop = async { filch::signal::terminate().await.expect("signals") };
    filch_axum::serve(listener, app::app())
        .with_graceful_shutdown(stop)
        .deadline(Duration::from_secs(10))
        .await
}
