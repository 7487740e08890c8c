//! What is kept of a request for who wants to hear of its end.

use super::meter::Fate;
use crate::http::done::{OnRequest, RequestDone, RequestEnd, Route};
use crate::http::info::ConnInfo;
use crate::time::{Duration, Instant};
use filch_executor::foreign;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

pub(super) struct Log {
    hook: OnRequest,
    done: RequestDone,
    began: Instant,
    has_head: bool,
}

impl Log {
    pub(super) fn new(hook: OnRequest, info: &ConnInfo, request: &Request<Incoming>) -> Log {
        Log {
            hook,
            done: RequestDone {
                method: request.method().clone(),
                uri: request.uri().clone(),
                route: None,
                version: request.version(),
                // Until there is an answer.
                status: StatusCode::SERVICE_UNAVAILABLE,
                end: RequestEnd::Finished,
                received: 0,
                sent: 0,
                until_head: Duration::ZERO,
                took: Duration::ZERO,
                connection: info.clone(),
            },
            began: Instant::now(),
            has_head: false,
        }
    }

    pub(super) fn has_answer<B>(&mut self, answer: &Response<B>) {
        self.has_head = true;
        self.done.status = answer.status();
        self.done.route = answer.extensions().get::<Route>().cloned();
        self.done.until_head = self.began.elapsed();
    }

    pub(super) fn sent(&mut self, bytes: u64) {
        self.done.sent += bytes;
    }

    pub(super) fn tell(mut self, fate: Fate, received: u64) {
        let done = &mut self.done;
        done.took = self.began.elapsed();
        if !self.has_head {
            done.until_head = done.took;
        }
        done.received = received;
        done.end = match fate {
            Fate::Finished => RequestEnd::Finished,
            Fate::Refused => RequestEnd::Refused,
            Fate::Left => RequestEnd::Left,
            Fate::Cancelled => RequestEnd::Cancelled,
        };
        if fate == Fate::Left {
            done.status = StatusCode::from_u16(LEFT).expect("a number of three digits");
        }
        // It may be in the midst of a drop.
        foreign::quietly(|| (self.hook)(&self.done));
    }
}

/// The client has closed its connection: nginx' number for that.
const LEFT: u16 = 499;
