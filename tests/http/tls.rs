//! The server under TLS.

use super::raw::{LONG, echo};
use super::two::{DATA, END_HEADERS, END_STREAM, GET, HEADERS, PREFACE, SETTINGS, frame};
use filch::CancelToken;
use filch::http::{self, Body, BodyError, ConnInfo, Request, Response, TlsListener};
use filch::io::{AsyncReadExt, AsyncWriteExt};
use filch::net::{TcpListener, TcpStream};
use filch::time::Instant;
use filch::tls::{Identity, Roots, TlsAcceptor, TlsConnector, TlsStream};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A file that the tests of TLS have.
fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/tls/certs", name]
        .iter()
        .collect()
}

fn acceptor() -> TlsAcceptor {
    let identity = Identity::from_pem_files(file("localhost.pem"), file("localhost.key")).unwrap();
    let acceptor = TlsAcceptor::builder().identity(identity);
    acceptor.alpn(["h2", "http/1.1"]).build().unwrap()
}

async fn listener() -> (TlsListener<TcpListener>, SocketAddr) {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    (TlsListener::new(tcp, acceptor()), address)
}

async fn connect(address: SocketAddr, alpn: &str) -> TlsStream<TcpStream> {
    let roots = Roots::from_pem_file(file("ca.pem")).unwrap();
    let connector = TlsConnector::builder()
        .roots(roots)
        .alpn([alpn])
        .build()
        .unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    connector.connect("localhost", tcp).await.unwrap()
}

async fn facts(request: Request<Body>) -> Result<Response<Body>, BodyError> {
    let info = request.extensions().get::<ConnInfo>().unwrap();
    let tls = info.tls().unwrap();
    let alpn = String::from_utf8_lossy(tls.alpn_protocol().unwrap());
    let text = format!("{} {} {}", tls.version(), alpn, tls.server_name().unwrap());
    Ok(Response::new(Body::from(text)))
}

#[filch::test]
async fn alpn_chooses_the_protocol_and_requests_know_what_was_agreed_on() {
    let (listener, address) = listener().await;
    let server = filch::spawn(http::serve(listener, http::service_fn(facts)).into_future());
    let mut one = connect(address, "http/1.1").await;
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    one.write_all(request).await.unwrap();
    let mut answer = String::new();
    one.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.ends_with("\r\n\r\nTLSv1.3 http/1.1 localhost"),
        "{answer}"
    );

    let mut two = connect(address, "h2").await;
    let ask = frame(HEADERS, END_STREAM | END_HEADERS, 1, GET);
    two.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[]), &ask].concat())
        .await
        .unwrap();
    loop {
        let mut head = [0; 9];
        two.read_exact(&mut head).await.unwrap();
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        two.read_exact(&mut payload).await.unwrap();
        if head[3] == DATA {
            assert_eq!(payload, b"TLSv1.3 h2 localhost");
            break;
        }
    }
    server.abort();
}

#[filch::test]
async fn a_handshake_that_does_not_come_keeps_neither_others_nor_the_end_waiting() {
    let (listener, address) = listener().await;
    let stop = CancelToken::new();
    let server = http::serve(listener, http::service_fn(echo)).graceful(stop.clone(), LONG);
    let server = filch::spawn(server.into_future());
    let silent = TcpStream::connect(address).await.unwrap();
    let mut other = connect(address, "http/1.1").await;
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    other.write_all(request).await.unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"));
    stop.cancel();
    let served = server.await.unwrap().unwrap();
    assert_eq!((served.connections, served.finished), (2, 1));
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[filch::test(paused)]
async fn a_handshake_that_does_not_come_is_closed_after_10_seconds() {
    let (dialer, listener) = http::memory();
    let listener = TlsListener::new(listener, acceptor());
    filch::spawn(http::serve(listener, http::service_fn(echo)).into_future());
    let mut silent = dialer.connect().await.unwrap();
    let came = Instant::now();
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert_eq!(came.elapsed(), Duration::from_secs(10));
}
