//! `wss://`: TLS as the HTTP client does it.

use crate::dialing::is_echoed;
use crate::tools::{echo, serve_on, server};
use filch::http::client::Kind;
use filch::http::websocket::{Config, Error};
use filch::http::{Client, TlsListener};
use filch::net::{TcpListener, TcpStream};
use filch::sync::mpsc;
use filch::time::Instant;
use filch::tls::{Identity, Roots, TlsAcceptor, TlsConnector};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/tls/certs", name]
        .iter()
        .collect()
}

/// Trusts what is in this file, and offers what a client of HTTP does.
fn client(roots: &str) -> Client {
    let roots = Roots::from_pem_file(file(roots)).unwrap();
    let connector = TlsConnector::builder()
        .roots(roots)
        .alpn(["h2", "http/1.1"]);
    let connector = connector.build().unwrap();
    Client::builder().no_proxy().tls(connector).build()
}

/// Echoes over TLS; its certificate is of `localhost` and of loopback addresses.
async fn secured(alpn: &[&str]) -> SocketAddr {
    let identity = Identity::from_pem_files(file("localhost.pem"), file("localhost.key")).unwrap();
    let acceptor = TlsAcceptor::builder().identity(identity).alpn(alpn);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = TlsListener::new(listener, acceptor.build().unwrap());
    let (told, _ignored) = mpsc::channel(8);
    serve_on(listener, Config::new(), move |socket, _| {
        echo(socket, told.clone())
    });
    address
}

fn is_of_tls(error: &Error) -> bool {
    error
        .client_error()
        .is_some_and(|error| error.kind() == Kind::Tls)
}

#[filch::test]
async fn a_server_of_http_2_is_asked_by_http_1() {
    let address = secured(&["h2", "http/1.1"]).await;
    let client = client("ca.pem");
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("wss://{host}:{}/", address.port());
        is_echoed(client.websocket(&url).await.unwrap()).await;
    }
}

#[filch::test]
async fn a_server_that_speaks_http_2_alone_is_refused() {
    let address = secured(&["h2"]).await;
    let url = format!("wss://localhost:{}/", address.port());
    let error = client("ca.pem").websocket(&url).await.unwrap_err();
    assert!(is_of_tls(&error), "{error}");
}

#[filch::test]
async fn a_server_without_such_an_agreement_is_taken() {
    let address = secured(&[]).await;
    let url = format!("WSS://localhost:{}", address.port());
    is_echoed(client("ca.pem").websocket(&url).await.unwrap()).await;
}

#[filch::test]
async fn a_certificate_that_is_not_trusted_is_refused() {
    let address = secured(&["http/1.1"]).await;
    let url = format!("wss://localhost:{}/", address.port());
    let error = client("localhost.pem").websocket(&url).await.unwrap_err();
    assert!(is_of_tls(&error), "{error}");
    assert!(
        error.to_string().contains("no TLS with localhost:"),
        "{error}"
    );
}

#[filch::test]
async fn a_certificate_of_somebody_else_is_refused() {
    let address = secured(&["http/1.1"]).await;
    let url = format!("wss://127.0.0.2:{}/", address.port());
    let listener = TcpListener::bind(("127.0.0.2", address.port())).await;
    // Another address of this machine, which leads to the same server.
    let listener = listener.unwrap();
    filch::spawn(async move {
        let (mut client, _) = listener.accept().await?;
        let mut server = TcpStream::connect(address).await?;
        filch::io::copy_bidirectional(&mut client, &mut server).await?;
        io::Result::Ok(())
    });
    let error = client("ca.pem").websocket(&url).await.unwrap_err();
    assert!(is_of_tls(&error), "{error}");
}

#[filch::test]
async fn a_server_without_tls_is_an_error_of_tls() {
    let (address, _seen) = server(Config::new()).await;
    let url = format!("wss://127.0.0.1:{}/", address.port());
    let error = client("ca.pem").websocket(&url).await.unwrap_err();
    assert!(is_of_tls(&error), "{error}");
}

#[filch::test(paused)]
async fn a_server_that_is_silent_in_the_midst_of_tls_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}/", listener.local_addr().unwrap());
    let begun = Instant::now();
    let limit = Duration::from_secs(2);
    let error = client("ca.pem")
        .websocket(&url)
        .timeout(limit)
        .await
        .unwrap_err();
    assert_eq!(begun.elapsed(), limit);
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().starts_with("wss://127.0.0.1:"), "{error}");
}

#[filch::test]
async fn a_proxy_opens_a_way_for_tls() {
    let address = secured(&["http/1.1"]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let there = format!("localhost:{}", address.port());
    let asked = format!("CONNECT {there} HTTP/1.1\r\n");
    let proxying = filch::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let head = crate::tools::head(&client).await;
        assert!(head.starts_with(&asked), "{head}");
        client
            .write_all(b"HTTP/1.1 200 Go on\r\n\r\n")
            .await
            .unwrap();
        let mut server = TcpStream::connect(address).await.unwrap();
        // A WebSocket that is dropped may end it by a reset.
        let _ = filch::io::copy_bidirectional(&mut client, &mut server).await;
    });
    let roots = Roots::from_pem_file(file("ca.pem")).unwrap();
    let connector = TlsConnector::builder().roots(roots).build().unwrap();
    let builder = Client::builder().tls(connector).proxy(&proxy).unwrap();
    let socket = builder.build().websocket(&format!("wss://{there}/"));
    is_echoed(socket.await.unwrap()).await;
    proxying.await.unwrap();
}
