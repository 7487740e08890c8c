//! Layers, and listeners around others.

use super::raw::Client;
use filch::http::{
    self, Body, BodyError, Bytes, ConnInfo, Frame, HttpBody, Layer, Limits, ProxyListener, Request,
    Response,
};
use filch::io::BufReader;
use filch::net::{TcpListener, TcpStream};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

/// One message, and then none for ever.
struct Slow(Option<Bytes>);

impl HttpBody for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None => Poll::Pending,
        }
    }
}

async fn call(request: Request<Body>) -> Result<Response<Body>, BodyError> {
    match request.uri().path() {
        "/never" => std::future::pending().await,
        "/slow" => Ok(Response::new(Body::new(Slow(Some(Bytes::from("message")))))),
        _ => Ok(Response::new(Body::from("at once"))),
    }
}

fn within(path: &str, limit: &str) -> Request<Body> {
    let request = Request::builder()
        .uri(path)
        .header("grpc-timeout", limit)
        .header("te", "trailers");
    request.body(Body::empty()).unwrap()
}

#[filch::test]
async fn a_call_ends_at_its_deadline_wherever_it_is() {
    let client = http::test_client(http::grpc_timeout().layer(http::service_fn(call)));
    let answer = client.request(within("/never", "10m")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["grpc-status"], "4");
    assert_eq!(answer.headers()["content-type"], "application/grpc");

    let answer = client.request(within("/slow", "10m")).await.unwrap();
    assert!(!answer.headers().contains_key("grpc-status"));
    let mut body = answer.into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), "message");
    assert!(body.data().await.is_none(), "the stream has an end");

    let answer = client.request(within("/", "1H")).await.unwrap();
    assert_eq!(answer.into_body().text(100).await.unwrap(), "at once");
}

async fn who(request: Request<Body>) -> Result<Response<Body>, BodyError> {
    let info = request.extensions().get::<ConnInfo>().unwrap();
    let address = info.peer().socket_addr().unwrap();
    Ok(Response::new(Body::from(address.to_string())))
}

/// A server that believes those proxies, and its address.
async fn behind(proxies: &[IpAddr]) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let listener = ProxyListener::of_addresses(tcp, proxies.iter().copied());
    let server = http::serve(listener, http::service_fn(who)).limits(Limits::default());
    filch::spawn(server.into_future());
    address
}

async fn connect(address: SocketAddr) -> Client {
    Client(BufReader::new(TcpStream::connect(address).await.unwrap()))
}

#[filch::test]
async fn a_known_proxy_says_whose_a_connection_is() {
    let address = behind(&[Ipv4Addr::LOCALHOST.into()]).await;
    let mut text = connect(address).await;
    text.send("PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n")
        .await;
    assert_eq!(text.get("/").await.body, "192.0.2.1:5000");

    let mut bytes = connect(address).await;
    bytes
        .send(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x13\x88\0\x50")
        .await;
    assert_eq!(bytes.get("/").await.body, "192.0.2.1:5000");

    let mut none = connect(address).await;
    none.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(none.is_closed().await, "it has to say so");
}

#[filch::test]
async fn nobody_else_is_believed() {
    let address = behind(&["192.0.2.7".parse().unwrap()]).await;
    let mut plain = connect(address).await;
    let own = plain.0.get_ref().local_addr().unwrap();
    assert_eq!(plain.get("/").await.body, own.to_string());
    let mut liar = connect(address).await;
    liar.send("PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n")
        .await;
    assert_eq!(liar.get("/").await.status, 400);
}
