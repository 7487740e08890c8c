//! Over HTTP/2, by an extended CONNECT (RFC 8441).

use crate::tools::{TEXT, frame, read, server, serving};
use filch::http::rt::{Executor, FromHyper, Timer};
use filch::http::websocket::{CloseFrame, Config, Message, Side, WebSocket};
use filch::net::TcpStream;
use filch::sync::mpsc;
use http_body_util::Empty;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::ext::Protocol;
use std::net::SocketAddr;

type Empties = Empty<bytes::Bytes>;
type Request = http::Request<Empties>;

struct Client {
    sender: SendRequest<Empties>,
    address: SocketAddr,
}

impl Client {
    async fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut client = Builder::new(Executor);
        let (sender, connection) = client.timer(Timer).handshake(stream).await.unwrap();
        filch::spawn(connection);
        Client { sender, address }
    }

    fn request(&self) -> Request {
        let request = http::Request::connect(format!("http://{}/", self.address));
        let request = request.header("sec-websocket-version", "13");
        let request = request.extension(Protocol::from_static("websocket"));
        request.body(Empty::new()).unwrap()
    }

    async fn ask(
        &mut self,
        make: impl Fn(Request) -> Request,
    ) -> http::Response<hyper::body::Incoming> {
        // The server has to have said that it does this.
        loop {
            self.sender.ready().await.unwrap();
            match self.sender.send_request(make(self.request())).await {
                Ok(answer) => return answer,
                Err(_) => filch::task::yield_now().await,
            }
        }
    }

    async fn open(&mut self) -> FromHyper<hyper::upgrade::Upgraded> {
        let answer = self.ask(|request| request).await;
        assert_eq!(answer.status(), 200);
        FromHyper::new(hyper::upgrade::on(answer).await.unwrap())
    }

    async fn socket(&mut self) -> WebSocket {
        WebSocket::from_stream(self.open().await, Side::Client, Config::new())
    }
}

#[filch::test]
async fn messages_go_both_ways_and_a_close_is_agreed_on() {
    let (address, seen) = server(Config::new()).await;
    let mut socket = Client::connect(address).await.socket().await;
    socket.send("over two").await.unwrap();
    let echoed = socket.recv().await.unwrap().unwrap();
    assert_eq!(echoed, Message::text("over two"));
    assert_eq!(seen.recv().await.unwrap(), "text");
    socket.close(None).await.unwrap();
    assert_eq!(socket.recv().await.unwrap().unwrap(), Message::Close(None));
    assert_eq!(seen.recv().await.unwrap(), "Close(None)");
    assert_eq!(seen.recv().await.unwrap(), "end");
}

#[filch::test]
async fn one_connection_carries_several() {
    let (address, _seen) = server(Config::new()).await;
    let mut client = Client::connect(address).await;
    let mut sockets = [
        client.socket().await,
        client.socket().await,
        client.socket().await,
    ];
    for (n, socket) in sockets.iter_mut().enumerate() {
        socket.send(n.to_string()).await.unwrap();
    }
    for (n, socket) in sockets.iter_mut().enumerate().rev() {
        assert_eq!(
            socket.recv().await.unwrap().unwrap(),
            Message::text(n.to_string())
        );
    }
}

#[filch::test]
async fn a_mebibyte_is_more_than_a_window_and_comes_back() {
    let (address, _seen) = server(Config::new()).await;
    let mut socket = Client::connect(address).await.socket().await;
    let large = vec![7; 1 << 20];
    let (mut sink, mut stream) = futures_util::StreamExt::split(&mut socket);
    let sent = futures_util::SinkExt::send(&mut sink, Message::binary(large.clone()));
    let read = futures_util::StreamExt::next(&mut stream);
    let (sent, echoed) = futures_util::future::join(sent, read).await;
    sent.unwrap();
    assert!(echoed.unwrap().unwrap() == Message::binary(large));
}

#[filch::test]
async fn another_version_is_told_the_one_that_is_spoken() {
    let (address, _seen) = server(Config::new()).await;
    let old = |mut request: Request| {
        request
            .headers_mut()
            .insert("sec-websocket-version", "8".parse().unwrap());
        request
    };
    let answer = Client::connect(address).await.ask(old).await;
    assert_eq!(answer.status(), 426);
    assert_eq!(answer.headers()["sec-websocket-version"], "13");
}

#[filch::test]
async fn an_extended_connect_for_something_else_is_refused() {
    let (address, _seen) = server(Config::new()).await;
    let other = |mut request: Request| {
        request
            .extensions_mut()
            .insert(Protocol::from_static("other"));
        request
    };
    let answer = Client::connect(address).await.ask(other).await;
    assert_eq!(answer.status(), 426);
}

#[filch::test]
async fn a_protocol_is_agreed_on() {
    let (address, _seen) = server(Config::new()).await;
    let offering = |mut request: Request| {
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", "none, chat".parse().unwrap());
        request
    };
    let answer = Client::connect(address).await.ask(offering).await;
    assert_eq!(answer.headers()["sec-websocket-protocol"], "chat");
}

#[filch::test]
async fn a_stream_that_is_reset_ends_its_handler_and_no_other() {
    let (address, seen) = server(Config::new()).await;
    let mut client = Client::connect(address).await;
    let mut stays = client.socket().await;
    let mut goes = client.socket().await;
    goes.send("x").await.unwrap();
    assert_eq!(seen.recv().await.unwrap(), "text");
    drop(goes);
    let told = seen.recv().await.unwrap();
    assert!(told == "end" || told.starts_with("failed"), "{told}");
    stays.send("still here").await.unwrap();
    assert_eq!(
        stays.recv().await.unwrap().unwrap(),
        Message::text("still here")
    );
}

#[filch::test]
async fn a_server_may_close_first() {
    let (sender, seen) = mpsc::channel(1);
    let address = serving(Config::new(), move |mut socket: WebSocket, _| {
        let sender = sender.clone();
        async move {
            let frame = CloseFrame {
                code: 1012,
                reason: "".into(),
            };
            socket.close(Some(frame)).await.unwrap();
            sender.send(socket.recv().await.is_some()).await.unwrap();
        }
    });
    let mut socket = Client::connect(address.await).await.socket().await;
    let Some(Ok(Message::Close(Some(frame)))) = socket.recv().await else {
        panic!("no close");
    };
    assert_eq!(frame.code, 1012);
    assert!(socket.recv().await.is_none());
    assert!(seen.recv().await.unwrap(), "the client has agreed");
}

#[filch::test]
async fn what_breaks_the_protocol_is_closed_with_its_number() {
    use filch::io::{AsyncReadExt, AsyncWriteExt};
    let (address, seen) = server(Config::new()).await;
    let mut stream = Client::connect(address).await.open().await;
    stream.write_all(&frame(0x83, b"x")).await.unwrap();
    stream.flush().await.unwrap();
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    assert_eq!(all, [0x88, 2, 3, 0xea]);
    assert!(seen.recv().await.unwrap().starts_with("failed"));
}

#[filch::test]
async fn a_connection_of_http_1_is_served_beside_it() {
    let (address, _seen) = server(Config::new()).await;
    drop(Client::connect(address).await.socket().await);
    let raw = crate::tools::Raw::connect(address).await;
    raw.send(frame(TEXT, b"one")).await;
    assert_eq!(read(&raw.stream).await, (TEXT, b"one".to_vec()));
}
