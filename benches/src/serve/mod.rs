//! The server processes of the server rows: `serve`, one peer's echo server, until standard input ends.
//!
//! The servers are written once over [`Runtime`]; the Go and Python programs in `benches/peers/` take the same
//! arguments and print the same first line: `ready ADDRESS`.

mod epoll;
mod hogs;
mod job;
mod threads;
#[cfg(feature = "http")]
mod web;

use std::io::{self, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use crate::harness::clock::{self, Moment};
use crate::runtimes::{Datagram, Peer, Runtime, Stream};
use crate::sys::limits;

pub(crate) use hogs::Hog;
pub(crate) use job::{Job, Protocol, Server, TICK, encode};

use job::ready;

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
    if job.server.protocol == Protocol::Http {
        #[cfg(feature = "http")]
        return web::serve(job);
        #[cfg(not(feature = "http"))]
        return Err(io::Error::other("this build has no `--features http`"));
    }
    match job.peer {
        Peer::Filch | Peer::FilchUnwatched | Peer::FilchUnlooking => {
            crate::runtimes::filch::be(job.peer);
            serve::<crate::runtimes::filch::Filch>(job)
        }
        Peer::Threads => threads::serve(job),
        Peer::Epoll => epoll::serve(job),
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
        Protocol::Http => unreachable!("`web` serves it"),
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

async fn connection<R: Runtime, S: Stream>(mut stream: S, server: Server) {
    let mut buffer = vec![0; server.buffer];
    loop {
        let exchange = exchange(&mut stream, &mut buffer, server.rounds);
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

/// Reads once, computes, and sends back what it has read; false at the end of the stream.
async fn exchange<S: Stream>(stream: &mut S, buffer: &mut [u8], rounds: u32) -> io::Result<bool> {
    let length = stream.read(buffer).await?;
    clock::rounds(rounds);
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

async fn datagrams<D: Datagram>(socket: D, buffer: usize) -> io::Result<()> {
    let mut buffer = vec![0; buffer];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..length], from).await?;
    }
}
