//! One request: from its head to the end of its answer.

use super::meter::Meter;
use crate::http::body::Body;
use crate::http::error::BoxError;
use crate::http::info::ConnInfo;
use crate::http::limits::Limits;
use crate::http::reading::Reading;
use crate::http::service::HttpService;
use crate::structure::CancelToken;
use filch_executor::leaf;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

/// A tower service as hyper takes it: cloned for each request, since hyper gives it out shared.
pub(super) struct Adapter<S> {
    pub(super) service: S,
    pub(super) info: ConnInfo,
    pub(super) meter: Arc<Meter>,
    pub(super) limits: Limits,
}

impl<S: HttpService> hyper::service::Service<Request<Incoming>> for Adapter<S> {
    type Response = Response<Answer<S::AnswerBody>>;
    type Error = Infallible;
    type Future = Call<S>;

    fn call(&self, request: Request<Incoming>) -> Call<S> {
        let stop = self.info.stopping().clone();
        let flight = Flight::new(Arc::clone(&self.meter), stop, &request);
        let mut request = request.map(|body| Body::received(body, Reading::new(&self.limits)));
        request.extensions_mut().insert(self.info.clone());
        Call {
            flight: Some(flight),
            stage: Stage::Waiting {
                service: self.service.clone(),
                request: Some(request),
            },
        }
    }
}

/// A request that is being answered, and is counted when that ends.
struct Flight {
    meter: Arc<Meter>,
    stop: CancelToken,
    /// It is HTTP/1, where an answer says that it is the last.
    one: bool,
    /// The answer has no body, whatever its head says.
    head_only: bool,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is gone before its end, or still there.
    Open,
    Whole,
}

impl Flight {
    fn new(meter: Arc<Meter>, stop: CancelToken, request: &Request<Incoming>) -> Flight {
        meter.begins();
        Flight {
            meter,
            stop,
            one: request.version() < Version::HTTP_2,
            head_only: request.method() == Method::HEAD,
            outcome: Outcome::Open,
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.meter.ends();
        let tally = &self.meter.tally;
        let number = match self.outcome {
            Outcome::Whole => &tally.finished,
            Outcome::Open if self.meter.is_ended_by_server() => &tally.cancelled,
            Outcome::Open => &tally.left,
        };
        number.fetch_add(1, Relaxed);
    }
}

pin_project! {
    /// The answer to a request, which comes.
    pub(super) struct Call<S: HttpService> {
        // Before the flight: what is counted as gone is gone.
        #[pin]
        stage: Stage<S>,
        flight: Option<Flight>,
    }
}

pin_project! {
    #[project = StageOf]
    enum Stage<S: HttpService> {
        Waiting { service: S, request: Option<Request<Body>> },
        Answering { #[pin] future: S::Answering },
    }
}

impl<S: HttpService> Future for Call<S> {
    type Output = Result<Response<Answer<S::AnswerBody>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let answer = ready!(this.stage.as_mut().poll_answer(cx));
        let flight = this.flight.take().expect("it is polled after its end");
        Poll::Ready(Ok(match answer {
            Ok(answer) => finish(answer, flight),
            Err(error) => failed(error, flight),
        }))
    }
}

impl<S: HttpService> Stage<S> {
    fn poll_answer(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<S::AnswerBody>, S::Failure>> {
        loop {
            match self.as_mut().project() {
                StageOf::Waiting { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    let request = request.take().expect("it is called once");
                    let future = service.call(request);
                    self.set(Stage::Answering { future });
                }
                StageOf::Answering { future } => return future.poll(cx),
            }
        }
    }
}

/// The service's answer, as it is sent.
fn finish<B: HttpBody>(answer: Response<B>, mut flight: Flight) -> Response<Answer<B>> {
    let status = answer.status();
    if status == StatusCode::SWITCHING_PROTOCOLS && flight.one {
        flight.meter.hand_over();
    }
    if flight.head_only || has_no_body(status) || answer.body().is_end_stream() {
        flight.outcome = Outcome::Whole;
    }
    let closing = flight.one && flight.stop.is_cancelled();
    let mut answer = answer.map(|body| Answer {
        body: Some(body),
        flight: Some(flight),
    });
    if closing && status != StatusCode::SWITCHING_PROTOCOLS {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(CONNECTION, close);
    }
    answer
}

fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

/// The service has failed, which is nothing to tell its client more of.
fn failed<B: HttpBody>(error: impl Into<BoxError>, mut flight: Flight) -> Response<Answer<B>> {
    let error = error.into();
    leaf::report(format_args!(
        "an HTTP service failed, and its client got a 500: {error}"
    ));
    flight.outcome = Outcome::Whole;
    let mut answer = Response::new(Answer {
        body: None,
        flight: Some(flight),
    });
    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    answer
}

pin_project! {
    /// The body of an answer. Without one, it is the server's own.
    pub(super) struct Answer<B> {
        #[pin]
        body: Option<B>,
        flight: Option<Flight>,
    }
}

impl<B: HttpBody> HttpBody for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(mut body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let frame = ready!(body.as_mut().poll_frame(cx));
        let ended = match &frame {
            None => true,
            Some(Ok(_)) => body.is_end_stream(),
            Some(Err(_)) => false,
        };
        match this.flight {
            Some(flight) if ended => flight.outcome = Outcome::Whole,
            _ => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Some(body) => body.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}
