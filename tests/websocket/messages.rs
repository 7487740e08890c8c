//! Whole messages of all sizes, both ways.

use crate::common::rounds;
use crate::tools::{BINARY, Raw, TEXT, dial, frame, masked, server};
use filch::http::websocket::{CloseFrame, Config, Message};

/// Lengths beside which the frame's head changes its form.
const LENGTHS: [usize; 8] = [1, 124, 125, 126, 127, 128, 65_535, 65_536];

#[filch::test]
async fn an_empty_text_is_a_message() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(TEXT, b"")).await;
    raw.expect(TEXT, b"").await;
}

#[filch::test]
async fn empty_bytes_are_a_message() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(BINARY, b"")).await;
    raw.expect(BINARY, b"").await;
}

#[filch::test]
async fn texts_of_all_forms_of_length_come_back() {
    let (raw, _seen) = Raw::new().await;
    for length in LENGTHS {
        let text = "x".repeat(length);
        raw.send(frame(TEXT, text.as_bytes())).await;
        raw.expect(TEXT, text).await;
    }
}

#[filch::test]
async fn bytes_of_all_forms_of_length_come_back() {
    let (raw, _seen) = Raw::new().await;
    for length in LENGTHS {
        let bytes: Vec<_> = (0..length).map(|n| n as u8).collect();
        raw.send(frame(BINARY, &bytes)).await;
        raw.expect(BINARY, bytes).await;
    }
}

#[filch::test]
async fn a_length_in_a_longer_form_than_it_needs_is_understood() {
    let (raw, _seen) = Raw::new().await;
    raw.send([BINARY, 0x80 | 126, 0, 1, 0, 0, 0, 0, b'x']).await;
    raw.expect(BINARY, b"x").await;
    raw.send([
        BINARY,
        0x80 | 127,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        2,
        0,
        0,
        0,
        0,
        b'x',
        b'y',
    ])
    .await;
    raw.expect(BINARY, b"xy").await;
}

#[filch::test]
async fn a_mask_of_zeros_is_a_mask() {
    let (raw, _seen) = Raw::new().await;
    raw.send(masked(TEXT, b"plain", Some([0; 4]))).await;
    raw.expect(TEXT, b"plain").await;
}

#[filch::test]
async fn a_frame_without_a_mask_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send(masked(TEXT, b"x", None)).await;
    raw.refused(1002).await;
}

#[filch::test]
async fn a_frame_without_a_mask_is_put_up_with_if_asked_for() {
    let (address, _seen) = server(Config::new().accept_unmasked_frames(true)).await;
    let raw = Raw::connect(address).await;
    raw.send(masked(TEXT, b"x", None)).await;
    raw.expect(TEXT, b"x").await;
}

#[filch::test]
async fn a_message_that_comes_byte_by_byte_is_one() {
    let (raw, seen) = Raw::new().await;
    for byte in frame(BINARY, &[7; 200]) {
        raw.send([byte]).await;
    }
    raw.expect(BINARY, [7; 200]).await;
    assert_eq!(seen.recv().await.unwrap(), "binary");
}

#[filch::test]
async fn messages_that_come_together_keep_their_order() {
    let (raw, _seen) = Raw::new().await;
    let count = rounds(200);
    let all: Vec<_> = (0..count)
        .flat_map(|n| frame(TEXT, n.to_string().as_bytes()))
        .collect();
    raw.send(all).await;
    for n in 0..count {
        raw.expect(TEXT, n.to_string()).await;
    }
}

#[filch::test]
async fn messages_go_both_ways_and_a_close_is_agreed_on() {
    let (address, seen) = server(Config::new()).await;
    let mut socket = dial(&format!("ws://{address}/")).await.unwrap();
    for round in 0..rounds(50) {
        socket.send(format!("text {round}")).await.unwrap();
        let Some(Ok(Message::Text(text))) = socket.recv().await else {
            panic!("no text");
        };
        assert_eq!(text, format!("text {round}"));
        assert_eq!(seen.recv().await.unwrap(), "text");
    }
    let frame = CloseFrame {
        code: 4321,
        reason: "done".into(),
    };
    socket.close(Some(frame.clone())).await.unwrap();
    let agreed = socket.recv().await.unwrap().unwrap();
    assert_eq!(agreed, Message::Close(Some(frame)));
    assert!(socket.recv().await.is_none());
    assert!(socket.recv().await.is_none());
    socket.close(None).await.unwrap();
    assert!(seen.recv().await.unwrap().contains("4321"));
    assert_eq!(seen.recv().await.unwrap(), "end");
}

#[filch::test]
async fn a_mebibyte_goes_both_ways() {
    let (address, _seen) = server(Config::new()).await;
    let mut socket = dial(&format!("ws://{address}/")).await.unwrap();
    let large = vec![7; 1 << 20];
    socket.send(large.clone()).await.unwrap();
    let echoed = socket.recv().await.unwrap().unwrap();
    assert!(echoed == Message::binary(large));
}

#[filch::test]
async fn a_socket_is_a_stream_and_a_sink_of_two_tasks() {
    use futures_util::{SinkExt, StreamExt};
    let (address, _seen) = server(Config::new()).await;
    let socket = dial(&format!("ws://{address}/")).await.unwrap();
    let (mut sink, mut stream) = StreamExt::split(socket);
    let count = rounds(40);
    let sending = filch::spawn(async move {
        for n in 0..count {
            sink.send(Message::from(n.to_string())).await.unwrap();
        }
        sink
    });
    for n in 0..count {
        let message = StreamExt::next(&mut stream).await.unwrap().unwrap();
        assert_eq!(message, Message::from(n.to_string()));
    }
    let mut sink = sending.await.unwrap();
    SinkExt::close(&mut sink).await.unwrap();
}
