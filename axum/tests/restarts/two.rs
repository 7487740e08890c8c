//! HTTP/2, frame by frame.

use super::clients::Client;
use filch::io::{AsyncReadExt, BufReader};
use filch::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
/// Of settings and pings; of data and headers it is the stream's end.
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:method GET`, `:scheme http`, `:path /`, `:authority a`.
const GET: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];
/// `:status 200`, in the static table.
const OK: u8 = 0x88;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// One request after the other over one connection, until the server says `GOAWAY`.
pub(crate) async fn ask(client: &mut Client) {
    let mut connection = client.dial().await;
    send(
        &connection,
        &[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat(),
    )
    .await;
    let mut going = false;
    for stream in (1..).step_by(2) {
        // Half of the first window, of which an answer takes two bytes.
        if going || client.over.is_cancelled() || stream > 20_000 {
            break;
        }
        send(
            &connection,
            &frame(HEADERS, END_STREAM | END_HEADERS, stream, GET),
        )
        .await;
        going = answer(&mut connection, stream).await;
        client.seen.requests += 1;
        client.is_answered();
    }
}

/// Reads to the end of a stream. Is it the last?
async fn answer(connection: &mut BufReader<TcpStream>, stream: u32) -> bool {
    let mut going = false;
    loop {
        let mut head = [0; 9];
        connection.read_exact(&mut head).await.unwrap();
        let [a, b, c, kind, flags, of @ ..] = head;
        let of = u32::from_be_bytes(of);
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        connection.read_exact(&mut payload).await.unwrap();
        match kind {
            SETTINGS if flags & ACK == 0 => send(connection, &frame(SETTINGS, ACK, 0, &[])).await,
            PING if flags & ACK == 0 => send(connection, &frame(PING, ACK, 0, &payload)).await,
            GOAWAY => going = true,
            HEADERS => assert_eq!(payload[0], OK),
            _ => {}
        }
        if of == stream && kind <= HEADERS && flags & END_STREAM != 0 {
            return going;
        }
    }
}

async fn send(connection: &BufReader<TcpStream>, bytes: &[u8]) {
    connection.get_ref().write_all(bytes).await.unwrap();
}
