//! One request, from its head to that of its answer.

use super::answer::{Answer, Flight, close};
use super::line::Line;
use super::rest::Rest;
use super::streams::Begun;
use crate::http::body::Body;
use crate::http::error::{BodyError, BoxError};
use crate::http::exchange::Exchange;
use crate::http::info::ConnInfo;
use crate::http::reading::Reading;
use crate::http::service::HttpService;
use crate::time::{Sleep, sleep};
use filch_executor::leaf;
use hyper::body::{Body as HttpBody, Incoming};
use hyper::http::Extensions;
use hyper::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A tower service as hyper takes it: cloned for each request, since hyper gives it out shared.
pub(super) struct Adapter<S> {
    service: S,
    line: Arc<Line>,
    /// What each request has of its connection.
    extensions: Extensions,
    /// Over HTTP/2: where the stream's task finds its request.
    pub(super) begun: Option<Begun>,
}

impl<S: HttpService> hyper::service::Service<Request<Incoming>> for Adapter<S> {
    type Response = Response<Answer<S::AnswerBody>>;
    type Error = Infallible;
    type Future = Call<S>;

    fn call(&self, request: Request<Incoming>) -> Call<S> {
        let exchange = self.exchange(&request);
        let mut flight = Flight::new(Arc::clone(&self.line), exchange.clone(), &request);
        let admitted = flight.admit(&request);
        let begun = self.begun.clone().zip(exchange.clone());
        let request = self.prepared(request, exchange);
        Call {
            begun,
            flight: Some(flight),
            stage: match admitted {
                Ok(()) => Stage::Waiting {
                    service: self.service.clone(),
                    request: Some(request),
                },
                // Nobody will ask for its body.
                Err(status) => Stage::Refused { status },
            },
            late: None,
            whole: self.line.rules.limits.whole.map(sleep),
            outcome: None,
            rest: None,
        }
    }
}

impl<S> Adapter<S> {
    pub(super) fn new(service: S, line: Arc<Line>) -> Adapter<S> {
        Adapter {
            service,
            extensions: roomy(line.info.clone()),
            line,
            begun: None,
        }
    }

    /// What is shared of the request, if anybody needs to know it.
    fn exchange(&self, request: &Request<Incoming>) -> Option<Arc<Exchange>> {
        if self.begun.is_none() && request.body().is_end_stream() {
            return None;
        }
        Some(Arc::default())
    }

    /// The request as the service gets it.
    fn prepared(
        &self,
        request: Request<Incoming>,
        exchange: Option<Arc<Exchange>>,
    ) -> Request<Body> {
        let two = self.begun.is_some();
        let reading = exchange.map(|exchange| Reading::new(exchange, two, &self.line.rules.limits));
        let mut request = request.map(|body| match reading {
            Some(reading) => Body::received(body, reading),
            None => Body::empty(),
        });
        match request.extensions().is_empty() {
            true => *request.extensions_mut() = self.extensions.clone(),
            // There is an upgrade in it.
            false => request.extensions_mut().extend(self.extensions.clone()),
        }
        request
    }
}

/// Extensions with that one, and with room for those that a router adds: a clone has the same room, and need not grow
/// in each request.
fn roomy(info: ConnInfo) -> Extensions {
    #[derive(Clone)]
    struct Place<const N: usize>;

    let mut extensions = Extensions::new();
    extensions.insert(info);
    extensions.insert(Place::<0>);
    extensions.insert(Place::<1>);
    extensions.insert(Place::<2>);
    extensions.remove::<Place<0>>();
    extensions.remove::<Place<1>>();
    extensions.remove::<Place<2>>();
    extensions
}

pin_project! {
    /// The answer to a request, which comes.
    pub(super) struct Call<S: HttpService> {
        // Before the flight: what is counted as gone is gone.
        #[pin]
        stage: Stage<S>,
        flight: Option<Flight>,
        // Until it is polled, by its stream's task.
        begun: Option<(Begun, Arc<Exchange>)>,
        // Until the answer's head. It is made when the answer is not there at once.
        late: Option<Sleep>,
        whole: Option<Sleep>,
        // The handler is gone, and what it has left of the body is read.
        outcome: Option<Outcome<S, StatusCode>>,
        rest: Option<Rest>,
    }
}

pin_project! {
    #[project = StageOf]
    enum Stage<S: HttpService> {
        Waiting { service: S, request: Option<Request<Body>> },
        Answering { #[pin] future: S::Answering },
        Refused { status: StatusCode },
        Over,
    }
}

/// What a service has come to.
enum Outcome<S: HttpService, E = <S as HttpService>::Failure> {
    Answer(Response<S::AnswerBody>),
    Failed(E),
    Refused(StatusCode),
}

impl<S: HttpService> Future for Call<S> {
    type Output = Result<Response<Answer<S::AnswerBody>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.outcome.is_none() {
            let outcome = ready!(self.as_mut().poll_outcome(cx));
            let mut this = self.as_mut().project();
            // The handler is gone before its client hears of that.
            this.stage.set(Stage::Over);
            let flight = this.flight.as_mut().expect("it is polled after its end");
            flight.leaves();
            if !matches!(outcome, Outcome::Refused(_)) {
                *this.rest = flight.rest();
            }
            *this.outcome = Some(match outcome {
                Outcome::Answer(answer) => Outcome::Answer(answer),
                Outcome::Failed(error) => Outcome::Failed(status_of(&error.into())),
                Outcome::Refused(status) => Outcome::Refused(status),
            });
        }
        let this = self.project();
        if let Some(rest) = &mut *this.rest {
            ready!(Pin::new(rest).poll(cx));
            *this.rest = None;
        }
        let flight = this.flight.take().expect("it is polled after its end");
        let (last, whole) = (flight.is_last(), this.whole.take());
        let mut answer = match this.outcome.take().expect("it was put there") {
            Outcome::Answer(answer) => Answer::of(answer, flight, whole),
            Outcome::Failed(status) => Answer::failed(status, flight),
            Outcome::Refused(status) => Answer::refused(status, flight),
        };
        if last && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            close(&mut answer);
        }
        Poll::Ready(Ok(answer))
    }
}

/// A request whose body breaks off is its client's fault. Anything else is the service's, and is told to nobody else.
fn status_of(error: &BoxError) -> StatusCode {
    if error.is::<BodyError>() {
        return StatusCode::BAD_REQUEST;
    }
    leaf::report(format_args!(
        "an HTTP service failed, and its client got a 500: {error}"
    ));
    StatusCode::INTERNAL_SERVER_ERROR
}

impl<S: HttpService> Call<S> {
    fn poll_outcome(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<S>> {
        let this = self.project();
        if let Some((begun, exchange)) = this.begun.take() {
            begun.put(exchange);
        }
        let polled = this.stage.poll_answer(cx);
        // What a limit on the body has ended is answered so, whatever the handler made of the error.
        if let Some(status) = this.flight.as_ref().and_then(Flight::refusal) {
            return Poll::Ready(match polled {
                Poll::Ready(Outcome::Answer(answer)) if answer.status() == status => {
                    Outcome::Answer(answer)
                }
                _ => Outcome::Refused(status),
            });
        }
        if polled.is_ready() {
            return polled;
        }
        let limit = this.flight.as_ref().and_then(Flight::patience);
        if let (None, Some(limit)) = (&this.late, limit) {
            *this.late = Some(sleep(limit));
        }
        let timers = [this.late, this.whole].into_iter().flatten();
        let mut over = false;
        for timer in timers {
            over |= Pin::new(timer).poll(cx).is_ready();
        }
        match over {
            true => Poll::Ready(Outcome::Refused(StatusCode::GATEWAY_TIMEOUT)),
            false => Poll::Pending,
        }
    }
}

impl<S: HttpService> Stage<S> {
    fn poll_answer(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<S>> {
        loop {
            match self.as_mut().project() {
                StageOf::Waiting { service, request } => {
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        return Poll::Ready(Outcome::Failed(error));
                    }
                    let request = request.take().expect("it is called once");
                    let future = service.call(request);
                    self.set(Stage::Answering { future });
                }
                StageOf::Answering { future } => {
                    return future.poll(cx).map(|answer| match answer {
                        Ok(answer) => Outcome::Answer(answer),
                        Err(error) => Outcome::Failed(error),
                    });
                }
                StageOf::Refused { status } => return Poll::Ready(Outcome::Refused(*status)),
                StageOf::Over => unreachable!("the answer was given"),
            }
        }
    }
}
