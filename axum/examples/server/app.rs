//! The routes, and what they share.

use crate::log;
use axum::extract::{DefaultBodyLimit, Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Json, Router, extract, middleware};
use filch::CancelToken;
use filch::http::{ConnInfo, Limits};
use filch::stream::{StreamExt, wrappers::IntervalStream};
use filch::time::{Instant, interval};
use filch_axum::files::ServeDir;
use filch_axum::sse::{Event, Sse};
use filch_axum::timeout::TimeoutLayer;
use filch_axum::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the page and its files are read from.
const ASSETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/server/assets");

/// What all handlers share. Clones are the same.
#[derive(Clone)]
pub(crate) struct State {
    notes: Arc<Mutex<Vec<Note>>>,
    pub(crate) log: Arc<log::Log>,
    stopping: CancelToken,
}

impl State {
    pub(crate) fn new(has_log: bool) -> State {
        State {
            notes: Arc::default(),
            log: Arc::new(log::Log::new(has_log)),
            stopping: CancelToken::new(),
        }
    }

    /// From now on it is not ready any more.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }
}

/// What clients may do: as much as `Limits::default()` lets them, but for the size of what they send.
pub(crate) fn limits() -> Limits {
    Limits::default().body(8 << 20)
}

pub(crate) fn router(state: State) -> Router {
    // Answers that begin late are given up. What streams has begun at once.
    let limit =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(10));
    let router = Router::new()
        .route("/hello", get(async || "hello\n"))
        .route("/compute", get(compute))
        .route("/api/notes", get(notes).post(add_note))
        .route("/api/notes/{id}", get(note))
        .layer(limit)
        .route("/events", get(events))
        .route("/ws", any(socket))
        .route("/live", get(async || "alive\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics));
    #[cfg(feature = "example-thumbnails")]
    let router = router.route(
        "/thumbnail",
        axum::routing::post(crate::thumbnails::thumbnail),
    );
    let router = router
        .route_layer(middleware::from_fn(filch_axum::matched_route))
        .fallback_service(ServeDir::new(ASSETS))
        // The server has a limit of its own.
        .layer(DefaultBodyLimit::disable());
    #[cfg(feature = "example-spans")]
    let router = router.layer(middleware::from_fn(crate::spans::spans));
    router.with_state(state)
}

#[derive(Deserialize)]
struct Work {
    #[serde(default = "usual")]
    ms: u64,
}

fn usual() -> u64 {
    20
}

/// Computes in one poll, and says so to nobody: the others are taken away from behind it.
async fn compute(Query(work): Query<Work>) -> String {
    let (start, mut sum) = (Instant::now(), 0_u64);
    while start.elapsed() < Duration::from_millis(work.ms.min(1000)) {
        sum = (0..1000).fold(sum, |sum, n| sum.wrapping_mul(31).wrapping_add(n));
    }
    format!("{sum}\n")
}

#[derive(Clone, Serialize, Deserialize)]
struct Note {
    text: String,
}

async fn notes(extract::State(state): extract::State<State>) -> Json<Vec<Note>> {
    Json(state.notes.lock().unwrap().clone())
}

async fn note(extract::State(state): extract::State<State>, Path(id): Path<usize>) -> Response {
    match state.notes.lock().unwrap().get(id) {
        Some(note) => Json(note.clone()).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such note\n").into_response(),
    }
}

async fn add_note(
    extract::State(state): extract::State<State>,
    Json(note): Json<Note>,
) -> Response {
    let mut notes = state.notes.lock().unwrap();
    notes.push(note);
    let there = format!("/api/notes/{}", notes.len() - 1);
    (StatusCode::CREATED, [("location", there)]).into_response()
}

/// A tick a second, until the client goes or the server is told to stop.
async fn events(Extension(info): Extension<ConnInfo>) -> impl IntoResponse {
    let mut count = 0;
    let ticks = IntervalStream::new(interval(Duration::from_secs(1))).map(move |_| {
        count += 1;
        Ok::<_, Infallible>(
            Event::default()
                .id(count.to_string())
                .data(format!("tick {count}")),
        )
    });
    Sse::new(ticks).until(info.stopping())
}

async fn socket(upgrade: WebSocketUpgrade) -> Response {
    let stopping = upgrade.stopping().clone();
    upgrade.on_upgrade(|socket| echo(socket, stopping))
}

/// Sends messages back. When the server stops it says goodbye, and waits for the answer.
async fn echo(mut socket: WebSocket, stopping: CancelToken) {
    while let Some(message) = stopping.run(socket.recv()).await.unwrap_or(None) {
        match message {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
    let away = CloseFrame {
        code: close_code::AWAY,
        reason: "the server ends".into(),
    };
    let _ = socket.close(Some(away)).await;
    while let Some(Ok(_)) = socket.recv().await {}
}

async fn ready(extract::State(state): extract::State<State>) -> Response {
    match state.stopping.is_cancelled() {
        false => "ready\n".into_response(),
        true => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
    }
}

async fn metrics(extract::State(state): extract::State<State>) -> impl IntoResponse {
    (
        [("content-type", "text/plain; version=0.0.4")],
        state.log.metrics(),
    )
}
