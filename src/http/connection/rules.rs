//! What is asked of each request before a handler sees it.

use crate::http::done::OnRequest;
use crate::http::limits::Limits;
use hyper::body::{Body, Incoming};
use hyper::{Request, StatusCode, Uri};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A server's limits, and how many handlers are at work.
pub(crate) struct Rules {
    pub(crate) limits: Limits,
    pub(super) on_request: Option<OnRequest>,
    /// All workers write it, and read what is beside it all the time.
    running: Apart,
}

/// A number whose cache lines hold nothing else.
#[derive(Default)]
#[repr(align(128))]
struct Apart(AtomicUsize);

impl Rules {
    pub(crate) fn new(limits: Limits, on_request: Option<OnRequest>) -> Rules {
        Rules {
            limits,
            on_request,
            running: Apart::default(),
        }
    }

    /// Lets a request in, whose handler [`leaves`](Rules::leaves) in the end, or says how it is answered in place of
    /// that.
    ///
    /// Orderings: a count, of which nothing else depends.
    pub(super) fn admit(&self, request: &Request<Incoming>) -> Result<(), StatusCode> {
        let limits = &self.limits;
        if length(request.uri()) > limits.uri {
            return Err(StatusCode::URI_TOO_LONG);
        }
        // HTTP/1 has counted them already.
        if request.headers().len() > limits.headers {
            return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        let known = request.body().size_hint().lower();
        if limits.body.is_some_and(|limit| known > limit) {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        if self.running.0.fetch_add(1, Relaxed) >= limits.concurrency {
            self.leaves();
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        Ok(())
    }

    pub(super) fn leaves(&self) {
        self.running.0.fetch_sub(1, Relaxed);
    }
}

/// Without the scheme, which is short.
fn length(uri: &Uri) -> usize {
    let authority = uri
        .authority()
        .map_or(0, |authority| authority.as_str().len());
    let target = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    authority + target
}
