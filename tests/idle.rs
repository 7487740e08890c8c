//! An idle runtime uses no CPU: a process with 1000 connections open and 100,000 tasks asleep is not woken once in
//! seconds.

#![cfg(target_os = "linux")]

mod common;

use common::*;
use filch::net::{TcpListener, TcpStream};
use filch::{Runtime, Selector};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 1000;
const SLEEPERS: usize = 100_000;

/// How long nothing may happen.
const QUIET: Duration = Duration::from_secs(5);

/// The idle process.
#[test]
fn child() {
    let Some(part) = process::part() else { return };
    let _limit = Limit::new();
    let selector: Selector = part.parse().unwrap();
    let rt = Runtime::builder().selector(selector).build().unwrap();
    let connections = rt.run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for _ in 0..SLEEPERS {
            filch::spawn(filch::time::sleep(HOUR));
        }
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let client = TcpStream::connect(address).await.unwrap();
            let (server, _) = listener.accept().await.unwrap();
            filch::spawn(async move { server.read(&mut [0]).await });
            connections.push(client);
        }
        filch::spawn(async move { listener.accept().await.map(drop) });
        connections
    });
    let expected = SLEEPERS + CONNECTIONS + 1;
    wait_until("all of them wait", || {
        let tasks = rt.handle().tasks();
        tasks.len() == expected && tasks.iter().all(|task| task.wait().is_some())
    });
    println!("ready");
    // Until the parent has seen enough and closes the pipe.
    let _ = std::io::stdin().lock().read_line(&mut String::new());
    drop(connections);
    wait_until("the connections' tasks end", || {
        rt.metrics().tasks == SLEEPERS + 1
    });
    println!("the connections have ended");
}

/// Voluntary and involuntary context switches of all threads so far.
fn switches(pid: u32) -> [u64; 2] {
    ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"]
        .map(|key| process::status_of_threads(pid, key))
}

fn measure(selector: &str) {
    let _limit = Limit::new();
    let mut child = process::again("child", selector, Some(2 * CONNECTIONS + 100))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.ends_with("ready\n") {
        line.clear();
        assert_ne!(
            output.read_line(&mut line).unwrap(),
            0,
            "the child has ended early"
        );
    }
    // What the last of them set in motion comes to rest; then the quiet begins.
    let start = Instant::now();
    let mut last = (switches(child.id()), Instant::now());
    while last.1.elapsed() < QUIET {
        assert!(
            start.elapsed() < LIMIT,
            "{selector}: never quiet for {QUIET:?}: {:?} switches, then {:?}",
            last.0,
            switches(child.id())
        );
        std::thread::sleep(Duration::from_millis(50));
        let now = switches(child.id());
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
    println!(
        "{selector}: no context switch in {QUIET:?}, {:?} before",
        last.0
    );
    drop(child.stdin.take());
    let rest: Vec<String> = output.lines().map_while(Result::ok).collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
    assert!(
        rest.iter()
            .any(|line| line.contains("the connections have ended")),
        "{rest:?}"
    );
}

#[test]
fn with_epoll() {
    measure("epoll");
}

#[cfg(feature = "polling")]
#[test]
fn with_polling() {
    measure("polling");
}
