//! What a hostile client does with HTTP/2.

use super::limits::endless;
use super::raw::{Client, LONG, Running, echo, serve};
use super::two::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, GET, GOAWAY, HEADERS, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, frame,
};
use filch::http::Limits;
use filch::io::AsyncWriteExt;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(30);
const ENHANCE_YOUR_CALM: u32 = 11;

async fn echoing(limits: Limits) -> (Running, Client) {
    let server = serve(limits, LONG, echo).await;
    let mut client = server.connect().await;
    client.greet().await;
    (server, client)
}

/// The reason that a `GOAWAY` or a `RST_STREAM` gives.
pub(crate) fn reason(frame: &Frame) -> u32 {
    let last = frame.payload.len() - 4;
    let last = if frame.kind == GOAWAY { 4 } else { last };
    u32::from_be_bytes(frame.payload[last..last + 4].try_into().unwrap())
}

/// Sends until the server has enough, and returns what it says then.
async fn flood(client: &mut Client, pieces: impl Iterator<Item = Vec<u8>>) -> u32 {
    for piece in pieces {
        if client.0.get_mut().write_all(&piece).await.is_err() {
            break;
        }
    }
    loop {
        match client.frame().await {
            Some(found) if found.kind == GOAWAY => return reason(&found),
            Some(_) => {}
            None => panic!("closed without a reason"),
        }
    }
}

#[filch::test]
async fn streams_beyond_the_limit_are_refused() {
    let (_server, mut client) = echoing(Limits::default().streams(1)).await;
    let settings = client.next(SETTINGS).await.unwrap();
    let pairs: Vec<_> = settings.payload.chunks(6).collect();
    assert!(pairs.contains(&&[0, 3, 0, 0, 0, 1][..]), "{pairs:?}");
    // The first waits for its body.
    client
        .send(frame(
            HEADERS,
            END_HEADERS,
            1,
            &[0x83, 0x86, 0x84, 0x41, 1, b'a'],
        ))
        .await;
    client.ask(3).await;
    let refused = client.next(RST_STREAM).await.unwrap();
    assert_eq!((refused.stream, reason(&refused)), (3, 7));
    client.send(frame(DATA, END_STREAM, 1, b"body")).await;
    assert_eq!(client.next(DATA).await.unwrap().payload, b"POST / body");
}

#[filch::test]
async fn rapid_resets_end_the_connection() {
    let (_server, mut client) = echoing(Limits::default()).await;
    let cancel = 8_u32.to_be_bytes();
    let pieces = (0..1000).map(|number| {
        let stream = 2 * number + 1;
        let ask = frame(HEADERS, END_STREAM | END_HEADERS, stream, GET);
        [ask, frame(RST_STREAM, 0, stream, &cancel)].concat()
    });
    // At once: what the server looks at between two of them is no flood.
    let all: Vec<u8> = pieces.flatten().collect();
    let said = flood(&mut client, std::iter::once(all)).await;
    assert_eq!(said, ENHANCE_YOUR_CALM);
}

#[filch::test]
async fn resets_that_the_server_was_made_to_send_end_the_connection() {
    let (_server, mut client) = echoing(Limits::default()).await;
    let pieces = (0..3000).map(|number| {
        let stream = 2 * number + 1;
        // A window beyond 2^31 - 1 is an error of the stream.
        let ask = frame(HEADERS, END_HEADERS, stream, GET);
        [
            ask,
            frame(WINDOW_UPDATE, 0, stream, &[0x7f, 0xff, 0xff, 0xff]),
        ]
        .concat()
    });
    let said = flood(&mut client, pieces).await;
    assert_eq!(said, ENHANCE_YOUR_CALM);
}

#[filch::test]
async fn continuations_without_end_end_the_connection() {
    let (_server, mut client) = echoing(Limits::default().head_bytes(4000)).await;
    let first = std::iter::once(frame(HEADERS, END_STREAM, 1, GET));
    // Literal headers, `x: y`, never indexed.
    let more = [0x10, 1, b'x', 1, b'y'].repeat(1000);
    let pieces = first.chain((0..10_000).map(|_| frame(CONTINUATION, 0, 1, &more)));
    let said = flood(&mut client, pieces).await;
    assert_ne!(said, 0);
}

#[filch::test]
async fn pings_and_settings_whose_answers_nobody_reads_end_the_connection() {
    for kind in [super::two::PING, SETTINGS] {
        let server = serve(Limits::default().stall(SHORT), LONG, echo).await;
        let mut client = server.connect_narrow().await;
        client.greet().await;
        let payload: &[u8] = if kind == SETTINGS { &[] } else { &[0; 8] };
        let many = frame(kind, 0, 0, payload).repeat(1000);
        // The answers fill what the system keeps for the client, and then the server writes no more.
        while client.0.get_mut().write_all(&many).await.is_ok() {}
        drop(client);
        assert_eq!(server.end().await.connections, 1);
    }
}

#[filch::test]
async fn an_answer_that_nobody_takes_is_reset_and_its_siblings_go_on() {
    let limits = Limits::default().stall(SHORT);
    let (server, dropped) = endless(limits, Some(&[b'x'; 1000])).await;
    let mut client = server.connect().await;
    client.greet().await;
    // The window of a stream is 65,535 bytes, and nobody makes it larger.
    client.ask(1).await;
    let cut = client.next(RST_STREAM).await.unwrap();
    assert_eq!((cut.stream, reason(&cut)), (1, 8));
    dropped.cancelled().await;
    client.ask(3).await;
    assert_eq!(client.next(HEADERS).await.unwrap().stream, 3);
    drop(client);
    assert_eq!(server.end().await.refused, 1);
}

#[filch::test]
async fn a_reset_drops_the_handler() {
    let (server, dropped) = endless(Limits::default(), None).await;
    let mut client = server.connect().await;
    client.greet().await;
    client.ask(1).await;
    client.next(HEADERS).await.unwrap();
    client
        .send(frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes()))
        .await;
    dropped.cancelled().await;
    assert_eq!(server.end().await.left, 1);
}
