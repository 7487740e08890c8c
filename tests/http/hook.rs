//! What is told of each request, and the client in memory.

use super::raw::echo;
use filch::http::{self, Body, BodyError, Limits, Request, RequestEnd, Response, Route};
use filch::io::{AsyncReadExt, AsyncWriteExt};
use filch::sync::mpsc;
use std::time::Duration;

async fn routed(request: Request<Body>) -> Result<Response<Body>, BodyError> {
    if request.uri().path() == "/never" {
        return std::future::pending().await;
    }
    let mut answer = echo(request).await?;
    answer.extensions_mut().insert(Route::new("/users/{id}"));
    Ok(answer)
}

#[filch::test]
async fn the_end_of_each_request_is_told_whatever_it_was() {
    let (dialer, listener) = http::memory();
    let (sender, told) = mpsc::channel(8);
    let server = http::serve(listener, http::service_fn(routed))
        .limits(Limits::default().answer(Duration::from_millis(20)))
        .on_request(move |done| sender.try_send(done.clone()).unwrap());
    let server = filch::spawn(server.into_future());
    let mut stream = dialer.connect().await.unwrap();
    stream
        .write_all(b"POST /users/7?x=y HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello")
        .await
        .unwrap();
    let done = told.recv().await.unwrap();
    assert_eq!(
        (done.method.as_str(), done.uri.path()),
        ("POST", "/users/7")
    );
    assert_eq!(
        (done.status.as_u16(), done.end),
        (200, RequestEnd::Finished)
    );
    assert_eq!(done.route.as_ref().map(Route::as_str), Some("/users/{id}"));
    assert_eq!((done.received, done.sent), (5, 19));
    assert!(done.until_head <= done.took);
    assert!(matches!(done.connection.peer(), http::Peer::Memory));

    stream
        .write_all(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let done = told.recv().await.unwrap();
    assert_eq!((done.status.as_u16(), done.end), (504, RequestEnd::Refused));
    server.abort();
}

#[filch::test]
async fn who_is_told_may_panic() {
    let (dialer, listener) = http::memory();
    let server = http::serve(listener, http::service_fn(echo)).on_request(|_| panic!("told"));
    let server = filch::spawn(server.into_future());
    let mut stream = dialer.connect().await.unwrap();
    let mut answers = Vec::new();
    for last in ["", "connection: close\r\n"] {
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\n{last}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    }
    stream.read_to_end(&mut answers).await.unwrap();
    let answers = String::from_utf8(answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    server.abort();
}

#[filch::test]
async fn a_client_in_memory_goes_through_the_whole_server() {
    let client = http::test_client(http::service_fn(echo));
    let (one, two) = filch::join!(client.get("/one"), client.post("/two", "body"));
    let one = one.unwrap().into_body().text(100).await.unwrap();
    let two = two.unwrap().into_body().text(100).await.unwrap();
    assert_eq!(
        (one.as_str(), two.as_str()),
        ("GET /one ", "POST /two body")
    );
    let large = client.post("/", vec![0; 17 << 20]).await.unwrap();
    assert_eq!(large.status(), 413);
}
