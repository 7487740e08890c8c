//! The futures of bodies and of the client in memory.

use crate::common::until;
use filch::http::{self, Body, BodyError, Request, Response, TestClient};
use filch::sync::mpsc;
use filch::task::WaitKind;
use filch::time::timeout;
use hyper::body::{Bytes, Frame, SizeHint};
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(10);

/// A body of what is sent, piece by piece.
struct Sent(mpsc::Receiver<Bytes>);

impl http::HttpBody for Sent {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        use filch::stream::Stream;
        let piece = Pin::new(&mut self.0).poll_next(cx);
        piece.map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn body() -> (mpsc::Sender<Bytes>, Body) {
    let (sender, receiver) = mpsc::channel(8);
    (sender, Body::new(Sent(receiver)))
}

/// A client of a service that never answers.
fn unanswered() -> TestClient {
    let silent = async |_: Request<Body>| pending::<Result<Response<Body>, BodyError>>().await;
    http::test_client(http::service_fn(silent))
}

/// What a task waits for, and in which line of this file.
async fn waits(task: filch::JoinHandle<()>) -> (WaitKind, u32) {
    let mut found = None;
    until("it waits", || {
        let all = filch::task::all();
        let ours = all.iter().find(|info| info.id() == task.id());
        found = ours.and_then(|info| info.wait().copied());
        found.is_some()
    })
    .await;
    task.abort();
    let wait = found.unwrap();
    assert_eq!(wait.at().file(), file!());
    (wait.kind(), wait.at().line())
}

#[filch::test]
async fn a_loop_over_bodies_that_are_at_hand_lets_others_run() {
    let looping = async {
        loop {
            assert_eq!(Body::from("x").bytes(9).await.unwrap(), "x");
        }
    };
    timeout(SHORT, looping).await.unwrap_err();
    let looping = async {
        loop {
            assert_eq!(Body::from("x").text(9).await.unwrap(), "x");
        }
    };
    timeout(SHORT, looping).await.unwrap_err();
    let looping = async {
        let mut empty = Body::empty();
        loop {
            assert!(empty.frame().await.is_none());
        }
    };
    timeout(SHORT, looping).await.unwrap_err();
    let looping = async {
        let mut empty = Body::empty();
        loop {
            assert!(empty.data().await.is_none());
        }
    };
    timeout(SHORT, looping).await.unwrap_err();
}

#[filch::test]
async fn a_dump_names_the_line_that_waits_for_an_answer() {
    let client = unanswered();
    let asked = line!() + 2;
    let task = filch::spawn(async move {
        client.get("/").await.unwrap();
    });
    assert_eq!(waits(task).await, (WaitKind::Answer, asked));
}

#[filch::test]
async fn a_dump_names_the_line_that_waits_for_a_body() {
    let (_sender, mut one) = body();
    let read = line!() + 2;
    let task = filch::spawn(async move {
        one.data().await;
    });
    assert_eq!(waits(task).await, (WaitKind::Body, read));
    let (_sender, one) = body();
    let read = line!() + 2;
    let task = filch::spawn(async move {
        one.text(1).await.unwrap();
    });
    assert_eq!(waits(task).await, (WaitKind::Body, read));
}

#[filch::test]
async fn a_piece_that_was_waited_for_in_vain_comes_to_the_next_one() {
    let (sender, mut one) = body();
    timeout(SHORT, one.data()).await.unwrap_err();
    timeout(SHORT, one.frame()).await.unwrap_err();
    sender.send("late".into()).await.unwrap();
    assert_eq!(one.data().await.unwrap().unwrap(), "late");
    drop(sender);
    assert!(one.data().await.is_none());
}

#[filch::test]
async fn a_request_that_is_given_up_leaves_the_client_as_it_was() {
    let answer = async |request: Request<Body>| match request.uri().path() {
        "/silent" => pending().await,
        _ => Ok::<_, BodyError>(Response::new(Body::from("there"))),
    };
    let client = http::test_client(http::service_fn(answer));
    timeout(SHORT, client.get("/silent")).await.unwrap_err();
    let answer = client.get("/").await.unwrap();
    assert_eq!(answer.into_body().text(9).await.unwrap(), "there");
}

#[filch::test]
async fn a_body_may_be_as_long_as_its_limit() {
    for pieces in [&["whole"][..], &["wh", "", "ole"], &["", "whole", ""], &[]] {
        let (sender, one) = body();
        for piece in pieces {
            sender.send((*piece).into()).await.unwrap();
        }
        drop(sender);
        let whole = pieces.concat();
        assert_eq!(one.bytes(whole.len()).await.unwrap(), whole);
    }
    for pieces in [&["whole"][..], &["wh", "ole"], &["", "whole"]] {
        let (sender, one) = body();
        for piece in pieces {
            sender.send((*piece).into()).await.unwrap();
        }
        assert!(one.bytes(4).await.unwrap_err().is_too_large());
        assert!(sender.is_closed(), "nobody reads on");
    }
}

#[filch::test]
async fn a_path_that_is_none_is_an_error_when_it_is_awaited() {
    let client = unanswered();
    let error = client.get("no path").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
