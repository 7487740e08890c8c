//! The largest message, and the largest frame.

use crate::tools::{BINARY, BINARY_BEGINS, ENDS, GOES_ON, PING, PONG, Raw, TEXT, frame, server};
use filch::http::websocket::{Config, Side, WebSocket};

/// Of 150 bytes at most, in frames of 130.
async fn small() -> (Raw, crate::tools::Seen) {
    let config = Config::new().max_message_size(150).max_frame_size(130);
    let (address, seen) = server(config).await;
    (Raw::connect(address).await, seen)
}

async fn is_too_large(frames: &[Vec<u8>]) {
    let (raw, seen) = small().await;
    raw.send(frames.concat()).await;
    assert_eq!(seen.recv().await.unwrap(), "too large");
    raw.refused(1009).await;
}

#[filch::test]
async fn a_frame_as_large_as_allowed_is_read() {
    let (raw, _seen) = small().await;
    raw.send(frame(BINARY, &[1; 130])).await;
    raw.expect(BINARY, [1; 130]).await;
}

#[filch::test]
async fn a_larger_frame_is_refused() {
    is_too_large(&[frame(BINARY, &[1; 131])]).await;
}

#[filch::test]
async fn a_frame_is_refused_by_its_head_alone() {
    let (raw, seen) = small().await;
    // It says 2^40 bytes, and none of them comes.
    raw.send([BINARY, 0x80 | 127, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4])
        .await;
    assert_eq!(seen.recv().await.unwrap(), "too large");
    raw.refused(1009).await;
}

#[filch::test]
async fn the_largest_length_that_can_be_said_is_refused() {
    let (raw, seen) = small().await;
    let head = [&[BINARY, 0x80 | 127][..], &[0xff; 8], &[0; 4]];
    raw.send(head.concat()).await;
    assert_eq!(seen.recv().await.unwrap(), "too large");
    raw.refused(1009).await;
}

#[filch::test]
async fn a_message_as_large_as_allowed_is_read() {
    let (raw, _seen) = small().await;
    raw.send([frame(BINARY_BEGINS, &[1; 100]), frame(ENDS, &[1; 50])].concat())
        .await;
    raw.expect(BINARY, [1; 150]).await;
}

#[filch::test]
async fn a_larger_message_is_refused() {
    is_too_large(&[frame(BINARY_BEGINS, &[1; 100]), frame(ENDS, &[1; 51])]).await;
}

#[filch::test]
async fn many_small_fragments_are_refused_before_the_last() {
    let mut frames = vec![frame(BINARY_BEGINS, &[1])];
    frames.extend((0..150).map(|_| frame(GOES_ON, &[1])));
    is_too_large(&frames).await;
}

#[filch::test]
async fn a_ping_between_does_not_count() {
    let (raw, _seen) = small().await;
    let all = [
        frame(BINARY_BEGINS, &[1; 100]),
        frame(PING, &[2; 100]),
        frame(ENDS, &[1; 50]),
    ];
    raw.send(all.concat()).await;
    raw.expect(PONG, [2; 100]).await;
    raw.expect(BINARY, [1; 150]).await;
}

#[filch::test]
async fn each_message_counts_by_itself() {
    let (raw, _seen) = small().await;
    for _ in 0..5 {
        raw.send(frame(TEXT, &[b'x'; 130])).await;
        raw.expect(TEXT, [b'x'; 130]).await;
    }
}

#[filch::test]
async fn the_default_is_16_mebibytes() {
    let (one, mut two) = filch::io::duplex(1 << 16);
    let mut server = WebSocket::from_stream(one, Side::Server, Config::new());
    let size: u64 = (16 << 20) + 1;
    let head = [&[BINARY, 0x80 | 127][..], &size.to_be_bytes(), &[0; 4]].concat();
    filch::io::AsyncWriteExt::write_all(&mut two, &head)
        .await
        .unwrap();
    let error = server.recv().await.unwrap().unwrap_err();
    assert!(error.is_too_large(), "{error}");
}
