//! What axum's example of this name does: a page, and a WebSocket behind it that both sides talk over.
//!
//! ```text
//! cargo run -p filch-axum --example websockets [ADDR]
//! ```

use axum::Router;
use axum::http::{HeaderMap, header::USER_AGENT};
use axum::response::IntoResponse;
use axum::routing::any;
use filch_axum::connect_info::*;
use filch_axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use filch_axum::files::ServeDir;
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

#[filch::main]
async fn main() -> std::io::Result<()> {
    let assets = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/server/assets");
    let app = Router::new()
        .fallback_service(ServeDir::new(assets))
        .route("/ws", any(handler));
    let address = std::env::args()
        .nth(1)
        .unwrap_or("127.0.0.1:3000".to_owned());
    let listener = filch::net::TcpListener::bind(address.as_str()).await?;
    println!("listening on {}", listener.local_addr()?);
    filch_axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
}

/// Sees the request's head before it becomes a WebSocket.
async fn handler(
    ws: WebSocketUpgrade,
    headers: HeaderMap,
    ConnectInfo(who): ConnectInfo<SocketAddr>,
) -> impl IntoResponse {
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    println!("{} at {who} connected", agent.unwrap_or("somebody"));
    ws.on_upgrade(move |socket| talk(socket, who))
}

async fn talk(socket: WebSocket, who: SocketAddr) {
    let (mut sender, mut receiver) = socket.split();
    let mut sending = filch::spawn(async move {
        for n in 0..20 {
            let text = Utf8Bytes::from(format!("server's message {n}"));
            if sender.send(Message::Text(text)).await.is_err() {
                return n;
            }
            filch::time::sleep(Duration::from_millis(10)).await;
        }
        let _ = sender.close().await;
        20
    });
    let mut receiving = filch::spawn(async move {
        let mut count = 0;
        while let Some(Ok(message)) = receiver.next().await {
            count += 1;
            if print(message, who).is_break() {
                break;
            }
        }
        count
    });
    // When one is done the other has nobody to talk to.
    filch::select! {
        sent = &mut sending => {
            println!("{} messages sent to {who}", sent.unwrap_or(0));
            let _ = filch::time::timeout(Duration::from_secs(1), &mut receiving).await;
            receiving.abort();
        }
        received = &mut receiving => {
            println!("{} messages received from {who}", received.unwrap_or(0));
            sending.abort();
        }
    }
    println!("{who} is gone");
}

fn print(message: Message, who: SocketAddr) -> ControlFlow<()> {
    match message {
        Message::Text(text) => println!("{who} says {text}"),
        Message::Binary(bytes) => println!("{who} sent {} bytes", bytes.len()),
        Message::Close(frame) => {
            println!("{who} closes: {frame:?}");
            return ControlFlow::Break(());
        }
        Message::Ping(_) | Message::Pong(_) => {}
    }
    ControlFlow::Continue(())
}
