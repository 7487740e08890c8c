//! HTTP/1 by its rules and against them, where hyper decides or leaves a hole.

use super::raw::{LONG, echo, serve};
use filch::http::{Body, BodyError, Limits, Request, Response, StatusCode};
use std::net::Shutdown;

#[filch::test]
async fn what_is_no_http_is_answered_with_400_and_closed() {
    for nonsense in [
        "what is this\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "\0\u{1}\u{2}\r\n\r\n",
    ] {
        let server = serve(Limits::default(), LONG, echo).await;
        let mut client = server.connect().await;
        client.send(nonsense).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 400, "{nonsense:?}");
        assert!(answer.has("connection: close"), "{answer:?}");
        assert!(client.is_closed().await);
        assert_eq!(server.end().await.finished, 0);
    }
}

#[filch::test]
async fn a_body_that_is_cut_off_is_answered_with_400() {
    let chunked = "transfer-encoding: chunked\r\n\r\n9\r\nhalf";
    for body in ["content-length: 9\r\n\r\nhalf", chunked] {
        let server = serve(Limits::default(), LONG, echo).await;
        let mut client = server.connect().await;
        client
            .send(format!("POST / HTTP/1.1\r\nhost: a\r\n{body}"))
            .await;
        let stream = client.0.get_ref();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.answer().await.status, 400, "{body}");
        assert!(client.is_closed().await);
        server.end().await;
    }
}

#[filch::test]
async fn an_answer_before_the_bodys_end_is_seen_by_a_client_that_sends_on() {
    let server = serve(Limits::default(), LONG, |_| async {
        Ok(Response::new(Body::from("early")))
    })
    .await;
    for begun in [
        "content-length: 9000000\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n",
    ] {
        let mut client = server.connect().await;
        client
            .send(format!("POST / HTTP/1.1\r\nhost: a\r\n{begun}"))
            .await;
        // More than the system keeps for somebody who does not read.
        let piece = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        client.send(piece.repeat(400)).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "early"));
        assert!(client.is_closed().await);
    }
    let served = server.end().await;
    assert_eq!((served.finished, served.left), (2, 0));
}

/// A handler that looks at no body.
async fn blind(_: Request<Body>) -> Result<Response<Body>, BodyError> {
    Ok(Response::new(Body::from("early")))
}

#[filch::test]
async fn a_small_body_that_comes_behind_its_head_costs_no_connection() {
    let server = serve(Limits::default(), LONG, blind).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        client
            .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n")
            .await;
        // The handler is done with it by now, most likely.
        filch::time::sleep(filch::time::Duration::from_millis(2)).await;
        client.send("abc").await;
        client.send("def").await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "early"));
        assert!(!answer.has("connection: close"), "{answer:?}");
    }
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
        .await;
    assert!(!client.answer().await.has("connection: close"));
    assert_eq!(client.get("/").await.status, 200, "the connection was kept");
    drop(client);
    assert_eq!(server.end().await.finished, 5);
}

#[filch::test]
async fn an_answer_before_a_body_that_does_not_come_says_that_the_connection_ends() {
    let limits = Limits::default().linger(filch::time::Duration::from_millis(10));
    let server = serve(limits, LONG, blind).await;
    for begun in [
        "content-length: 6\r\n\r\nabc",
        "content-length: 6\r\nexpect: 100-continue\r\n\r\n",
        "content-length: 70000\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
    ] {
        let mut client = server.connect().await;
        client
            .send(format!("POST / HTTP/1.1\r\nhost: a\r\n{begun}"))
            .await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "early"));
        assert!(answer.has("connection: close"), "{begun:?}: {answer:?}");
        assert!(client.is_closed().await);
    }
    assert_eq!(server.end().await.finished, 4);
}

#[filch::test]
async fn a_body_that_was_read_to_its_end_leaves_the_connection_at_once() {
    let limits = Limits::default().linger(LONG);
    let server = serve(limits, LONG, echo).await;
    for body in [
        "content-length: 1\r\n\r\nx",
        "transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    ] {
        let mut client = server.connect().await;
        client
            .send(format!(
                "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{body}"
            ))
            .await;
        assert_eq!(client.answer().await.body, "POST / x");
        assert!(client.is_closed().await);
    }
    // It does not wait for the clients, whose halves are open yet.
    server.end().await;
}

#[filch::test]
async fn the_limit_of_a_uri_counts_its_host() {
    let server = serve(Limits::default().uri(100), LONG, echo).await;
    let mut client = server.connect().await;
    let host = "x".repeat(100);
    client
        .send(format!(
            "GET http://{host}/ HTTP/1.1\r\nhost: {host}\r\n\r\n"
        ))
        .await;
    assert_eq!(client.answer().await.status, 414);
    assert_eq!(client.get("/").await.status, 200, "the connection was kept");
}

#[filch::test]
async fn a_status_that_is_no_answer_becomes_a_500() {
    async fn status(request: Request<Body>) -> Result<Response<Body>, BodyError> {
        let mut answer = Response::new(Body::from("body"));
        *answer.status_mut() = request.uri().path()[1..].parse::<StatusCode>().unwrap();
        Ok(answer)
    }
    let server = serve(Limits::default(), LONG, status).await;
    let mut client = server.connect().await;
    for path in ["/100", "/103"] {
        let answer = client.get(path).await;
        assert_eq!((answer.status, answer.body.as_str()), (500, ""));
    }
    assert_eq!(
        client.get("/201").await.status,
        201,
        "the connection was kept"
    );
    drop(client);
    assert_eq!(server.end().await.finished, 3);
}
