//! One server's process: this test's binary again.

use super::TEST;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use filch::http::{ConnInfo, Limits};
use filch::stream::{StreamExt, wrappers::IntervalStream};
use filch::time::{interval, sleep};
use filch_axum::sse::{Event, Sse};
use filch_axum::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const IS_ONE: &str = "FILCH_AXUM_TEST_SERVER";
/// Whoever waits for it fails the test.
const LONG: Duration = Duration::from_secs(3600);

pub(crate) fn is_one() -> bool {
    std::env::var_os(IS_ONE).is_some()
}

/// Serves on standard input until SIGTERM, and writes its numbers.
pub(crate) async fn serve() {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let listener = filch::net::TcpListener::from_std(TcpListener::from(socket)).unwrap();
    let app = Router::new()
        .route("/", get(|| async { "ok" }))
        .route("/slow", get(slow))
        .route("/events", get(events))
        .route("/ws", get(socket_of));
    // It counts from the call on.
    let told = filch::signal::terminate();
    println!("\nready");
    let served = filch_axum::serve(listener, app)
        .with_graceful_shutdown(async { told.await.unwrap() })
        .limits(Limits::default().head(LONG).first_byte(LONG).idle(LONG))
        .deadline(LONG)
        .report()
        .await
        .unwrap();
    let failed = served.refused
        + served.left
        + served.cancelled
        + served.connections_cancelled
        + served.connections_panicked;
    let (connections, upgraded) = (served.connections, served.upgraded);
    println!(
        "\nserved {} {connections} {upgraded} {failed}",
        served.finished
    );
}

async fn slow() -> &'static str {
    sleep(Duration::from_millis(5)).await;
    "ok"
}

async fn events(Extension(info): Extension<ConnInfo>) -> impl IntoResponse {
    let ticks = IntervalStream::new(interval(Duration::from_millis(5)));
    let ticks = ticks.map(|_| Ok::<_, Infallible>(Event::default().data("tick")));
    Sse::new(ticks).until(info.stopping())
}

async fn socket_of(upgrade: WebSocketUpgrade) -> Response {
    let stopping = upgrade.stopping().clone();
    upgrade.on_upgrade(move |mut socket: WebSocket| async move {
        while let Ok(Some(Ok(message))) = stopping.run(socket.recv()).await {
            if let Message::Text(_) = message {
                socket.send(message).await.unwrap();
            }
        }
        let code = filch_axum::ws::close_code::AWAY;
        let reason = "the server ends".into();
        let _ = socket.close(Some(CloseFrame { code, reason })).await;
        while let Some(Ok(_)) = socket.recv().await {}
    })
}

/// What a server says of itself.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) finished: u64,
    pub(crate) connections: u64,
    pub(crate) upgraded: u64,
    pub(crate) failed: u64,
}

impl Numbers {
    pub(crate) fn add(&mut self, other: Numbers) {
        self.finished += other.finished;
        self.connections += other.connections;
        self.upgraded += other.upgraded;
        self.failed += other.failed;
    }
}

/// The process.
pub(crate) struct Server {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Server {
    /// Returns when it listens.
    pub(crate) async fn start(socket: &TcpListener) -> Server {
        let socket = OwnedFd::from(socket.try_clone().unwrap());
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
            .env(IS_ONE, "1")
            .stdin(Stdio::from(socket))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        filch::spawn_blocking(move || {
            let mut server = Server { process, lines };
            server.line("ready");
            server
        })
        .await
        .unwrap()
    }

    fn line(&mut self, start: &str) -> String {
        let mut lines = self.lines.by_ref().map_while(Result::ok);
        lines.find(|line| line.starts_with(start)).expect(start)
    }

    /// Tells it to end. Returns when it has.
    pub(crate) async fn end(mut self) -> Numbers {
        filch::spawn_blocking(move || {
            let pid = self.process.id().to_string();
            let killed = Command::new("kill").args(["-TERM", &pid]).status();
            assert!(killed.unwrap().success());
            let served = self.line("served ");
            assert!(self.process.wait().unwrap().success());
            let mut numbers = served
                .split(' ')
                .skip(1)
                .map(|number| number.parse().unwrap());
            let mut next = || numbers.next().unwrap();
            Numbers {
                finished: next(),
                connections: next(),
                upgraded: next(),
                failed: next(),
            }
        })
        .await
        .unwrap()
    }
}
