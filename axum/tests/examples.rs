//! The examples, run as their users run them.
//!
//! `cargo test` builds them next to the tests; after `cargo test --test examples` alone they may be missing or old.

#![cfg(all(unix, feature = "serve-dir", feature = "ws"))]

use filch::http::Client;
use filch::http::websocket::{Message, connect};
use std::env::consts::EXE_SUFFIX;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long anything may take before the test counts as failed: much longer than it does.
const PATIENCE: Duration = Duration::from_secs(60);

fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let target = test
        .ancestors()
        .nth(2)
        .expect("a test is in target/<profile>/deps");
    let path: PathBuf = target.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    assert!(
        path.exists(),
        "{} is missing: run `cargo build -p filch-axum --examples`",
        path.display()
    );
    Command::new(path)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// A server that runs until it is dropped.
struct Server {
    process: Child,
    lines: Mutex<Receiver<String>>,
    address: String,
}

impl Server {
    fn start(name: &str, arguments: &[&str]) -> Server {
        let mut process = example(name)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let first = lines
            .recv_timeout(PATIENCE)
            .expect("it says where it listens");
        let address = first.split_whitespace().next_back().unwrap();
        let address = address.trim_start_matches("http://").to_owned();
        Server {
            process,
            lines: Mutex::new(lines),
            address,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn line(&self, what: &str) -> String {
        loop {
            let line = self
                .lines
                .lock()
                .unwrap()
                .recv_timeout(PATIENCE)
                .expect("a line");
            if line.contains(what) {
                return line;
            }
        }
    }

    fn tell(&self, signal: &str) {
        let (pid, signal) = (self.process.id().to_string(), format!("-{signal}"));
        let told = Command::new("kill").args([&signal, &pid]).status();
        assert!(told.unwrap().success());
    }

    /// Of its end, which is waited for.
    fn code(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }

    fn terminate(&mut self) -> Option<i32> {
        self.tell("TERM");
        self.code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn client() -> Client {
    Client::builder().no_proxy().build()
}

fn run(name: &str, arguments: &[&str]) -> Output {
    example(name).args(arguments).output().unwrap()
}

#[test]
fn the_server_measures_itself_though_its_port_is_taken() {
    // Whoever has it already is as good as this one.
    let _taken = std::net::TcpListener::bind("127.0.0.1:8000");
    let shown = run("server", &["--seconds", "1"]);
    let printed = text(shown.stdout);
    assert!(shown.status.success(), "{printed} {}", text(shown.stderr));
    assert!(
        printed.starts_with("serving on http://127.0.0.1:"),
        "{printed}"
    );
    assert!(!printed.contains(":8000,"), "{printed}");
    for line in [
        "GET /hello alone ",
        "GET /hello beside GET /compute ",
        "GET /compute, 20 ms of processor ",
    ] {
        let figures = printed
            .lines()
            .find_map(|printed| printed.strip_prefix(line))
            .expect(line);
        let words: Vec<&str> = figures.split_whitespace().collect();
        let [rate, "p50", p50, "ms", "p99", p99, "ms"] = words[..] else {
            panic!("{figures}");
        };
        let [rate, p50, p99] =
            [rate.trim_end_matches("/s"), p50, p99].map(|figure| figure.parse::<f64>().unwrap());
        assert!(rate > 0.0 && p50 > 0.0 && p99 >= p50, "{figures}");
    }
    assert!(printed.trim_end().ends_with("ms."), "{printed}");
}

#[test]
fn the_server_refuses_what_it_does_not_know() {
    for arguments in [
        &["--nonsense"][..],
        &["--seconds"],
        &["--seconds", "many"],
        &["--load", "nowhere"],
    ] {
        let refused = run("server", arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(text(refused.stderr).contains("usage:"));
    }
}

#[filch::test]
async fn the_server_has_what_a_service_has() {
    let mut server = Server::start("server", &["--serve"]);
    let client = client();
    let get = |path: &str| client.get(&server.url(path)).send();
    assert_eq!(
        get("/hello").await.unwrap().text().await.unwrap(),
        "hello\n"
    );
    let page = get("/").await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html");
    assert!(page.text().await.unwrap().contains("EventSource"));
    assert_eq!(get("/nothing").await.unwrap().status(), 404);
    assert_eq!(get("/compute?ms=1").await.unwrap().status(), 200);

    let notes = server.url("/api/notes");
    let added = client
        .post(&notes)
        .json(&serde_json::json!({"text": "one"}))
        .await
        .unwrap();
    assert_eq!(
        (added.status().as_u16(), &added.headers()["location"]),
        (201, &"/api/notes/0".parse().unwrap())
    );
    let all: serde_json::Value = get("/api/notes").await.unwrap().json().await.unwrap();
    assert_eq!(all, serde_json::json!([{"text": "one"}]));
    assert_eq!(get("/api/notes/7").await.unwrap().status(), 404);
    assert_eq!(client.post(&notes).json(&1).await.unwrap().status(), 422);

    for path in ["/live", "/ready"] {
        assert_eq!(get(path).await.unwrap().status(), 200);
    }
    // An ended request is counted after its client has the answer.
    let counted = "http_requests_total{route=\"/hello\",status=\"200\"} 1\n";
    let mut metrics = String::new();
    while !metrics.contains(counted) {
        metrics = get("/metrics").await.unwrap().text().await.unwrap();
    }
    for line in ["filch_tasks ", "filch_worker_polls_total{worker="] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let lines = |name: &str| {
        metrics
            .lines()
            .filter(|line| line.starts_with(name))
            .count()
    };
    assert_eq!(lines("# TYPE http_requests_total counter"), 1, "{metrics}");

    let mut events = get("/events").await.unwrap();
    assert!(
        events
            .chunk()
            .await
            .unwrap()
            .unwrap()
            .ends_with(b"data: tick 1\n\n")
    );
    let mut socket = connect(&server.url("/ws").replace("http", "ws"))
        .await
        .unwrap();
    socket.send("hello").await.unwrap();
    assert_eq!(
        socket.recv().await.unwrap().unwrap(),
        Message::text("hello")
    );

    // It ends politely: first it says that it is not ready, then the events end, and the WebSocket says why.
    let ready = server.url("/ready");
    server.tell("TERM");
    while client.get(&ready).await.unwrap().status() != 503 {}
    let ended = filch::spawn_blocking(move || (server.code(), server));
    let Some(Ok(Message::Close(Some(frame)))) = socket.recv().await else {
        panic!("no close frame");
    };
    assert_eq!(frame.code, 1001);
    assert!(socket.recv().await.is_none());
    while events.chunk().await.unwrap().is_some() {}
    let (code, server) = ended.await.unwrap();
    assert_eq!(code, Some(0));
    assert!(server.line("requests answered").contains(" 0 cut off"));
}

/// Its log says so of a client that went before the answer, too, and of one that wants too much.
#[filch::test]
async fn the_server_logs_every_request_that_ends() {
    let mut process = example("server");
    process
        .arg("--serve")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = process.spawn().unwrap();
    let errors = BufReader::new(process.stderr.take().unwrap());
    let mut first = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let address = first.trim().rsplit('/').next().unwrap().to_owned();
    let url = |path: &str| format!("http://{address}{path}");
    assert_eq!(
        client().get(&url("/hello?x=y")).await.unwrap().status(),
        200
    );
    let mut leaver = TcpStream::connect(&address).unwrap();
    leaver
        .write_all(b"GET /events HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    leaver.read_exact(&mut [0; 15]).unwrap();
    drop(leaver);
    let mut sender = TcpStream::connect(&address).unwrap();
    sender
        .write_all(b"POST /api/notes HTTP/1.1\r\nhost: a\r\ncontent-length: 9000000\r\n\r\n")
        .unwrap();
    sender.read_exact(&mut [0; 15]).unwrap();
    drop(sender);
    let lines = filch::spawn_blocking(move || {
        let logged = |line: &String| line.starts_with("127.0.0.1 ");
        let lines = errors.lines().map_while(Result::ok).filter(logged);
        lines.take(3).collect::<Vec<_>>()
    });
    let lines = lines.await.unwrap();
    let [hello, events, notes] = ["GET /hello?x=y", "GET /events", "POST /api/notes"]
        .map(|what| lines.iter().find(|line| line.contains(what)).expect(what));
    assert!(
        hello.starts_with("127.0.0.1 GET /hello?x=y 200 6 B "),
        "{hello}"
    );
    assert!(events.starts_with("127.0.0.1 GET /events 499 "), "{events}");
    assert!(events.ends_with("its client left"), "{events}");
    assert!(
        notes.starts_with("127.0.0.1 POST /api/notes 413 "),
        "{notes}"
    );
    assert!(notes.ends_with("ended by a limit"), "{notes}");
    let _ = process.kill();
    let _ = process.wait();
}

#[cfg(feature = "example-thumbnails")]
#[filch::test]
async fn the_server_makes_pictures_smaller() {
    let server = Server::start("server", &["--serve"]);
    let mut picture = Vec::new();
    image::RgbImage::from_fn(400, 200, |x, y| image::Rgb([x as u8, y as u8, 7]))
        .write_to(
            &mut std::io::Cursor::new(&mut picture),
            image::ImageFormat::Jpeg,
        )
        .unwrap();
    let post = |url: String, body: Vec<u8>| client().post(&url).body(body).send();
    let answer = post(server.url("/thumbnail?side=100"), picture)
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "image/png");
    let small = image::load_from_memory(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!((small.width(), small.height()), (100, 50));
    let refused = post(server.url("/thumbnail"), b"no picture".to_vec())
        .await
        .unwrap();
    assert_eq!(refused.status(), 422);
}

#[filch::test]
async fn websockets_talks_to_its_clients() {
    let server = Server::start("websockets", &["127.0.0.1:0"]);
    assert_eq!(client().get(&server.url("/")).await.unwrap().status(), 200);
    let mut socket = connect(&server.url("/ws").replace("http", "ws"))
        .await
        .unwrap();
    socket.send("from the test").await.unwrap();
    let Some(Ok(Message::Text(first))) = socket.recv().await else {
        panic!("no text");
    };
    assert_eq!(first, "server's message 0");
    server.line("says from the test");
    socket.close(None).await.unwrap();
    server.line("is gone");
}

#[filch::test]
async fn sse_sends_events() {
    let server = Server::start("sse", &["127.0.0.1:0"]);
    let mut answer = client().get(&server.url("/sse")).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("data: hi!\n\n") {
        seen += std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap();
    }
}

#[test]
fn graceful_shutdown_answers_what_is_asked_and_ends() {
    let mut server = Server::start("graceful-shutdown", &["127.0.0.1:0"]);
    let mut stream = TcpStream::connect(&server.address).unwrap();
    // The head has come whole before anybody is told to stop: the handler sleeps for 5 seconds.
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\r\n")
        .unwrap();
    let mut other = TcpStream::connect(&server.address).unwrap();
    other
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    other.read_exact(&mut [0; 12]).unwrap();
    assert_eq!(server.terminate(), Some(0));
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[test]
fn unix_domain_socket_knows_who_has_connected() {
    let shown = run("unix-domain-socket", &[]);
    let printed = text(shown.stdout);
    assert!(shown.status.success(), "{printed} {}", text(shown.stderr));
    assert!(
        printed.contains(&format!("uid: {}", nix_uid())) && printed.contains("Hello, World!"),
        "{printed}"
    );
}

/// Whose process this is.
fn nix_uid() -> String {
    let shown = Command::new("id").arg("-u").output().unwrap();
    text(shown.stdout).trim().to_owned()
}
