//! Bodies of requests and answers: lengths, padding, trailers, HEAD, and answers that come early.

use super::*;
use filch::http::StatusCode;

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

/// Ends the body of stream 1.
fn trailers(fields: &[(&str, &str)]) -> Vec<u8> {
    let end = frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(fields));
    [post_with(1, &[]), frame(DATA, 0, 1, b"body"), end].concat()
}

#[filch::test]
async fn pseudo_headers_behind_others_in_trailers_reset_the_stream() {
    for name in [":path", ":method", ":status", ":authority"] {
        let frames = trailers(&[("sum", "4"), (name, "200")]);
        assert_eq!(is_reset(frames).await, PROTOCOL_ERROR, "{name}");
    }
}

#[filch::test]
async fn pseudo_headers_before_others_in_trailers_are_seen_by_nobody() {
    async fn told(mut request: Request<Body>) -> Result<Response<Body>, BodyError> {
        let mut told = format!("{} ", request.uri().path());
        while let Some(frame) = request.body_mut().frame().await {
            if let Ok(trailers) = frame?.into_trailers() {
                told += &format!("{trailers:?}");
            }
        }
        Ok(Response::new(Body::from(told)))
    }
    for name in [":path", ":method", ":status", ":authority"] {
        let (_server, mut client) = served(Limits::default(), told).await;
        client.send(trailers(&[(name, "200"), ("sum", "4")])).await;
        assert_eq!(body(&mut client, 1).await, br#"/ {"sum": "4"}"#, "{name}");
    }
}

#[filch::test]
async fn trailers_with_headers_of_a_connection_reset_the_stream() {
    for (name, value) in [
        ("connection", "close"),
        ("te", "gzip"),
        ("transfer-encoding", "chunked"),
    ] {
        assert_eq!(
            is_reset(trailers(&[(name, value)])).await,
            PROTOCOL_ERROR,
            "{name}"
        );
    }
}

#[filch::test]
async fn trailers_with_capitals_end_the_connection() {
    assert_eq!(goes_away(trailers(&[("Sum", "4")])).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn trailers_after_too_short_a_body_reset_the_stream() {
    let ask = post_with(1, &[("content-length", "5")]);
    let end = frame(
        HEADERS,
        END_STREAM | END_HEADERS,
        1,
        &block(&[("sum", "4")]),
    );
    let frames = [ask, frame(DATA, 0, 1, b"four"), end].concat();
    assert_eq!(is_reset(frames).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn an_answer_to_head_has_its_length_and_no_body() {
    let (server, mut client) = greeted(Limits::default()).await;
    let head = [&[0x00, 7], &b":method"[..], &[4], b"HEAD", &GET[1..]].concat();
    client
        .send(frame(HEADERS, END_STREAM | END_HEADERS, 1, &head))
        .await;
    let answer = client.next(HEADERS).await.unwrap();
    assert_eq!(answer.flags & END_STREAM, END_STREAM);
    assert_eq!(
        (
            answer.status(),
            answer.field("content-length").unwrap().as_str()
        ),
        (200, "7")
    );
    answers(&mut client, 3).await;
    drop(client);
    assert_eq!(server.end().await.finished, 2);
}

#[filch::test]
async fn an_answer_that_may_have_no_body_has_none_whatever_its_handler_says() {
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
        let (_server, mut client) = answering(status).await;
        client.ask(1).await;
        let head = client.next(HEADERS).await.unwrap();
        assert_eq!(
            (head.status(), head.flags & END_STREAM),
            (status.as_u16(), END_STREAM)
        );
        assert_eq!(head.field("content-length"), None);
    }
}

/// Each answer has that status, and a body.
async fn answering(status: StatusCode) -> (Running, Client) {
    served(Limits::default(), move |_| async move {
        let mut answer = Response::new(Body::from("body"));
        *answer.status_mut() = status;
        Ok(answer)
    })
    .await
}

#[filch::test]
async fn a_status_that_is_no_answer_becomes_a_500() {
    for status in [100, 101, 103] {
        let (server, mut client) = answering(StatusCode::from_u16(status).unwrap()).await;
        client.ask(1).await;
        let head = client.next(HEADERS).await.unwrap();
        assert_eq!(
            (head.status(), head.flags & END_STREAM),
            (500, END_STREAM),
            "{status}"
        );
        client.ask(3).await;
        assert_eq!(client.next(HEADERS).await.unwrap().stream, 3);
        drop(client);
        assert_eq!(server.end().await.finished, 2);
    }
}

#[filch::test]
async fn a_body_that_expects_100_is_read_without_one() {
    let (_server, mut client) = greeted(Limits::default()).await;
    client
        .send(post_with(1, &[("expect", "100-continue")]))
        .await;
    client.send(frame(DATA, END_STREAM, 1, b"body")).await;
    assert_eq!(client.next(HEADERS).await.unwrap().status(), 200);
    assert_eq!(body(&mut client, 1).await, b"POST / body");
}

/// Answers at once, and reads nothing.
async fn early() -> (Running, Client) {
    let limits = Limits::default().linger(std::time::Duration::from_millis(30));
    served(limits, |_| async { Ok(Response::new(Body::from("early"))) }).await
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
    let (server, mut client) = greeted(Limits::default().linger(LONG).body(10)).await;
    client.send(post_with(1, &[("content-length", "11")])).await;
    let head = client.next(HEADERS).await.unwrap();
    assert_eq!((head.status(), head.flags & END_STREAM), (413, END_STREAM));
    client
        .send(frame(DATA, END_STREAM, 1, b"12345678901"))
        .await;
    answers(&mut client, 3).await;
    // Its end does not wait for what lingers.
    drop(client);
    let served = server.end().await;
    assert_eq!((served.finished, served.refused), (1, 1));
}
