//! After how long the limits of time say something by default: on a clock that moves when all wait, over connections in
//! memory.

use super::limits::{endless_handler, reads};
use super::raw::echo;
use super::two::{DATA, END_HEADERS, END_STREAM, GET, HEADERS, PING, PREFACE, SETTINGS, frame};
use filch::CancelToken;
use filch::http::{self, Body, BodyError, Dialer, Limits, ProxyListener, Request, Response};
use filch::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use filch::time::{Instant, sleep};
use std::future::Future;
use std::time::Duration;

fn serve<F, Fut>(handler: F) -> (Dialer, CancelToken)
where
    F: FnMut(Request<Body>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Response<Body>, BodyError>> + Send + 'static,
{
    let (dialer, listener) = http::memory();
    let stop = CancelToken::new();
    let server = http::serve(listener, http::service_fn(handler));
    filch::spawn(server.graceful(stop.clone(), Duration::MAX).into_future());
    (dialer, stop)
}

async fn connect<F, Fut>(handler: F, sent: impl AsRef<[u8]>) -> DuplexStream
where
    F: FnMut(Request<Body>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Response<Body>, BodyError>> + Send + 'static,
{
    let mut stream = serve(handler).0.connect().await.unwrap();
    stream.write_all(sent.as_ref()).await.unwrap();
    stream
}

/// What comes until the end, and after how long that is.
async fn rest(mut stream: DuplexStream) -> (Vec<u8>, Duration) {
    let (came, mut all) = (Instant::now(), Vec::new());
    stream.read_to_end(&mut all).await.unwrap();
    (all, came.elapsed())
}

/// The status of the last answer, and after how long the connection is closed behind it.
async fn last(stream: DuplexStream) -> (String, Duration) {
    let (all, after) = rest(stream).await;
    let all = String::from_utf8(all).unwrap();
    let (_, last) = all.rsplit_once("HTTP/1.1 ").unwrap_or_default();
    (last.chars().take(3).collect(), after)
}

fn said(status: &str, seconds: u64) -> (String, Duration) {
    (status.to_owned(), Duration::from_secs(seconds))
}

#[filch::test(paused)]
async fn whoever_says_nothing_is_closed_after_15_seconds() {
    assert_eq!(last(connect(echo, "").await).await, said("", 15));
}

#[filch::test(paused)]
async fn half_a_head_is_answered_with_408_after_15_seconds() {
    let half = "GET / HTTP/1.1\r\nhost: a\r\n";
    assert_eq!(last(connect(echo, half).await).await, said("408", 15));
}

#[filch::test(paused)]
async fn half_a_preface_is_closed_after_15_seconds() {
    assert_eq!(last(connect(echo, "PRI * HT").await).await, said("", 15));
}

#[filch::test(paused)]
async fn a_head_that_comes_byte_by_byte_has_no_more_time() {
    let mut stream = connect(echo, "GET / HTTP/1.1\r\nx: ").await;
    let came = Instant::now();
    while stream.write_all(b"y").await.is_ok() {
        sleep(Duration::from_secs(1)).await;
        assert!(came.elapsed() < Duration::from_secs(20));
    }
    assert_eq!(last(stream).await, said("408", 0));
}

#[filch::test(paused)]
async fn an_idle_connection_is_closed_after_60_seconds() {
    let ask = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    assert_eq!(last(connect(echo, ask).await).await, said("200", 60));
}

#[filch::test(paused)]
async fn an_idle_connection_of_http_2_is_closed_after_60_seconds_and_a_moment() {
    let ask = frame(HEADERS, END_STREAM | END_HEADERS, 1, GET);
    let greeting = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    // Before, while a request was answered, nothing was counted.
    let slow = |request| async {
        sleep(Duration::from_secs(50)).await;
        echo(request).await
    };
    let stream = connect(slow, [greeting, ask].concat()).await;
    // It says that it goes, and this client says nothing to that for a second.
    assert_eq!(rest(stream).await.1, Duration::from_secs(50 + 60 + 1));
}

#[filch::test(paused)]
async fn pings_do_not_keep_an_idle_connection_of_http_2() {
    let greeting = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    let mut stream = connect(echo, greeting).await;
    let came = Instant::now();
    let ping = frame(PING, 0, 0, b"are you?");
    while stream.write_all(&ping).await.is_ok() {
        sleep(Duration::from_secs(20)).await;
        assert!(came.elapsed() < Duration::from_secs(200), "it is kept");
    }
    // It was closed before that ping, and not before the one that came ahead.
    assert_eq!(came.elapsed(), Duration::from_secs(80));
}

#[filch::test(paused)]
async fn empty_pieces_of_a_body_are_none() {
    let dropped = CancelToken::new();
    let token = dropped.clone();
    let head = &[0x83, 0x86, 0x84, 0x41, 1, b'a'];
    let ask = frame(HEADERS, END_HEADERS, 1, head);
    let greeting = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &ask].concat();
    let mut stream = connect(move |request| reads(request, token.clone()), greeting).await;
    let came = Instant::now();
    while !dropped.is_cancelled() {
        assert!(
            came.elapsed() < Duration::from_secs(200),
            "it is waited for"
        );
        stream.write_all(&frame(DATA, 0, 1, &[])).await.unwrap();
        sleep(Duration::from_secs(10)).await;
    }
    assert!(came.elapsed() <= Duration::from_secs(40));
}

#[filch::test(paused)]
async fn a_body_that_stalls_is_answered_with_408_after_30_seconds() {
    let half = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf";
    assert_eq!(last(connect(echo, half).await).await, said("408", 30));
}

#[filch::test(paused)]
async fn an_answer_that_nobody_takes_is_cut_off_after_30_seconds() {
    let one = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec();
    let ask = frame(HEADERS, END_STREAM | END_HEADERS, 1, GET);
    let two = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &ask].concat();
    for ask in [one, two] {
        let (handler, dropped) = endless_handler(Some(&[b'x'; 1000]));
        let _stream = connect(handler, ask).await;
        let came = Instant::now();
        dropped.cancelled().await;
        assert_eq!(came.elapsed(), Duration::from_secs(30));
    }
}

#[filch::test(paused)]
async fn an_answer_that_does_not_come_is_a_504_after_60_seconds() {
    let ask = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let never = |_| std::future::pending();
    assert_eq!(last(connect(never, ask).await).await, said("504", 60));
}

#[filch::test(paused)]
async fn an_idle_connection_is_closed_a_second_after_the_servers_end() {
    let (dialer, stop) = serve(echo);
    let mut stream = dialer.connect().await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    stream.read_exact(&mut [0; 12]).await.unwrap();
    // The rest of the answer has come meanwhile.
    sleep(Duration::from_secs(5)).await;
    stop.cancel();
    assert_eq!(rest(stream).await.1, Duration::from_secs(1));
}

#[filch::test(paused)]
async fn a_proxy_that_does_not_say_whom_it_speaks_for_is_closed_after_10_seconds() {
    for begun in ["", "PROXY TCP4 "] {
        let (dialer, listener) = http::memory();
        let listener = ProxyListener::of_peers(listener, |_| true);
        let server = http::serve(listener, http::service_fn(echo)).limits(Limits::default());
        filch::spawn(server.into_future());
        let mut stream = dialer.connect().await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        assert_eq!(last(stream).await, said("", 10));
    }
}
