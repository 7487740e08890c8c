//! Clients that go before their answer.

use super::raw::{Client, LONG, Running, echo, serve};
use filch::CancelToken;
use filch::http::{self, Body, BodyError, Layer, Limits, Request, Response};
use filch::sync::mpsc;

/// A server whose handler waits for ever and looks at no body; tokens for its start and its drop.
async fn waiting() -> (Running, CancelToken, CancelToken) {
    let (started, dropped) = (CancelToken::new(), CancelToken::new());
    let (began, ended) = (started.clone(), dropped.clone());
    let server = serve(Limits::default(), LONG, move |request: Request<Body>| {
        let (began, ended) = (began.clone(), ended.clone());
        async move {
            let _kept = request;
            let _guard = ended.drop_guard();
            began.cancel();
            std::future::pending::<Result<Response<Body>, BodyError>>().await
        }
    })
    .await;
    (server, started, dropped)
}

fn reset(client: Client) {
    client
        .0
        .get_ref()
        .set_linger(Some(std::time::Duration::ZERO))
        .unwrap();
}

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nunre";

#[filch::test]
async fn a_reset_drops_the_handler_whatever_lies_before_it() {
    let pipelined = [GET, GET].concat();
    for request in [GET, POST, &pipelined] {
        let (server, started, dropped) = waiting().await;
        let mut client = server.connect().await;
        client.send(request).await;
        started.cancelled().await;
        reset(client);
        dropped.cancelled().await;
        assert_eq!(server.end().await.left, 1, "{request}");
    }
}

#[filch::test]
async fn an_end_drops_the_handler_when_nothing_lies_before_it() {
    let (server, started, dropped) = waiting().await;
    let mut client = server.connect().await;
    client.send(GET).await;
    started.cancelled().await;
    drop(client);
    dropped.cancelled().await;
    assert_eq!(server.end().await.left, 1);
}

/// Answers when the end of its client's half has long been there.
async fn slow(request: Request<Body>) -> Result<Response<Body>, BodyError> {
    filch::time::sleep(std::time::Duration::from_millis(20)).await;
    echo(request).await
}

#[filch::test]
async fn who_has_closed_only_its_half_is_answered_if_asked_for() {
    let listener = filch::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stream = filch::net::TcpStream::connect(address).await.unwrap();
    let mut client = Client(filch::io::BufReader::new(stream));
    client.send(GET).await;
    let stream = client.0.get_ref();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let server = http::serve(listener, http::service_fn(slow)).half_close(true);
    let server = filch::spawn(server.into_future());
    assert_eq!(client.answer().await.body, "GET / ");
    server.abort();
}

#[filch::test]
async fn a_detached_handler_runs_on() {
    let (dialer, listener) = http::memory();
    let (sender, told) = mpsc::channel(4);
    let (gate, opened) = (CancelToken::new(), CancelToken::new());
    let (waits, began) = (gate.clone(), opened.clone());
    let handler = http::service_fn(move |_: Request<Body>| {
        let (sender, waits, began) = (sender.clone(), waits.clone(), began.clone());
        async move {
            began.cancel();
            waits.cancelled().await;
            sender.send("booked").await.unwrap();
            Ok::<_, BodyError>(Response::new(Body::from("booked")))
        }
    });
    let (left, done) = mpsc::channel(4);
    let server = http::serve(listener, http::detached().layer(handler))
        .on_request(move |done| left.try_send(done.clone()).unwrap());
    let server = filch::spawn(server.into_future());
    let mut stream = dialer.connect().await.unwrap();
    filch::io::AsyncWriteExt::write_all(&mut stream, GET.as_bytes())
        .await
        .unwrap();
    opened.cancelled().await;
    drop(stream);
    assert_eq!(done.recv().await.unwrap().status.as_u16(), 499);
    gate.cancel();
    assert_eq!(told.recv().await, Some("booked"));
    server.abort();
}
