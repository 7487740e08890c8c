//! Pings of our own, to whoever is silent.

use crate::tools::{PING, PONG, Raw, TEXT, frame, server};
use filch::http::websocket::{Config, Side, WebSocket};
use filch::io::AsyncReadExt;
use filch::time::Instant;
use std::time::Duration;

async fn pinged(every: Duration) -> (Raw, crate::tools::Seen) {
    let (address, seen) = server(Config::new().ping(every)).await;
    (Raw::connect(address).await, seen)
}

#[filch::test]
async fn a_peer_that_does_not_answer_a_ping_is_given_up() {
    let (raw, seen) = pinged(Duration::from_millis(30)).await;
    raw.expect(PING, b"").await;
    let (first, payload) = raw.read().await;
    assert_eq!((first, payload), (0x88, 1001_u16.to_be_bytes().to_vec()));
    assert_eq!(seen.recv().await.unwrap(), "silent");
}

#[filch::test]
async fn a_peer_that_answers_pings_stays() {
    let (raw, seen) = pinged(Duration::from_secs(1)).await;
    for _ in 0..3 {
        raw.expect(PING, b"").await;
        raw.send(frame(PONG, b"")).await;
        assert_eq!(seen.recv().await.unwrap(), r#"Pong(b"")"#);
    }
}

#[filch::test]
async fn any_message_is_a_sign_of_life() {
    let (raw, seen) = pinged(Duration::from_secs(1)).await;
    for _ in 0..3 {
        raw.expect(PING, b"").await;
        raw.send(frame(TEXT, b"x")).await;
        raw.expect(TEXT, b"x").await;
        assert_eq!(seen.recv().await.unwrap(), "text");
    }
}

#[filch::test(paused)]
async fn by_default_a_peer_is_pinged_after_30_seconds_and_given_up_after_30_more() {
    let (one, mut two) = filch::io::duplex(100);
    let mut server = WebSocket::from_stream(one, Side::Server, Config::new());
    let came = Instant::now();
    let pinged = async {
        let mut ping = [0; 2];
        two.read_exact(&mut ping).await.unwrap();
        (ping, came.elapsed())
    };
    let (error, (ping, after)) = filch::join!(server.recv(), pinged);
    assert_eq!((ping, after), ([PING, 0], Duration::from_secs(30)));
    assert!(error.unwrap().unwrap_err().is_silent());
    assert_eq!(came.elapsed(), Duration::from_secs(60));
}
