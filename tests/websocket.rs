//! WebSockets on the server of `filch::http`: by our own client, by raw bytes, and over HTTP/2.

#[path = "common/mod.rs"]
mod common;

use common::rounds;
use filch::http::rt::{Executor, FromHyper, Timer};
use filch::http::websocket::{
    CloseFrame, Config, Message, Side, Upgrade, WebSocket, connect, connect_over,
};
use filch::http::{self, Body, Request, Response};
use filch::net::{TcpListener, TcpStream};
use filch::sync::mpsc;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

/// What a handler saw: messages, and at last why it ended.
type Seen = mpsc::Receiver<String>;

/// Echoes messages, and tells of them.
async fn server(config: Config) -> (SocketAddr, Seen) {
    let (sender, seen) = mpsc::channel(64);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = http::service_fn(move |request: Request<Body>| {
        let answer = answer(request, config.clone(), sender.clone());
        async { Ok::<_, Infallible>(answer) }
    });
    filch::spawn(http::serve(listener, service).into_future());
    (address, seen)
}

fn answer(request: Request<Body>, config: Config, seen: mpsc::Sender<String>) -> Response<Body> {
    let (mut head, _) = request.into_parts();
    let upgrade = match Upgrade::of(&mut head) {
        Ok(upgrade) => upgrade.protocols(["chat", "other"]),
        Err(refusal) => return refusal.into_response().map(Body::from),
    };
    let (answer, upgrading) = upgrade.accept();
    filch::spawn(async move {
        let socket = upgrading.open(config).await.unwrap();
        echo(socket, seen).await;
    });
    answer.map(|()| Body::empty())
}

async fn echo(mut socket: WebSocket, seen: mpsc::Sender<String>) {
    while let Some(message) = socket.recv().await {
        let told = match &message {
            Ok(message) => format!("{message:?}"),
            Err(error) => format!(
                "silent {} large {}",
                error.is_silent(),
                error.is_too_large()
            ),
        };
        // Nobody has to listen.
        let _ = seen.send(told).await;
        match message {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                let _ = socket.send(message).await;
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
    let _ = seen.send("end".to_owned()).await;
}

#[filch::test]
async fn messages_go_both_ways_and_a_close_is_agreed_on() {
    let (address, seen) = server(Config::new()).await;
    let mut socket = connect(&format!("ws://{address}/")).await.unwrap();
    for round in 0..rounds(50) {
        socket.send(format!("text {round}")).await.unwrap();
        let Some(Ok(Message::Text(text))) = socket.recv().await else {
            panic!("no text");
        };
        assert_eq!(text, format!("text {round}"));
        assert!(seen.recv().await.unwrap().contains("Text"));
    }
    let large = vec![7; 1 << 20];
    socket.send(large.clone()).await.unwrap();
    assert_eq!(
        socket.recv().await.unwrap().unwrap(),
        Message::binary(large)
    );
    let frame = CloseFrame {
        code: 4321,
        reason: "done".into(),
    };
    socket.close(Some(frame.clone())).await.unwrap();
    assert_eq!(
        socket.recv().await.unwrap().unwrap(),
        Message::Close(Some(frame))
    );
    assert!(socket.recv().await.is_none());
    assert!(socket.recv().await.is_none());
    socket.close(None).await.unwrap();
    let mut last = String::new();
    while let Some(told) = seen.recv().await {
        last = told;
        if last == "end" {
            break;
        }
        assert!(!last.contains("silent"), "{last}");
    }
    assert_eq!(last, "end");
}

/// The bytes of a raw client's handshake.
fn handshake(address: SocketAddr, more: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n{more}\r\n"
    )
}

async fn head(stream: &TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

async fn raw(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(handshake(address, "").as_bytes())
        .await
        .unwrap();
    let answer = head(&stream).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    stream
}

/// A client's frame, masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    let mut frame = vec![first, 0x80 | length, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

/// A server's frame: its first byte, and what it carries.
async fn read(stream: &TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.unwrap();
    assert!(head[1] < 126, "short, and not masked");
    let mut payload = vec![0; usize::from(head[1])];
    stream.read_exact(&mut payload).await.unwrap();
    (head[0], payload)
}

fn code(payload: &[u8]) -> u16 {
    u16::from_be_bytes([payload[0], payload[1]])
}

#[filch::test]
async fn a_request_that_is_none_for_a_websocket_is_told_why() {
    let (address, _seen) = server(Config::new()).await;
    let whole = handshake(address, "");
    for (request, status, says) in [
        (
            whole.replace("GET", "POST"),
            "426",
            "sec-websocket-version: 13",
        ),
        (
            whole.replace("upgrade: WebSocket\r\n", ""),
            "426",
            "upgrade: websocket",
        ),
        (
            whole.replace("keep-alive, Upgrade", "keep-alive"),
            "426",
            "upgrade: websocket",
        ),
        (
            whole.replace("sec-websocket-version: 13", "sec-websocket-version: 8"),
            "426",
            "sec-websocket-version: 13",
        ),
        (
            whole.replace("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
            "400",
            "",
        ),
    ] {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = head(&stream).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}: {answer}"
        );
        assert!(answer.contains(says), "{request}: {answer}");
    }
}

#[filch::test]
async fn a_protocol_is_chosen_by_the_servers_order() {
    let (address, _seen) = server(Config::new()).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let more = "sec-websocket-protocol: unknown, other\r\nsec-websocket-protocol: chat\r\n";
    stream
        .write_all(handshake(address, more).as_bytes())
        .await
        .unwrap();
    assert!(
        head(&stream)
            .await
            .contains("sec-websocket-protocol: chat\r\n")
    );
    let request =
        ::http::Request::get(format!("ws://{address}/")).header("sec-websocket-protocol", "other");
    let stream = TcpStream::connect(address).await.unwrap();
    let socket = connect_over(request.body(()).unwrap(), stream, Config::new())
        .await
        .unwrap();
    assert_eq!(socket.protocol().unwrap(), "other");
}

#[filch::test]
async fn fragments_are_put_together_with_a_ping_in_between() {
    let (address, _seen) = server(Config::new()).await;
    let stream = raw(address).await;
    let mut bytes = frame(0x01, "ä".as_bytes().split_at(1).0);
    bytes.extend(frame(0x89, b"there?"));
    bytes.extend(frame(0x00, "ä".as_bytes().split_at(1).1));
    bytes.extend(frame(0x80, b"!"));
    // A byte at a time: frames come in pieces as well.
    for byte in bytes {
        stream.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(read(&stream).await, (0x8a, b"there?".to_vec()));
    assert_eq!(read(&stream).await, (0x81, "ä!".as_bytes().to_vec()));
}

#[filch::test]
async fn what_breaks_the_protocol_is_closed_with_its_number() {
    let mut unmasked = frame(0x81, b"x");
    unmasked.drain(2..6);
    unmasked[1] = 1;
    let mut long_ping = vec![0x89, 0x80 | 126, 0, 126, 0, 0, 0, 0];
    long_ping.extend([0; 126]);
    let mut long = vec![0x82, 0x80 | 126, 0, 140, 0, 0, 0, 0];
    long.extend([0; 140]);
    for (name, bytes, expected) in [
        ("a reserved bit", frame(0xc1, b"x"), 1002),
        ("a reserved kind", frame(0x83, b"x"), 1002),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        ("a ping in fragments", frame(0x09, b"x"), 1002),
        ("a ping of 126 bytes", long_ping, 1002),
        ("no mask", unmasked, 1002),
        (
            "a message within another",
            [frame(0x01, b"x"), frame(0x81, b"y")].concat(),
            1002,
        ),
        ("text that is none", frame(0x81, &[0xff]), 1007),
        (
            "too large a message",
            [frame(0x02, &[0; 100]), frame(0x80, &[0; 100])].concat(),
            1009,
        ),
        ("too large a frame", long, 1009),
    ] {
        let config = Config::new().max_message_size(150).max_frame_size(130);
        let (address, seen) = server(config).await;
        let stream = raw(address).await;
        stream.write_all(&bytes).await.unwrap();
        let (first, payload) = read(&stream).await;
        assert_eq!((first, code(&payload)), (0x88, expected), "{name}");
        let told = seen.recv().await.unwrap();
        assert_eq!(
            told.contains("large true"),
            expected == 1009,
            "{name}: {told}"
        );
        let mut rest = Vec::new();
        let _ = filch::io::AsyncReadExt::read_to_end(&mut &stream, &mut rest).await;
        assert!(rest.is_empty(), "{name}: {rest:?}");
    }
}

#[filch::test]
async fn close_codes_are_answered_or_refused() {
    for (code_sent, answered) in [
        (1000, 1000),
        (1001, 1001),
        (1011, 1011),
        (3000, 3000),
        (4999, 4999),
        (1005, 1002),
        (999, 1002),
        (2999, 1002),
    ] {
        let (address, seen) = server(Config::new()).await;
        let stream = raw(address).await;
        stream
            .write_all(&frame(0x88, &u16::to_be_bytes(code_sent)))
            .await
            .unwrap();
        let (first, payload) = read(&stream).await;
        assert_eq!((first, code(&payload)), (0x88, answered), "{code_sent}");
        seen.recv().await.unwrap();
    }
}

#[filch::test]
async fn a_peer_that_does_not_answer_a_ping_is_given_up() {
    let (address, seen) = server(Config::new().ping(Duration::from_millis(30))).await;
    let stream = raw(address).await;
    assert_eq!(read(&stream).await, (0x89, vec![]));
    let (first, payload) = read(&stream).await;
    assert_eq!((first, code(&payload)), (0x88, 1001));
    assert_eq!(seen.recv().await.unwrap(), "silent true large false");
}

#[filch::test]
async fn a_peer_that_answers_pings_stays() {
    let (address, seen) = server(Config::new().ping(Duration::from_secs(1))).await;
    let stream = raw(address).await;
    for _ in 0..3 {
        assert_eq!(read(&stream).await.0, 0x89);
        stream.write_all(&frame(0x8a, b"")).await.unwrap();
        assert_eq!(seen.recv().await.unwrap(), "Pong(b\"\")");
    }
}

#[filch::test]
async fn a_connection_that_breaks_is_an_error_or_an_end() {
    let (address, seen) = server(Config::new()).await;
    drop(raw(address).await);
    let told = seen.recv().await.unwrap();
    assert!(told == "end" || told.starts_with("silent false"), "{told}");
}

#[filch::test]
async fn http_2_carries_one_by_an_extended_connect() {
    let (address, seen) = server(Config::new()).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let mut client = hyper::client::conn::http2::Builder::new(Executor);
    let (mut sender, connection) = client.timer(Timer).handshake(stream).await.unwrap();
    filch::spawn(connection);
    let ask = || {
        let request =
            Request::connect(format!("http://{address}/")).header("sec-websocket-version", "13");
        let request = request.extension(hyper::ext::Protocol::from_static("websocket"));
        request
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .unwrap()
    };
    // The server has to have said that it does this.
    let answer = loop {
        sender.ready().await.unwrap();
        match sender.send_request(ask()).await {
            Ok(answer) => break answer,
            Err(_) => filch::task::yield_now().await,
        }
    };
    assert_eq!(answer.status(), 200);
    let upgraded = hyper::upgrade::on(answer).await.unwrap();
    let mut socket =
        WebSocket::from_stream(FromHyper::new(upgraded), Side::Client, Config::new()).await;
    socket.send("over two").await.unwrap();
    assert_eq!(
        socket.recv().await.unwrap().unwrap(),
        Message::text("over two")
    );
    assert!(seen.recv().await.unwrap().contains("over two"));
    socket.close(None).await.unwrap();
    assert_eq!(socket.recv().await.unwrap().unwrap(), Message::Close(None));
}

#[filch::test]
async fn a_socket_is_a_stream_and_a_sink_of_two_tasks() {
    use futures_util::{SinkExt, StreamExt};
    let (address, _seen) = server(Config::new()).await;
    let socket = connect(&format!("ws://{address}/")).await.unwrap();
    let (mut sink, mut stream) = StreamExt::split(socket);
    let count = rounds(40);
    let sending = filch::spawn(async move {
        for n in 0..count {
            sink.send(Message::from(n.to_string())).await.unwrap();
        }
        sink
    });
    for n in 0..count {
        assert_eq!(
            StreamExt::next(&mut stream).await.unwrap().unwrap(),
            Message::from(n.to_string())
        );
    }
    let mut sink = sending.await.unwrap();
    SinkExt::close(&mut sink).await.unwrap();
}

#[filch::test]
async fn what_is_no_url_of_a_websocket_is_refused() {
    for url in ["wss://h/", "/path", "http", "ftp://h/"] {
        let error = connect(url).await.unwrap_err();
        assert_eq!(
            std::io::Error::from(error).kind(),
            std::io::ErrorKind::InvalidInput,
            "{url}"
        );
    }
}
