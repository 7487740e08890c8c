//! `calls`: which system calls a request costs axum's server, by strace: plaintext over HTTP/1.1 on kept connections.
//!
//! The peers take turns. Clients are threads that write and read, one a connection, the same for all. strace writes
//! down each call of the server, its start and end included, which the number of requests makes small. It slows the
//! server down, and with it changes how often a thread sleeps: reads, writes and registrations do not depend on that.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::options::Error;
use super::process;
use crate::load::PLAINTEXT;
use crate::runtimes::Peer;
use crate::serve::{Protocol, Server};

/// In a turn, over all connections.
const REQUESTS: usize = 10_000;
/// How many connections there are, from table to table.
const CONNECTIONS: [usize; 2] = [1, 16];
const WORKERS: usize = 2;
const TRACED: &str = "trace=recvfrom,read,sendto,sendmsg,write,writev,epoll_ctl,epoll_wait,epoll_pwait,\
                      epoll_pwait2,futex";

/// What is told apart.
const KINDS: [&str; 10] = [
    "`recvfrom`",
    "`sendto`, `sendmsg`, `writev`",
    "`epoll_ctl`",
    "waits for events that may sleep",
    "waits for events that only look",
    "`futex` waits that slept",
    "`futex` waits that found it done",
    "`futex` wakes of somebody",
    "`futex` wakes of nobody",
    "`read`, `write` (eventfd)",
];

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Of whom.
    pub(crate) peers: Vec<Peer>,
    /// How often.
    pub(crate) turns: usize,
}

/// Calls of a turn, by kind.
type Counts = [usize; KINDS.len()];

/// Counts and prints each of the peers.
///
/// # Errors
/// When a server fails, or strace does.
pub(crate) fn run(job: &Job) -> Result<(), Error> {
    for connections in CONNECTIONS {
        let mut turns = vec![Vec::new(); job.peers.len()];
        for _ in 0..job.turns {
            for (counts, &peer) in turns.iter_mut().zip(&job.peers) {
                counts.push(turn(peer, connections)?);
            }
        }
        print(job, connections, &turns);
    }
    Ok(())
}

fn turn(peer: Peer, connections: usize) -> Result<Counts, Error> {
    let written = std::env::temp_dir().join(format!("filch-bench-{}-calls", std::process::id()));
    let mut server = start(peer, &written)?;
    let address = process::address(&mut server)?.parse()?;
    let asked = ask_all(address, connections);
    // That is what ends it.
    drop(server.stdin.take());
    server.wait()?;
    let calls = std::fs::read_to_string(&written)?;
    std::fs::remove_file(&written)?;
    asked?;
    Ok(count(&calls))
}

/// Only the calls that are counted stop for strace.
fn start(peer: Peer, written: &Path) -> Result<Child, Error> {
    let server = Server {
        protocol: Protocol::Http,
        ..Server::default()
    };
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "--seccomp-bpf", "-e", TRACED, "-o"])
        .arg(written)
        .arg(std::env::current_exe()?)
        .args(["serve", peer.name()])
        .args(server.arguments(WORKERS, "", ""));
    let child = strace.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    child.map_err(|error| format!("strace: {error}").into())
}

fn ask_all(address: SocketAddr, connections: usize) -> io::Result<()> {
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|_| scope.spawn(move || ask(address, REQUESTS / connections)))
            .collect();
        clients.into_iter().try_for_each(|client| {
            let asked = client.join();
            asked.unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
        })
    })
}

fn ask(address: SocketAddr, requests: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut answer = [0; 4096];
    for _ in 0..requests {
        stream.write_all(b"GET /plaintext HTTP/1.1\r\nhost: filch-bench\r\n\r\n")?;
        let length = stream.read(&mut answer)?;
        if !answer[..length].ends_with(PLAINTEXT.as_bytes()) {
            return Err(io::Error::other("no answer, or not in one piece"));
        }
    }
    Ok(())
}

/// What strace has written down: `THREAD NAME(ARGUMENTS) = RESULT`, where another thread's line may come between the
/// two halves of one: `.. <unfinished ...>` and `THREAD <... NAME resumed>..`.
fn count(calls: &str) -> Counts {
    let mut counts = Counts::default();
    let mut halves = HashMap::new();
    for line in calls.lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        if let Some(half) = call.strip_suffix("<unfinished ...>") {
            halves.insert(thread, half);
            continue;
        }
        let resumed = call
            .starts_with("<... ")
            .then(|| call.split_once(" resumed>"));
        let whole = match resumed.flatten() {
            Some((_, rest)) => halves.remove(thread).unwrap_or_default().to_owned() + rest,
            None => call.to_owned(),
        };
        if let Some(kind) = kind(&whole) {
            counts[kind] += 1;
        }
    }
    // Calls in which the process has ended.
    for half in halves.into_values() {
        if let Some(kind) = kind(half) {
            counts[kind] += 1;
        }
    }
    counts
}

/// Its place in [`KINDS`].
fn kind(call: &str) -> Option<usize> {
    let (name, rest) = call.split_once('(')?;
    let failed = rest.contains(" = -1 EAGAIN");
    let nobody = rest.trim_end().ends_with(" = 0");
    Some(match name {
        "recvfrom" => 0,
        "sendto" | "sendmsg" | "writev" => 1,
        "epoll_ctl" => 2,
        "epoll_wait" | "epoll_pwait" | "epoll_pwait2" if only_looks(name, rest) => 4,
        "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => 3,
        "futex" if rest.contains("FUTEX_WAIT") => 5 + usize::from(failed),
        "futex" => 7 + usize::from(nobody),
        "read" | "write" => 9,
        _ => return None,
    })
}

/// Its timeout is none at all. Behind that stand a mask of signals and its size, except in `epoll_wait`.
fn only_looks(name: &str, arguments: &str) -> bool {
    match name {
        "epoll_wait" => arguments.contains(", 0) = "),
        "epoll_pwait" => arguments.contains(", 0, NULL, "),
        _ => arguments.contains("{tv_sec=0, tv_nsec=0}"),
    }
}

fn print(job: &Job, connections: usize, turns: &[Vec<Counts>]) {
    let names: Vec<&str> = job.peers.iter().map(|peer| peer.name()).collect();
    println!(
        "| per request, {connections} connections | {} |",
        names.join(" | ")
    );
    println!("|---|{}", "---|".repeat(names.len()));
    for (kind, name) in KINDS.iter().enumerate() {
        let cells: Vec<String> = turns.iter().map(|counts| cell(counts, kind)).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    println!();
}

/// The median, and both extremes.
fn cell(turns: &[Counts], kind: usize) -> String {
    let mut counts: Vec<usize> = turns.iter().map(|counts| counts[kind]).collect();
    counts.sort_unstable();
    let per = |count: usize| count as f64 / REQUESTS as f64;
    let (least, most) = (counts[0], counts[counts.len() - 1]);
    let median = counts[counts.len() / 2];
    format!("{:.3} [{:.3} .. {:.3}]", per(median), per(least), per(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_apart_also_those_in_two_halves() {
        let written = "\
7 recvfrom(9, \"GET\"..., 8192, 0, NULL, NULL) = 44
7 sendmsg(9, {msg_name=NULL}, MSG_NOSIGNAL) = 119
8 epoll_pwait2(5,  <unfinished ...>
7 epoll_ctl(5, EPOLL_CTL_ADD, 9, {events=EPOLLIN}) = 0
8 <... epoll_pwait2 resumed>[{events=EPOLLIN}], 64, NULL, NULL, 8) = 1
8 epoll_pwait2(5, [], 64, {tv_sec=0, tv_nsec=0}, NULL, 0) = 0
8 epoll_pwait2(5, [{events=EPOLLIN}], 64, NULL, NULL, 0) = 1
9 epoll_wait(3, [], 1024, 0) = 0
9 epoll_wait(3, [{events=EPOLLIN}], 1024, -1) = 1
9 futex(0x1, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, FUTEX_BITSET_MATCH_ANY) = 0
9 futex(0x1, FUTEX_WAIT_PRIVATE, 1, NULL) = -1 EAGAIN (Resource temporarily unavailable)
9 futex(0x1, FUTEX_WAKE_PRIVATE, 1) = 1
9 futex(0x1, FUTEX_WAKE_PRIVATE, 1) = 0
9 write(4, \"\\1\", 8) = 8
9 +++ exited with 0 +++
8 futex(0x1, FUTEX_WAIT_PRIVATE, 1, NULL <unfinished ...>
";
        assert_eq!(count(written), [1, 1, 1, 3, 2, 2, 1, 1, 1, 1]);
    }
}
