//! What a server puts up with.

use crate::time::Duration;

/// What a server puts up with: each limit has a default, and a method that changes it.
///
/// | limit | default | beyond it |
/// |---|---|---|
/// | [`connections`](Limits::connections) | 10,000 | nobody else is accepted |
/// | [`first_byte`](Limits::first_byte) | 15 s | the connection is closed |
/// | [`head`](Limits::head) | 15 s | 408, and closed |
/// | [`head_bytes`](Limits::head_bytes) | 64 KiB | 431, and closed |
/// | [`headers`](Limits::headers) | 100 | 431, and closed |
/// | [`uri`](Limits::uri) | 8 KiB | 414 |
/// | [`body`](Limits::body) | 16 MiB | 413 |
/// | [`stall`](Limits::stall) | 30 s | 408 for a request's body; an answer that is not taken is cut off |
/// | [`answer`](Limits::answer) | 60 s until its head | 504 |
/// | [`whole`](Limits::whole) | none | 504, or the answer is cut off |
/// | [`concurrency`](Limits::concurrency) | 10,000 requests | 503 with `Retry-After` |
/// | [`idle`](Limits::idle) | 60 s | the connection is closed |
/// | [`linger`](Limits::linger) | 1 s | at a server's end: the connection is closed |
/// | [`streams`](Limits::streams) | 200 of HTTP/2 on a connection | the stream is refused |
/// | [`resets`](Limits::resets) | 20 of HTTP/2 at a time | `GOAWAY`, and closed |
///
/// ```
/// use filch::http::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::default().connections(2_000).idle(Duration::from_secs(20));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Limits {
    pub(super) connections: usize,
    pub(super) first_byte: Duration,
    pub(super) head: Duration,
    pub(super) head_bytes: usize,
    pub(super) headers: usize,
    pub(super) uri: usize,
    pub(super) body: Option<u64>,
    pub(super) stall: Duration,
    pub(super) answer: Option<Duration>,
    pub(super) whole: Option<Duration>,
    pub(super) concurrency: usize,
    pub(super) idle: Duration,
    pub(super) linger: Duration,
    pub(super) streams: u32,
    pub(super) resets: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 10_000,
            first_byte: Duration::from_secs(15),
            head: Duration::from_secs(15),
            head_bytes: 64 * 1024,
            headers: 100,
            uri: 8 * 1024,
            body: Some(16 * 1024 * 1024),
            stall: Duration::from_secs(30),
            answer: Some(Duration::from_secs(60)),
            whole: None,
            concurrency: 10_000,
            idle: Duration::from_secs(60),
            linger: Duration::from_secs(1),
            streams: 200,
            resets: 20,
        }
    }
}

impl Limits {
    /// So many connections at a time; 10,000 by default. While they are all there nobody is accepted: whoever connects
    /// waits in the system's queue. An upgraded connection counts until it is closed.
    ///
    /// # Panics
    /// When the server is awaited, if it is 0.
    pub fn connections(mut self, count: usize) -> Limits {
        self.connections = count;
        self
    }

    /// How long a new connection may send nothing; 15 seconds by default. Then it is closed.
    pub fn first_byte(mut self, limit: Duration) -> Limits {
        self.first_byte = limit;
        self
    }

    /// How long the head of a request may take from its first byte on; 15 seconds by default. Then the answer is 408,
    /// and the connection is closed.
    pub fn head(mut self, limit: Duration) -> Limits {
        self.head = limit;
        self
    }

    /// How large a head may be: request line and headers; 64 KiB by default. A larger one is answered with 431, and the
    /// connection closed. Over HTTP/2 it is the size of the header list, which is told to the client.
    pub fn head_bytes(mut self, limit: usize) -> Limits {
        self.head_bytes = limit;
        self
    }

    /// How many headers a request may have; 100 by default. More are answered with 431.
    pub fn headers(mut self, limit: usize) -> Limits {
        self.headers = limit;
        self
    }

    /// How long a URI may be, in bytes and with its host if that is part of it; 8 KiB by default. A longer one is
    /// answered with 414.
    pub fn uri(mut self, limit: usize) -> Limits {
        self.uri = limit;
        self
    }

    /// How large a request's body may be, in bytes; 16 MiB by default. A larger one is answered with 413: at once, if
    /// its length is known, or when so much was read. The handler is dropped then. `None` for no limit.
    pub fn body(mut self, limit: impl Into<Option<u64>>) -> Limits {
        self.body = limit.into();
        self
    }

    /// How long a client may leave the server waiting in the midst of a request; 30 seconds by default.
    ///
    /// It sends nothing of a body that a handler waits for: the answer is 408, and the handler is dropped. Empty
    /// pieces, which HTTP/2 has, are nothing. Or it does not take the next piece of an answer: that is cut off, with
    /// its stream over HTTP/2 and its connection otherwise. A handler that has nothing to say, as streams of events
    /// mostly, is not its client's fault.
    pub fn stall(mut self, limit: Duration) -> Limits {
        self.stall = limit;
        self
    }

    /// How long a handler may take until the head of its answer; 60 seconds by default. Then the answer is 504, and the
    /// handler is dropped. `None` for no limit.
    pub fn answer(mut self, limit: impl Into<Option<Duration>>) -> Limits {
        self.answer = limit.into();
        self
    }

    /// How long a request may take from its head to its answer's end. There is no such limit by default: a download may
    /// take hours. Beyond it the answer is 504, or what is sent of one is cut off.
    pub fn whole(mut self, limit: impl Into<Option<Duration>>) -> Limits {
        self.whole = limit.into();
        self
    }

    /// How many requests handlers may be answering at a time, each until its answer's head; 10,000 by default. Those
    /// beyond are answered at once with 503, and `Retry-After: 1`.
    pub fn concurrency(mut self, limit: usize) -> Limits {
        self.concurrency = limit;
        self
    }

    /// How long a connection may do nothing between two requests; 60 seconds by default. Then it is closed, an HTTP/2
    /// connection by `GOAWAY`. HTTP/2's pings do not count, and neither does half a head.
    pub fn idle(mut self, limit: Duration) -> Limits {
        self.idle = limit;
        self
    }

    /// How long an idle connection is still read when the server ends; a second by default, and never beyond the
    /// deadline. A request that comes is answered, with `connection: close`. A connection that has never said anything
    /// is closed at once, unless it was accepted within the last tenth of that time: it has the rest of the tenth.
    ///
    /// As long, over HTTP/1, an answer waits for a body of at most 64 KiB that its handler has not read, so that the
    /// connection can go on after it; and a connection that ends is read on for its client to see the answer.
    pub fn linger(mut self, limit: Duration) -> Limits {
        self.linger = limit;
        self
    }

    /// How many requests one HTTP/2 connection may have at a time; 200 by default. It is told to the client, and what
    /// is beyond is refused.
    pub fn streams(mut self, limit: u32) -> Limits {
        self.streams = limit;
        self
    }

    /// How many requests of an HTTP/2 connection may have been taken back by the client before they were looked at; 20
    /// by default. Beyond it the connection is closed with `ENHANCE_YOUR_CALM`: "rapid reset".
    pub fn resets(mut self, limit: usize) -> Limits {
        self.resets = limit;
        self
    }
}
