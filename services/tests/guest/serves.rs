//! `axum::serve`, and the parts of axum and tower-http that need tokio's timers and tasks.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::{Request, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{any, get};
use futures_util::{SinkExt, StreamExt, stream};
use tokio_tungstenite::tungstenite::Message;
use tower::ServiceExt;
use tower_http::services::ServeDir;
use tower_http::timeout::TimeoutLayer;

/// Serves while `body` runs, which is given where, and then waits until the server has ended by itself.
async fn beside<F: Future<Output = ()>>(app: Router, body: impl FnOnce(String) -> F) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let serving = tokio::spawn(serving.into_future());
    body(address.to_string()).await;
    drop(stop);
    serving.await.unwrap().unwrap();
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
}

pub(crate) async fn axum_serves() {
    // The handler uses filch, from whichever thread it is called on.
    let sum = || async { filch::spawn(async { "42" }).await.unwrap() };
    beside(Router::new().route("/", get(sum)), async |address| {
        let answer = client()
            .get(format!("http://{address}/"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.text().await.unwrap(), "42");
    })
    .await;
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, axum::extract::ws::Message::Text(_)) {
            socket.send(message).await.unwrap();
        }
    }
}

pub(crate) async fn axum_upgrades_to_a_web_socket() {
    let upgrade = |socket: WebSocketUpgrade| async { socket.on_upgrade(echo) };
    beside(Router::new().route("/", any(upgrade)), async |address| {
        let connected = tokio_tungstenite::connect_async(format!("ws://{address}/"));
        let (mut socket, _) = connected.await.unwrap();
        for number in 0..3 {
            socket
                .send(Message::text(number.to_string()))
                .await
                .unwrap();
            socket.send(Message::Ping("?".into())).await.unwrap();
            let mut answers =
                [socket.next().await, socket.next().await].map(|it| it.unwrap().unwrap());
            answers.sort_by_key(Message::is_pong);
            assert_eq!(
                answers,
                [Message::text(number.to_string()), Message::Pong("?".into())]
            );
        }
        socket.close(None).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
}

/// Comments come on tokio's timer while there is no event.
pub(crate) async fn axum_keeps_events_alive() {
    let events = || async {
        let never = stream::pending::<Result<Event, Infallible>>();
        Sse::new(never).keep_alive(
            KeepAlive::new()
                .interval(Duration::from_millis(5))
                .text("here"),
        )
    };
    beside(Router::new().route("/", get(events)), async |address| {
        let mut answer = client()
            .get(format!("http://{address}/"))
            .send()
            .await
            .unwrap();
        let mut said = String::new();
        while said.matches(": here\n\n").count() < 3 {
            said += std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap();
        }
    })
    .await;
}

pub(crate) async fn tower_http_limits_and_gives_files() {
    let layer =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_millis(5));
    let slow = || async { std::future::pending::<&str>().await };
    let app = Router::new()
        .route("/slow", get(slow).layer(layer))
        .fallback_service(ServeDir::new(env!("CARGO_MANIFEST_DIR")));
    // In place, and then over a connection.
    let request = Request::get("/slow").body(Body::empty()).unwrap();
    let answer = app.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    beside(app, async |address| {
        let file = client()
            .get(format!("http://{address}/Cargo.toml"))
            .send()
            .await
            .unwrap();
        let expected = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        assert_eq!(file.text().await.unwrap(), expected.unwrap());
    })
    .await;
}
