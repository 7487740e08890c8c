//! Each limit as a stream sees it: it is answered or reset, and its siblings go on.

use super::*;
use crate::limits::{Answered, SHORT, endless, no_limits, reads};
use filch::CancelToken;
use filch::http::Method;

/// `POST` reads its body and never answers; whatever else is echoed.
async fn posts(limits: Limits) -> (Running, Client, CancelToken) {
    async fn handler(request: Request<Body>, dropped: CancelToken) -> Answered {
        match *request.method() {
            Method::POST => reads(request, dropped).await,
            _ => echo(request).await,
        }
    }
    let dropped = CancelToken::new();
    let token = dropped.clone();
    let (server, client) = served(limits, move |request| handler(request, token.clone())).await;
    (server, client, dropped)
}

/// Stream 1 is answered so, and its handler is gone; another one of the connection is answered then.
async fn is_refused(server: Running, mut client: Client, dropped: CancelToken, status: u16) {
    let head = client.next(HEADERS).await.unwrap();
    assert_eq!((head.stream, head.status()), (1, status));
    assert_eq!(head.flags & END_STREAM, END_STREAM);
    dropped.cancelled().await;
    answers(&mut client, 3).await;
    drop(client);
    let served = server.end().await;
    assert_eq!((served.refused, served.finished), (1, 1));
}

#[filch::test]
async fn a_body_that_stalls_is_answered_with_408() {
    let (server, mut client, dropped) = posts(no_limits().stall(SHORT)).await;
    client.send(post_with(1, &[])).await;
    client.send(frame(DATA, 0, 1, b"half")).await;
    is_refused(server, client, dropped, 408).await;
}

#[filch::test]
async fn an_answer_that_does_not_come_is_a_504() {
    let (server, mut client, dropped) = posts(no_limits().answer(SHORT)).await;
    client.send(post_with(1, &[])).await;
    is_refused(server, client, dropped, 504).await;
}

#[filch::test]
async fn a_body_that_grows_too_large_is_answered_with_413() {
    let (server, mut client, dropped) = posts(no_limits().body(10)).await;
    client.send(post_with(1, &[])).await;
    client.send(frame(DATA, 0, 1, b"1234567890")).await;
    client.send(frame(DATA, 0, 1, b"1")).await;
    is_refused(server, client, dropped, 413).await;
}

#[filch::test]
async fn many_headers_and_long_uris_are_answered_so() {
    let many = [("x", "y"); 5];
    assert_eq!(status(no_limits().headers(4), get_with(&many)).await, 431);
    let path = format!("/{}", "x".repeat(50));
    let pseudo = [(":method", "GET"), (":scheme", "http"), (":path", &path)];
    let long = frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&pseudo));
    assert_eq!(status(no_limits().uri(50), long).await, 414);
}

#[filch::test]
async fn a_whole_answer_may_have_a_limit() {
    let (server, dropped) = endless(no_limits().whole(SHORT), None).await;
    let mut client = server.connect().await;
    client.greet().await;
    client.ask(1).await;
    assert_eq!(client.next(HEADERS).await.unwrap().status(), 200);
    let reset = client.next(RST_STREAM).await.unwrap();
    assert_eq!((reset.stream, reason(&reset)), (1, INTERNAL_ERROR));
    dropped.cancelled().await;
    client.ask(3).await;
    assert_eq!(client.next(HEADERS).await.unwrap().stream, 3);
    client.next(RST_STREAM).await.unwrap();
    drop(client);
    assert_eq!(server.end().await.refused, 2);
}

#[filch::test]
async fn too_many_requests_at_a_time_are_answered_with_503() {
    let (server, mut client) = greeted(no_limits().concurrency(1)).await;
    client.send(post_with(1, &[])).await;
    client.ask(3).await;
    let head = client.next(HEADERS).await.unwrap();
    assert_eq!((head.stream, head.status()), (3, 503));
    assert_eq!(head.field("retry-after").unwrap(), "1");
    client.send(frame(DATA, END_STREAM, 1, b"body")).await;
    assert_eq!(body(&mut client, 1).await, b"POST / body");
    answers(&mut client, 5).await;
    drop(client);
    assert_eq!(server.end().await.refused, 1);
}

/// The server says twice that it ends, for no fault of its client, and closes.
async fn is_sent_away(client: &mut Client) {
    for _ in 0..2 {
        let away = client.next(GOAWAY).await.expect("it says so");
        assert_eq!(reason(&away), NO_ERROR);
    }
    assert!(client.frame().await.is_none());
}

#[filch::test]
async fn an_idle_connection_is_closed_and_told_so_before() {
    let (server, mut client) = greeted(no_limits().idle(SHORT)).await;
    answers(&mut client, 1).await;
    is_sent_away(&mut client).await;
    assert_eq!(server.end().await.finished, 1);
}

#[filch::test]
async fn a_head_that_does_not_end_and_a_preface_without_anything_are_closed_when_idle() {
    let half = frame(HEADERS, END_STREAM, 1, &GET[..2]);
    for begun in [&half[..], &half[..5], &[]] {
        let server = serve(no_limits().idle(SHORT), LONG, echo).await;
        let mut client = server.connect().await;
        client.greet().await;
        client.send(begun).await;
        while client.frame().await.is_some() {}
        let mut client = server.connect().await;
        client.send([PREFACE, begun].concat()).await;
        while client.frame().await.is_some() {}
        assert_eq!(server.end().await.connections_panicked, 0);
    }
}
