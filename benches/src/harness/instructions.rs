//! `instructions`: what a request costs a server outside the kernel, in instructions: its runtime, the harness's echo
//! loop and the C library.
//!
//! One worker, several connections that each have one request in the server at a time, so that it finds them all after
//! one wait. Two windows, the second with twice as many requests: the difference is free of what begins and ends a
//! window. Nothing else is measured here, least of all time: the server is stepped through (`sys/steps.rs`).

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use super::options::Error;
use super::process::ServerProcess;
use crate::load::Target;
use crate::runtimes::Peer;
use crate::runtimes::peer::Found;
use crate::serve::Server;
use crate::sys::steps::{self, Steps};

/// Rounds over all connections, before anything is counted and in the two windows.
const ROUNDS: [usize; 3] = [8, 10, 20];
/// Functions that are listed.
const LISTED: usize = 40;

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Of whom.
    pub(crate) peers: Vec<Peer>,
    /// The harness of another commit, which has them; `None`: this one.
    pub(crate) of: Option<PathBuf>,
    /// With so many connections: with one, each request ends a wait of its own.
    pub(crate) connections: usize,
}

/// Measures and prints each of the peers.
///
/// # Errors
/// When a server fails, or the system does not let it be traced.
pub(crate) fn run(job: &Job) -> Result<(), Error> {
    let found = match &job.of {
        Some(binary) => Found::Build(binary.clone()),
        None => Found::Linked,
    };
    for &peer in &job.peers {
        if !peer.is_linked() && peer != Peer::Epoll {
            return Err(format!("{peer} is not in this binary").into());
        }
        let (steps, places) = measure(peer, &found, job.connections)?;
        print(peer, job.connections, &steps, &places);
    }
    Ok(())
}

/// The steps that the requests of the second window had more than the first, and what lies where.
fn measure(peer: Peer, found: &Found, connections: usize) -> Result<(Steps, Places), Error> {
    let process = ServerProcess::start(peer, found, Server::default(), 1, false)?;
    let Target::Tcp(address) = process.target else {
        return Err("the server does not listen on TCP".into());
    };
    let pid = process.pid();
    let streams: io::Result<Vec<_>> = (0..connections)
        .map(|_| TcpStream::connect(address))
        .collect();
    let mut streams = streams?;
    exchange(&mut streams)?;
    let places = Places::of(pid)?;
    let phase = AtomicUsize::new(0);
    let steps = std::thread::scope(|scope| {
        let client = scope.spawn(|| -> io::Result<()> {
            // Its end is the server's, and that the count's.
            let _process = process;
            for (number, rounds) in ROUNDS.into_iter().enumerate() {
                phase.store(number, Relaxed);
                (0..rounds).try_for_each(|_| exchange(&mut streams))?;
            }
            Ok(())
        });
        let steps = steps::count(pid, &phase, ROUNDS.len());
        client.join().map_err(|_| "the client panicked")??;
        Ok::<_, Error>(steps?)
    })?;
    let mut more = steps[2].clone();
    for (address, count) in &steps[1] {
        let rest = more.entry(*address).or_default();
        *rest = rest.saturating_sub(*count);
    }
    Ok((more, places))
}

/// One request on each connection, all sent before the first answer is read.
fn exchange(streams: &mut [TcpStream]) -> io::Result<()> {
    let request = [7; 64];
    for stream in &mut *streams {
        stream.write_all(&request)?;
    }
    for stream in streams {
        let mut answer = [0; 64];
        stream.read_exact(&mut answer)?;
        if answer != request {
            return Err(io::Error::other("an answer differs from its request"));
        }
    }
    Ok(())
}

fn print(peer: Peer, connections: usize, steps: &Steps, places: &Places) {
    let requests = (connections * (ROUNDS[2] - ROUNDS[1])) as f64;
    let mut functions: HashMap<&str, u64> = HashMap::new();
    for (address, count) in steps {
        *functions.entry(places.name(*address)).or_default() += count;
    }
    let mut functions: Vec<_> = functions.into_iter().collect();
    functions.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let all: u64 = functions.iter().map(|(_, count)| count).sum();
    println!(
        "{peer}: {:.0} instructions per request",
        all as f64 / requests
    );
    for (name, count) in functions.into_iter().take(LISTED) {
        println!("  {:>8.1}  {name}", count as f64 / requests);
    }
    println!();
}

/// What code lies where in a process: its own functions, and the files beside.
struct Places {
    /// Where each begins, in order of address.
    starts: Vec<(u64, String)>,
}

impl Places {
    fn of(pid: u32) -> io::Result<Places> {
        let own = std::fs::read_link(format!("/proc/{pid}/exe"))?;
        let own = own.to_string_lossy();
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
        let mut starts: Vec<(u64, String)> = Vec::new();
        let mut base = None;
        for line in maps.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let start = words[0]
                .split('-')
                .next()
                .and_then(hexadecimal)
                .unwrap_or(0);
            let file = words.get(5).copied().unwrap_or("no file");
            if file == own {
                base.get_or_insert(start);
            }
            starts.push((start, file.to_owned()));
        }
        let symbols = Command::new("nm")
            .args(["-C", "--defined-only", &*own])
            .output();
        let symbols = symbols.map(|output| output.stdout).unwrap_or_default();
        for line in String::from_utf8_lossy(&symbols).lines() {
            let mut words = line.splitn(3, ' ');
            let offset = words.next().and_then(hexadecimal);
            let is_code = words.next().is_some_and(|kind| "tTwW".contains(kind));
            if let (Some(offset), true, Some(name)) = (offset, is_code, words.next()) {
                starts.push((base.unwrap_or(0) + offset, name.to_owned()));
            }
        }
        starts.sort();
        Ok(Places { starts })
    }

    fn name(&self, address: u64) -> &str {
        let after = self.starts.partition_point(|(start, _)| *start <= address);
        after.checked_sub(1).map_or("?", |at| &self.starts[at].1)
    }
}

fn hexadecimal(word: &str) -> Option<u64> {
    u64::from_str_radix(word, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_what_begins_last_before_it() {
        let starts = [(16, "a".to_owned()), (32, "b".to_owned())].into();
        let places = Places { starts };
        let names = [15, 16, 31, 32, 99].map(|address| places.name(address));
        assert_eq!(names, ["?", "a", "a", "b", "b"]);
    }
}
