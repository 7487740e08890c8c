//! TLS and HTTP/2.

use filch::http::Client;
use filch::http::client::Kind;
use filch::http::rt::{Executor, Timer};
use filch::net::{TcpListener, TcpStream};
use filch::tls::{Identity, Roots, TlsAcceptor, TlsConnector};
use http_body_util::Full;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/tls/certs", name]
        .iter()
        .collect()
}

fn connector(protocols: &[&str]) -> TlsConnector {
    let roots = Roots::from_pem_file(file("ca.pem")).unwrap();
    TlsConnector::builder()
        .roots(roots)
        .alpn(protocols)
        .build()
        .unwrap()
}

/// Answers with the protocol's version. Also how many connections there were.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let identity = Identity::from_pem_files(file("localhost.pem"), file("localhost.key")).unwrap();
    let acceptor = TlsAcceptor::builder()
        .identity(identity)
        .alpn(["h2", "http/1.1"])
        .build()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    filch::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            filch::spawn(connection(acceptor.clone(), stream));
        }
    });
    (address, count)
}

async fn connection(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
        let version = format!("{:?}", request.version());
        Ok::<_, Infallible>(http::Response::new(Full::new(bytes::Bytes::from(version))))
    });
    if stream.alpn_protocol() == Some(b"h2") {
        let mut server = hyper::server::conn::http2::Builder::new(Executor);
        let _ = server.timer(Timer).serve_connection(stream, service).await;
    } else {
        let server = hyper::server::conn::http1::Builder::new();
        let _ = server.serve_connection(stream, service).await;
    }
}

fn url(address: SocketAddr) -> String {
    format!("https://localhost:{}/", address.port())
}

#[filch::test]
async fn both_versions_are_spoken_over_tls() {
    let (address, _) = server().await;
    for (offered, spoken) in [
        (&["h2", "http/1.1"][..], "HTTP/2.0"),
        (&["http/1.1"], "HTTP/1.1"),
    ] {
        let client = Client::builder().no_proxy().tls(connector(offered)).build();
        assert_eq!(
            client
                .get(&url(address))
                .await
                .unwrap()
                .text()
                .await
                .unwrap(),
            spoken
        );
    }
}

#[filch::test]
async fn one_connection_of_http_2_serves_all() {
    let (address, count) = server().await;
    let client = Client::builder().no_proxy().tls(connector(&["h2"])).build();
    client
        .get(&url(address))
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let all = (0..20).map(|_| client.get(&url(address)).send());
    for answer in filch::gather(all).await.unwrap() {
        assert_eq!(answer.text().await.unwrap(), "HTTP/2.0");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[filch::test]
async fn a_certificate_that_is_not_trusted_is_an_error_of_tls() {
    let (address, _) = server().await;
    let other = Roots::from_pem_file(file("localhost.pem"));
    let roots = other.unwrap();
    let connector = TlsConnector::builder().roots(roots).build().unwrap();
    let client = Client::builder().no_proxy().tls(connector).build();
    // Not asked by the name that stands in the certificate.
    let error = client
        .get(&format!("https://[::1]:{}/", address.port()))
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), Kind::Tls | Kind::Connect), "{error}");
    let error = client
        .get(&format!("https://127.0.0.1:{}/", address.port()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Tls, "{error}");
}

#[filch::test]
async fn http_2_without_tls_is_spoken_by_agreement() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    filch::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
            assert!(!request.headers().contains_key("host"));
            assert!(request.uri().authority().is_some());
            Ok::<_, Infallible>(http::Response::new(Full::new(bytes::Bytes::from("two"))))
        });
        let mut server = hyper::server::conn::http2::Builder::new(Executor);
        let _ = server.timer(Timer).serve_connection(stream, service).await;
    });
    let client = Client::builder().no_proxy().http2_prior_knowledge().build();
    let answer = client.get(&format!("http://{address}/")).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "two");
}
