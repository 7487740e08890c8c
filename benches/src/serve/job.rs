//! What a server is asked to do, and what it says of itself: its command line, its first line, its ticks.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::hogs::Hog;
use crate::runtimes::Peer;
use crate::sys::progress::Board;

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// What it listens on.
    pub(crate) protocol: Protocol,
    /// Whether each request has a timeout.
    pub(crate) timeout: bool,
    /// Bytes of buffer per connection.
    pub(crate) buffer: usize,
    /// What further tasks do.
    pub(crate) hog: Hog,
    /// How many such tasks there are; `None` is one per worker.
    pub(crate) hogs: Option<usize>,
    /// Rounds of arithmetic per request, [`clock::ROUNDS_PER_MICRO`](crate::harness::clock::ROUNDS_PER_MICRO) a
    /// microsecond.
    pub(crate) rounds: u32,
}

impl Default for Server {
    fn default() -> Server {
        Server {
            protocol: Protocol::Tcp,
            timeout: false,
            buffer: 32 * 1024,
            hog: Hog::None,
            hogs: None,
            rounds: 0,
        }
    }
}

/// What a server listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// TCP on the loopback interface.
    Tcp,
    /// UDP on the loopback interface.
    Udp,
    /// A Unix stream socket.
    Unix,
    /// HTTP on TCP: `/plaintext`, and a route for each hog, in whose handler it computes.
    Http,
    /// TCP, but nothing is read: every tick of an interval of [`TICK`] is answered with how late it was.
    Ticks,
}

/// The period of [`Protocol::Ticks`].
pub(crate) const TICK: Duration = Duration::from_millis(1);

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Unix => "unix",
            Protocol::Http => "http",
            Protocol::Ticks => "ticks",
        })
    }
}

/// A `serve` command line.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Who serves.
    pub(crate) peer: Peer,
    /// With how many workers.
    pub(crate) workers: usize,
    /// What.
    pub(crate) server: Server,
    /// Where, for Unix sockets.
    pub(crate) path: PathBuf,
    /// The board that its hogs count on; without one they count for nobody.
    pub(crate) board: Option<PathBuf>,
}

impl Job {
    /// Where its hogs count.
    pub(super) fn board(&self) -> io::Result<Arc<Board>> {
        match &self.board {
            Some(path) => Board::open(path),
            None => Board::create(),
        }
        .map(Arc::new)
    }
}

impl Server {
    /// The arguments that start it, for this binary's `serve` and for the peers' programs.
    pub(crate) fn arguments(&self, workers: usize, path: &str, board: &str) -> Vec<String> {
        let (hog, time) = self.hog.describe();
        let always = [
            ("--protocol", self.protocol.to_string()),
            ("--timeout", u8::from(self.timeout).to_string()),
            ("--buffer", self.buffer.to_string()),
            ("--hog", hog.to_owned()),
            ("--hog-ms", time.as_millis().to_string()),
            ("--hogs", self.hogs(workers).to_string()),
            ("--board", board.to_owned()),
            ("--workers", workers.to_string()),
            ("--path", path.to_owned()),
        ];
        // What does not compute need not know how: peers' programs, and builds of before.
        let computes = (self.rounds > 0).then(|| ("--rounds", self.rounds.to_string()));
        let all = always.into_iter().chain(computes);
        all.flat_map(|(name, value)| [name.to_owned(), value])
            .collect()
    }

    /// How many tasks hold their workers.
    pub(crate) fn hogs(&self, workers: usize) -> usize {
        match self.hog {
            Hog::None => 0,
            _ => self.hogs.unwrap_or(workers),
        }
    }
}

/// A lateness as it is sent: nanoseconds, 64 bits, little-endian.
pub(crate) fn encode(late: Duration) -> [u8; 8] {
    u64::try_from(late.as_nanos())
        .unwrap_or(u64::MAX)
        .to_le_bytes()
}

/// Says where the server listens, which the parent waits for.
pub(super) fn ready(address: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "ready {address}")?;
    out.flush()
}
