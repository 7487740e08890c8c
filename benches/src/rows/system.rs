//! `fs`, `process` and `signal`: what programs ask of the system around them. The peer `threads` is std on one thread,
//! with nothing else to do.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::fs::{Advice, fadvise};
use rustix::process::{Signal, getpid, kill_process};

use super::alone::timed;
use super::row::{Micro, Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::Peer;
use crate::runtimes::system::System;

/// The size of the files.
const BYTES: usize = 4096;

/// A program that does nothing.
const PROGRAM: &str = "/bin/true";

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let read =
        "a task reads 64 files of 4 KiB that are in the page cache, by their paths, 10 times";
    let cold = "a task reads 64 files of 4 KiB that were just put out of the page cache";
    let write = "a task writes 64 new files of 4 KiB, by their paths";
    let spawn = "a task runs /bin/true 20 times and waits for each";
    let signal = "a task sends its process SIGUSR1 and waits for it, 500 times";
    let hot: Micro = |peer, plan| with_std(peer, plan, read_hot_std, on_each!(read_hot));
    let cold_work: Micro = |peer, plan| with_std(peer, plan, read_cold_std, on_each!(read_cold));
    let write_work: Micro = |peer, plan| with_std(peer, plan, write_std, on_each!(write_files));
    let spawn_work: Micro = |peer, plan| with_std(peer, plan, spawn_std, on_each!(spawn_wait));
    vec![
        Row::micro("fs", "read_4k", "ns/file", read, hot).with_threads(),
        Row::micro("fs", "read_4k_cold", "ns/file", cold, cold_work).with_threads(),
        Row::micro("fs", "write_4k", "ns/file", write, write_work).with_threads(),
        Row::micro("process", "spawn_wait", "ns/process", spawn, spawn_work).with_threads(),
        Row::micro(
            "signal",
            "roundtrip",
            "ns/signal",
            signal,
            on_each!(roundtrip),
        ),
    ]
}

fn with_std(peer: Peer, plan: &Plan, std: fn(&Plan) -> Sample, runtimes: Micro) -> Sample {
    match peer {
        Peer::Threads => std(plan),
        _ => runtimes(peer, plan),
    }
}

/// Files beside this binary, which lies on a disk where temporary files may lie in memory. They go with it.
#[derive(Debug)]
struct Files {
    directory: PathBuf,
    paths: Vec<PathBuf>,
}

impl Files {
    fn new() -> Files {
        let binary = std::env::current_exe().expect("this binary has a path");
        let name = format!("filch-bench-files-{}", std::process::id());
        let directory = binary.with_file_name(name);
        fs::create_dir_all(&directory).expect("files can be made beside this binary");
        let paths: Vec<PathBuf> = (0..64)
            .map(|number| directory.join(format!("{number}")))
            .collect();
        for path in &paths {
            fs::write(path, [7; BYTES]).expect("files can be written beside this binary");
            // What is not on the disk yet stays in the cache.
            let synced = File::open(path).and_then(|file| file.sync_all());
            synced.expect("a file can be synced");
        }
        Files { directory, paths }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // A directory that stays harms nobody but the disk.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn put_out_of_cache(paths: &[PathBuf]) {
    for path in paths {
        let file = File::open(path).expect("the file is there");
        fadvise(&file, 0, None, Advice::DontNeed).expect("the system takes advice");
    }
}

fn read_hot<R: System>(plan: &Plan) -> Sample {
    let (files, rounds) = (Files::new(), plan.size(10, 1));
    timed::<R, _>(plan, rounds * files.paths.len(), || {
        let paths = files.paths.clone();
        async move {
            let start = Moment::now();
            for path in (0..rounds).flat_map(|_| &paths) {
                assert_eq!(R::read(path).await.expect("readable").len(), BYTES);
            }
            start.elapsed()
        }
    })
}

fn read_cold<R: System>(plan: &Plan) -> Sample {
    let files = Files::new();
    timed::<R, _>(plan, files.paths.len(), || {
        let paths = files.paths.clone();
        async move {
            put_out_of_cache(&paths);
            let start = Moment::now();
            for path in &paths {
                assert_eq!(R::read(path).await.expect("readable").len(), BYTES);
            }
            start.elapsed()
        }
    })
}

/// New ones: a file that is written over goes to the disk when it is closed, on some file systems.
fn remove(paths: &[PathBuf]) {
    for path in paths {
        fs::remove_file(path).expect("the file is there");
    }
}

fn write_files<R: System>(plan: &Plan) -> Sample {
    let files = Files::new();
    timed::<R, _>(plan, files.paths.len(), || {
        let paths = files.paths.clone();
        async move {
            remove(&paths);
            let start = Moment::now();
            for path in &paths {
                R::write(path, &[8; BYTES]).await.expect("writable");
            }
            start.elapsed()
        }
    })
}

fn spawn_wait<R: System>(plan: &Plan) -> Sample {
    let count = plan.size(20, 2);
    timed::<R, _>(plan, count, move || async move {
        let start = Moment::now();
        for _ in 0..count {
            let status = R::run_program(Path::new(PROGRAM)).await;
            assert!(status.expect("the program starts").success());
        }
        start.elapsed()
    })
}

fn roundtrip<R: System>(plan: &Plan) -> Sample {
    let count = plan.size(500, 20);
    timed::<R, _>(plan, count, move || async move {
        let mut signals = R::signals().expect("the system lets signals be caught");
        let start = Moment::now();
        for _ in 0..count {
            kill_process(getpid(), Signal::USR1).expect("a process may signal itself");
            R::next_signal(&mut signals).await.expect("it comes");
        }
        start.elapsed()
    })
}

fn read_hot_std(plan: &Plan) -> Sample {
    let (files, rounds) = (Files::new(), plan.size(10, 1));
    plan.measure(rounds * files.paths.len(), || {
        each_file(&files, rounds, |path| {
            assert_eq!(fs::read(path).expect("readable").len(), BYTES);
        })
    })
}

fn read_cold_std(plan: &Plan) -> Sample {
    let files = Files::new();
    plan.measure(files.paths.len(), || {
        put_out_of_cache(&files.paths);
        each_file(&files, 1, |path| {
            assert_eq!(fs::read(path).expect("readable").len(), BYTES);
        })
    })
}

fn write_std(plan: &Plan) -> Sample {
    let files = Files::new();
    plan.measure(files.paths.len(), || {
        remove(&files.paths);
        each_file(&files, 1, |path| {
            fs::write(path, [8; BYTES]).expect("writable");
        })
    })
}

fn each_file(files: &Files, rounds: usize, mut does: impl FnMut(&Path)) -> Duration {
    let start = Moment::now();
    for path in (0..rounds).flat_map(|_| &files.paths) {
        does(path);
    }
    start.elapsed()
}

fn spawn_std(plan: &Plan) -> Sample {
    let count = plan.size(20, 2);
    plan.measure(count, || {
        let start = Moment::now();
        for _ in 0..count {
            let status = Command::new(PROGRAM).status();
            assert!(status.expect("the program starts").success());
        }
        start.elapsed()
    })
}
