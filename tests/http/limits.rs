//! Each limit, and what its client sees.

use super::raw::{LONG, Running, echo, serve};
use super::two;
use filch::CancelToken;
use filch::http::{Body, BodyError, Bytes, Frame, Limits, Request, Response};
use filch::time::sleep;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Short enough not to be waited for by whoever runs the tests, and every other limit is out of the way.
pub(crate) const SHORT: Duration = Duration::from_millis(30);

pub(crate) fn no_limits() -> Limits {
    let limits = Limits::default().first_byte(LONG).head(LONG);
    limits.idle(LONG).stall(LONG).answer(None).linger(SHORT)
}

async fn echoing(limits: Limits) -> Running {
    serve(limits, LONG, echo).await
}

pub(crate) type Answered = Result<Response<Body>, BodyError>;

/// Never answers, and tells when it is dropped.
async fn never(_: Request<Body>, dropped: CancelToken) -> Answered {
    let _guard = dropped.drop_guard();
    std::future::pending().await
}

/// The same, which waits for the body.
pub(crate) async fn reads(request: Request<Body>, dropped: CancelToken) -> Answered {
    let _guard = dropped.drop_guard();
    let read = request.into_body().bytes(usize::MAX - 1).await;
    assert!(read.is_err(), "{read:?}");
    std::future::pending().await
}

#[filch::test]
async fn whoever_says_nothing_is_closed() {
    let server = echoing(no_limits().first_byte(SHORT)).await;
    assert!(server.connect().await.is_closed().await);
}

/// "As long as you like" is a limit that nobody reaches, not one that cannot be added to the time.
#[filch::test]
async fn every_limit_may_be_as_long_as_there_is() {
    let ever = Duration::MAX;
    let limits = Limits::default().first_byte(ever).head(ever).stall(ever);
    let limits = limits.answer(ever).whole(ever).idle(ever).linger(ever);
    let server = serve(limits, ever, echo).await;
    let mut client = server.connect().await;
    for _ in 0..2 {
        assert_eq!(client.get("/").await.status, 200);
    }
    let mut two = server.connect().await;
    two.greet().await;
    for stream in [1, 3] {
        two.ask(stream).await;
        assert!(two.next(two::DATA).await.is_some());
    }
    server.stop.cancel();
    // Whoever may still ask something is waited for.
    assert!(two.next(two::GOAWAY).await.is_some());
    assert_eq!(client.get("/").await.status, 200);
    assert!(client.is_closed().await);
    drop(two);
    let served = server.ended().await;
    assert_eq!((served.finished, served.connections_panicked), (5, 0));
}

#[filch::test]
async fn half_a_preface_is_closed_and_half_a_head_answered_with_408() {
    let server = echoing(no_limits().head(SHORT)).await;
    let mut client = server.connect().await;
    client.send("PRI * HT").await;
    assert!(client.is_closed().await);
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx").await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 408);
    assert!(answer.has("connection: close"));
    assert!(client.is_closed().await);
    // Also of a second request.
    let mut client = server.connect().await;
    client.get("/").await;
    client.send("GET / HTTP/1.1\r\n").await;
    assert_eq!(client.answer().await.status, 408);
}

#[filch::test]
async fn half_a_head_behind_a_whole_request_is_answered_with_408_too() {
    let server = echoing(no_limits().head(SHORT)).await;
    let chunked =
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    for first in ["GET / HTTP/1.1\r\nhost: a\r\n\r\n", chunked] {
        let mut client = server.connect().await;
        client.send([first, "GET / HT"].concat()).await;
        assert_eq!(client.answer().await.status, 200);
        assert_eq!(client.answer().await.status, 408, "{first}");
        assert!(client.is_closed().await);
    }
}

#[filch::test]
async fn whole_requests_one_behind_the_other_leave_an_idle_connection() {
    let server = echoing(no_limits().head(SHORT)).await;
    let mut client = server.connect().await;
    client
        .send("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(3))
        .await;
    for _ in 0..3 {
        assert_eq!(client.answer().await.status, 200);
    }
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx")
        .await;
    assert_eq!(client.answer().await.status, 200);
    sleep(4 * SHORT).await;
    assert_eq!(client.get("/").await.status, 200, "the connection was kept");
}

#[filch::test]
async fn large_heads_many_headers_and_long_uris_are_answered_so() {
    let server = echoing(no_limits().head_bytes(2000).uri(100)).await;
    let with = |headers: String| format!("GET / HTTP/1.1\r\nhost: a\r\n{headers}");
    let large = with(format!("x: {}\r\n\r\n", "x".repeat(2000)));
    let endless = with(format!("x: {}", "x".repeat(2000)));
    let many = with("x: y\r\n".repeat(100) + "\r\n");
    let uri = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(100));
    for (request, status) in [(large, 431), (endless, 431), (many, 431), (uri, 414)] {
        let mut client = server.connect().await;
        client.send(&request).await;
        assert_eq!(client.answer().await.status, status, "{request}");
    }
    assert_eq!(
        server.end().await.refused,
        1,
        "the others never were requests"
    );
}

#[filch::test]
async fn an_idle_connection_is_closed() {
    let server = echoing(no_limits().idle(SHORT)).await;
    let mut client = server.connect().await;
    client.get("/").await;
    assert!(client.is_closed().await);
}

#[filch::test]
async fn a_body_that_stalls_is_answered_with_408_and_its_handler_dropped() {
    let dropped = CancelToken::new();
    let token = dropped.clone();
    let server = serve(no_limits().stall(SHORT), LONG, move |r| {
        reads(r, token.clone())
    })
    .await;
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf")
        .await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 408);
    assert!(answer.has("connection: close"));
    dropped.cancelled().await;
    assert!(client.is_closed().await);
    assert_eq!(server.end().await.refused, 1);
}

#[filch::test]
async fn a_body_that_is_too_large_is_answered_with_413() {
    let dropped = CancelToken::new();
    let token = dropped.clone();
    let server = serve(no_limits().body(10), LONG, move |r| reads(r, token.clone())).await;
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\n12345678901")
        .await;
    assert_eq!(client.answer().await.status, 413);
    assert!(!dropped.is_cancelled(), "the handler was not asked");
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n6\r\n123456\r\n6\r\n123456\r\n")
        .await;
    assert_eq!(client.answer().await.status, 413);
    dropped.cancelled().await;
    assert_eq!(server.end().await.refused, 2);
}

#[filch::test]
async fn an_answer_that_does_not_come_is_a_504() {
    let dropped = CancelToken::new();
    let token = dropped.clone();
    let server = serve(no_limits().answer(SHORT), LONG, move |r| {
        never(r, token.clone())
    })
    .await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/").await.status, 504);
    assert!(dropped.is_cancelled());
    assert_eq!(server.end().await.refused, 1);
}

/// Gives pieces for ever, or none, and tells when it is dropped.
struct Endless {
    piece: Option<&'static [u8]>,
    dropped: CancelToken,
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.dropped.cancel();
    }
}

impl filch::http::HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.piece {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece))))),
            None => Poll::Pending,
        }
    }
}

/// Answers with such a body, and a token for its drop.
pub(crate) fn endless_handler(
    piece: Option<&'static [u8]>,
) -> (
    impl FnMut(Request<Body>) -> Ready<Answered> + Clone + Send + 'static,
    CancelToken,
) {
    let dropped = CancelToken::new();
    let token = dropped.clone();
    let handler = move |_| {
        let dropped = token.clone();
        ready(Ok(Response::new(Body::new(Endless { piece, dropped }))))
    };
    (handler, dropped)
}

pub(crate) async fn endless(
    limits: Limits,
    piece: Option<&'static [u8]>,
) -> (Running, CancelToken) {
    let (handler, dropped) = endless_handler(piece);
    (serve(limits, LONG, handler).await, dropped)
}

#[filch::test]
async fn a_whole_answer_may_have_a_limit() {
    let (server, dropped) = endless(no_limits().whole(SHORT), None).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert!(client.is_closed().await);
    dropped.cancelled().await;
    assert_eq!(server.end().await.refused, 1);
}

#[filch::test]
async fn an_answer_that_nobody_takes_is_cut_off() {
    let limits = no_limits().stall(SHORT);
    let (server, dropped) = endless(limits, Some(&[b'x'; 100_000])).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    dropped.cancelled().await;
    assert_eq!(server.end().await.refused, 1);
}

#[filch::test]
async fn a_silent_handler_is_not_its_clients_fault() {
    let (server, dropped) = endless(no_limits().stall(SHORT), None).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.head().await;
    sleep(4 * SHORT).await;
    assert!(!dropped.is_cancelled());
    drop(client);
    dropped.cancelled().await;
    assert_eq!(server.end().await.left, 1);
}

#[filch::test]
async fn too_many_requests_at_a_time_are_answered_with_503() {
    let (gate, arrived) = (CancelToken::new(), CancelToken::new());
    let (opened, there) = (gate.clone(), arrived.clone());
    let server = serve(no_limits().concurrency(1), LONG, move |_| {
        let (opened, there) = (opened.clone(), there.clone());
        async move {
            there.cancel();
            opened.cancelled().await;
            Ok::<_, BodyError>(Response::new(Body::from("done")))
        }
    })
    .await;
    let mut first = server.connect().await;
    first.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    arrived.cancelled().await;
    let mut second = server.connect().await;
    let answer = second.get("/").await;
    assert_eq!(answer.status, 503);
    assert!(answer.has("retry-after: 1"), "{answer:?}");
    gate.cancel();
    assert_eq!(first.answer().await.status, 200);
    assert_eq!(second.get("/").await.status, 200, "the connection was kept");
}

#[filch::test]
async fn nobody_is_accepted_beyond_the_limit_of_connections() {
    let server = echoing(no_limits().connections(1)).await;
    let mut first = server.connect().await;
    first.get("/").await;
    let mut second = server.connect().await;
    second.send("GET /second HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(first.get("/").await.status, 200);
    drop(first);
    assert_eq!(second.answer().await.body, "GET /second ");
}
