//! async-tungstenite over filch's streams: messages, pings, close codes, and what is given up.

use std::time::Duration;

use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use async_tungstenite::tungstenite::{Error, Message};
use async_tungstenite::{WebSocketStream, accept_async, client_async};
use filch::CancelToken;
use filch::net::{TcpListener, TcpStream, serve};
use filch::stream::StreamExt;
use filch::sync::mpsc;
use filch::time::timeout;
use filch_services::testing::{OTHER_RUNTIMES, threads_of, until_alone};

type Socket = WebSocketStream<TcpStream>;

/// Sends back what comes, until the other side closes, and says with which frame.
async fn echo(stream: TcpStream) -> Result<Option<CloseFrame>, Error> {
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        match message? {
            Message::Close(frame) => {
                // What is left of the closing is sent.
                while socket.next().await.is_some() {}
                return Ok(frame);
            }
            message @ (Message::Text(_) | Message::Binary(_)) => socket.send(message).await?,
            _ => {}
        }
    }
    Err(Error::ConnectionClosed)
}

/// A server, how its connections end, and what stops it.
struct Server {
    address: std::net::SocketAddr,
    ends: mpsc::Receiver<Result<Option<CloseFrame>, Error>>,
    stop: CancelToken,
    task: filch::JoinHandle<filch::net::Served>,
}

impl Server {
    async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, ends) = mpsc::channel(100);
        let stop = CancelToken::new();
        let serving = serve(listener, move |stream, _peer| {
            let sender = sender.clone();
            async move { sender.send(echo(stream).await).await.unwrap() }
        });
        let serving = serving.graceful(stop.clone(), Duration::from_secs(30));
        let task = filch::spawn(async { serving.await.expect("it accepts") });
        Server {
            address,
            ends,
            stop,
            task,
        }
    }

    async fn client(&self) -> Socket {
        let stream = TcpStream::connect(self.address).await.unwrap();
        client_async("ws://localhost/", stream).await.unwrap().0
    }

    /// Nobody is left, and nobody had to be cancelled.
    async fn stop(self) {
        self.stop.cancel();
        assert_eq!(self.task.await.unwrap().cancelled, 0);
        drop(self.ends);
        until_alone().await;
    }
}

async fn next(socket: &mut Socket) -> Message {
    socket.next().await.expect("it is open").expect("a message")
}

#[filch::test]
async fn messages_of_every_size_come_back_in_order() {
    let server = Server::start().await;
    let mut socket = server.client().await;
    for size in [0, 1, 125, 126, 65_535, 65_536, 1_000_000] {
        let bytes = vec![size as u8; size];
        socket
            .send(Message::Binary(bytes.clone().into()))
            .await
            .unwrap();
        assert!(
            next(&mut socket).await == Message::Binary(bytes.into()),
            "{size}"
        );
    }
    socket.send("text".into()).await.unwrap();
    assert_eq!(next(&mut socket).await, "text".into());
    assert!(threads_of(&OTHER_RUNTIMES).is_empty());
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    server.stop().await;
}

#[filch::test]
async fn many_clients_are_served_at_once() {
    let server = Server::start().await;
    let clients = (0..50).map(|n| {
        let address = server.address;
        async move {
            let stream = TcpStream::connect(address).await?;
            let mut socket = client_async("ws://localhost/", stream).await?.0;
            for message in 0..20 {
                let text = Message::text(format!("{n} {message}"));
                socket.send(text.clone()).await?;
                assert_eq!(next(&mut socket).await, text);
            }
            socket.close(None).await?;
            while socket.next().await.is_some() {}
            Ok::<_, Error>(())
        }
    });
    filch::gather(clients).await.unwrap();
    server.stop().await;
}

#[filch::test]
async fn a_ping_is_answered_with_its_own_bytes_between_messages() {
    let server = Server::start().await;
    let mut socket = server.client().await;
    socket.send("before".into()).await.unwrap();
    socket
        .send(Message::Ping(b"are you there"[..].into()))
        .await
        .unwrap();
    socket.send("after".into()).await.unwrap();
    let mut messages = [
        next(&mut socket).await,
        next(&mut socket).await,
        next(&mut socket).await,
    ];
    // The answer to a ping may come before or after what was sent next to it, and messages stay in order.
    messages.sort_by_key(|message| message.is_pong());
    let pong = Message::Pong(b"are you there"[..].into());
    assert_eq!(messages, ["before".into(), "after".into(), pong]);
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    server.stop().await;
}

#[filch::test]
async fn the_code_and_the_reason_of_a_close_arrive_and_come_back() {
    let server = Server::start().await;
    for code in [CloseCode::Normal, CloseCode::Away, CloseCode::Library(4321)] {
        let mut socket = server.client().await;
        let frame = CloseFrame {
            code,
            reason: "because".into(),
        };
        socket.close(Some(frame.clone())).await.unwrap();
        assert_eq!(
            server.ends.recv().await.unwrap().unwrap(),
            Some(frame.clone())
        );
        assert_eq!(next(&mut socket).await, Message::Close(Some(frame)));
        assert!(socket.next().await.is_none(), "it is closed");
        socket
            .send("too late".into())
            .await
            .expect_err("it is closed");
    }
    server.stop().await;
}

#[filch::test]
async fn a_wait_for_a_message_that_is_given_up_loses_none() {
    let server = Server::start().await;
    let mut socket = server.client().await;
    assert!(
        timeout(Duration::from_millis(20), socket.next())
            .await
            .is_err()
    );
    let large = Message::Binary(vec![1; 500_000].into());
    socket.send(large.clone()).await.unwrap();
    // Each wait is given up at once, with parts of the message read.
    let message = loop {
        match futures_util::poll!(socket.next()) {
            std::task::Poll::Ready(message) => break message.unwrap().unwrap(),
            std::task::Poll::Pending => filch::task::yield_now().await,
        }
    };
    assert!(message == large);
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    server.stop().await;
}

#[filch::test]
async fn a_client_that_is_gone_without_a_close_is_an_error_at_the_server() {
    let server = Server::start().await;
    let socket = server.client().await;
    drop(socket);
    server
        .ends
        .recv()
        .await
        .unwrap()
        .expect_err("there was no close");
    server.stop().await;
}
