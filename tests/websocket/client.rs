//! The client, against a server whose bytes are written by hand.

use crate::tools::{
    BINARY, CLOSE, ENDS, PING, PONG, TEXT, TEXT_BEGINS, code, dial, head, masked, server,
};
use async_tungstenite::tungstenite::handshake::derive_accept_key;
use filch::http::websocket::{Config, Message, Side, WebSocket, connect, connect_over};
use filch::net::{TcpListener, TcpStream};
use std::io;
use std::time::Duration;

/// A client after its handshake, and the server's end.
async fn pair(config: Config) -> (WebSocket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (theirs, _) = listener.accept().await.unwrap();
    let client = WebSocket::from_stream(stream, Side::Client, config);
    (client, theirs)
}

/// A client's frame, with its mask taken off.
async fn read_masked(stream: &TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 6];
    stream.read_exact(&mut head).await.unwrap();
    assert!((0x80..0x80 + 126).contains(&head[1]), "short and masked");
    let mut payload = vec![0; usize::from(head[1] & 0x7f)];
    stream.read_exact(&mut payload).await.unwrap();
    for (byte, mask) in payload.iter_mut().zip(head[2..].iter().cycle()) {
        *byte ^= mask;
    }
    (head[0], payload)
}

/// What the client says, and tells the server, about these bytes of a server's.
async fn refused(bytes: Vec<u8>, number: u16) {
    let (mut client, theirs) = pair(Config::new().max_frame_size(200)).await;
    theirs.write_all(&bytes).await.unwrap();
    assert!(client.recv().await.unwrap().is_err());
    assert!(client.recv().await.is_none());
    assert_eq!(read_masked(&theirs).await, (CLOSE, code(number, b"")));
}

#[filch::test]
async fn a_client_masks_what_it_sends() {
    let (mut client, theirs) = pair(Config::new()).await;
    client.send("hello").await.unwrap();
    assert_eq!(read_masked(&theirs).await, (TEXT, b"hello".to_vec()));
    client.send(vec![1, 2]).await.unwrap();
    assert_eq!(read_masked(&theirs).await, (BINARY, vec![1, 2]));
}

#[filch::test]
async fn a_server_that_masks_is_refused() {
    refused(masked(TEXT, b"x", Some([1, 2, 3, 4])), 1002).await;
}

#[filch::test]
async fn a_server_with_bad_text_is_refused() {
    refused(masked(TEXT, &[0xff], None), 1007).await;
}

#[filch::test]
async fn a_servers_frame_that_is_too_large_is_refused() {
    refused(masked(BINARY, &[0; 201], None), 1009).await;
}

#[filch::test]
async fn a_server_with_a_reserved_kind_is_refused() {
    refused(masked(0x83, b"", None), 1002).await;
}

#[filch::test]
async fn fragments_of_a_server_are_put_together_and_its_ping_answered() {
    let (mut client, theirs) = pair(Config::new()).await;
    let frames = [
        masked(TEXT_BEGINS, b"a", None),
        masked(PING, b"?", None),
        masked(ENDS, b"b", None),
    ];
    theirs.write_all(&frames.concat()).await.unwrap();
    assert_eq!(
        client.recv().await.unwrap().unwrap(),
        Message::Ping(b"?".to_vec().into())
    );
    assert_eq!(client.recv().await.unwrap().unwrap(), Message::text("ab"));
    assert_eq!(read_masked(&theirs).await, (PONG, b"?".to_vec()));
}

#[filch::test]
async fn a_close_of_the_server_is_agreed_to_and_its_end_awaited() {
    let (mut client, theirs) = pair(Config::new()).await;
    let close = masked(CLOSE, &code(1001, b"bye"), None);
    theirs.write_all(&close).await.unwrap();
    assert!(
        matches!(client.recv().await, Some(Ok(Message::Close(Some(frame)))) if frame.code == 1001)
    );
    assert_eq!(read_masked(&theirs).await, (CLOSE, code(1001, b"bye")));
    drop(theirs);
    assert!(client.recv().await.is_none());
}

#[filch::test]
async fn a_server_that_goes_without_a_close_is_an_error() {
    let (mut client, theirs) = pair(Config::new()).await;
    drop(theirs);
    assert!(client.recv().await.unwrap().is_err());
    assert!(client.recv().await.is_none());
}

#[filch::test]
async fn a_server_that_does_not_answer_pings_is_given_up() {
    let (mut client, theirs) = pair(Config::new().ping(Duration::from_millis(30))).await;
    let error = client.recv().await.unwrap().unwrap_err();
    assert!(error.is_silent(), "{error}");
    assert_eq!(read_masked(&theirs).await, (PING, vec![]));
    assert_eq!(read_masked(&theirs).await, (CLOSE, code(1001, b"")));
}

#[filch::test]
async fn nothing_can_be_sent_after_a_close() {
    let (mut client, _theirs) = pair(Config::new()).await;
    client.close(None).await.unwrap();
    client.send("late").await.unwrap_err();
    client.close(None).await.unwrap();
}

/// Asks a server that answers so; `{proof}` stands for the proof of the client's key.
async fn ask(answer: &str) -> io::Result<WebSocket> {
    ask_with(answer, b"").await
}

async fn ask_with(answer: &str, more: &[u8]) -> io::Result<WebSocket> {
    let more = more.to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/path?query", listener.local_addr().unwrap());
    let answer = answer.to_owned();
    let server = filch::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let asked = head(&stream).await;
        assert!(asked.starts_with("GET /path?query HTTP/1.1\r\n"), "{asked}");
        let key = asked
            .to_ascii_lowercase()
            .find("sec-websocket-key: ")
            .unwrap()
            + 19;
        let proof = derive_accept_key(asked[key..].lines().next().unwrap().as_bytes());
        let answer = answer.replace("{proof}", &proof);
        stream
            .write_all(&[answer.as_bytes(), &more].concat())
            .await
            .unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream
    });
    let socket = dial(&url).await;
    drop(server.await.unwrap());
    Ok(socket?)
}

const GOOD: &str = "HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
                    sec-websocket-accept: {proof}\r\n\r\n";

#[filch::test]
async fn a_good_answer_is_taken() {
    ask(GOOD).await.unwrap();
}

#[filch::test]
async fn a_frame_that_comes_with_the_answer_is_read() {
    let mut socket = ask_with(GOOD, &masked(TEXT, b"early", None)).await.unwrap();
    assert_eq!(
        socket.recv().await.unwrap().unwrap(),
        Message::text("early")
    );
    assert!(socket.recv().await.unwrap().is_err(), "the server has gone");
}

#[filch::test]
async fn a_wrong_proof_is_refused() {
    let wrong = GOOD.replace("{proof}", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    ask(&wrong).await.unwrap_err();
}

#[filch::test]
async fn an_answer_without_a_proof_is_refused() {
    let wrong = GOOD.replace("sec-websocket-accept: {proof}\r\n", "");
    ask(&wrong).await.unwrap_err();
}

#[filch::test]
async fn an_answer_without_upgrade_is_refused() {
    ask(&GOOD.replace("upgrade: websocket\r\n", ""))
        .await
        .unwrap_err();
    ask(&GOOD.replace("connection: Upgrade\r\n", ""))
        .await
        .unwrap_err();
}

#[filch::test]
async fn an_answer_that_is_no_101_is_refused_and_says_its_status() {
    for status in ["200", "302", "401", "426", "503"] {
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
        let error = ask(&answer).await.unwrap_err();
        assert!(error.to_string().contains(status), "{error}");
    }
}

#[filch::test]
async fn a_protocol_that_was_not_asked_for_is_refused() {
    let wrong = GOOD.replace("\r\n\r\n", "\r\nsec-websocket-protocol: chat\r\n\r\n");
    ask(&wrong).await.unwrap_err();
}

#[filch::test]
async fn a_server_that_answers_nothing_is_an_error() {
    ask("").await.unwrap_err();
}

#[filch::test]
async fn what_is_no_http_is_an_error() {
    ask("SSH-2.0-none\r\n\r\n").await.unwrap_err();
}

#[filch::test]
async fn headers_of_ones_own_are_sent() {
    let (address, _seen) = server(Config::new()).await;
    let request = http::Request::get(format!("ws://{address}/"))
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(());
    let stream = TcpStream::connect(address).await.unwrap();
    let mut socket = connect_over(request.unwrap(), stream, Config::new())
        .await
        .unwrap();
    socket.send("x").await.unwrap();
    assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("x"));
}

#[filch::test]
async fn where_nobody_listens_the_client_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = io::Error::from(dial(&url).await.unwrap_err());
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[filch::test]
async fn what_is_no_url_of_a_websocket_is_refused() {
    for url in ["/path", "wss:/h", "http", "ftp://h/", "ws://", ""] {
        let error = io::Error::from(connect(url).await.unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{url}");
    }
}
