//! Probing of idle connections.

use crate::net::tcp_stream::TcpStream;
use std::io;
use std::time::Duration;

/// When and how often an idle TCP connection is probed; what is not given is the system's choice.
///
/// ```no_run
/// # use filch::net::{Keepalive, TcpStream};
/// # use std::time::Duration;
/// # fn set(stream: &TcpStream) -> std::io::Result<()> {
/// let probes = Keepalive::new().idle(Duration::from_secs(60)).retries(3);
/// stream.set_keepalive_with(&probes)
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Keepalive {
    parameters: socket2::TcpKeepalive,
}

impl Default for Keepalive {
    fn default() -> Keepalive {
        Keepalive::new()
    }
}

impl Keepalive {
    /// The system's own parameters.
    #[must_use]
    pub fn new() -> Keepalive {
        Keepalive {
            parameters: socket2::TcpKeepalive::new(),
        }
    }

    /// How long a connection is idle before the first probe; in whole seconds on most systems.
    #[must_use]
    pub fn idle(self, idle: Duration) -> Keepalive {
        Keepalive {
            parameters: self.parameters.with_time(idle),
        }
    }

    /// The time between two probes; in whole seconds on most systems.
    #[must_use]
    pub fn interval(self, interval: Duration) -> Keepalive {
        Keepalive {
            parameters: self.parameters.with_interval(interval),
        }
    }

    pub(super) fn parameters(&self) -> &socket2::TcpKeepalive {
        &self.parameters
    }

    /// How many probes without an answer end the connection.
    #[must_use]
    pub fn retries(self, retries: u32) -> Keepalive {
        Keepalive {
            parameters: self.parameters.with_retries(retries),
        }
    }
}

impl TcpStream {
    /// Switches probing of an idle connection on, with these parameters.
    ///
    /// # Errors
    /// The system's.
    pub fn set_keepalive_with(&self, keepalive: &Keepalive) -> io::Result<()> {
        self.socket().set_tcp_keepalive(keepalive.parameters())
    }
}
