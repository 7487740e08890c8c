//! Voluntary switches between threads, for each operation: somebody went to sleep, and was woken for it.

use std::future::Future;
use std::io;

use crate::peer::Peer;
use crate::work::{self, OPERATIONS};
use crate::{tokio_alone, with_guest};

const RUNS: usize = 3;

/// Those of all threads of this process that are there.
pub(crate) fn switches() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let counts = tasks.flatten().filter_map(|task| {
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<usize>().ok()
    });
    counts.sum()
}

pub(crate) fn measure() -> io::Result<()> {
    let peer = Peer::start()?;
    println!("{OPERATIONS} operations of each, {RUNS} runs\n");
    println!(
        "| operation | tokio alone | in a task of filch | a job of the guest |\n|---|---|---|---|"
    );
    let url = || peer.url.clone();
    row("reqwest, GET", || work::reqwest(url()))?;
    if let Ok(url) = std::env::var("FILCH_POSTGRES") {
        row("sqlx, select", || work::sqlx(url.clone()))?;
        row("tokio-postgres, select", || {
            work::tokio_postgres(url.clone())
        })?;
    }
    if let Ok(url) = std::env::var("FILCH_REDIS") {
        row("redis, GET", || work::redis(url.clone()))?;
    }
    if let Ok(url) = std::env::var("FILCH_NATS") {
        row("async-nats, request", || work::nats(url.clone()))?;
    }
    row(
        "64 bytes there and back, tokio's sockets",
        work::echo_of_tokio,
    )?;
    let native = in_runs(|| Ok(with_guest()?.run(work::echo_of_filch())))?;
    println!("| 64 bytes there and back, filch's sockets | | {native} | |");
    Ok(())
}

fn row<F>(of: &str, work: impl Fn() -> F) -> io::Result<()>
where
    F: Future<Output = usize> + Send + 'static,
{
    let alone = in_runs(|| {
        let runtime = tokio_alone()?;
        Ok(runtime.block_on(runtime.spawn(work()))?)
    })?;
    let task = in_runs(|| Ok(with_guest()?.run(work())))?;
    let job = in_runs(|| {
        let work = work();
        Ok(with_guest()?.run(async { filch::guest::spawn(work).await.expect("no panic") }))
    })?;
    println!("| {of} | {alone} | {task} | {job} |");
    Ok(())
}

/// The least and the most of an operation.
fn in_runs(run: impl Fn() -> io::Result<usize>) -> io::Result<String> {
    let counts = (0..RUNS)
        .map(|_| run())
        .collect::<io::Result<Vec<usize>>>()?;
    let [least, most] = [counts.iter().min(), counts.iter().max()];
    let [least, most] = [least, most].map(|count| *count.expect("runs") as f64 / OPERATIONS as f64);
    let [least, most] = [format!("{least:.1}"), format!("{most:.1}")];
    Ok(if least == most {
        least
    } else {
        format!("{least} to {most}")
    })
}
