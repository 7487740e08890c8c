//! A server that echoes, and a client whose frames are written by hand.

use filch::http::websocket::future::Connect;
use filch::http::websocket::{Config, Message, Upgrade, WebSocket};
use filch::http::{self, Body, Client, Limits, Request, Response};
use filch::io::AsyncReadExt;
use filch::net::{TcpListener, TcpStream};
use filch::sync::mpsc;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

/// What a handler saw: messages, and at last why it ended.
pub(crate) type Seen = mpsc::Receiver<String>;

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;
/// Without the bit that says that it is the last.
pub(crate) const TEXT_BEGINS: u8 = 0x01;
pub(crate) const BINARY_BEGINS: u8 = 0x02;
pub(crate) const GOES_ON: u8 = 0x00;
pub(crate) const ENDS: u8 = 0x80;

/// Gives each WebSocket to `handler`. One connection at a time.
pub(crate) async fn serving<F, Fut>(config: Config, handler: F) -> SocketAddr
where
    F: Fn(WebSocket, http::HeaderMap) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    serve_on(listener, config, handler);
    address
}

/// The same on a listener of one's own.
pub(crate) fn serve_on<L, F, Fut>(listener: L, config: Config, handler: F)
where
    L: http::Listener,
    F: Fn(WebSocket, http::HeaderMap) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let service = http::service_fn(move |request: Request<Body>| {
        let answer = answer(request, config.clone(), handler.clone());
        async { Ok::<_, Infallible>(answer) }
    });
    let limits = Limits::default().connections(1);
    filch::spawn(http::serve(listener, service).limits(limits).into_future());
}

/// A client that no proxy of this machine's gets in the way of.
pub(crate) fn dial(url: &str) -> Connect {
    Client::builder().no_proxy().build().websocket(url)
}

fn answer<F, Fut>(request: Request<Body>, config: Config, handler: F) -> Response<Body>
where
    F: Fn(WebSocket, http::HeaderMap) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (mut head, _) = request.into_parts();
    let upgrade = match Upgrade::of(&mut head) {
        Ok(upgrade) => upgrade.protocols(["chat", "other"]),
        Err(refusal) => return refusal.into_response().map(Body::from),
    };
    let (answer, upgrading) = upgrade.accept();
    filch::spawn(async move {
        let socket = upgrading.open(config).await.unwrap();
        handler(socket, head.headers).await;
    });
    answer.map(|()| Body::empty())
}

/// Echoes messages, and tells of them.
pub(crate) async fn server(config: Config) -> (SocketAddr, Seen) {
    let (sender, seen) = mpsc::channel(64);
    let handler = move |socket, _| echo(socket, sender.clone());
    (serving(config, handler).await, seen)
}

pub(crate) async fn echo(mut socket: WebSocket, seen: mpsc::Sender<String>) {
    while let Some(message) = socket.recv().await {
        let told = match &message {
            Ok(Message::Text(_)) => "text".to_owned(),
            Ok(Message::Binary(_)) => "binary".to_owned(),
            Ok(message) => format!("{message:?}"),
            Err(error) if error.is_silent() => "silent".to_owned(),
            Err(error) if error.is_too_large() => "too large".to_owned(),
            Err(error) => format!("failed: {error}"),
        };
        // Nobody has to listen.
        let _ = seen.try_send(told);
        match message {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                let _ = socket.send(message).await;
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
    let _ = seen.try_send("end".to_owned());
}

/// The bytes of a raw client's handshake.
pub(crate) fn handshake(address: SocketAddr, more: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n{more}\r\n"
    )
}

/// A connection by which a new server was asked, and the head of its answer. `request` gets the usual handshake.
pub(crate) async fn shaken(request: impl FnOnce(String) -> String) -> (TcpStream, String) {
    let (address, _seen) = server(Config::new()).await;
    ask(address, request(handshake(address, ""))).await
}

/// The same of a server that is there.
pub(crate) async fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> (TcpStream, String) {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_ref()).await.unwrap();
    let answer = head(&stream).await;
    (stream, answer)
}

/// A new client sends these frames, and these come back: the first byte of each, and what it carries.
pub(crate) async fn gives(frames: &[Vec<u8>], answers: &[(u8, &[u8])]) {
    let (raw, _seen) = Raw::new().await;
    raw.send(frames.concat()).await;
    for (first, payload) in answers {
        raw.expect(*first, payload).await;
    }
}

/// A new client sends these frames, and is refused by a close frame with the number of a broken protocol.
pub(crate) async fn breaks(frames: &[Vec<u8>]) {
    let (raw, _seen) = Raw::new().await;
    raw.send(frames.concat()).await;
    raw.refused(1002).await;
}

/// The head of a request or an answer.
pub(crate) async fn head(stream: &TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A frame with its shortest length, masked if it is a client's.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    masked(first, payload, Some([0x0f, 0xa5, 0x00, 0xff]))
}

pub(crate) fn masked(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let bit = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..=125 => frame.push(bit | short as u8),
        middle @ 126..=0xffff => {
            frame.push(bit | 126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(bit | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    let mask = mask.inspect(|mask| frame.extend(mask)).unwrap_or_default();
    let bytes = payload.iter().zip(mask.iter().cycle());
    frame.extend(bytes.map(|(byte, mask)| byte ^ mask));
    frame
}

/// A close frame's payload.
pub(crate) fn code(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// A client that writes its frames by hand.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    address: SocketAddr,
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Raw {
        let (stream, answer) = ask(address, handshake(address, "")).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        Raw { stream, address }
    }

    /// To a server that echoes, with the usual limits.
    pub(crate) async fn new() -> (Raw, Seen) {
        let (address, seen) = server(Config::new()).await;
        (Raw::connect(address).await, seen)
    }

    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next frame: its first byte, and what it carries.
    pub(crate) async fn read(&self) -> (u8, Vec<u8>) {
        read(&self.stream).await
    }

    pub(crate) async fn expect(&self, first: u8, payload: impl AsRef<[u8]>) {
        let (got, bytes) = self.read().await;
        assert_eq!(got, first, "with {:?}", String::from_utf8_lossy(&bytes));
        assert!(bytes == payload.as_ref(), "{} bytes", bytes.len());
    }

    /// A close frame with this number comes, and then nothing more.
    pub(crate) async fn refused(self, number: u16) {
        let (first, payload) = self.read().await;
        assert_eq!(first, CLOSE, "{payload:?}");
        assert_eq!(u16::from_be_bytes([payload[0], payload[1]]), number);
        self.ended().await;
    }

    /// Nothing more comes, and the server has room for another one.
    pub(crate) async fn ended(self) {
        let mut rest = Vec::new();
        // It may be a reset, if the server did not read all.
        let _ = (&mut &self.stream).read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "{rest:?}");
        let next = Raw::connect(self.address).await;
        next.send(frame(TEXT, b"next")).await;
        next.expect(TEXT, b"next").await;
    }
}

/// A server's frame: its first byte, and what it carries.
pub(crate) async fn read(stream: &TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.unwrap();
    assert!(head[1] < 0x80, "a server masks nothing");
    let length = match head[1] {
        126 => {
            let mut length = [0; 2];
            stream.read_exact(&mut length).await.unwrap();
            usize::from(u16::from_be_bytes(length))
        }
        127 => {
            let mut length = [0; 8];
            stream.read_exact(&mut length).await.unwrap();
            usize::try_from(u64::from_be_bytes(length)).unwrap()
        }
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.unwrap();
    (head[0], payload)
}
