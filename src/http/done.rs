//! What a server tells of each request when it has ended.

use super::info::ConnInfo;
use crate::time::Duration;
use hyper::{Method, StatusCode, Uri, Version};
use std::fmt;
use std::sync::Arc;

pub(super) type OnRequest = Arc<dyn Fn(&RequestDone) + Send + Sync>;

/// A request that has ended, as [`Serve::on_request`](super::Serve::on_request) tells of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestDone {
    /// `GET`, ..
    pub method: Method,
    /// As it was asked for.
    pub uri: Uri,
    /// The pattern that it matched, if whoever answered it has put a [`Route`] into the answer's extensions.
    pub route: Option<Route>,
    /// Of HTTP.
    pub version: Version,
    /// Of the answer. 499 if the client has gone before its end, 503 if the server's deadline came before its head.
    pub status: StatusCode,
    /// What has ended it.
    pub end: RequestEnd,
    /// Bytes of the request's body that the handler has read.
    pub received: u64,
    /// Bytes of the answer's body that were handed on to be sent.
    pub sent: u64,
    /// From the request's head to the answer's; to the end, if there was none.
    pub until_head: Duration,
    /// From the request's head to the end.
    pub took: Duration,
    /// Of its connection.
    pub connection: ConnInfo,
}

/// What has ended a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestEnd {
    /// It was answered to the end.
    Finished,
    /// A limit.
    Refused,
    /// Its client has gone.
    Left,
    /// The server's deadline.
    Cancelled,
}

/// A pattern of a router, such as `/users/{id}`: an extension of an answer, for [`RequestDone::route`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route(Arc<str>);

impl Route {
    /// That pattern.
    pub fn new(pattern: impl Into<Arc<str>>) -> Route {
        Route(pattern.into())
    }

    /// The pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
