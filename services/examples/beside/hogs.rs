//! Requests of reqwest's, one after another, beside two tasks that compute for 20 ms in each poll.

use std::io;
use std::time::{Duration, Instant};

use crate::peer::Peer;
use crate::work::client;
use crate::{WORKERS, tokio_alone, with_guest};

const RUNS: usize = 3;
const FOR: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);
/// So many requests come before those that are measured.
const FIRST: usize = 20;

type Times = Vec<Duration>;

pub(crate) fn measure() -> io::Result<()> {
    println!("\n| run | of | requests | p50 | p99 | longest |\n|---|---|---|---|---|---|");
    for run in 1..=RUNS {
        show(run, "filch, called in a task", &filch_task()?);
        show(run, "filch, a job of the guest", &guests_job()?);
        show(run, "tokio", &tokio()?);
    }
    Ok(())
}

fn show(run: usize, of: &str, times: &Times) {
    let part = |of_hundred: usize| times[(times.len() * of_hundred / 100).min(times.len() - 1)];
    println!(
        "| {run} | {of} | {} | {:.1?} | {:.1?} | {:.1?} |",
        times.len(),
        part(50),
        part(99),
        part(100)
    );
}

fn compute() {
    let begun = Instant::now();
    while begun.elapsed() < POLL {
        std::hint::spin_loop();
    }
}

/// How long each request took, in order of length.
async fn requests(url: String) -> Times {
    let client = client();
    let mut times = Times::new();
    let mut begun = Instant::now();
    for number in 0.. {
        if number == FIRST {
            (times, begun) = (Times::new(), Instant::now());
        }
        if number > FIRST && begun.elapsed() > FOR {
            break;
        }
        let asked = Instant::now();
        let answer = client.get(&url).send().await.expect("an answer");
        answer.bytes().await.expect("a body");
        times.push(asked.elapsed());
    }
    times.sort();
    times
}

async fn computes_on_filch() {
    loop {
        compute();
        filch::task::yield_now().await;
    }
}

fn filch_task() -> io::Result<Times> {
    let peer = Peer::start()?;
    let url = peer.url.clone();
    Ok(with_guest()?.run(async {
        (0..WORKERS).for_each(|_| drop(filch::spawn(computes_on_filch())));
        filch::spawn(requests(url)).await.expect("no panic")
    }))
}

fn guests_job() -> io::Result<Times> {
    let peer = Peer::start()?;
    let url = peer.url.clone();
    Ok(with_guest()?.run(async {
        (0..WORKERS).for_each(|_| drop(filch::spawn(computes_on_filch())));
        filch::guest::spawn(requests(url)).await.expect("no panic")
    }))
}

fn tokio() -> io::Result<Times> {
    let peer = Peer::start()?;
    let url = peer.url.clone();
    let runtime = tokio_alone()?;
    for _ in 0..WORKERS {
        runtime.spawn(async {
            loop {
                compute();
                tokio::task::yield_now().await;
            }
        });
    }
    let times = runtime.block_on(runtime.spawn(requests(url)))?;
    runtime.shutdown_background();
    Ok(times)
}
