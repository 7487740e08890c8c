//! How a server ends.

use super::raw::{LONG, echo, serve};
use filch::CancelToken;
use filch::http::{self, Body, BodyError, Limits, Request, Response};
use filch::time::{Instant, sleep};
use std::time::Duration;

/// Far more than a test takes: whoever waits for it fails.
fn patient() -> Limits {
    Limits::default().linger(LONG).head(LONG).idle(LONG)
}

#[filch::test]
async fn half_heads_are_closed_at_once() {
    let server = serve(patient(), LONG, echo).await;
    let mut half = server.connect().await;
    half.send("GET / HTTP/1.1\r\nhost:").await;
    let mut second = server.connect().await;
    second.get("/").await;
    second.send("GET / HT").await;
    let mut preface = server.connect().await;
    preface.send("PRI * HTT").await;
    let mut behind = server.connect().await;
    behind
        .send("GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HT")
        .await;
    behind.answer().await;
    let served = server.end().await;
    assert!(half.is_closed().await);
    assert!(second.is_closed().await);
    assert!(behind.is_closed().await);
    assert!(preface.is_closed().await);
    assert_eq!((served.connections, served.finished), (4, 2));
}

#[filch::test]
async fn a_silent_connection_may_speak_if_it_is_new_and_is_closed_otherwise() {
    let server = serve(patient().first_byte(LONG), LONG, echo).await;
    let mut silent = server.connect().await;
    server.stop.cancel();
    assert_eq!(silent.get("/").await.body, "GET / ");
    assert_eq!(server.ended().await.finished, 1);

    let limits = patient().first_byte(LONG).linger(Duration::from_millis(20));
    let server = serve(limits, LONG, echo).await;
    let mut silent = server.connect().await;
    assert_eq!(server.end().await.connections, 1);
    assert!(silent.is_closed().await);
}

#[filch::test(paused)]
async fn a_silent_connection_that_is_not_new_is_closed_at_once() {
    let linger = Duration::from_secs(10);
    let (dialer, listener) = http::memory();
    let stop = CancelToken::new();
    let server = http::serve(listener, http::service_fn(echo))
        .limits(patient().first_byte(LONG).linger(linger))
        .graceful(stop.clone(), LONG);
    let server = filch::spawn(server.into_future());
    let _silent = dialer.connect().await.unwrap();
    sleep(linger / 10).await;
    let told = Instant::now();
    stop.cancel();
    assert_eq!(server.await.unwrap().unwrap().connections, 1);
    assert_eq!(
        told.elapsed(),
        Duration::ZERO,
        "on a clock that moves when all wait"
    );
}

#[filch::test]
async fn an_idle_connection_is_read_for_a_while_and_its_request_is_the_last() {
    let server = serve(patient(), LONG, echo).await;
    let mut client = server.connect().await;
    let answer = client.get("/").await;
    assert!(!answer.has("connection: close"));
    server.stop.cancel();
    let answer = client.get("/last").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "GET /last "));
    assert!(answer.has("connection: close"), "{answer:?}");
    assert!(client.is_closed().await);
    assert_eq!(server.ended().await.finished, 2);
}

#[filch::test]
async fn an_idle_connection_is_closed_when_nothing_comes() {
    let limits = patient().linger(Duration::from_millis(20));
    let server = serve(limits, LONG, echo).await;
    let mut client = server.connect().await;
    client.get("/").await;
    let served = server.end().await;
    assert!(client.is_closed().await);
    assert_eq!((served.connections, served.connections_cancelled), (1, 0));
}

#[filch::test]
async fn what_is_being_answered_is_answered_as_the_last() {
    let gate = CancelToken::new();
    let (waiting, opened) = (CancelToken::new(), gate.clone());
    let arrived = waiting.clone();
    let server = serve(patient(), LONG, move |_: Request<Body>| {
        let (arrived, opened) = (arrived.clone(), opened.clone());
        async move {
            arrived.cancel();
            opened.cancelled().await;
            Ok::<_, BodyError>(Response::new(Body::from("done")))
        }
    })
    .await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    waiting.cancelled().await;
    server.stop.cancel();
    gate.cancel();
    let answer = client.answer().await;
    assert_eq!(answer.body, "done");
    assert!(answer.has("connection: close"), "{answer:?}");
    assert!(client.is_closed().await);
    assert_eq!(server.ended().await.finished, 1);
}

#[filch::test]
async fn the_rest_is_cut_off_at_the_deadline_and_counted() {
    let arrived = CancelToken::new();
    let there = arrived.clone();
    let server = serve(patient(), Duration::from_millis(20), move |_| {
        there.cancel();
        std::future::pending()
    })
    .await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    arrived.cancelled().await;
    let served = server.end().await;
    assert!(client.is_closed().await);
    assert_eq!((served.connections, served.connections_cancelled), (1, 1));
    assert_eq!((served.finished, served.cancelled, served.left), (0, 1, 0));
}
