//! Heads of requests: CONTINUATION, pseudo headers, names, sizes.

use super::*;

#[filch::test]
async fn a_head_may_come_in_many_pieces() {
    let (_server, mut client) = greeted(Limits::default()).await;
    client.send(frame(HEADERS, END_STREAM, 1, &GET[..2])).await;
    client.send(frame(CONTINUATION, 0, 1, &GET[2..4])).await;
    client
        .send(frame(CONTINUATION, END_HEADERS, 1, &GET[4..]))
        .await;
    assert_eq!(body(&mut client, 1).await, b"GET / ");
}

#[filch::test]
async fn another_frame_within_a_head_ends_the_connection() {
    let begun = frame(HEADERS, END_STREAM, 1, &GET[..2]);
    let ping = frame(PING, 0, 0, &[0; 8]);
    assert_eq!(goes_away([begun, ping].concat()).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn the_rest_of_a_head_on_another_stream_ends_the_connection() {
    let begun = frame(HEADERS, END_STREAM, 1, &GET[..2]);
    let rest = frame(CONTINUATION, END_HEADERS, 3, &GET[2..]);
    assert_eq!(goes_away([begun, rest].concat()).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn the_rest_of_no_head_ends_the_connection() {
    assert_eq!(
        goes_away(frame(CONTINUATION, END_HEADERS, 1, GET)).await,
        PROTOCOL_ERROR
    );
}

#[filch::test]
async fn a_head_on_the_connection_itself_ends_it() {
    assert_eq!(
        goes_away(frame(HEADERS, END_STREAM | END_HEADERS, 0, GET)).await,
        PROTOCOL_ERROR
    );
}

#[filch::test]
async fn a_head_that_cannot_be_decoded_ends_the_connection() {
    // An entry of the table that nobody has put there.
    let wrong = frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0xff, 0x80, 0x7f]);
    assert_eq!(goes_away(wrong).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn names_with_capitals_and_unknown_pseudo_headers_end_the_connection() {
    for name in ["Name", ":what"] {
        let said = goes_away(get_with(&[(name, "x")])).await;
        assert_eq!(said, PROTOCOL_ERROR, "{name}");
    }
}

#[filch::test]
async fn headers_of_a_connection_reset_the_stream() {
    for (name, value) in [
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("te", "gzip"),
    ] {
        assert_eq!(
            is_reset(get_with(&[(name, value)])).await,
            PROTOCOL_ERROR,
            "{name}"
        );
    }
}

#[filch::test]
async fn trailers_may_be_asked_for() {
    let (_server, mut client) = greeted(Limits::default()).await;
    client.send(get_with(&[("te", "trailers")])).await;
    assert_eq!(body(&mut client, 1).await, b"GET / ");
}

#[filch::test]
async fn a_pseudo_header_twice_late_or_of_an_answer_resets_the_stream() {
    let late: &[_] = &[("x", "y"), (":path", "/")];
    for more in [&[(":path", "/")][..], &[(":status", "200")], late] {
        assert_eq!(is_reset(get_with(more)).await, PROTOCOL_ERROR, "{more:?}");
    }
}

#[filch::test]
async fn a_request_without_method_or_scheme_is_reset() {
    for head in [&[0x86, 0x84][..], &[0x82, 0x84]] {
        let ask = frame(HEADERS, END_STREAM | END_HEADERS, 1, head);
        assert_eq!(is_reset(ask).await, PROTOCOL_ERROR, "{head:?}");
    }
}

#[filch::test]
async fn a_head_that_is_too_large_is_answered_with_431() {
    let large = get_with(&[("x", "x".repeat(100).as_str()); 5]);
    assert_eq!(status(Limits::default().head_bytes(500), large).await, 431);
}

#[filch::test]
async fn padding_is_passed_over_and_more_of_it_than_the_frame_has_ends_the_connection() {
    let (_server, mut client) = greeted(Limits::default()).await;
    let padded = [&[3], GET, &[0; 3]].concat();
    client
        .send(frame(
            HEADERS,
            END_STREAM | END_HEADERS | PADDED,
            1,
            &padded,
        ))
        .await;
    assert_eq!(body(&mut client, 1).await, b"GET / ");
    let beyond = [&[200], GET].concat();
    let beyond = frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, &beyond);
    assert_eq!(goes_away(beyond).await, PROTOCOL_ERROR);
}
