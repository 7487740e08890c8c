//! The beginning of a connection, settings, pings, and frames that break their form.

use super::*;

#[filch::test]
async fn settings_come_first_and_are_acknowledged() {
    let (_server, mut client) = greeted(Limits::default()).await;
    let first = client.frame().await.unwrap();
    assert_eq!((first.kind, first.flags, first.stream), (SETTINGS, 0, 0));
    let ack = client.next(SETTINGS).await.unwrap();
    assert_eq!((ack.flags, ack.payload.len()), (ACK, 0));
}

#[filch::test]
async fn a_broken_preface_is_a_broken_request_of_http_1() {
    let server = serve(Limits::default(), LONG, echo).await;
    let mut client = server.connect().await;
    client.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await;
    let said = client.rest().await;
    let said = String::from_utf8_lossy(&said);
    assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
    assert!(said.ends_with("\r\n\r\n"), "{said}");
    assert_eq!(server.end().await.finished, 0);
}

#[filch::test]
async fn a_ping_after_the_preface_in_place_of_settings_is_answered_all_the_same() {
    let server = serve(Limits::default(), LONG, echo).await;
    let mut client = server.connect().await;
    client
        .send([PREFACE, &frame(PING, 0, 0, b"12345678")].concat())
        .await;
    assert_eq!(client.next(PING).await.unwrap().flags, ACK);
}

#[filch::test]
async fn windows_and_frames_out_of_range_and_pushes_that_are_no_flag_end_the_connection() {
    for (id, value) in [(4, 1 << 31), (5, 16_383), (5, 1 << 24), (2, 2), (8, 2)] {
        assert_eq!(
            goes_away(setting(id, value)).await,
            PROTOCOL_ERROR,
            "{id} {value}"
        );
    }
}

#[filch::test]
async fn unknown_settings_are_acknowledged() {
    let (_server, mut client) = greeted(Limits::default()).await;
    client.send(setting(0xabcd, 7)).await;
    answers(&mut client, 1).await;
}

#[filch::test]
async fn settings_of_a_stream_end_the_connection() {
    assert_eq!(goes_away(frame(SETTINGS, 0, 1, &[])).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn settings_of_a_wrong_length_end_the_connection() {
    assert_eq!(
        goes_away(frame(SETTINGS, 0, 0, &[0; 5])).await,
        PROTOCOL_ERROR
    );
}

#[filch::test]
async fn an_acknowledgement_with_settings_in_it_ends_the_connection() {
    assert_eq!(
        goes_away(frame(SETTINGS, ACK, 0, &[0; 6])).await,
        PROTOCOL_ERROR
    );
}

#[filch::test]
async fn a_ping_is_answered_with_its_bytes() {
    let (_server, mut client) = greeted(Limits::default()).await;
    client.send(frame(PING, 0, 0, b"12345678")).await;
    let pong = client.next(PING).await.unwrap();
    assert_eq!((pong.flags, &pong.payload[..]), (ACK, &b"12345678"[..]));
}

#[filch::test]
async fn the_answer_to_a_ping_that_nobody_sent_is_not_answered() {
    let (_server, mut client) = greeted(Limits::default()).await;
    client.send(frame(PING, ACK, 0, b"unasked.")).await;
    client.send(frame(PING, 0, 0, b"12345678")).await;
    assert_eq!(client.next(PING).await.unwrap().payload, b"12345678");
}

#[filch::test]
async fn a_ping_of_a_wrong_length_or_of_a_stream_ends_the_connection() {
    assert_eq!(
        goes_away(frame(PING, 0, 0, b"1234567")).await,
        PROTOCOL_ERROR
    );
    assert_eq!(
        goes_away(frame(PING, 0, 1, b"12345678")).await,
        PROTOCOL_ERROR
    );
}

#[filch::test]
async fn a_frame_that_is_larger_than_was_agreed_on_ends_the_connection() {
    // 16 MiB less a byte, of which nothing follows.
    let head = [0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1];
    assert_eq!(goes_away(head).await, FRAME_SIZE_ERROR);
}

#[filch::test]
async fn frames_of_an_unknown_kind_are_passed_over() {
    let (_server, mut client) = greeted(Limits::default()).await;
    client.send(frame(0xbe, 0xff, 0, b"what")).await;
    client.send(frame(0xbe, 0xff, 7, b"is it")).await;
    answers(&mut client, 1).await;
}

#[filch::test]
async fn limits_are_told() {
    let (_server, mut client) = greeted(Limits::default()).await;
    let settings = client.next(SETTINGS).await.unwrap();
    let told = |id: u16, value: u32| {
        let pair = [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
        settings.payload.chunks(6).any(|found| found == pair)
    };
    assert!(told(3, 200), "streams: {settings:?}");
    assert!(told(6, 65_536), "the list of headers: {settings:?}");
    assert!(told(8, 1), "extended CONNECT: {settings:?}");
}

const PRIORITY: u8 = 2;
const IS_PRIORITY: u8 = 0x20;

#[filch::test]
async fn a_stream_that_depends_on_itself_is_reset() {
    // In a frame of its own, while it is open; and in its head.
    let apart = [post_with(1, &[]), frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 15])].concat();
    assert_eq!(is_reset(apart).await, PROTOCOL_ERROR);
    let head = [&[0, 0, 0, 1, 15], GET].concat();
    let within = frame(HEADERS, END_STREAM | END_HEADERS | IS_PRIORITY, 1, &head);
    assert_eq!(is_reset(within).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn a_priority_of_a_wrong_length_ends_the_connection() {
    let short = [post_with(1, &[]), frame(PRIORITY, 0, 1, &[0; 4])].concat();
    assert_eq!(goes_away(short).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn priorities_are_passed_over() {
    let (_server, mut client) = greeted(Limits::default()).await;
    client.send(frame(PRIORITY, 0, 9, &[0, 0, 0, 0, 15])).await;
    answers(&mut client, 1).await;
    assert_eq!(
        goes_away(frame(PRIORITY, 0, 0, &[0, 0, 0, 1, 15])).await,
        PROTOCOL_ERROR
    );
}

#[filch::test]
async fn a_client_that_pushes_ends_the_connection() {
    const PUSH_PROMISE: u8 = 5;
    let promise = frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2], GET].concat());
    assert_eq!(goes_away(promise).await, PROTOCOL_ERROR);
}
