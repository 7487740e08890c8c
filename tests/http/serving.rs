//! Requests and answers, over all kinds of listeners.

use super::raw::{LONG, echo, serve};
use filch::http::rt::FromHyper;
use filch::http::{
    self, Body, BodyError, ConnInfo, Limits, Peer, Request, Response, Several, StatusCode, header,
};
use filch::io::{AsyncReadExt, AsyncWriteExt};
use filch::net::{TcpListener, TcpStream};
use std::time::Duration;

#[filch::test]
async fn a_connection_is_kept_alive_for_the_next_request() {
    let server = serve(Limits::default(), LONG, echo).await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/one").await.body, "GET /one ");
    client
        .send("POST /two HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.body, "POST /two hello");
    drop(client);
    let served = server.end().await;
    assert_eq!((served.connections, served.finished), (1, 2));
}

async fn peer(request: Request<Body>) -> Result<Response<Body>, BodyError> {
    let info = request.extensions().get::<ConnInfo>().unwrap();
    assert!(info.tls().is_none());
    Ok(Response::new(Body::from(match info.peer() {
        Peer::Tcp(address) => format!("tcp {address}"),
        Peer::Unix(_) => "unix".to_owned(),
        Peer::Memory => "memory".to_owned(),
        other => format!("{other:?}"),
    })))
}

/// All that comes after a request that is the last one.
async fn last<S: filch::io::AsyncRead + filch::io::AsyncWrite + Unpin>(mut stream: S) -> String {
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    body.to_owned()
}

#[cfg(unix)]
#[filch::test]
async fn several_listeners_are_one_and_requests_know_their_peer() {
    let path = std::env::temp_dir().join(format!("filch-http-{}", std::process::id()));
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (dialer, memory) = http::memory();
    let unix = filch::net::UnixListener::bind(&path).unwrap();
    let listeners = Several::new().and(tcp).and(unix).and(memory);
    let server = filch::spawn(http::serve(listeners, http::service_fn(peer)).into_future());

    let stream = TcpStream::connect(address).await.unwrap();
    let own = stream.local_addr().unwrap();
    assert_eq!(last(stream).await, format!("tcp {own}"));
    let stream = filch::net::UnixStream::connect(&path).await.unwrap();
    assert_eq!(last(stream).await, "unix");
    assert_eq!(last(dialer.connect().await.unwrap()).await, "memory");
    server.abort();
    std::fs::remove_file(path).unwrap();
}

#[filch::test]
async fn a_service_may_be_made_for_each_connection() {
    let (dialer, listener) = http::memory();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let make = http::per_connection(move |_: &ConnInfo| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        http::service_fn(move |_: Request<Body>| async move {
            Ok::<_, BodyError>(Response::new(Body::from(format!("connection {number}"))))
        })
    });
    let server = filch::spawn(http::serve_with(listener, make).into_future());
    assert_eq!(last(dialer.connect().await.unwrap()).await, "connection 0");
    assert_eq!(last(dialer.connect().await.unwrap()).await, "connection 1");
    server.abort();
}

/// Becomes an echo, and goes on until the server's end or its client's.
async fn upgrade(mut request: Request<Body>) -> Result<Response<Body>, BodyError> {
    let stopping = request
        .extensions()
        .get::<ConnInfo>()
        .unwrap()
        .stopping()
        .clone();
    let upgraded = http::upgrade::on(&mut request);
    filch::spawn(async move {
        let mut stream = FromHyper::new(upgraded.await.unwrap());
        let mut buffer = [0; 64];
        loop {
            let read = stopping.run(stream.read(&mut buffer)).await;
            match read {
                Ok(Ok(count)) if count > 0 => stream.write_all(&buffer[..count]).await.unwrap(),
                Ok(_) => return,
                Err(_stopped) => {
                    stream.write_all(b"bye").await.unwrap();
                    // It takes its time, and never ends by itself.
                    let cut = stream.read(&mut buffer).await.unwrap_err();
                    assert_eq!(cut.kind(), std::io::ErrorKind::ConnectionAborted);
                    return;
                }
            }
        }
    });
    Ok(Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "echo")
        .body(Body::empty())
        .unwrap())
}

#[filch::test]
async fn an_upgraded_connection_is_told_of_the_end_and_cut_at_the_deadline() {
    let server = serve(Limits::default(), Duration::from_millis(50), upgrade).await;
    let mut client = server.connect().await;
    client
        .send("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nearly")
        .await;
    assert!(client.head().await.starts_with("HTTP/1.1 101 "));
    let mut echoed = [0; 5];
    client.0.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"early");
    let served = server.end().await;
    assert_eq!(client.rest().await, b"bye");
    assert_eq!((served.upgraded, served.connections_cancelled), (1, 1));
    assert_eq!((served.finished, served.cancelled), (1, 0));
}

/// A tunnel to itself.
async fn tunnel(mut request: Request<Body>) -> Result<Response<Body>, BodyError> {
    let upgraded = http::upgrade::on(&mut request);
    filch::spawn(async move {
        let mut stream = FromHyper::new(upgraded.await.unwrap());
        let mut buffer = [0; 64];
        let count = stream.read(&mut buffer).await.unwrap();
        stream.write_all(&buffer[..count]).await.unwrap();
        let cut = stream.read(&mut buffer).await.unwrap_err();
        assert_eq!(cut.kind(), std::io::ErrorKind::ConnectionAborted);
    });
    Ok(Response::new(Body::empty()))
}

#[filch::test]
async fn a_tunnel_is_an_upgraded_connection_too() {
    let server = serve(Limits::default(), Duration::from_millis(20), tunnel).await;
    let mut client = server.connect().await;
    client
        .send("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\nhello")
        .await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 "));
    let mut echoed = [0; 5];
    client.0.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"hello");
    let served = server.end().await;
    assert!(client.is_closed().await);
    assert_eq!((served.upgraded, served.connections_cancelled), (1, 1));
}
