//! What axum's example of this name does: an event a second to whoever asks.
//!
//! ```text
//! cargo run -p filch-axum --example sse [ADDR]
//! ```

use axum::Router;
use axum::http::{HeaderMap, header::USER_AGENT};
use axum::routing::get;
use filch_axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use std::convert::Infallible;
use std::time::Duration;

#[filch::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new().route("/sse", get(events));
    let address = std::env::args()
        .nth(1)
        .unwrap_or("127.0.0.1:3000".to_owned());
    let listener = filch::net::TcpListener::bind(address.as_str()).await?;
    println!("listening on {}", listener.local_addr()?);
    filch_axum::serve(listener, app).await
}

async fn events(headers: HeaderMap) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    println!("{} connected", agent.unwrap_or("somebody"));
    let stream = stream::unfold((), |()| async {
        filch::time::sleep(Duration::from_secs(1)).await;
        Some((Ok(Event::default().data("hi!")), ()))
    });
    Sse::new(stream).keep_alive(
        KeepAlive::new()
            .interval(Duration::from_secs(1))
            .text("keep-alive-text"),
    )
}
