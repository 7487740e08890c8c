//! The server processes of the server rows: `serve`, one peer's echo server, until standard input ends.
//!
//! The servers are written once over [`Runtime`]; the Go and Python programs in `benches/peers/` take the same arguments and
//! print the same first line: `ready ADDRESS`.

mod hogs;
mod threads;

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::harness::clock::Moment;
use crate::runtimes::{Datagram, Peer, Runtime, Stream};
use crate::sys::limits;
use crate::sys::progress::Board;

pub(crate) use hogs::Hog;

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
}

impl Default for Server {
    fn default() -> Server {
        Server {
            protocol: Protocol::Tcp,
            timeout: false,
            buffer: 32 * 1024,
            hog: Hog::None,
            hogs: None,
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
    fn board(&self) -> io::Result<Arc<Board>> {
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
        [
            ("--protocol", self.protocol.to_string()),
            ("--timeout", u8::from(self.timeout).to_string()),
            ("--buffer", self.buffer.to_string()),
            ("--hog", hog.to_owned()),
            ("--hog-ms", time.as_millis().to_string()),
            ("--hogs", self.hogs(workers).to_string()),
            ("--board", board.to_owned()),
            ("--workers", workers.to_string()),
            ("--path", path.to_owned()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
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

/// Serves until standard input ends; then the process exits.
///
/// # Errors
/// When the server cannot listen, or its accept loop fails.
pub(crate) fn run(job: &Job) -> io::Result<()> {
    limits::raise_open_files();
    std::thread::spawn(|| {
        // Nothing is ever sent; the end of the input says that the parent is done, or gone.
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    match job.peer {
        Peer::Filch => serve::<crate::runtimes::filch::Filch>(job),
        Peer::FilchUnwatched => {
            crate::runtimes::filch::unwatch();
            serve::<crate::runtimes::filch::Filch>(job)
        }
        Peer::Threads => threads::serve(job),
        Peer::Tokio => serve::<crate::runtimes::tokio::Tokio>(job),
        Peer::Smol => serve::<crate::runtimes::smol::Smol>(job),
        other => Err(io::Error::other(format!(
            "{other} has a program of its own"
        ))),
    }
}

fn serve<R: Runtime>(job: &Job) -> io::Result<()> {
    let host = R::start(job.workers);
    let (server, workers, board) = (job.server, job.workers, job.board()?);
    let start_hogs = move || hogs::start::<R>(server.hog, server.hogs(workers), &board);
    match server.protocol {
        Protocol::Tcp | Protocol::Ticks => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            ready(&listener.local_addr()?.to_string())?;
            R::run(&host, async move {
                start_hogs()?;
                let listener = R::tcp_listener(listener)?;
                loop {
                    let stream = R::accept_tcp(&listener).await?;
                    match server.protocol {
                        Protocol::Ticks => R::spawn_detached(ticks::<R>(stream)),
                        _ => R::spawn_detached(connection::<R, _>(stream, server)),
                    }
                }
            })
        }
        Protocol::Unix => {
            let listener = UnixListener::bind(&job.path)?;
            ready(&job.path.display().to_string())?;
            R::run(&host, async move {
                start_hogs()?;
                let listener = R::unix_listener(listener)?;
                loop {
                    R::spawn_detached(connection::<R, _>(R::accept_unix(&listener).await?, server));
                }
            })
        }
        Protocol::Udp => {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            ready(&socket.local_addr()?.to_string())?;
            R::run(&host, async move {
                start_hogs()?;
                datagrams(R::udp(socket)?, server.buffer).await
            })
        }
    }
}

fn ready(address: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "ready {address}")?;
    out.flush()
}

async fn connection<R: Runtime, S: Stream>(mut stream: S, server: Server) {
    let mut buffer = vec![0; server.buffer];
    loop {
        let exchange = exchange(&mut stream, &mut buffer);
        let outcome = match server.timeout {
            true => R::timeout(Duration::from_secs(30), exchange)
                .await
                .unwrap_or(Ok(false)),
            false => exchange.await,
        };
        // The load generator closes its connections when it is done; that is the end, or an error, and no news.
        if !matches!(outcome, Ok(true)) {
            return;
        }
    }
}

/// Reads once and sends that back; false at the end of the stream.
async fn exchange<S: Stream>(stream: &mut S, buffer: &mut [u8]) -> io::Result<bool> {
    let length = stream.read(buffer).await?;
    stream.write_all(&buffer[..length]).await?;
    Ok(length > 0)
}

/// Sends how late each tick was, in nanoseconds. The n-th is due n periods after the first look at the clock, whatever
/// became of those before it.
async fn ticks<R: Runtime>(mut stream: R::Tcp) {
    let start = Moment::now();
    let mut interval = R::interval(TICK);
    for tick in 1.. {
        R::tick(&mut interval).await;
        let late = Moment::now().since(start + TICK * tick);
        if stream.write_all(&encode(late)).await.is_err() {
            // The load generator has seen enough.
            return;
        }
    }
}

/// A lateness as it is sent: nanoseconds, 64 bits, little-endian.
pub(crate) fn encode(late: Duration) -> [u8; 8] {
    u64::try_from(late.as_nanos())
        .unwrap_or(u64::MAX)
        .to_le_bytes()
}

async fn datagrams<D: Datagram>(socket: D, buffer: usize) -> io::Result<()> {
    let mut buffer = vec![0; buffer];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..length], from).await?;
    }
}
