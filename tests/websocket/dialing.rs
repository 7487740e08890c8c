//! How the client gets to its server: its limit of time, what it sends along, and by which way.

use crate::tools::{Seen, dial, echo, head, server, serving};
use filch::http::Client;
use filch::http::client::Kind;
use filch::http::websocket::{Config, Message, WebSocket, connect_over};
use filch::io::AsyncReadExt;
use filch::net::{TcpListener, TcpStream};
use filch::sync::mpsc;
use filch::time::Instant;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Accepts connections, and says nothing.
async fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    filch::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    address
}

/// Echoes, and tells of the headers by which it was asked.
async fn curious(names: &'static [&'static str]) -> (SocketAddr, Seen) {
    let (sender, seen) = mpsc::channel(8);
    let (told, _ignored) = mpsc::channel(8);
    let address = serving(Config::new(), move |socket, headers| {
        let text = |name: &&str| {
            headers
                .get(*name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let all: Vec<String> = names.iter().filter_map(text).collect();
        // Nobody has to listen.
        let _ = sender.try_send(all.join(" "));
        echo(socket, told.clone())
    });
    (address.await, seen)
}

/// A proxy that opens one way, and tells by which words it was asked.
async fn proxy(answer: &'static str) -> (SocketAddr, Seen) {
    let (sender, seen) = mpsc::channel(8);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    filch::spawn(async move {
        let (mut client, _) = listener.accept().await?;
        let asked = head(&client).await;
        let there = asked.split(' ').nth(1).unwrap().to_owned();
        sender.try_send(asked).unwrap();
        client.write_all(answer.as_bytes()).await?;
        if answer.starts_with("HTTP/1.1 200") {
            let mut server = TcpStream::connect(there).await?;
            filch::io::copy_bidirectional(&mut client, &mut server).await?;
        }
        io::Result::Ok(())
    });
    (address, seen)
}

pub(crate) async fn is_echoed(mut socket: WebSocket) {
    socket.send("there and back").await.unwrap();
    let echoed = socket.recv().await.unwrap().unwrap();
    assert_eq!(echoed, Message::text("there and back"));
}

#[filch::test(paused)]
async fn a_server_that_does_not_answer_is_given_up_after_ten_seconds() {
    let url = format!("ws://{}/chat?x", silent().await);
    let begun = Instant::now();
    let error = dial(&url).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
    assert!(error.is_timeout() && !error.is_silent());
    let url = url.trim_end_matches("?x");
    assert_eq!(
        error.to_string(),
        format!("{url} was no open WebSocket within 10s")
    );
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
}

#[filch::test(paused)]
async fn the_limit_of_time_is_the_clients_or_ones_own() {
    let url = format!("ws://user:secret@{}/", silent().await);
    let builder = Client::builder().no_proxy();
    let client = builder.connect_timeout(Duration::from_secs(3)).build();
    let begun = Instant::now();
    assert!(client.websocket(&url).await.unwrap_err().is_timeout());
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
    let own = client.websocket(&url).timeout(Duration::from_secs(60));
    let error = own.await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(63));
    assert!(!error.to_string().contains("secret"), "{error}");
    let unlimited = client.websocket(&url).timeout(None);
    filch::time::timeout(Duration::from_secs(3600), unlimited)
        .await
        .unwrap_err();
}

#[filch::test(paused)]
async fn the_limit_of_time_begins_when_it_is_polled() {
    let asking = dial(&format!("ws://{}/", silent().await));
    filch::time::sleep(Duration::from_secs(60)).await;
    let begun = Instant::now();
    asking.await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
}

#[filch::test(paused)]
async fn over_a_stream_of_ones_own_the_limit_is_the_callers() {
    let (stream, _server) = filch::io::duplex(1024);
    let request = http::Request::get("ws://h/").body(()).unwrap();
    let asking = connect_over(request, stream, Config::new());
    filch::time::timeout(Duration::from_secs(3600), asking)
        .await
        .unwrap_err();
}

#[filch::test]
async fn a_query_right_behind_the_host_is_one_of_the_root() {
    for (url, line) in [
        ("ws://h?x", "GET /?x HTTP/1.1\r\n"),
        ("ws://h", "GET / HTTP/1.1\r\n"),
        ("ws://h/a?x", "GET /a?x HTTP/1.1\r\n"),
    ] {
        let (stream, mut server) = filch::io::duplex(1024);
        let request = http::Request::get(url).body(()).unwrap();
        let asking = filch::spawn(connect_over(request, stream, Config::new()));
        let mut asked = vec![0; line.len()];
        server.read_exact(&mut asked).await.unwrap();
        assert_eq!(String::from_utf8(asked).unwrap(), line);
        asking.abort();
    }
}

#[filch::test]
async fn an_open_websocket_has_no_such_limit() {
    let (address, _seen) = server(Config::new()).await;
    let limit = Duration::from_secs(30);
    let socket = dial(&format!("ws://{address}")).timeout(limit).await;
    is_echoed(socket.unwrap()).await;
}

#[filch::test]
async fn headers_of_the_client_and_of_the_handshake_are_sent() {
    let names = &["user-agent", "origin", "authorization", "host"];
    let (address, seen) = curious(names).await;
    let builder = Client::builder().no_proxy();
    let client = builder.header("user-agent", "tests").unwrap().build();
    let url = format!("ws://Aladdin:open%20sesame@{address}/");
    let socket = client.websocket(&url).header("origin", "http://page");
    is_echoed(socket.await.unwrap()).await;
    let basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    let told = format!("tests http://page {basic} {address}");
    assert_eq!(seen.recv().await.unwrap(), told);
}

#[filch::test]
async fn a_header_that_cannot_be_sent_is_an_error_when_it_is_awaited() {
    for (name, value) in [("a b", "x"), ("a", "x\ny")] {
        let error = dial("ws://127.0.0.1:1/").header(name, value).await;
        let error = io::Error::from(error.unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
    }
}

#[filch::test]
async fn the_server_takes_one_of_the_protocols_that_are_offered() {
    let (address, seen) = curious(&["sec-websocket-protocol"]).await;
    let url = format!("ws://{address}/");
    let offers = dial(&url).protocols(["new", "other", "chat"]);
    let socket = offers.await.unwrap();
    assert_eq!(socket.protocol().unwrap(), "chat");
    drop(socket);
    assert_eq!(seen.recv().await.unwrap(), "new, other, chat");
    let none: [&str; 0] = [];
    let socket = dial(&url).protocols(none).await.unwrap();
    assert!(socket.protocol().is_none());
    drop(socket);
    dial(&url).protocols(["new"]).await.unwrap_err();
}

#[filch::test]
async fn limits_of_the_websocket_are_given_on_the_way() {
    let (address, _seen) = server(Config::new()).await;
    let config = Config::new().max_message_size(3);
    let mut socket = dial(&format!("ws://{address}/"))
        .config(config)
        .await
        .unwrap();
    socket.send("four").await.unwrap();
    assert!(socket.recv().await.unwrap().unwrap_err().is_too_large());
}

#[filch::test]
async fn a_refusal_tells_its_status() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", address.local_addr().unwrap());
    filch::spawn(async move {
        let (stream, _) = address.accept().await.unwrap();
        head(&stream).await;
        let no = b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(no).await.unwrap();
        stream
    });
    let error = dial(&url).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 403);
    assert!(error.client_error().is_none() && !error.is_timeout());
}

#[filch::test]
async fn a_proxy_opens_a_way_without_tls_too() {
    let (address, _seen) = server(Config::new()).await;
    let (proxy, asked) = proxy("HTTP/1.1 200 Go on\r\n\r\n").await;
    let builder = Client::builder().proxy(&format!("http://user:pass@{proxy}"));
    let client = builder.unwrap().build();
    is_echoed(client.websocket(&format!("ws://{address}/")).await.unwrap()).await;
    let asked = asked.recv().await.unwrap();
    assert!(
        asked.starts_with(&format!("CONNECT {address} HTTP/1.1\r\n")),
        "{asked}"
    );
    assert!(asked.contains("Basic dXNlcjpwYXNz"), "{asked}");
}

#[filch::test]
async fn a_proxy_may_refuse() {
    let (proxy, _asked) = proxy("HTTP/1.1 403 No\r\n\r\n").await;
    let client = Client::builder().proxy(&proxy.to_string()).unwrap().build();
    let error = client.websocket("ws://nowhere.invalid/").await.unwrap_err();
    assert_eq!(error.client_error().unwrap().kind(), Kind::Proxy);
    assert!(error.to_string().contains("403 No"), "{error}");
}

#[cfg(not(feature = "tls"))]
#[filch::test]
async fn without_tls_the_error_names_the_feature() {
    let url = format!("wss://{}/", silent().await);
    let error = dial(&url).await.unwrap_err();
    assert_eq!(error.client_error().unwrap().kind(), Kind::Tls);
    let text = error.to_string();
    assert!(
        text.ends_with("needs filch's feature tls") && text.contains("wss://"),
        "{text}"
    );
}
