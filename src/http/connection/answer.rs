//! An answer on its way, and what becomes of its request.

use super::line::Line;
use super::log::Log;
use super::meter::Fate;
use super::rest::Rest;
use crate::http::error::BoxError;
use crate::http::exchange::Exchange;
use crate::time::{Duration, Sleep};
use filch_executor::leaf;
use hyper::body::{Body, Buf, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode, Version};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A request that is being answered, and is counted when that ends.
pub(super) struct Flight {
    line: Arc<Line>,
    exchange: Option<Arc<Exchange>>,
    /// It is HTTP/1, where an answer says that it is the last.
    one: bool,
    /// The answer has no body, whatever its head says.
    head_only: bool,
    /// An empty line is its end, not a length.
    delimited: bool,
    /// It asks for a tunnel.
    connect: bool,
    /// Its client waits to be asked for its body.
    expects: bool,
    /// Its handler was let in, and is at work.
    at_work: bool,
    end: Option<Fate>,
    log: Option<Box<Log>>,
}

impl Flight {
    pub(super) fn new(
        line: Arc<Line>,
        exchange: Option<Arc<Exchange>>,
        request: &Request<Incoming>,
    ) -> Flight {
        line.meter.begins();
        let log = line.rules.on_request.as_ref();
        let log = log.map(|hook| Box::new(Log::new(hook.clone(), &line.info, request)));
        Flight {
            line,
            exchange,
            one: request.version() < Version::HTTP_2,
            head_only: request.method() == Method::HEAD,
            delimited: matches!(request.body().size_hint().exact(), None | Some(0)),
            connect: request.method() == Method::CONNECT,
            expects: request.headers().contains_key(EXPECT),
            at_work: false,
            end: None,
            log,
        }
    }

    /// Its handler is let in, or it is said how it is answered in place of that.
    pub(super) fn admit(&mut self, request: &Request<Incoming>) -> Result<(), StatusCode> {
        self.line.rules.admit(request)?;
        self.at_work = true;
        Ok(())
    }

    /// Its handler is gone.
    pub(super) fn leaves(&mut self) {
        if std::mem::take(&mut self.at_work) {
            self.line.rules.leaves();
        }
    }

    /// How long its handler may take until its answer's head.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.line.rules.limits.answer
    }

    /// What its handler has not read of its body, if that may come before the answer goes.
    pub(super) fn rest(&self) -> Option<Rest> {
        let exchange = self.exchange.as_ref().filter(|_| self.one)?;
        // To read of it would be to ask for it.
        let rest = exchange.take_rest().filter(|_| !self.expects)?;
        Rest::new(Arc::clone(exchange), rest, self.line.rules.limits.linger)
    }

    /// Whether the connection ends with its answer, since what follows is a body that nobody reads.
    pub(super) fn is_last(&self) -> bool {
        self.one
            && self
                .exchange
                .as_ref()
                .is_some_and(|exchange| exchange.is_unread())
    }

    fn has_answer<B>(&mut self, answer: &Response<B>) {
        if let Some(log) = &mut self.log {
            log.has_answer(answer);
        }
    }

    /// How a limit on its body wants it answered.
    pub(super) fn refusal(&self) -> Option<StatusCode> {
        self.exchange.as_ref()?.refusal()
    }

    fn fate(&self) -> Fate {
        let ended = |exchange: &Arc<Exchange>| exchange.was_ended();
        match self.end {
            Some(fate) => fate,
            None if self.exchange.as_ref().is_some_and(ended) => Fate::Refused,
            None => self.line.meter.fate(),
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.leaves();
        let meter = &self.line.meter;
        meter.ends(self.delimited);
        let is_unread = |exchange: &Arc<Exchange>| exchange.is_unread();
        if self.one && self.exchange.as_ref().is_some_and(is_unread) {
            meter.leaves_unread();
        }
        meter.counts(self.fate());
        if let Some(log) = self.log.take() {
            let received = self
                .exchange
                .as_ref()
                .map_or(0, |exchange| exchange.received());
            log.tell(self.fate(), received);
        }
    }
}

pin_project! {
    /// The body of an answer. Without one, it is the server's own.
    pub(super) struct Answer<B> {
        #[pin]
        body: Option<B>,
        // Over all of it.
        whole: Option<Sleep>,
        flight: Option<Flight>,
    }
}

impl<B: Body> Answer<B> {
    /// The service's answer, as it is sent.
    pub(super) fn of(
        answer: Response<B>,
        mut flight: Flight,
        whole: Option<Sleep>,
    ) -> Response<Answer<B>> {
        let status = answer.status();
        let upgrade = match flight.connect {
            true => status.is_success(),
            false => status == StatusCode::SWITCHING_PROTOCOLS,
        };
        // Over HTTP/2 a status is no upgrade, whatever it says.
        if status.is_informational() && !(upgrade && flight.one) {
            leaf::report(format_args!(
                "an HTTP service answered with {status}, which is no answer, and its client got a 500"
            ));
            return Answer::failed(StatusCode::INTERNAL_SERVER_ERROR, flight);
        }
        flight.has_answer(&answer);
        if upgrade && flight.one {
            flight.line.meter.hand_over();
        }
        if upgrade || flight.head_only || has_no_body(status) || answer.body().is_end_stream() {
            flight.end = Some(Fate::Finished);
        }
        if !flight.one && !upgrade && (flight.head_only || has_no_body(status)) {
            return Answer::without_body(answer, flight);
        }
        let last = flight.one && !upgrade && flight.line.info.stopping().is_cancelled();
        let mut answer = answer.map(|body| Answer {
            body: Some(body),
            whole,
            flight: Some(flight),
        });
        if last {
            close(&mut answer);
        }
        answer
    }

    /// Over HTTP/1 hyper leaves the body out. Over HTTP/2 it would send it, and clients take that for a broken answer.
    fn without_body(answer: Response<B>, flight: Flight) -> Response<Answer<B>> {
        let length = answer.body().size_hint().exact();
        let mut answer = answer.map(|_| Answer {
            body: None,
            whole: None,
            flight: Some(flight),
        });
        // A body that is said to be empty may be one that somebody has left out already.
        if let (false, Some(length @ 1..)) = (has_no_body(answer.status()), length) {
            let headers = answer.headers_mut();
            headers.entry(CONTENT_LENGTH).or_insert(length.into());
        }
        answer
    }

    /// The service has failed.
    pub(super) fn failed(status: StatusCode, mut flight: Flight) -> Response<Answer<B>> {
        flight.end = Some(Fate::Finished);
        Answer::bare(status, flight)
    }

    /// What a limit has to say.
    pub(super) fn refused(status: StatusCode, mut flight: Flight) -> Response<Answer<B>> {
        flight.end = Some(Fate::Refused);
        flight.line.meter.leaves_unread();
        let (one, last) = (flight.one, flight.exchange.is_some());
        let mut answer = Answer::bare(status, flight);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let soon = HeaderValue::from_static("1");
            answer.headers_mut().insert(RETRY_AFTER, soon);
        }
        // What follows on the connection is a body that nobody reads.
        if one && last {
            close(&mut answer);
        }
        answer
    }

    fn bare(status: StatusCode, mut flight: Flight) -> Response<Answer<B>> {
        let mut answer = Response::new(());
        *answer.status_mut() = status;
        flight.has_answer(&answer);
        answer.map(|()| Answer {
            body: None,
            whole: None,
            flight: Some(flight),
        })
    }
}

pub(super) fn close<B>(answer: &mut Response<B>) {
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(CONNECTION, close);
}

fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

impl<B> Body for Answer<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let mut this = self.project();
        let Some(mut body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let exchange = this
            .flight
            .as_ref()
            .and_then(|flight| flight.exchange.as_ref());
        if let Some(exchange) = exchange {
            exchange.asks();
        }
        if let Some(whole) = this.whole {
            if Pin::new(whole).poll(cx).is_ready() {
                this.flight
                    .iter_mut()
                    .for_each(|flight| flight.end = Some(Fate::Refused));
                return Poll::Ready(Some(Err("the answer took longer than its limit".into())));
            }
        }
        let frame = ready!(body.as_mut().poll_frame(cx));
        if let Some(exchange) = exchange {
            exchange.gives();
        }
        let one = this.flight.as_ref().is_some_and(|flight| flight.one);
        let is_unread = !one && exchange.is_some_and(|exchange| exchange.is_unread());
        let ended = match &frame {
            None => true,
            Some(Ok(_)) => body.is_end_stream(),
            Some(Err(_)) => false,
        };
        if let Some(flight) = this.flight {
            if let (Some(log), Some(Ok(frame))) = (&mut flight.log, &frame) {
                log.sent(frame.data_ref().map_or(0, |data| data.remaining() as u64));
            }
            if ended {
                flight.end = Some(Fate::Finished);
            }
        }
        // The stream stays for a moment, and the request does not.
        if ended && is_unread {
            *this.flight = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Some(body) => body.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}
