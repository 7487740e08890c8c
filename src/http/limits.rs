//! What a server puts up with.

use crate::time::Duration;

/// What a server puts up with: each limit has a default, and a method that changes it.
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
    pub(super) idle: Duration,
    pub(super) stall: Duration,
    pub(super) linger: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 10_000,
            first_byte: Duration::from_secs(15),
            head: Duration::from_secs(15),
            idle: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            linger: Duration::from_secs(1),
        }
    }
}

impl Limits {
    /// So many connections at a time; 10,000 by default. While they are all there nobody is accepted: whoever connects
    /// waits in the system's queue.
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

    /// How long a connection may do nothing between two requests; 60 seconds by default. Then it is closed, an HTTP/2
    /// connection by `GOAWAY`.
    pub fn idle(mut self, limit: Duration) -> Limits {
        self.idle = limit;
        self
    }

    /// How long a client may send nothing of a body that a handler waits for; 30 seconds by default. Then reading the
    /// body [fails](super::BodyError::is_timed_out).
    pub fn stall(mut self, limit: Duration) -> Limits {
        self.stall = limit;
        self
    }

    /// How long an idle connection is still read when the server ends; a second by default, and never beyond the
    /// deadline. A request that comes is answered, with `connection: close`.
    pub fn linger(mut self, limit: Duration) -> Limits {
        self.linger = limit;
        self
    }
}
