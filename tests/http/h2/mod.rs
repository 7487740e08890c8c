//! HTTP/2 by its rules and against them, frame by frame. Where hyper decides, a test says what it does.

mod bodies;
mod connect;
mod ends;
mod heads;
mod limits;
mod settings;
mod streams;
mod windows;

use super::floods::reason;
use super::raw::{Client, LONG, Running, echo, serve};
use super::two::*;
use filch::http::{Body, BodyError, Limits, Request, Response};
use std::future::Future;

const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;
const INTERNAL_ERROR: u32 = 2;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;
/// Flags.
const PADDED: u8 = 8;
/// `:method POST`, `:scheme http`, `:path /`, `:authority a`.
const POST: &[u8] = &[0x83, 0x86, 0x84, 0x41, 1, b'a'];

async fn greeted(limits: Limits) -> (Running, Client) {
    served(limits, echo).await
}

/// A server with that handler, and a client that has greeted it.
async fn served<F, Fut>(limits: Limits, handler: F) -> (Running, Client)
where
    F: FnMut(Request<Body>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Response<Body>, BodyError>> + Send + 'static,
{
    let server = serve(limits, LONG, handler).await;
    let mut client = server.connect().await;
    client.greet().await;
    (server, client)
}

/// Headers that no table knows.
fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let one = |(name, value): &(&str, &str)| [vec![0x10], text(name), text(value)].concat();
    headers.iter().flat_map(one).collect()
}

/// A request without a body: what `GET` has, and more.
fn get_with(more: &[(&str, &str)]) -> Vec<u8> {
    let all = [GET, &block(more)].concat();
    frame(HEADERS, END_STREAM | END_HEADERS, 1, &all)
}

/// A request whose body follows.
fn post_with(stream: u32, more: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &[POST, &block(more)].concat())
}

/// What `GOAWAY` says of these frames; then the connection is closed, and nothing of it is left.
async fn goes_away(frames: impl AsRef<[u8]>) -> u32 {
    let (server, mut client) = greeted(Limits::default()).await;
    client.send(frames).await;
    let away = client.next(GOAWAY).await.expect("a reason is given");
    while client.frame().await.is_some() {}
    assert_eq!(server.end().await.connections_panicked, 0);
    reason(&away)
}

/// What stream 1 is reset with after these frames; another one of the connection is answered then.
async fn is_reset(frames: impl AsRef<[u8]>) -> u32 {
    let (server, mut client) = greeted(Limits::default()).await;
    client.send(frames).await;
    let reset = client.next(RST_STREAM).await.expect("the stream is reset");
    assert_eq!(reset.stream, 1);
    answers(&mut client, 3).await;
    drop(client);
    server.end().await;
    reason(&reset)
}

/// The status of stream 1 after these frames; another one of the connection is answered then.
async fn status(limits: Limits, frames: impl AsRef<[u8]>) -> u16 {
    let (server, mut client) = greeted(limits).await;
    client.send(frames).await;
    let head = client.next(HEADERS).await.expect("the stream is answered");
    assert_eq!((head.stream, head.flags & END_STREAM), (1, END_STREAM));
    answers(&mut client, 3).await;
    drop(client);
    server.end().await;
    head.status()
}

/// The connection lives: a new stream is answered.
async fn answers(client: &mut Client, stream: u32) {
    client.ask(stream).await;
    assert_eq!(body(client, stream).await, b"GET / ");
}

/// The body of a stream's answer, to its end.
async fn body(client: &mut Client, stream: u32) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let found = client
            .frame()
            .await
            .expect("the stream's end comes before the connection's");
        if found.stream != stream {
            continue;
        }
        assert_ne!(found.kind, RST_STREAM, "{found:?}");
        if found.kind == DATA {
            body.extend(&found.payload);
        }
        if matches!(found.kind, DATA | HEADERS) && found.flags & END_STREAM != 0 {
            return body;
        }
    }
}

fn window(stream: u32, bytes: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
}

fn setting(id: u16, value: u32) -> Vec<u8> {
    let payload = [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    frame(SETTINGS, 0, 0, &payload)
}
