//! How a WebSocket ends: agreed on, against the rules, or not at all.

use crate::tools::{CLOSE, PING, Raw, TEXT, TEXT_BEGINS, code, frame, serving};
use filch::http::websocket::{CloseFrame, Config, Message, WebSocket};
use filch::sync::mpsc;

#[filch::test]
async fn each_number_that_is_allowed_is_sent_back() {
    let known = (1000..=1003).chain(1007..=1013);
    for number in known.chain([3000, 3999, 4000, 4999]) {
        let (raw, seen) = Raw::new().await;
        raw.send(frame(CLOSE, &code(number, b"why"))).await;
        raw.expect(CLOSE, code(number, b"why")).await;
        assert!(seen.recv().await.unwrap().contains(&number.to_string()));
        assert_eq!(seen.recv().await.unwrap(), "end");
        raw.ended().await;
    }
}

/// 1014 is tungstenite's: it was registered for a bad gateway later than the others, and is not known there.
#[filch::test]
async fn each_number_that_is_not_is_refused() {
    let reserved = [0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 1100];
    for number in reserved.into_iter().chain([2000, 2999, 5000, 65_535]) {
        let (raw, seen) = Raw::new().await;
        raw.send(frame(CLOSE, &code(number, b""))).await;
        assert!(seen.recv().await.unwrap().contains("1002"), "{number}");
        raw.refused(1002).await;
    }
}

#[filch::test]
async fn a_close_without_a_number_is_answered_by_one_without() {
    let (raw, seen) = Raw::new().await;
    raw.send(frame(CLOSE, b"")).await;
    raw.expect(CLOSE, b"").await;
    assert_eq!(seen.recv().await.unwrap(), "Close(None)");
    assert_eq!(seen.recv().await.unwrap(), "end");
    raw.ended().await;
}

#[filch::test]
async fn half_a_number_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(CLOSE, &[3])).await;
    raw.refused(1002).await;
}

#[filch::test]
async fn a_reason_may_be_as_long_as_a_frame_of_its_kind() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(CLOSE, &code(1000, &[b'x'; 123]))).await;
    raw.expect(CLOSE, code(1000, &[b'x'; 123])).await;
    raw.ended().await;
}

#[filch::test]
async fn a_longer_reason_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(CLOSE, &code(1000, &[b'x'; 124]))).await;
    raw.refused(1002).await;
}

#[filch::test]
async fn a_reason_that_is_no_text_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(CLOSE, &code(1000, &[0xce, 0xba, 0xff])))
        .await;
    raw.refused(1007).await;
}

#[filch::test]
async fn a_close_in_fragments_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(CLOSE & 0x7f, &code(1000, b""))).await;
    raw.refused(1002).await;
}

#[filch::test]
async fn a_message_after_the_close_is_not_read() {
    let (raw, seen) = Raw::new().await;
    raw.send([frame(CLOSE, &code(1000, b"")), frame(TEXT, b"late")].concat())
        .await;
    raw.expect(CLOSE, code(1000, b"")).await;
    assert!(seen.recv().await.unwrap().contains("1000"));
    assert_eq!(seen.recv().await.unwrap(), "end");
    raw.ended().await;
}

#[filch::test]
async fn a_ping_after_the_close_is_not_answered() {
    let (raw, _seen) = Raw::new().await;
    raw.send([frame(CLOSE, &code(1001, b"")), frame(PING, b"x")].concat())
        .await;
    raw.expect(CLOSE, code(1001, b"")).await;
    raw.ended().await;
}

#[filch::test]
async fn a_second_close_is_not_answered() {
    let (raw, _seen) = Raw::new().await;
    let close = frame(CLOSE, &code(1000, b""));
    raw.send([close.clone(), close].concat()).await;
    raw.expect(CLOSE, code(1000, b"")).await;
    raw.ended().await;
}

#[filch::test]
async fn a_close_within_a_message_ends_it() {
    let (raw, seen) = Raw::new().await;
    raw.send([frame(TEXT_BEGINS, b"half"), frame(CLOSE, &code(1000, b""))].concat())
        .await;
    raw.expect(CLOSE, code(1000, b"")).await;
    assert!(seen.recv().await.unwrap().contains("1000"));
    raw.ended().await;
}

#[filch::test]
async fn messages_before_the_close_are_echoed_before_it() {
    let (raw, _seen) = Raw::new().await;
    let all = [
        frame(TEXT, b"a"),
        frame(TEXT, b"b"),
        frame(CLOSE, &code(1000, b"")),
    ];
    raw.send(all.concat()).await;
    raw.expect(TEXT, b"a").await;
    raw.expect(TEXT, b"b").await;
    raw.expect(CLOSE, code(1000, b"")).await;
    raw.ended().await;
}

#[filch::test]
async fn a_client_that_goes_without_a_close_is_an_error() {
    let (raw, seen) = Raw::new().await;
    raw.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(seen.recv().await.unwrap().starts_with("failed"));
    raw.ended().await;
}

#[filch::test]
async fn half_a_frame_and_the_end_is_an_error() {
    let (raw, seen) = Raw::new().await;
    raw.send(&frame(TEXT, b"whole")[..8]).await;
    raw.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(seen.recv().await.unwrap().starts_with("failed"));
    raw.ended().await;
}

#[filch::test]
async fn a_connection_that_breaks_ends_its_handler() {
    let (raw, seen) = Raw::new().await;
    drop(raw);
    let told = seen.recv().await.unwrap();
    assert!(told == "end" || told.starts_with("failed"), "{told}");
}

/// Closes at the first message, and tells of what comes after that.
async fn closing() -> (Raw, mpsc::Receiver<String>) {
    let (sender, seen) = mpsc::channel(16);
    let address = serving(Config::new(), move |socket, _| {
        close(socket, sender.clone())
    })
    .await;
    (Raw::connect(address).await, seen)
}

async fn close(mut socket: WebSocket, seen: mpsc::Sender<String>) {
    while let Some(Ok(message)) = socket.recv().await {
        if message == Message::text("next") {
            socket.send(message).await.unwrap();
            continue;
        }
        let frame = CloseFrame {
            code: 4000,
            reason: "enough".into(),
        };
        socket.close(Some(frame)).await.unwrap();
        let _ = seen.try_send(match message {
            Message::Text(text) => text.as_str().to_owned(),
            message => format!("{message:?}"),
        });
    }
    let _ = seen.try_send("end".to_owned());
}

#[filch::test]
async fn a_server_that_closes_waits_for_the_client_to_agree() {
    let (raw, seen) = closing().await;
    raw.send(frame(TEXT, b"go")).await;
    raw.expect(CLOSE, code(4000, b"enough")).await;
    assert_eq!(seen.recv().await.unwrap(), "go");
    assert!(seen.try_recv().is_err(), "it has not ended");
    raw.send(frame(CLOSE, &code(4000, b""))).await;
    assert!(seen.recv().await.unwrap().contains("Close"));
    assert_eq!(seen.recv().await.unwrap(), "end");
    raw.ended().await;
}

#[filch::test]
async fn what_was_on_its_way_when_the_server_closed_is_still_read() {
    let (raw, seen) = closing().await;
    raw.send(frame(TEXT, b"go")).await;
    raw.expect(CLOSE, code(4000, b"enough")).await;
    raw.send([frame(TEXT, b"late"), frame(CLOSE, &code(4000, b""))].concat())
        .await;
    assert_eq!(seen.recv().await.unwrap(), "go");
    assert_eq!(seen.recv().await.unwrap(), "late");
    assert!(seen.recv().await.unwrap().contains("Close"));
    raw.ended().await;
}

#[filch::test]
async fn a_ping_to_a_server_that_has_closed_is_not_answered() {
    let (raw, _seen) = closing().await;
    raw.send(frame(TEXT, b"go")).await;
    raw.expect(CLOSE, code(4000, b"enough")).await;
    raw.send([frame(PING, b"?"), frame(CLOSE, &code(4000, b""))].concat())
        .await;
    raw.ended().await;
}

#[filch::test]
async fn both_may_close_at_once() {
    let (raw, seen) = closing().await;
    // The server has written its own close before it reads the client's.
    raw.send([frame(TEXT, b"go"), frame(CLOSE, &code(1000, b"mine"))].concat())
        .await;
    raw.expect(CLOSE, code(4000, b"enough")).await;
    assert_eq!(seen.recv().await.unwrap(), "go");
    assert!(seen.recv().await.unwrap().contains("mine"));
    assert_eq!(seen.recv().await.unwrap(), "end");
    raw.ended().await;
}

#[filch::test]
async fn a_send_that_waits_ends_when_the_client_goes() {
    let (sender, seen) = mpsc::channel(1);
    let address = serving(Config::new(), move |mut socket: WebSocket, _| {
        let sender = sender.clone();
        async move {
            // More than a socket takes, to one that does not read.
            while socket.send(vec![0; 1 << 20]).await.is_ok() {}
            sender.send("failed").await.unwrap();
        }
    });
    let raw = Raw::connect(address.await).await;
    raw.stream.readable().await.unwrap();
    drop(raw);
    assert_eq!(seen.recv().await.unwrap(), "failed");
}
