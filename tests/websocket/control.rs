//! Pings, pongs, and frames that the protocol does not have.

use crate::tools::{PING, PONG, Raw, TEXT, frame};

#[filch::test]
async fn an_empty_ping_is_answered_by_an_empty_pong() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(PING, b"")).await;
    raw.expect(PONG, b"").await;
}

#[filch::test]
async fn a_pong_carries_what_the_ping_carried() {
    let (raw, _seen) = Raw::new().await;
    for payload in [&b"text"[..], &[0, 0xff, 0xfe, 0xfd], &[0x55; 125]] {
        raw.send(frame(PING, payload)).await;
        raw.expect(PONG, payload).await;
    }
}

#[filch::test]
async fn each_of_ten_pings_is_answered_in_order() {
    let (raw, _seen) = Raw::new().await;
    let pings: Vec<_> = (0..10).flat_map(|n| frame(PING, &[n])).collect();
    raw.send(pings).await;
    for n in 0..10 {
        raw.expect(PONG, [n]).await;
    }
}

#[filch::test]
async fn a_ping_of_126_bytes_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(PING, &[0; 126])).await;
    raw.refused(1002).await;
}

#[filch::test]
async fn a_pong_of_126_bytes_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(PONG, &[0; 126])).await;
    raw.refused(1002).await;
}

#[filch::test]
async fn a_pong_that_nobody_asked_for_is_told_to_the_handler_and_not_answered() {
    let (raw, seen) = Raw::new().await;
    raw.send(frame(PONG, b"hello")).await;
    assert_eq!(seen.recv().await.unwrap(), r#"Pong(b"hello")"#);
    raw.send(frame(TEXT, b"next")).await;
    raw.expect(TEXT, b"next").await;
}

#[filch::test]
async fn a_ping_in_fragments_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(PING & 0x7f, b"x")).await;
    raw.refused(1002).await;
}

#[filch::test]
async fn a_pong_in_fragments_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(PONG & 0x7f, b"x")).await;
    raw.refused(1002).await;
}

#[filch::test]
async fn each_reserved_kind_of_data_is_refused() {
    for kind in 3..=7 {
        let (raw, _seen) = Raw::new().await;
        raw.send(frame(0x80 | kind, b"x")).await;
        raw.refused(1002).await;
    }
}

#[filch::test]
async fn each_reserved_kind_of_control_is_refused() {
    for kind in 11..=15 {
        let (raw, _seen) = Raw::new().await;
        raw.send(frame(0x80 | kind, b"")).await;
        raw.refused(1002).await;
    }
}

#[filch::test]
async fn a_reserved_kind_after_a_message_leaves_that_one_be() {
    let (raw, seen) = Raw::new().await;
    raw.send([frame(TEXT, b"first"), frame(0x83, b"x")].concat())
        .await;
    raw.expect(TEXT, b"first").await;
    assert_eq!(seen.recv().await.unwrap(), "text");
    raw.refused(1002).await;
}

#[filch::test]
async fn each_reserved_bit_of_a_message_is_refused() {
    for bits in 1..=7 {
        let (raw, _seen) = Raw::new().await;
        raw.send(frame(TEXT | bits << 4, b"x")).await;
        raw.refused(1002).await;
    }
}

#[filch::test]
async fn a_reserved_bit_of_a_ping_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(PING | 0x40, b"x")).await;
    raw.refused(1002).await;
}
