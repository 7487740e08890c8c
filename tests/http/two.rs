//! HTTP/2, frame by frame.

use super::raw::{Client, LONG, echo, serve};
use filch::http::Limits;
use filch::io::AsyncReadExt;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
/// `:method GET`, `:scheme http`, `:path /`, `:authority a`.
pub(crate) const GET: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

impl Client {
    /// The next frame; `None` at the end.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload,
        })
    }

    /// The next frame of a kind, past others. Settings and pings are acknowledged.
    pub(crate) async fn next(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let found = self.frame().await?;
            if matches!(found.kind, SETTINGS | PING) && found.flags & ACK == 0 {
                let payload = if found.kind == PING {
                    &found.payload[..]
                } else {
                    &[]
                };
                self.send(frame(found.kind, ACK, 0, payload)).await;
            }
            if found.kind == kind {
                return Some(found);
            }
        }
    }

    /// Has no room for a table of heads: see `hpack`.
    pub(crate) async fn greet(&mut self) {
        self.greet_with(&[]).await;
    }

    pub(crate) async fn greet_with(&mut self, settings: &[(u16, u32)]) {
        let no_table = (1, 0);
        let pairs = [&[no_table], settings].concat();
        let payload = pairs.iter().flat_map(|(id, value)| {
            let (id, value) = (id.to_be_bytes(), value.to_be_bytes());
            id.into_iter().chain(value)
        });
        let payload: Vec<u8> = payload.collect();
        self.send([PREFACE, &frame(SETTINGS, 0, 0, &payload)].concat())
            .await;
    }

    pub(crate) async fn ask(&mut self, stream: u32) {
        self.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, GET))
            .await;
    }
}

#[filch::test]
async fn prior_knowledge_is_enough_for_http_2() {
    let server = serve(Limits::default(), LONG, echo).await;
    let mut client = server.connect().await;
    client.greet().await;
    for stream in [1, 3] {
        client.ask(stream).await;
        let head = client.next(HEADERS).await.unwrap();
        assert_eq!((head.stream, head.status()), (stream, 200));
        assert_eq!(client.next(DATA).await.unwrap().payload, b"GET / ");
    }
    drop(client);
    let served = server.end().await;
    assert_eq!((served.connections, served.finished), (1, 2));
}

#[filch::test]
async fn an_end_says_goaway_twice_and_answers_what_is_there() {
    let server = serve(Limits::default(), LONG, echo).await;
    let mut client = server.connect().await;
    client.greet().await;
    // A body that is not whole: the handler waits for it.
    client
        .send(frame(
            HEADERS,
            END_HEADERS,
            1,
            &[0x83, 0x86, 0x84, 0x41, 1, b'a'],
        ))
        .await;
    client.next(SETTINGS).await.unwrap();
    server.stop.cancel();
    let first = client.next(GOAWAY).await.unwrap();
    assert_eq!(first.payload[..4], u32::to_be_bytes(0x7fff_ffff));
    let second = client.next(GOAWAY).await.unwrap();
    assert_eq!(second.payload[..4], u32::to_be_bytes(1));
    client.send(frame(DATA, END_STREAM, 1, b"late")).await;
    assert_eq!(client.next(DATA).await.unwrap().payload, b"POST / late");
    assert!(client.next(GOAWAY).await.is_none(), "closed");
    let served = server.ended().await;
    assert_eq!((served.finished, served.cancelled), (1, 0));
}
