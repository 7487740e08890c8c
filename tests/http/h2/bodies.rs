//! Bodies of requests and answers: lengths, padding, trailers, HEAD, and answers that come early.

use super::*;
use filch::http::{Body, Response, StatusCode};

#[filch::test]
async fn a_length_that_disagrees_with_the_body_resets_the_stream() {
    for (length, sent) in [("3", &b"four"[..]), ("5", b"four"), ("x", b"four")] {
        let ask = post_with(1, &[("content-length", length)]);
        let frames = [ask, frame(DATA, END_STREAM, 1, sent)].concat();
        assert_eq!(is_reset(frames).await, PROTOCOL_ERROR, "{length}");
    }
}

#[filch::test]
async fn a_length_without_a_body_resets_the_stream() {
    assert_eq!(
        is_reset(get_with(&[("content-length", "1")])).await,
        PROTOCOL_ERROR
    );
}

#[filch::test]
async fn padding_of_a_body_is_no_part_of_it() {
    let (_server, mut client) = greeted(Limits::default()).await;
    client.send(post_with(1, &[("content-length", "4")])).await;
    client
        .send(frame(DATA, END_STREAM | PADDED, 1, b"\x02body\0\0"))
        .await;
    assert_eq!(body(&mut client, 1).await, b"POST / body");
}

#[filch::test]
async fn padding_longer_than_its_frame_ends_the_connection() {
    let frames = [post_with(1, &[]), frame(DATA, PADDED, 1, b"\x09body")].concat();
    assert_eq!(goes_away(frames).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn a_body_ends_with_its_trailers() {
    let (_server, mut client) = greeted(Limits::default()).await;
    client.send(post_with(1, &[])).await;
    client.send(frame(DATA, 0, 1, b"body")).await;
    client
        .send(frame(
            HEADERS,
            END_STREAM | END_HEADERS,
            1,
            &block(&[("sum", "4")]),
        ))
        .await;
    assert_eq!(body(&mut client, 1).await, b"POST / body");
}

#[filch::test]
async fn trailers_that_end_nothing_reset_the_stream() {
    let trailers = frame(HEADERS, END_HEADERS, 1, &block(&[("sum", "4")]));
    assert_eq!(
        is_reset([post_with(1, &[]), trailers].concat()).await,
        PROTOCOL_ERROR
    );
}

#[filch::test]
async fn an_answer_to_head_has_its_length_and_no_body() {
    let (server, mut client) = greeted(Limits::default()).await;
    let head = [&[0x00, 7], &b":method"[..], &[4], b"HEAD", &GET[1..]].concat();
    client
        .send(frame(HEADERS, END_STREAM | END_HEADERS, 1, &head))
        .await;
    let answer = client.next(HEADERS).await.unwrap();
    assert_ne!(answer.flags & END_STREAM, 0);
    answers(&mut client, 3).await;
    drop(client);
    assert_eq!(server.end().await.finished, 2);
}

#[filch::test]
async fn an_answer_that_may_have_no_body_has_none_whatever_its_handler_says() {
    let server = serve(Limits::default(), LONG, |_| async {
        let mut answer = Response::new(Body::from("none"));
        *answer.status_mut() = StatusCode::NO_CONTENT;
        Ok(answer)
    })
    .await;
    let mut client = server.connect().await;
    client.greet().await;
    client.ask(1).await;
    assert_ne!(client.next(HEADERS).await.unwrap().flags & END_STREAM, 0);
}

/// Answers at once, and reads nothing.
async fn early() -> (Running, Client) {
    let limits = Limits::default().linger(std::time::Duration::from_millis(30));
    let server = serve(limits, LONG, |_| async {
        Ok(Response::new(Body::from("early")))
    })
    .await;
    let mut client = server.connect().await;
    client.greet().await;
    (server, client)
}

#[filch::test]
async fn an_early_answer_is_there_before_its_stream_is_reset_with_no_error() {
    let (server, mut client) = early().await;
    client.send(post_with(1, &[])).await;
    client.send(frame(DATA, 0, 1, b"half")).await;
    assert_eq!(body(&mut client, 1).await, b"early");
    // Whoever still sends is no offender.
    client.send(frame(DATA, 0, 1, b"more")).await;
    let reset = client.next(RST_STREAM).await.unwrap();
    assert_eq!((reset.stream, reason(&reset)), (1, 0));
    client.ask(3).await;
    assert_eq!(body(&mut client, 3).await, b"early");
    drop(client);
    assert_eq!(server.end().await.finished, 2);
}

#[filch::test]
async fn a_body_that_ends_after_an_early_answer_is_no_reason_for_a_reset() {
    let limits = Limits::default().linger(LONG);
    let server = serve(limits.body(10), LONG, echo).await;
    let mut client = server.connect().await;
    client.greet().await;
    client.send(post_with(1, &[("content-length", "11")])).await;
    assert_ne!(client.next(HEADERS).await.unwrap().flags & END_STREAM, 0);
    client
        .send(frame(DATA, END_STREAM, 1, b"12345678901"))
        .await;
    answers(&mut client, 3).await;
    // Its end does not wait for what lingers.
    drop(client);
    let served = server.end().await;
    assert_eq!((served.finished, served.refused), (1, 1));
}
