//! Pings, pongs, and frames that the protocol does not have.

use crate::tools::{PING, PONG, Raw, TEXT, breaks, frame, gives};

#[filch::test]
async fn an_empty_ping_is_answered_by_an_empty_pong() {
    gives(&[frame(PING, b"")], &[(PONG, b"")]).await;
}

#[filch::test]
async fn a_pong_carries_what_the_ping_carried() {
    let payloads: [&[u8]; 3] = [b"text", &[0, 0xff, 0xfe, 0xfd], &[0x55; 125]];
    let pings = payloads.map(|payload| frame(PING, payload));
    gives(&pings, &payloads.map(|payload| (PONG, payload))).await;
}

#[filch::test]
async fn each_of_ten_pings_is_answered_in_order() {
    let numbers: Vec<_> = (0..10).map(|number| [number]).collect();
    let pings: Vec<_> = numbers.iter().map(|number| frame(PING, number)).collect();
    let pongs: Vec<_> = numbers.iter().map(|number| (PONG, &number[..])).collect();
    gives(&pings, &pongs).await;
}

#[filch::test]
async fn a_ping_of_126_bytes_is_refused() {
    breaks(&[frame(PING, &[0; 126])]).await;
}

#[filch::test]
async fn a_pong_of_126_bytes_is_refused() {
    breaks(&[frame(PONG, &[0; 126])]).await;
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
    breaks(&[frame(PING & 0x7f, b"x")]).await;
}

#[filch::test]
async fn a_pong_in_fragments_is_refused() {
    breaks(&[frame(PONG & 0x7f, b"x")]).await;
}

#[filch::test]
async fn each_reserved_kind_of_data_is_refused() {
    for kind in 3..=7 {
        breaks(&[frame(0x80 | kind, b"x")]).await;
    }
}

#[filch::test]
async fn each_reserved_kind_of_control_is_refused() {
    for kind in 11..=15 {
        breaks(&[frame(0x80 | kind, b"")]).await;
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
        breaks(&[frame(TEXT | bits << 4, b"x")]).await;
    }
}

#[filch::test]
async fn a_reserved_bit_of_a_ping_is_refused() {
    breaks(&[frame(PING | 0x40, b"x")]).await;
}
