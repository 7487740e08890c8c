//! Limits of time on handlers and on bodies. The clock is paused: it moves when nobody has anything to do.

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use filch::http::{self, Bytes, Frame, TestClient, test_client};
use filch::stream::{Stream, StreamExt};
use filch::sync::mpsc;
use filch::time::{Instant, sleep};
use filch_axum::timeout::*;
use std::convert::Infallible;
use std::error::Error;
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

const SECOND: Duration = Duration::from_secs(1);

/// A body of what is sent to it.
struct Pieces(mpsc::Receiver<&'static str>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = Pin::new(&mut self.0).poll_next(cx);
        piece.map(|piece| piece.map(|text| Ok(Frame::data(Bytes::from(text)))))
    }
}

/// A body of so many pieces, one each 0.9 seconds. Then its sender is silent for as long as anybody listens.
fn slow(count: usize) -> Pieces {
    let (sender, pieces) = mpsc::channel(1);
    filch::spawn(async move {
        for _ in 0..count {
            sleep(SECOND * 9 / 10).await;
            if sender.send("piece ").await.is_err() {
                return;
            }
        }
        sender.closed().await;
    });
    Pieces(pieces)
}

fn is_too_late(error: &(dyn Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(this) = error {
        if this.is::<TimeoutError>() {
            return true;
        }
        error = this.source();
    }
    false
}

/// How many pieces came, and whether the body ended as one that is too late.
async fn read<B>(body: B) -> String
where
    B: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    let mut pieces = Body::new(body).into_data_stream();
    let mut count = 0;
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(_) => count += 1,
            Err(error) => return format!("{count}, {}", is_too_late(&error)),
        }
    }
    format!("{count}, all")
}

async fn upload(client: &TestClient, count: usize) -> String {
    let request = Request::post("/").body(http::Body::new(slow(count)));
    let answer = client.request(request.unwrap()).await.unwrap();
    answer.into_body().text(100).await.unwrap()
}

#[filch::test(paused)]
async fn each_piece_of_a_requests_body_has_its_time() {
    let app = Router::new().route("/", post(read::<Body>));
    let client = test_client(app.layer(RequestBodyTimeoutLayer::new(SECOND)));
    let begun = Instant::now();
    assert_eq!(upload(&client, 5).await, "5, true");
    // 4.5 seconds for the pieces, and one of silence.
    assert!(begun.elapsed() >= SECOND * 11 / 2);
}

#[filch::test(paused)]
async fn all_of_a_requests_body_has_its_time() {
    let app = Router::new().route("/", post(read::<Body>));
    let client = test_client(app.layer(RequestBodyDeadlineLayer::new(SECOND * 2)));
    assert_eq!(upload(&client, 5).await, "2, true");
}

/// What the client has got when the answer is cut off.
async fn download(client: &TestClient) -> usize {
    let mut body = client.get("/").await.unwrap().into_body();
    let mut got = 0;
    while let Some(piece) = body.data().await {
        match piece {
            Ok(piece) => got += piece.len(),
            Err(_) => return got,
        }
    }
    panic!("the answer was not cut off");
}

#[filch::test(paused)]
async fn each_piece_of_an_answer_has_its_time() {
    let app = Router::new().route("/", get(async || Body::new(slow(5))));
    let client = test_client(app.layer(ResponseBodyTimeoutLayer::new(SECOND)));
    assert_eq!(download(&client).await, 5 * "piece ".len());
}

#[filch::test(paused)]
async fn all_of_an_answer_has_its_time() {
    let app = Router::new().route("/", get(async || Body::new(slow(5))));
    let client = test_client(app.layer(ResponseBodyDeadlineLayer::new(SECOND * 2)));
    assert_eq!(download(&client).await, 2 * "piece ".len());
}

#[filch::test(paused)]
async fn a_body_that_is_too_late_is_dropped_and_over() {
    let (sender, pieces) = mpsc::channel(1);
    let mut body = Box::pin(TimeoutBody::new(SECOND, Pieces(pieces)));
    let mut next = async || std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
    let error = next().await.unwrap().unwrap_err();
    assert!(is_too_late(&*error), "{error}");
    assert!(sender.is_closed());
    assert!(next().await.is_none());
    assert!(body.is_end_stream());
}

/// Nothing is waited for, so there is nothing that a limit could be on.
#[filch::test(paused)]
async fn a_body_says_what_it_has_and_ends_as_it_would() {
    let each = TimeoutBody::new(SECOND, Body::from("whole"));
    assert_eq!(each.size_hint().exact(), Some(5));
    let whole = DeadlineBody::new(SECOND, Body::from("whole"));
    assert_eq!(whole.size_hint().exact(), Some(5));
    assert_eq!(read(each).await, "1, all");
    assert_eq!(read(whole).await, "1, all");
    assert!(DeadlineBody::new(SECOND, Body::empty()).is_end_stream());
    let late = DeadlineBody::new(SECOND, Body::from("whole"));
    sleep(SECOND * 2).await;
    assert_eq!(read(late).await, "0, true");
}

#[filch::test(paused)]
async fn services_are_made_without_their_layers_too() {
    let never = || get(pending::<()>);
    let call = async |mut service: Timeout<axum::routing::MethodRouter>| {
        let request = Request::new(Body::empty());
        Service::call(&mut service, request).await.unwrap().status()
    };
    assert_eq!(call(Timeout::new(never(), SECOND)).await, 408);
    let status = StatusCode::GATEWAY_TIMEOUT;
    let service = Timeout::with_status_code(never(), status, SECOND);
    assert_eq!(call(service).await, 504);
    let layer = Timeout::<()>::layer(SECOND);
    assert_eq!(call(layer.layer(never())).await, 408);
    let layer = Timeout::<()>::layer_with_status_code(status, SECOND);
    assert_eq!(call(layer.layer(never())).await, 504);
    let mut body = RequestBodyTimeout::<u8>::layer(SECOND).layer(7);
    *body.get_mut() += 1;
    assert_eq!((*body.get_ref(), body.into_inner()), (8, 8));
}
