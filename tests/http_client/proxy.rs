//! By way of a proxy.

use super::{OK, Server};
use filch::http::Client;
use filch::http::client::Kind;
use filch::sync::mpsc;

async fn proxy(answer: &'static str) -> (Server, mpsc::Receiver<String>) {
    let (sender, receiver) = mpsc::channel(8);
    let server = Server::new(move |_, connection| {
        let sender = sender.clone();
        async move {
            sender.send(connection.head().await?).await.unwrap();
            connection.send(answer).await
        }
    });
    (server.await, receiver)
}

fn client(proxy: &Server) -> Client {
    let url = proxy.url("").replace("http://", "http://user:pass@");
    Client::builder().proxy(&url).unwrap().build()
}

#[filch::test]
async fn a_proxy_gets_the_whole_url_and_who_asks() {
    let (server, seen) = proxy(OK).await;
    let answer = client(&server)
        .get("http://nowhere.invalid/x?y")
        .await
        .unwrap();
    assert_eq!(answer.text().await.unwrap(), "ok");
    let head = seen.recv().await.unwrap();
    assert!(
        head.starts_with("GET http://nowhere.invalid/x?y HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains("host: nowhere.invalid\r\n"), "{head}");
    assert!(
        head.contains("proxy-authorization: Basic dXNlcjpwYXNz\r\n"),
        "{head}"
    );
}

#[filch::test]
async fn a_proxy_is_asked_to_open_a_way_for_tls_and_may_refuse() {
    let (server, seen) = proxy("HTTP/1.1 403 No\r\n\r\n").await;
    let error = client(&server)
        .get("https://nowhere.invalid/")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Proxy);
    assert!(error.to_string().contains("403 No"), "{error}");
    let head = seen.recv().await.unwrap();
    assert!(
        head.starts_with("CONNECT nowhere.invalid:443 HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"),
        "{head}"
    );
}

#[filch::test]
async fn a_proxy_that_speaks_no_http_is_an_error() {
    for answer in ["hello\r\n\r\n", "", "HTTP/1.1 2"] {
        let (server, _seen) = proxy(answer).await;
        let error = client(&server)
            .get("https://nowhere.invalid/")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), Kind::Proxy, "{answer:?}: {error}");
    }
}

#[test]
fn a_proxy_of_tls_is_refused_when_the_client_is_made() {
    let made = Client::builder().proxy("https://proxy:3128");
    assert_eq!(made.unwrap_err().kind(), Kind::Proxy);
}
