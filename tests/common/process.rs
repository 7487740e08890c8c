//! Tests in processes of their own, and what /proc says of a process.
//!
//! A test that needs a process for itself starts this very test binary again, for one test, with a variable that
//! tells that test to play its part. Without the variable such a test does nothing.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Names the part that a child process plays.
const PART: &str = "FILCH_TEST_PART";

/// The part that this process was started for, if any.
pub(crate) fn part() -> Option<String> {
    std::env::var(PART).ok()
}

/// This test binary again: the test `test` in the part `part`, with at most `files` open descriptors if that is given.
pub(crate) fn again(test: &str, part: &str, files: Option<usize>) -> Command {
    let exe = std::env::current_exe().expect("the test binary's path");
    let mut command = match files {
        None => Command::new(exe),
        Some(files) => {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &format!("ulimit -Sn {files} && exec \"$0\" \"$@\"")])
                .arg(exe);
            shell
        }
    };
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(PART, part);
    command
}

/// Runs such a process to its end.
pub(crate) fn run(test: &str, part: &str) -> Output {
    again(test, part, None)
        .output()
        .expect("the test binary starts")
}

/// Runs such a process, which has to succeed; gives what it wrote.
#[track_caller]
pub(crate) fn succeed(test: &str, part: &str) -> String {
    let output = run(test, part);
    let text = text_of(&output);
    assert!(output.status.success(), "{part}: {}\n{text}", output.status);
    text
}

/// Runs such a process until it has said enough on standard error, which ends the wait of its [`until_heard`]. It has
/// to succeed. Gives the lines that it wrote there.
#[track_caller]
pub(crate) fn hear(test: &str, part: &str, is_enough: impl Fn(&[String]) -> bool) -> Vec<String> {
    let mut command = again(test, part, None);
    let command = command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        lines.push(line.unwrap());
        if child.stdin.is_some() && is_enough(&lines) {
            drop(child.stdin.take());
        }
    }
    let status = child.wait().unwrap();
    assert!(status.success(), "{part}: {status}\n{}", lines.join("\n"));
    lines
}

/// In such a process: until it has said enough.
pub(crate) fn until_heard() {
    let end = std::io::stdin().read_to_end(&mut Vec::new());
    end.expect("standard input ends");
}

/// What it wrote to standard output and standard error.
pub(crate) fn text_of(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// The names of this process's threads that begin with `prefix`; the system keeps 15 bytes of a name.
pub(crate) fn threads(prefix: &str) -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("/proc");
    let names = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    let mut names: Vec<String> = names
        .map(|name| name.trim_end().to_owned())
        .filter(|name| name.starts_with(prefix))
        .collect();
    names.sort();
    names
}

/// How many descriptors this process has open, without the one that counts them; `usize::MAX` when none is left to
/// count with.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(usize::MAX, |files| files.count() - 1)
}

/// A figure of a process's `status`, as VmRSS in kB or Threads.
pub(crate) fn status(pid: u32, key: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    figure(&text, key)
}

/// The sum of a figure over all threads of a process.
pub(crate) fn status_of_threads(pid: u32, key: &str) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("/proc");
    let files: Vec<PathBuf> = tasks
        .flatten()
        .map(|task| task.path().join("status"))
        .collect();
    files
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .map(|text| figure(&text, key))
        .sum()
}

fn figure(status: &str, key: &str) -> u64 {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
