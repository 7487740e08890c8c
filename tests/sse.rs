//! Server-sent events.

use filch::CancelToken;
use filch::http::sse::{Event, Events, KeepAlive, Received, Sse};
use filch::http::{self, Body, Request};
use filch::io::AsyncReadExt;
use filch::sync::mpsc;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The next piece of a body.
async fn next<B>(body: &mut B) -> Option<String>
where
    B: hyper::body::Body<Data = bytes::Bytes, Error = Infallible> + Unpin,
{
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
    let data = frame.unwrap().into_data().unwrap();
    Some(String::from_utf8(data.to_vec()).unwrap())
}

fn events() -> (mpsc::Sender<Event>, mpsc::Receiver<Event>) {
    mpsc::channel(4)
}

fn body(
    receiver: mpsc::Receiver<Event>,
) -> Sse<impl filch::stream::Stream<Item = Result<Event, Infallible>> + Unpin> {
    use filch::stream::StreamExt;
    Sse::new(receiver.map(Ok::<_, Infallible>))
}

#[test]
fn an_event_is_written_as_clients_read_it() {
    let event = Event::new()
        .id("7")
        .event("kind")
        .retry(Duration::from_secs(2));
    let event = event.data("one\r\ntwo\rthree\n").comment("hush");
    let expected =
        "id: 7\nevent: kind\nretry: 2000\ndata: one\ndata: two\ndata: three\ndata:\n: hush\n\n";
    assert_eq!(event.to_string(), expected);
}

/// Also of one whose two characters are written apart, or of which one half is there.
#[test]
fn lines_that_are_written_in_pieces_are_those_that_are_written_at_once() {
    use std::fmt::Write;
    let whole = "one\r\ntwo\rthree\n\nfive\r";
    let at_once = Event::new().data(whole).to_string();
    let written = |pieces: &[&str]| {
        let mut writer = Event::new().into_data_writer();
        for piece in pieces {
            writer.write_str(piece).unwrap();
        }
        writer
            .into_event()
            .to_string()
            .replace("data: \n", "data:\n")
    };
    for cut in 0..=whole.len() {
        let (before, after) = whole.split_at(cut);
        assert_eq!(written(&[before, "", after]), at_once, "cut at {cut}");
    }
    let bytes: Vec<_> = (0..whole.len()).map(|at| &whole[at..=at]).collect();
    assert_eq!(written(&bytes), at_once);
    assert_eq!(
        Event::new().into_data_writer().into_event().to_string(),
        "\n"
    );
    let told = Event::new().data("first").into_data_writer().into_event();
    assert_eq!(told.to_string(), "data: first\n\n");
}

#[test]
fn a_line_break_in_a_name_is_a_mistake_of_the_program() {
    for wrong in [
        || Event::new().event("a\nb"),
        || Event::new().id("a\r"),
        || Event::new().id("\0"),
    ] {
        assert!(std::panic::catch_unwind(wrong).is_err());
    }
}

#[filch::test(paused)]
async fn a_comment_is_sent_whenever_nothing_else_was_for_a_while() {
    let (sender, receiver) = events();
    let mut body = body(receiver);
    let start = filch::time::Instant::now();
    assert_eq!(next(&mut body).await.unwrap(), ":\n\n");
    assert_eq!(start.elapsed(), Duration::from_secs(15));
    filch::time::sleep(Duration::from_secs(10)).await;
    sender.send(Event::new().data("x")).await.unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "data: x\n\n");
    // From the event on.
    assert_eq!(next(&mut body).await.unwrap(), ":\n\n");
    assert_eq!(start.elapsed(), Duration::from_secs(40));
    drop(sender);
    assert_eq!(next(&mut body).await, None);
}

#[filch::test(paused)]
async fn what_is_sent_and_how_often_can_be_said() {
    let (_sender, receiver) = events();
    let keep_alive = KeepAlive::new()
        .interval(Duration::from_secs(1))
        .text("here");
    let mut body = body(receiver).keep_alive(keep_alive);
    let start = filch::time::Instant::now();
    for second in 1..4 {
        assert_eq!(next(&mut body).await.unwrap(), ": here\n\n");
        assert_eq!(start.elapsed(), Duration::from_secs(second));
    }
}

#[filch::test(paused)]
async fn without_it_nothing_is_sent() {
    let (_sender, receiver) = events();
    let mut body = body(receiver).no_keep_alive();
    let silent = filch::time::timeout(Duration::from_secs(3600), next(&mut body));
    assert!(silent.await.is_err());
}

#[filch::test]
async fn a_stream_ends_with_its_servers_token() {
    let (_sender, receiver) = events();
    let token = CancelToken::new();
    let mut body = body(receiver).until(&token);
    let cancelled = filch::spawn(async move { token.cancel() });
    assert_eq!(next(&mut body).await, None);
    cancelled.await.unwrap();
}

#[filch::test]
async fn a_server_that_stops_is_not_held_up_by_a_stream_that_listens_for_it() {
    let (dialer, listener) = http::memory();
    // The stream would not end by itself.
    let kept = Arc::new(Mutex::new(None));
    let keeps = Arc::clone(&kept);
    let service = http::service_fn(move |request: Request<Body>| {
        let keeps = Arc::clone(&keeps);
        async move {
            let info = request
                .extensions()
                .get::<http::ConnInfo>()
                .unwrap()
                .clone();
            let (sender, receiver) = events();
            sender.send(Event::new().data("first")).await.unwrap();
            *keeps.lock().unwrap() = Some(sender);
            Ok::<_, Infallible>(
                body(receiver)
                    .until(info.stopping())
                    .into_response()
                    .map(Body::new),
            )
        }
    });
    let stop = CancelToken::new();
    let server = http::serve(listener, service).graceful(stop.clone(), Duration::from_secs(3600));
    let server = filch::spawn(server.into_future());
    let mut stream = dialer.connect().await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    filch::io::AsyncWriteExt::write_all(&mut stream, request)
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"data: first\n\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap();
    assert!(
        head.contains("content-type: text/event-stream\r\n"),
        "{head}"
    );
    assert!(head.contains("cache-control: no-cache\r\n"), "{head}");
    stop.cancel();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "0\r\n\r\n");
    let served = server.await.unwrap().unwrap();
    assert_eq!((served.finished, served.cancelled), (1, 0));
    assert!(kept.lock().unwrap().is_some());
}

/// What a client sees of these bytes, whole and byte by byte.
async fn read(text: &'static str) -> Vec<Received> {
    use filch::stream::StreamExt;
    let whole: Vec<_> = Events::new(Body::from(text)).collect().await;
    let bytes = text.bytes().map(|byte| bytes::Bytes::from(vec![byte]));
    let bytes = filch::stream::iter(bytes.map(|byte| Ok::<_, Infallible>(Frame(Some(byte)))));
    let pieces: Vec<_> = Events::new(Body::new(Pieces(bytes))).collect().await;
    let (whole, pieces): (Vec<_>, Vec<_>) = (
        whole.into_iter().map(Result::unwrap).collect(),
        pieces.into_iter().map(Result::unwrap).collect(),
    );
    assert_eq!(whole, pieces);
    whole
}

struct Frame(Option<bytes::Bytes>);

struct Pieces<S>(S);

impl<S> hyper::body::Body for Pieces<S>
where
    S: filch::stream::Stream<Item = Result<Frame, Infallible>> + Unpin,
{
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<bytes::Bytes>, Infallible>>> {
        Pin::new(&mut self.0)
            .poll_next(cx)
            .map(|piece| piece?.ok()?.0.map(hyper::body::Frame::data).map(Ok))
    }
}

#[filch::test]
async fn events_are_read_as_the_standard_says() {
    let events = read(
        ": hush\n\ndata: one\r\ndata:two\r\rid: 7\nevent: kind\nretry: 1500\ndata\n\nevent: lost\n\n\
         data: last\nunknown: x\n\ndata: cut off\n",
    )
    .await;
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event.event.as_str(), event.data.as_str(), event.id.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("message", "one\ntwo", ""),
            ("kind", "", "7"),
            ("message", "last", "7")
        ]
    );
    assert_eq!(events[1].retry, Some(Duration::from_millis(1500)));
    assert_eq!(events[2].retry, None);
}

#[filch::test]
async fn a_client_for_tests_reads_events_while_they_come_by_both_protocols() {
    use filch::stream::StreamExt;
    let (sender, receiver) = events();
    let receiver = std::sync::Arc::new(receiver);
    let service = http::service_fn(move |_: Request<Body>| {
        let receiver = std::sync::Arc::clone(&receiver);
        let events = futures_util::stream::unfold(receiver, |receiver| async move {
            let event = receiver.recv().await?;
            Some((Ok::<_, Infallible>(event), receiver))
        });
        let answer = Sse::new(Box::pin(events)).into_response().map(Body::new);
        async { Ok::<_, Infallible>(answer) }
    });
    let one = http::test_client(service);
    for client in [one.clone(), one.http2()] {
        let mut events = client.events("/").await.unwrap();
        for n in 0..3 {
            let sent = Event::new().id(n.to_string()).data("line\nline");
            sender.send(sent).await.unwrap();
            let event = events.next().await.unwrap().unwrap();
            assert_eq!(
                (event.id, event.data),
                (n.to_string(), "line\nline".to_owned())
            );
        }
        drop(events);
    }
}

#[filch::test]
async fn an_answer_without_events_is_an_error_of_a_client_for_tests() {
    let service = http::service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(http::Response::new(Body::from("data: x\n\n")))
    });
    let error = http::test_client(service).events("/").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
}
