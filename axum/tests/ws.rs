//! The WebSocket extractor, and events, on `filch_axum::serve`.

#![cfg(feature = "ws")]

use axum::Router;
use axum::response::Response;
use axum::routing::{any, get};
use filch::CancelToken;
use filch::http::Client;
use filch::http::websocket::{Config, connect, connect_over};
use filch::net::{TcpListener, TcpStream};
use filch::sync::mpsc;
use filch_axum::serve;
use filch_axum::sse::{Event, KeepAlive, Sse};
use filch_axum::ws::{CloseFrame, Error, Message, WebSocket, WebSocketUpgrade, close_code};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

async fn serving(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    filch::spawn(serve(listener, app).into_future());
    address
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Close(_)) || socket.send(message).await.is_err() {
            return;
        }
    }
}

#[filch::test]
async fn messages_are_echoed() {
    async fn handler(ws: WebSocketUpgrade) -> Response {
        ws.on_upgrade(echo)
    }
    let address = serving(Router::new().route("/ws", any(handler))).await;
    let mut socket = connect(&format!("ws://{address}/ws")).await.unwrap();
    for message in [Message::text("hello"), Message::binary(vec![1, 2, 3])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.recv().await.unwrap().unwrap(), message);
    }
    // A plain request is told what is spoken here.
    let client = Client::builder().no_proxy().build();
    let answer = client.get(&format!("http://{address}/ws")).await.unwrap();
    assert_eq!(answer.status(), 426);
    assert!(answer.text().await.unwrap().contains("WebSocket"));
}

#[filch::test]
async fn limits_and_protocols_are_chosen_by_the_handler() {
    let (sender, seen) = mpsc::channel(4);
    let handler = move |ws: WebSocketUpgrade| {
        let offered: Vec<_> = ws.requested_protocols().cloned().collect();
        let ws = ws
            .protocols(["b", "a"])
            .max_message_size(10)
            .max_frame_size(10);
        assert_eq!(ws.selected_protocol().unwrap(), "b");
        async move {
            ws.on_upgrade(move |mut socket| async move {
                assert_eq!(socket.protocol().unwrap(), "b");
                let failed = socket.recv().await.unwrap().unwrap_err();
                sender
                    .send((offered.len(), failed.is_too_large()))
                    .await
                    .unwrap();
            })
        }
    };
    let address = serving(Router::new().route("/", any(handler))).await;
    let request = axum::http::Request::get(format!("ws://{address}/"))
        .header("sec-websocket-protocol", "a, b");
    let stream = TcpStream::connect(address).await.unwrap();
    let mut socket = connect_over(request.body(()).unwrap(), stream, Config::new())
        .await
        .unwrap();
    socket.send("more than ten bytes").await.unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = socket.recv().await else {
        panic!("it is not closed");
    };
    assert_eq!(frame.code, close_code::SIZE);
    assert_eq!(seen.recv().await.unwrap(), (2, true));
}

#[filch::test]
async fn an_upgrade_that_fails_is_told_to_who_asked() {
    let (sender, seen) = mpsc::channel(1);
    let begun = Arc::new(filch::sync::Event::new());
    let handler = {
        let begun = Arc::clone(&begun);
        move |ws: WebSocketUpgrade| async move {
            let ws = ws.on_failed_upgrade(move |error: Error| {
                sender.try_send(error.to_string()).unwrap();
            });
            let answer = ws.on_upgrade(echo);
            begun.set();
            // The client goes before it is answered.
            std::future::pending::<()>().await;
            answer
        }
    };
    let address = serving(Router::new().route("/", any(handler))).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let head = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    begun.wait().await;
    drop(stream);
    assert!(seen.recv().await.unwrap().contains("WebSocket"));
}

#[filch::test]
async fn a_server_that_stops_waits_for_a_goodbye() {
    async fn handler(ws: WebSocketUpgrade) -> Response {
        let stopping = ws.stopping().clone();
        ws.on_upgrade(move |mut socket| async move {
            socket.send("ready").await.unwrap();
            let _ = stopping.run(socket.recv()).await;
            let away = CloseFrame {
                code: close_code::AWAY,
                reason: "bye".into(),
            };
            socket.close(Some(away)).await.unwrap();
            while let Some(Ok(_)) = socket.recv().await {}
        })
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancelToken::new();
    let stopped = stop.clone();
    let server = serve(listener, Router::new().route("/", any(handler)));
    let server = server.with_graceful_shutdown(async move { stopped.cancelled().await });
    let server = filch::spawn(
        server
            .deadline(Duration::from_secs(3600))
            .report()
            .into_future(),
    );
    let mut socket = connect(&format!("ws://{address}/")).await.unwrap();
    assert_eq!(
        socket.recv().await.unwrap().unwrap(),
        Message::text("ready")
    );
    stop.cancel();
    let Some(Ok(Message::Close(Some(frame)))) = socket.recv().await else {
        panic!("it is not closed");
    };
    assert_eq!(
        (frame.code, frame.reason.as_str()),
        (close_code::AWAY, "bye")
    );
    assert!(socket.recv().await.is_none());
    let served = server.await.unwrap().unwrap();
    assert_eq!((served.upgraded, served.connections_cancelled), (1, 0));
}

#[filch::test]
async fn a_websocket_that_does_not_listen_is_cut_off_at_the_deadline() {
    async fn handler(ws: WebSocketUpgrade) -> Response {
        ws.on_upgrade(echo)
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancelToken::new();
    let stopped = stop.clone();
    let server = serve(listener, Router::new().route("/", any(handler)));
    let server = server.with_graceful_shutdown(async move { stopped.cancelled().await });
    let server = filch::spawn(server.deadline(Duration::from_millis(50)).into_future());
    let mut socket = connect(&format!("ws://{address}/")).await.unwrap();
    socket.send("hello").await.unwrap();
    socket.recv().await.unwrap().unwrap();
    stop.cancel();
    server.await.unwrap().unwrap();
    while let Some(Ok(_)) = socket.recv().await {}
}

#[filch::test]
async fn events_are_sent_with_signs_of_life() {
    use filch_axum::sse::KeepAliveStream;
    type Events<S> = Sse<KeepAliveStream<S>>;

    async fn handler() -> Events<impl futures_util::Stream<Item = Result<Event, Infallible>>> {
        let silent = futures_util::stream::pending();
        let first = futures_util::stream::iter([Ok(Event::default().event("first").data("x"))]);
        let events = futures_util::StreamExt::chain(first, silent);
        Sse::new(events).keep_alive(
            KeepAlive::new()
                .interval(Duration::from_millis(20))
                .text("here"),
        )
    }
    let address = serving(Router::new().route("/", get(handler))).await;
    let client = Client::builder().no_proxy().build();
    let mut answer = client.get(&format!("http://{address}/")).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut seen = String::new();
    while seen.matches(": here\n\n").count() < 2 {
        seen += std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap();
    }
    assert!(
        seen.starts_with("event: first\ndata: x\n\n: here\n\n"),
        "{seen}"
    );
}

#[filch::test]
async fn a_router_is_tested_without_a_socket() {
    use filch::stream::{StreamExt, iter};
    async fn events() -> Sse<impl filch::stream::Stream<Item = Result<Event, Infallible>>> {
        Sse::new(iter([Ok(Event::default().data("one"))]))
    }
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route(
            "/ws",
            any(|ws: WebSocketUpgrade| async { ws.on_upgrade(echo) }),
        )
        .route("/events", get(events));
    let client = filch::http::test_client(app);
    for client in [client.clone(), client.clone().http2()] {
        let answer = client.get("/").await.unwrap();
        assert_eq!(answer.into_body().text(1024).await.unwrap(), "hello");
        let mut events = client.events("/events").await.unwrap();
        assert_eq!(events.next().await.unwrap().unwrap().data, "one");
        assert!(events.next().await.is_none());
        let mut socket = client.websocket("/ws").await.unwrap();
        socket.send("x").await.unwrap();
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("x"));
    }
    client.websocket("/").await.unwrap_err();
    client.websocket("no path").await.unwrap_err();
}

#[filch::test]
async fn a_rejection_says_what_it_answers() {
    use axum::extract::FromRequestParts;
    let (mut head, ()) = axum::http::Request::new(()).into_parts();
    let rejection = WebSocketUpgrade::from_request_parts(&mut head, &())
        .await
        .unwrap_err();
    assert_eq!(rejection.status(), 426);
    assert!(rejection.body_text().contains("WebSocket"));
}
