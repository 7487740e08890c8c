//! The clients. Each uses its connection for as long as the server lets it, and fails the test at the first failure.

use super::two;
use filch::http::websocket::{Message, connect};
use filch::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use filch::net::TcpStream;
use filch::time::sleep;
use filch::{CancelToken, JoinHandle};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    One,
    /// HTTP/1.1, to a handler that takes its time.
    Slow,
    Two,
    Socket,
    Events,
}

const KINDS: [Kind; 5] = [Kind::One, Kind::Slow, Kind::Two, Kind::Socket, Kind::Events];
/// Of each kind.
const CLIENTS: usize = 2;

/// What a client has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Connections.
    pub(crate) dialled: u64,
    /// Requests that were answered to the end.
    pub(crate) requests: u64,
    /// Those, or messages, or events.
    pub(crate) answers: u64,
}

/// One client.
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) over: CancelToken,
    /// How often it was answered over the connection that it has.
    answered: Arc<AtomicU64>,
    pub(crate) seen: Seen,
}

impl Client {
    pub(crate) async fn dial(&mut self) -> BufReader<TcpStream> {
        self.answered.store(0, Relaxed);
        let stream = TcpStream::connect(self.address).await.unwrap();
        self.seen.dialled += 1;
        BufReader::new(stream)
    }

    pub(crate) fn is_answered(&mut self) {
        self.seen.answers += 1;
        self.answered.fetch_add(1, Relaxed);
    }

    async fn run(mut self, kind: Kind) -> Seen {
        while !self.over.is_cancelled() {
            match kind {
                Kind::One => self.one("/").await,
                Kind::Slow => self.one("/slow").await,
                Kind::Two => two::ask(&mut self).await,
                Kind::Socket => self.socket().await,
                Kind::Events => self.events().await,
            }
        }
        self.seen
    }

    /// Over one connection, until the server says that it is the last answer.
    async fn one(&mut self, path: &str) {
        let mut stream = self.dial().await;
        let mut last = false;
        while !last && !self.over.is_cancelled() {
            ask(&stream, path).await;
            let head = head(&mut stream).await;
            let mut body = [0; 2];
            stream.read_exact(&mut body).await.unwrap();
            assert_eq!(&body, b"ok", "{head}");
            last = head.contains("connection: close");
            self.seen.requests += 1;
            self.is_answered();
        }
    }

    /// Until the server says goodbye.
    async fn socket(&mut self) {
        self.answered.store(0, Relaxed);
        let mut socket = connect(&format!("ws://{}/ws", self.address)).await.unwrap();
        self.seen.dialled += 1;
        self.seen.requests += 1;
        let away = loop {
            // Whatever it is that comes before the goodbye is an answer.
            let _ = socket.send("hello").await;
            match socket.recv().await {
                Some(Ok(Message::Text(text))) => assert_eq!(text, "hello"),
                Some(Ok(Message::Close(frame))) => break frame,
                other => panic!("{other:?}"),
            }
            self.is_answered();
            sleep(Duration::from_millis(1)).await;
        };
        assert_eq!(away.unwrap().code, 1001);
        assert!(socket.recv().await.is_none());
    }

    /// Until the stream of events ends, as it should.
    async fn events(&mut self) {
        let mut stream = self.dial().await;
        ask(&stream, "/events").await;
        head(&mut stream).await;
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(stream.read_line(&mut line).await.unwrap(), 0, "cut off");
            match line.as_str() {
                "data: tick\n" => self.is_answered(),
                // The last chunk.
                "0\r\n" => break,
                _ => {}
            }
        }
        self.seen.requests += 1;
    }
}

async fn ask(stream: &BufReader<TcpStream>, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    stream
        .get_ref()
        .write_all(request.as_bytes())
        .await
        .unwrap();
}

async fn head(stream: &mut BufReader<TcpStream>) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(
            stream.read_line(&mut head).await.unwrap(),
            0,
            "closed after {head:?}"
        );
    }
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    head
}

/// All of them.
pub(crate) struct Crowd {
    over: CancelToken,
    clients: Vec<(Kind, Arc<AtomicU64>, JoinHandle<Seen>)>,
}

impl Crowd {
    pub(crate) fn start(address: SocketAddr) -> Crowd {
        let over = CancelToken::new();
        let start = |kind| {
            let answered = Arc::<AtomicU64>::default();
            let client = Client {
                address,
                over: over.clone(),
                answered: answered.clone(),
                seen: Seen::default(),
            };
            (kind, answered, filch::spawn(client.run(kind)))
        };
        let clients = KINDS.into_iter().flat_map(|kind| [kind; CLIENTS]);
        let clients = clients.map(start).collect();
        Crowd { over, clients }
    }

    /// Waits until each has had so many answers over the connection that it has.
    pub(crate) async fn each_is_answered(&self, times: usize) {
        let enough = |answered: &AtomicU64| answered.load(Relaxed) >= times as u64;
        while !self.clients.iter().all(|(_, answered, _)| enough(answered)) {
            let failed = self
                .clients
                .iter()
                .find(|(_, _, client)| client.is_finished());
            assert!(failed.is_none(), "a client has failed");
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Tells them to end, and then the last server. Returns what each kind has seen.
    pub(crate) async fn end(self, last: impl Future<Output = ()>) -> Vec<Seen> {
        self.over.cancel();
        last.await;
        let mut all: Vec<Seen> = KINDS.iter().map(|_| Seen::default()).collect();
        for (kind, _, client) in self.clients {
            let seen = client.await.unwrap();
            let sum = &mut all[kind as usize];
            sum.dialled += seen.dialled;
            sum.requests += seen.requests;
            sum.answers += seen.answers;
        }
        all
    }
}
