//! Which requests become a WebSocket, and what the others are told.

use crate::tools::{Raw, TEXT, ask, frame, handshake, head, server, serving, shaken};
use filch::http::websocket::{Config, connect_over};
use filch::net::TcpStream;
use filch::sync::mpsc;

async fn is_answered(change: impl FnOnce(String) -> String, status: &str, says: &str) {
    let (_stream, answer) = shaken(change).await;
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status}")),
        "{answer}"
    );
    assert!(answer.contains(says), "{answer}");
}

#[filch::test]
async fn the_clients_key_is_proved() {
    // The example of RFC 6455.
    is_answered(|whole| whole, "101", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=").await;
}

#[filch::test]
async fn a_post_is_told_what_is_spoken_here() {
    let post = |whole: String| whole.replace("GET", "POST");
    is_answered(post, "426", "sec-websocket-version: 13").await;
}

#[filch::test]
async fn without_upgrade_it_is_a_plain_request() {
    let plain = |whole: String| whole.replace("upgrade: WebSocket\r\n", "");
    is_answered(plain, "426", "upgrade: websocket").await;
}

#[filch::test]
async fn an_upgrade_to_something_else_is_refused() {
    let other = |whole: String| whole.replace("upgrade: WebSocket", "upgrade: h2c");
    is_answered(other, "426", "upgrade: websocket").await;
}

#[filch::test]
async fn without_upgrade_among_the_connections_tokens_it_is_a_plain_request() {
    let plain = |whole: String| whole.replace("keep-alive, Upgrade", "keep-alive");
    is_answered(plain, "426", "upgrade: websocket").await;
}

#[filch::test]
async fn another_version_is_told_the_one_that_is_spoken() {
    let old = |whole: String| whole.replace("version: 13", "version: 8");
    is_answered(old, "426", "sec-websocket-version: 13").await;
}

#[filch::test]
async fn no_version_is_another_version() {
    let none = |whole: String| whole.replace("sec-websocket-version: 13\r\n", "");
    is_answered(none, "426", "sec-websocket-version: 13").await;
}

#[filch::test]
async fn without_a_key_it_is_a_bad_request() {
    let none = |whole: String| whole.replace("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "");
    is_answered(none, "400", "").await;
}

#[filch::test]
async fn tokens_may_stand_in_several_headers_and_in_any_case() {
    let several = |whole: String| {
        let tokens = "connection: close-not\r\nconnection: ,x , uPGRADE\r\n";
        let whole = whole.replace("connection: keep-alive, Upgrade\r\n", tokens);
        whole.replace("upgrade: WebSocket", "upgrade: WEBSOCKET")
    };
    is_answered(several, "101", "upgrade: websocket").await;
}

#[filch::test]
async fn extensions_that_a_client_offers_are_not_taken() {
    let offers = "sec-websocket-version: 13\r\nsec-websocket-extensions: permessage-deflate";
    let (_stream, answer) =
        shaken(|whole| whole.replace("sec-websocket-version: 13", offers)).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(!answer.contains("extensions"), "{answer}");
}

#[filch::test]
async fn a_protocol_is_chosen_by_the_servers_order() {
    let offers =
        "version: 13\r\nsec-websocket-protocol: unknown, other\r\nsec-websocket-protocol: chat";
    let offering = |whole: String| whole.replace("version: 13", offers);
    is_answered(offering, "101", "sec-websocket-protocol: chat\r\n").await;
}

#[filch::test]
async fn a_protocol_that_the_server_does_not_know_is_not_chosen() {
    let offers = "version: 13\r\nsec-websocket-protocol: unknown";
    let (_stream, answer) = shaken(|whole| whole.replace("version: 13", offers)).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(!answer.contains("sec-websocket-protocol"), "{answer}");
}

#[filch::test]
async fn the_client_learns_of_the_protocol() {
    let (address, _seen) = server(Config::new()).await;
    let request = http::Request::get(format!("ws://{address}/"));
    let request = request.header("sec-websocket-protocol", "other");
    let stream = TcpStream::connect(address).await.unwrap();
    let socket = connect_over(request.body(()).unwrap(), stream, Config::new());
    assert_eq!(socket.await.unwrap().protocol().unwrap(), "other");
}

#[filch::test]
async fn a_refused_client_may_ask_again_by_the_same_connection() {
    let old = |whole: String| whole.replace("version: 13", "version: 8");
    let (stream, refused) = shaken(old).await;
    assert!(refused.starts_with("HTTP/1.1 426"), "{refused}");
    let length = refused.split("content-length: ").nth(1).unwrap();
    let length = length.split("\r\n").next().unwrap().parse().unwrap();
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    let whole = handshake(stream.peer_addr().unwrap(), "");
    stream.write_all(whole.as_bytes()).await.unwrap();
    let answer = head(&stream).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
}

#[filch::test]
async fn frames_that_come_with_the_handshake_are_read() {
    let (address, _seen) = server(Config::new()).await;
    let mut bytes = handshake(address, "").into_bytes();
    bytes.extend(frame(TEXT, b"early"));
    let (stream, _answer) = ask(address, bytes).await;
    assert_eq!(crate::tools::read(&stream).await, (TEXT, b"early".to_vec()));
}

#[filch::test]
async fn the_origin_is_there_for_the_handler() {
    let (sender, seen) = mpsc::channel(1);
    let address = serving(Config::new(), move |_, headers: filch::http::HeaderMap| {
        let origin = headers["origin"].to_str().unwrap().to_owned();
        let sender = sender.clone();
        async move { sender.send(origin).await.unwrap() }
    });
    let address = address.await;
    ask(
        address,
        handshake(address, "origin: https://page.example\r\n"),
    )
    .await;
    assert_eq!(seen.recv().await.unwrap(), "https://page.example");
}

#[filch::test]
async fn a_handshake_that_is_left_half_way_frees_its_place() {
    let (address, _seen) = server(Config::new()).await;
    let stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nupgrade: webs")
        .await
        .unwrap();
    drop(stream);
    let next = Raw::connect(address).await;
    next.send(frame(TEXT, b"next")).await;
    next.expect(TEXT, b"next").await;
}

#[filch::test]
async fn over_http_1_0_it_is_a_plain_request() {
    let old = |whole: String| whole.replace("HTTP/1.1", "HTTP/1.0");
    let (_stream, answer) = shaken(old).await;
    assert!(answer.starts_with("HTTP/1.0 426"), "{answer}");
    assert!(answer.contains("sec-websocket-version: 13"), "{answer}");
}

#[filch::test]
async fn a_key_that_is_not_sixteen_bytes_is_a_bad_request() {
    for key in [
        "",
        "x",
        "==",
        // 15, 17 and 18 bytes.
        "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZWU=",
        "dGhlIHNhbXBsZSBub25jZWVl",
        // Without its filling, and with a character that is none of base64.
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=A",
        "dGhlIHNhbXBsZSB_b25jZQ==",
        "dGhlIHNhbXBs ZSBub25jZQ==",
    ] {
        let wrong = |whole: String| whole.replace("dGhlIHNhbXBsZSBub25jZQ==", key);
        let (_stream, answer) = shaken(wrong).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{key:?}: {answer}");
    }
}

#[filch::test]
async fn two_keys_are_a_bad_request() {
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let twice = |whole: String| whole.replace(key, &key.repeat(2));
    is_answered(twice, "400", "").await;
}

#[filch::test]
async fn a_wrong_version_counts_before_a_wrong_key() {
    let both = |whole: String| {
        whole
            .replace("version: 13", "version: 0")
            .replace("ZQ==", "")
    };
    is_answered(both, "426", "sec-websocket-version: 13").await;
}

#[filch::test]
async fn a_version_among_others_is_another_version() {
    for version in ["13, 8", "013", "13.0", ""] {
        let other = |whole: String| whole.replace("version: 13", &format!("version: {version}"));
        is_answered(other, "426", "sec-websocket-version: 13").await;
    }
}

#[filch::test]
async fn a_request_with_a_body_is_refused() {
    for (header, body) in [
        ("content-length: 5", "hello"),
        ("transfer-encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let with = |whole: String| {
            let whole = whole.replace("version: 13", &format!("version: 13\r\n{header}"));
            whole + body
        };
        is_answered(with, "400", "").await;
    }
}

#[filch::test]
async fn a_body_of_nothing_is_none() {
    let nothing = |whole: String| whole.replace("version: 13", "version: 13\r\ncontent-length: 0");
    is_answered(nothing, "101", "").await;
}

/// The protocol that is taken of `offered` by a server that knows `chat` and `other`, in this order.
async fn taken(offered: &str) -> Option<String> {
    let offers = format!("version: 13\r\n{offered}");
    let (_stream, answer) = shaken(|whole| whole.replace("version: 13", &offers)).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    let lines = answer.lines();
    let mut taken = lines.filter_map(|line| line.strip_prefix("sec-websocket-protocol: "));
    let first = taken.next().map(str::to_owned);
    assert!(taken.next().is_none(), "{answer}");
    first
}

#[filch::test]
async fn of_several_protocols_one_is_taken_however_they_are_written() {
    for offered in [
        "sec-websocket-protocol: other,chat",
        "Sec-WebSocket-Protocol:  ,other ,\tchat,",
        "sec-websocket-protocol: other\r\nsec-websocket-protocol: chat",
        "sec-websocket-protocol: chat, chat",
    ] {
        assert_eq!(taken(offered).await.as_deref(), Some("chat"), "{offered}");
    }
    // Their case counts (RFC 6455, section 1.9), and so does the whole name.
    for offered in ["Chat", "chat.v2", "chat other", ""] {
        let header = format!("sec-websocket-protocol: {offered}");
        assert_eq!(taken(&header).await, None, "{offered}");
    }
}
