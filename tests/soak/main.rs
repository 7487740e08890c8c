//! A server under thousands of connections that are opened, used and closed in random order, some of them badly:
//! nothing leaks, and nobody harms anybody else.
//!
//! Takes `FILCH_SOAK_SECONDS` (default 6). Server and clients are processes of their own, each with as many
//! descriptors as the system allows.

#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod client;
mod server;

use common::*;
use server::{Figures, Server};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The most connections at a time, if there are descriptors enough.
const CONNECTIONS: usize = 10_000;

/// Rounds of opening, using and closing.
const ROUNDS: u32 = 3;

fn seconds() -> u64 {
    std::env::var("FILCH_SOAK_SECONDS")
        .ok()
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(6)
}

/// The parts that child processes play.
#[test]
fn child() {
    match process::part().as_deref() {
        None => {}
        Some("server") => server::serve(),
        Some("soak") => soak(),
        Some(other) => panic!("no such part: {other}"),
    }
}

/// Descriptors that a process may have open at most.
fn hard_limit() -> usize {
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -Hn"])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap_or(1 << 20)
}

#[test]
fn thousands_of_connections_leave_nothing_behind() {
    let files = hard_limit().min(CONNECTIONS + 500);
    let output = process::again("child", "soak", Some(files))
        .output()
        .unwrap();
    let text = process::text_of(&output);
    assert!(output.status.success(), "{}\n{text}", output.status);
    text.lines()
        .filter(|line| line.starts_with("soak:"))
        .for_each(|line| println!("{line}"));
}

/// The clients' process: rounds of load, then a look at what the server has left.
fn soak() {
    let total = Duration::from_secs(seconds());
    let _limit = Limit::of(10 * total + LIMIT);
    let files = hard_limit().min(CONNECTIONS + 500);
    let connections = if total < Duration::from_secs(30) {
        files.min(2500) - 500
    } else {
        files - 500
    };
    let mut server = Server::start(Some(files));
    // Whatever is made once and kept is made now.
    client::load(server.port(), 50, Duration::from_millis(200), 1);
    let before = server.at_rest();
    let mut resident = Vec::new();
    for round in 0..ROUNDS {
        let done = client::load(
            server.port(),
            connections,
            total / ROUNDS,
            u64::from(round) + 2,
        );
        let after = server.until("all are gone", |now| is_quiet(now, &before));
        println!("\nsoak: {done}; after it {after:?}");
        assert!(done.exchanges > 0 && done.most > connections / 4, "{done}");
        resident.push(after.resident);
    }
    let bound = resident[0] + resident[0] / 2 + 16 * 1024;
    assert!(
        resident.iter().all(|now| *now <= bound),
        "the server's memory grows: {resident:?} kB"
    );
    server.end();
    wait_until("all of this process's own are closed", || {
        process::descriptors() < 50
    });
}

fn is_quiet(now: &Figures, before: &Figures) -> bool {
    now.is_at_rest() && now.descriptors <= before.descriptors
}

#[test]
fn without_descriptors_accepting_pauses_and_recovers() {
    let _limit = Limit::new();
    let mut server = Server::start(Some(256));
    let before = server.at_rest();
    let mut peers: Vec<TcpStream> = (0..400_u32)
        .map(|i| {
            let mut peer = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
            peer.set_read_timeout(Some(LIMIT)).unwrap();
            peer.write_all(&i.to_be_bytes()).unwrap();
            peer
        })
        .collect();
    let paused = server.until("it pauses", |now| now.paused > 0);
    assert!(paused.tasks > 200, "{paused:?}");
    // Those that it has are served on.
    for (i, peer) in peers.iter_mut().enumerate().take(200) {
        assert_eq!(answer(peer), i as u32);
    }
    peers.drain(..200);
    for (i, peer) in peers.iter_mut().enumerate() {
        assert_eq!(
            answer(peer),
            i as u32 + 200,
            "accepting goes on when descriptors are free again"
        );
    }
    drop(peers);
    server.until("all are gone", |now| is_quiet(now, &before));
    server.end();
}

fn answer(peer: &mut TcpStream) -> u32 {
    let mut bytes = [0; 4];
    peer.read_exact(&mut bytes).unwrap();
    u32::from_be_bytes(bytes)
}

#[test]
fn peers_that_misbehave_harm_nobody_else() {
    let _limit = Limit::new();
    let mut server = Server::start(None);
    let before = server.at_rest();
    let connect = || {
        let peer = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        peer.set_read_timeout(Some(LIMIT)).unwrap();
        peer
    };
    let mut witness = connect();
    let silent: Vec<_> = (0..20).map(|_| connect()).collect();
    for round in 0..200_u32 {
        let mut bad = connect();
        match round % 4 {
            0 => {
                // What was sent before the half-close still comes back, then the end.
                bad.write_all(&[7; 1000]).unwrap();
                bad.shutdown(std::net::Shutdown::Write).unwrap();
                let mut all = Vec::new();
                bad.read_to_end(&mut all).unwrap();
                assert_eq!(all, [7; 1000]);
            }
            1 => {
                bad.write_all(b"never read").unwrap();
                client::reset(&bad);
            }
            2 => {
                // It never reads: the server's task waits with a full socket, and only that.
                bad.set_nonblocking(true).unwrap();
                let start = Instant::now();
                while bad.write(&[0; 65536]).is_ok() && start.elapsed() < Duration::from_secs(1) {}
                client::reset(&bad);
            }
            _ => drop(bad),
        }
        witness.write_all(&round.to_be_bytes()).unwrap();
        assert_eq!(answer(&mut witness), round);
    }
    let now = server.figures();
    assert!(now.tasks >= silent.len(), "{now:?}");
    drop((silent, witness));
    server.until("all are gone", |now| is_quiet(now, &before));
    server.end();
}
