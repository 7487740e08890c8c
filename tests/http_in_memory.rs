//! HTTP over connections in memory: each part of it once, and small enough for Miri (`.ci/miri`), which has no sockets.

use filch::http::sse::{Event, Sse};
use filch::http::websocket::{Config, Message, Side, Upgrade, WebSocket};
use filch::http::{
    self, Body, BodyError, ConnInfo, Dialer, Limits, ProxyListener, Request, Response,
};
use filch::io::{AsyncReadExt, AsyncWriteExt, duplex};
use filch::stream::{StreamExt, iter};
use filch::{CancelToken, JoinHandle};
use std::convert::Infallible;
use std::time::Duration;

/// Answers with method, path and the body.
async fn echo(request: Request<Body>) -> Result<Response<Body>, BodyError> {
    let head = format!("{} {} ", request.method(), request.uri().path());
    let body = request.into_body().text(1000).await?;
    Ok(Response::new(Body::from(head + &body)))
}

#[filch::test]
async fn requests_are_answered_by_both_versions() {
    let client = http::test_client(http::service_fn(echo));
    for client in [client.clone(), client.http2()] {
        let answer = client.get("/one").await.unwrap();
        assert_eq!(answer.into_body().text(100).await.unwrap(), "GET /one ");
        let answer = client.post("/two", "body").await.unwrap();
        assert_eq!(
            answer.into_body().text(100).await.unwrap(),
            "POST /two body"
        );
    }
}

#[filch::test]
async fn events_are_written_and_read() {
    async fn count(_: Request<Body>) -> Result<Response<Body>, Infallible> {
        let events = iter(1..3)
            .map(|n| Ok::<_, Infallible>(Event::new().id("7").data(format!("{n}\nmore"))));
        Ok(Sse::new(events).into_response().map(Body::new))
    }
    let client = http::test_client(http::service_fn(count));
    let mut events = client.events("/").await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().data, "1\nmore");
    assert_eq!(events.next().await.unwrap().unwrap().data, "2\nmore");
    assert!(events.next().await.is_none());
}

#[filch::test]
async fn an_upgraded_connection_carries_messages() {
    async fn upgrade(request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let (mut head, _) = request.into_parts();
        let (answer, upgrading) = Upgrade::of(&mut head).unwrap().accept();
        filch::spawn(async move {
            let mut socket = upgrading.open(Config::new()).await.unwrap();
            while let Some(Ok(message)) = socket.recv().await {
                if !matches!(message, Message::Close(_)) {
                    socket.send(message).await.unwrap();
                }
            }
        });
        Ok(answer.map(|()| Body::empty()))
    }
    let client = http::test_client(http::service_fn(upgrade));
    let mut socket = client.websocket("/").await.unwrap();
    socket.send("hello").await.unwrap();
    assert_eq!(
        socket.recv().await.unwrap().unwrap(),
        Message::text("hello")
    );
    socket.close(None).await.unwrap();
    assert_eq!(socket.recv().await.unwrap().unwrap(), Message::Close(None));
    assert!(socket.recv().await.is_none());
}

#[filch::test]
async fn a_message_in_fragments_and_a_ping_between_are_read() {
    let (one, mut two) = duplex(1000);
    let mut server = WebSocket::from_stream(one, Side::Server, Config::new());
    // `He`, a ping, `llo`: with a mask of zeros.
    let frames = b"\x01\x82\0\0\0\0He\x89\x80\0\0\0\0\x80\x83\0\0\0\0llo";
    two.write_all(frames).await.unwrap();
    let ping = server.recv().await.unwrap().unwrap();
    assert_eq!(ping, Message::Ping(Default::default()));
    assert_eq!(
        server.recv().await.unwrap().unwrap(),
        Message::text("Hello")
    );
    let mut pong = [0; 2];
    two.read_exact(&mut pong).await.unwrap();
    assert_eq!(pong, [0x8a, 0]);
}

type Server = JoinHandle<std::io::Result<http::Served>>;

fn serve(limits: Limits, stop: &CancelToken) -> (Dialer, Server) {
    let (dialer, listener) = http::memory();
    let server = http::serve(listener, http::service_fn(echo)).limits(limits);
    let server = server.graceful(stop.clone(), Duration::MAX);
    (dialer, filch::spawn(server.into_future()))
}

/// What comes behind these bytes, to the end.
async fn rest(dialer: &Dialer, sent: &str) -> String {
    let mut stream = dialer.connect().await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    all
}

#[filch::test]
async fn requests_one_behind_the_other_and_chunks_and_limits() {
    let stop = CancelToken::new();
    let (dialer, server) = serve(Limits::default().body(3).uri(20), &stop);
    let chunked = "transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n1\r\ny\r\n0\r\n\r\n";
    let first = format!("POST /first HTTP/1.1\r\nhost: a\r\n{chunked}");
    let last = "GET /last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let all = rest(&dialer, &(first + last)).await;
    assert!(all.contains("POST /first hey"), "{all}");
    assert!(all.ends_with("GET /last "), "{all}");
    let large = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nlong";
    let said = rest(&dialer, large).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    let said = rest(&dialer, "what is this\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
    stop.cancel();
    let served = server.await.unwrap().unwrap();
    assert_eq!(
        (served.connections, served.finished, served.refused),
        (3, 2, 1)
    );
}

#[filch::test(paused)]
async fn half_a_head_and_a_body_that_stalls_are_not_waited_for() {
    let stop = CancelToken::new();
    let (dialer, server) = serve(Limits::default(), &stop);
    for half in [
        "GET / HTTP/1.1\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nha",
    ] {
        let said = rest(&dialer, half).await;
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    }
    stop.cancel();
    assert_eq!(server.await.unwrap().unwrap().refused, 1);
}

#[filch::test]
async fn a_proxy_says_whose_a_connection_is() {
    async fn who(request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let info = request.extensions().get::<ConnInfo>().unwrap();
        let peer = info.peer().socket_addr().unwrap().to_string();
        Ok(Response::new(Body::from(peer)))
    }
    let (dialer, listener) = http::memory();
    let listener = ProxyListener::of_peers(listener, |_| true);
    let server = filch::spawn(http::serve(listener, http::service_fn(who)).into_future());
    let ask = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let line = "PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n";
    let all = rest(&dialer, &[line, ask].concat()).await;
    assert!(all.ends_with("192.0.2.1:5000"), "{all}");
    server.abort();
}
