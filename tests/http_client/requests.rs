//! What is sent, what is read, and where a redirect leads.

use super::{OK, Server, client};
use filch::http::client::{Body, Kind};
use filch::sync::mpsc;

/// A server that tells what it got, and answers.
async fn echo() -> (Server, mpsc::Receiver<String>) {
    let (sender, receiver) = mpsc::channel(8);
    let server = Server::new(move |_, connection| {
        let sender = sender.clone();
        async move {
            loop {
                let mut head = connection.head().await?;
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                if let Some(length) = length.map(|length| length.parse().unwrap()) {
                    head += &connection.body(length).await?;
                }
                sender.send(head).await.unwrap();
                connection.send(OK).await?;
            }
        }
    });
    (server.await, receiver)
}

#[filch::test]
async fn a_get_request_is_as_small_as_it_can_be() {
    let (server, seen) = echo().await;
    let answer = client().get(&server.url("/a?b#c")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.content_length(), Some(2));
    assert_eq!(answer.text().await.unwrap(), "ok");
    let expected = format!("GET /a?b HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
    assert_eq!(seen.recv().await.unwrap(), expected);
}

#[filch::test]
async fn a_form_a_query_headers_and_credentials_are_sent() {
    let (server, seen) = echo().await;
    let url = server.url("/x?q=1").replace("http://", "http://me:pass@");
    let request = client()
        .post(&url)
        .query([("name", "a b")])
        .form([("k", "ä")]);
    request.header("x-mine", "7").await.unwrap();
    let head = seen.recv().await.unwrap();
    assert!(
        head.starts_with("POST /x?q=1&name=a+b HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains("authorization: Basic bWU6cGFzcw==\r\n"),
        "{head}"
    );
    assert!(
        head.contains("content-type: application/x-www-form-urlencoded\r\n"),
        "{head}"
    );
    assert!(head.contains("x-mine: 7\r\n"), "{head}");
    assert!(head.ends_with("\r\n\r\nk=%C3%A4"), "{head}");
}

#[filch::test]
async fn a_stream_is_sent_in_chunks() {
    let (sender, seen) = mpsc::channel(1);
    let server = Server::new(move |_, connection| {
        let sender = sender.clone();
        async move {
            let head = connection.head().await?;
            assert!(head.contains("transfer-encoding: chunked"), "{head}");
            sender
                .send(connection.body("3\r\nabc\r\n0\r\n\r\n".len()).await?)
                .await
                .unwrap();
            connection.send(OK).await
        }
    });
    let server = server.await;
    let body = http_body_util::StreamBody::new(filch::stream::iter([Ok::<_, std::io::Error>(
        http_body::Frame::data(bytes::Bytes::from("abc")),
    )]));
    let request = client().put(&server.url("/")).body(Body::stream(body));
    assert_eq!(request.await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(seen.recv().await.unwrap(), "3\r\nabc\r\n0\r\n\r\n");
}

#[filch::test]
async fn json_goes_both_ways() {
    let (server, seen) = echo().await;
    let error = client().post(&server.url("/")).json(&[1, 2]).await.unwrap();
    let error = error.json::<Vec<u32>>().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Body);
    let head = seen.recv().await.unwrap();
    assert!(
        head.contains("content-type: application/json\r\n") && head.ends_with("[1,2]"),
        "{head}"
    );
    let server = Server::always("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n[3,4]").await;
    let list: Vec<u32> = client()
        .get(&server.url("/"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(list, [3, 4]);
}

#[filch::test]
async fn a_status_is_an_error_only_if_asked() {
    let server = Server::always("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    let answer = client().get(&server.url("/")).await.unwrap();
    assert_eq!(answer.status(), 404);
    let error = answer.error_for_status().unwrap_err();
    assert!(
        matches!(error.kind(), Kind::Status(status) if status == 404),
        "{error}"
    );
}

#[filch::test]
async fn text_of_latin_1_is_decoded() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=ISO-8859-1\r\ncontent-length: 1\r\n\r\n";
    let server = Server::new(move |_, connection| async move {
        connection.head().await?;
        connection.send(answer).await?;
        connection.0.write_all(&[0xe4]).await
    });
    let server = server.await;
    assert_eq!(
        client()
            .get(&server.url("/"))
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "ä"
    );
}

#[filch::test]
async fn what_cannot_be_sent_is_an_error_of_the_request() {
    for url in ["no url", "/path", "ftp://host/", "http://"] {
        assert_eq!(
            client().get(url).await.unwrap_err().kind(),
            Kind::Url,
            "{url}"
        );
    }
    let request = client().get("http://127.0.0.1:9/").header("a b", "c");
    assert_eq!(request.await.unwrap_err().kind(), Kind::Url);
}

/// Redirects from `/from` to `/to`, and tells every head.
async fn redirecting(status: &'static str) -> (Server, mpsc::Receiver<String>) {
    let (sender, receiver) = mpsc::channel(8);
    let server = Server::new(move |_, connection| {
        let sender = sender.clone();
        async move {
            loop {
                let mut head = connection.head().await?;
                if head.contains("content-length: 4") {
                    head += &connection.body(4).await?;
                }
                let is_first = head.contains(" /from ");
                sender.send(head).await.unwrap();
                if is_first {
                    let answer = format!(
                        "HTTP/1.1 {status}\r\nlocation: to?x#y\r\ncontent-length: 0\r\n\r\n"
                    );
                    connection.send(&answer).await?;
                } else {
                    connection.send(OK).await?;
                }
            }
        }
    });
    (server.await, receiver)
}

#[filch::test]
async fn a_redirect_is_followed_with_the_method_that_it_asks_for() {
    for (status, method, has_body) in [
        ("301 Moved", "GET", false),
        ("302 Found", "GET", false),
        ("303 See Other", "GET", false),
        ("307 Temporary", "POST", true),
        ("308 Permanent", "POST", true),
    ] {
        let (server, seen) = redirecting(status).await;
        let answer = client()
            .post(&server.url("/from"))
            .body("body")
            .await
            .unwrap();
        assert_eq!(answer.url().to_string(), server.url("/to?x"));
        assert_eq!(answer.text().await.unwrap(), "ok");
        seen.recv().await.unwrap();
        let head = seen.recv().await.unwrap();
        assert!(
            head.starts_with(&format!("{method} /to?x HTTP/1.1")),
            "{status}: {head}"
        );
        assert_eq!(head.ends_with("body"), has_body, "{status}: {head}");
        assert_eq!(server.connections(), 1, "the connection is used again");
    }
}

#[filch::test]
async fn secrets_do_not_follow_to_another_host() {
    let (there, seen) = echo().await;
    let location = there.url("/x");
    let here = Server::new(move |_, connection| {
        let answer =
            format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        async move {
            let head = connection.head().await?;
            assert!(head.contains("authorization: Bearer t"), "{head}");
            connection.send(&answer).await
        }
    });
    let here = here.await;
    let request = client()
        .get(&here.url("/"))
        .bearer_auth("t")
        .header("cookie", "c");
    assert_eq!(request.await.unwrap().status(), 200);
    let head = seen.recv().await.unwrap();
    assert!(
        !head.contains("authorization") && !head.contains("cookie"),
        "{head}"
    );
}

#[filch::test]
async fn redirects_in_a_circle_end() {
    let server =
        Server::always("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n").await;
    let error = client().get(&server.url("/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Redirect);
    let client = filch::http::Client::builder()
        .no_proxy()
        .redirects(0)
        .build();
    assert_eq!(client.get(&server.url("/")).await.unwrap().status(), 302);
}
