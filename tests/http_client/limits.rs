//! Limits of time and size.

use super::{OK, Server, client};
use filch::http::Client;
use filch::http::client::{Body, ClientBuilder, Kind};
use filch::net::TcpListener;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(50);

fn limited(limit: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
    limit(Client::builder().no_proxy()).build()
}

#[filch::test]
async fn a_server_that_does_not_begin_to_answer_is_given_up() {
    let server = Server::new(|_, connection| async move {
        connection.head().await?;
        std::future::pending().await
    });
    let server = server.await;
    let client = limited(|client| client.answer_timeout(SHORT));
    let error = client.get(&server.url("/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::AnswerTimeout);
    assert!(error.is_timeout());
    assert_eq!(
        std::io::Error::from(error).kind(),
        std::io::ErrorKind::TimedOut
    );
}

#[filch::test]
async fn an_answer_that_stands_still_is_given_up() {
    let server = Server::always("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await;
    let client = limited(|client| client.body_timeout(SHORT));
    let answer = client.get(&server.url("/")).await.unwrap();
    assert_eq!(answer.text().await.unwrap_err().kind(), Kind::BodyTimeout);
}

#[filch::test]
async fn the_whole_has_a_limit_that_the_body_counts_into() {
    let server = Server::new(|_, connection| async move {
        let head = connection.head().await?;
        if head.contains("/late") {
            std::future::pending::<()>().await;
        }
        connection
            .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .await?;
        loop {
            connection.send("1\r\nx\r\n").await?;
            filch::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let server = server.await;
    let client = limited(|client| client.timeout(SHORT));
    assert_eq!(
        client.get(&server.url("/late")).await.unwrap_err().kind(),
        Kind::Timeout
    );
    // Long enough for the head, however slow the machine is.
    let mut limit = SHORT;
    let answer = loop {
        limit *= 2;
        if let Ok(answer) = client.get(&server.url("/")).timeout(limit).await {
            break answer;
        }
    };
    assert_eq!(answer.text().await.unwrap_err().kind(), Kind::Timeout);
}

#[filch::test]
async fn a_connection_that_does_not_come_is_given_up() {
    // A proxy that is silent stands for a host that is: both are part of the way.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let client = limited(|client| client.proxy(&proxy).unwrap().connect_timeout(SHORT));
    let error = client.get("https://example.org/").await.unwrap_err();
    assert_eq!(error.kind(), Kind::ConnectTimeout);
}

#[filch::test]
async fn nobody_there_is_an_error_that_names_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client()
        .get(&format!("http://{address}/"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert_eq!(
        std::io::Error::from(error).kind(),
        std::io::ErrorKind::ConnectionRefused
    );
}

#[filch::test]
async fn a_body_beyond_the_limit_is_refused_stated_or_not() {
    let stated = Server::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let chunked =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n";
    let chunked = Server::always(chunked).await;
    for server in [stated, chunked] {
        let client = limited(|client| client.body_limit(1));
        let answer = client.get(&server.url("/")).await.unwrap();
        assert_eq!(answer.bytes().await.unwrap_err().kind(), Kind::TooLarge);
        let answer = client.get(&server.url("/")).await.unwrap().limit(2);
        assert_eq!(answer.bytes().await.unwrap(), "ok");
    }
}

#[filch::test]
async fn a_body_that_moves_on_holds_the_answers_time_back() {
    let server = Server::new(|_, connection| async move {
        connection.head().await?;
        connection
            .body("1\r\nx\r\n".len() * 20 + "0\r\n\r\n".len())
            .await?;
        connection.send(OK).await
    });
    let server = server.await;
    // Twenty pieces, each well within the limit, and all of them beyond it.
    let limit = Duration::from_secs(3);
    let pieces = futures_util::stream::unfold(0, |sent| async move {
        if sent == 20 {
            return None;
        }
        filch::time::sleep(Duration::from_millis(200)).await;
        let piece = http_body::Frame::data(bytes::Bytes::from("x"));
        Some((Ok::<_, std::io::Error>(piece), sent + 1))
    });
    let client = limited(|client| client.answer_timeout(limit));
    let body = Body::stream(http_body_util::StreamBody::new(Box::pin(pieces)));
    let answer = client.post(&server.url("/")).body(body).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "ok");
}
