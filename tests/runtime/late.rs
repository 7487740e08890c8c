//! An end that takes long says what it waits for: each way to end, and each reason why it takes long, in a process of
//! its own, whose standard error is read.

use crate::common::*;
use filch::{LocalRuntime, Runtime};
use std::cell::RefCell;
use std::future::pending;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

const LINE: &str = " still waits for ";

/// Set when the parent has heard enough.
static RELEASED: AtomicBool = AtomicBool::new(false);

fn hold() {
    wait_until("the parent lets go", || RELEASED.load(SeqCst));
}

fn compute() {
    while !RELEASED.load(SeqCst) {
        std::hint::spin_loop();
    }
}

/// Its drop takes long.
struct Slow;

impl Drop for Slow {
    fn drop(&mut self) {
        hold();
    }
}

thread_local! {
    static SLOW: RefCell<Option<Slow>> = const { RefCell::new(None) };
}

/// Why an end takes long, and what is said of that.
const REASONS: [(&str, &str); 9] = [
    ("blocked", "blocked inside a poll or a drop"),
    ("busy", "computing inside a poll or a drop"),
    ("blocking", "inside `blocking`"),
    ("spawn_blocking", "a closure of `spawn_blocking`"),
    ("cpu", "a closure of `cpu`"),
    ("future", "blocked inside a poll or a drop"),
    ("output", "0 task(s)"),
    (
        "thread_local",
        "thread 'late-blocking': in its thread-locals' destructors",
    ),
    (
        "spare",
        "thread 'late-spare': in its thread-locals' destructors",
    ),
];

/// Ways to end a runtime, besides its drop, each with a reason that it takes long, and what is said.
const WAYS: [(&str, &str, &str); 11] = [
    ("run", "blocked", "blocked inside a poll"),
    ("run", "busy", "computing inside a poll"),
    ("run", "spawn_blocking", "spawn_blocking"),
    ("main", "blocked", "blocked inside a poll"),
    ("main", "spawn_blocking", "spawn_blocking"),
    ("block_on", "blocked", "blocked inside a poll"),
    ("timeout", "blocked", "blocked inside a poll"),
    ("inside", "blocked", "blocked inside a poll"),
    ("local", "future", "tests/runtime/late.rs"),
    ("local", "spawn_blocking", "spawn_blocking"),
    ("local_timeout", "spawn_blocking", "spawn_blocking"),
];

/// Gives the current runtime something to wait for.
async fn cause(reason: &str) {
    let begun = Gate::new();
    let told = begun.clone();
    match reason {
        "blocked" => drop(filch::spawn(async move {
            told.open();
            hold();
        })),
        "busy" => drop(filch::spawn(async move {
            told.open();
            compute();
        })),
        "blocking" => drop(filch::spawn(async move {
            filch::blocking(|| {
                told.open();
                hold();
            });
        })),
        "spawn_blocking" => drop(filch::spawn_blocking(move || {
            told.open();
            hold();
        })),
        "cpu" => drop(filch::cpu(move || {
            told.open();
            compute();
        })),
        "future" => drop(filch::spawn(async move {
            let _slow = Slow;
            told.open();
            pending::<()>().await;
        })),
        "output" => {
            // Nobody takes it: the handle is gone before it is made. It is made in the poll that tells.
            let detached = Gate::new();
            let go = detached.clone();
            drop(filch::spawn(async move {
                go.passed().await;
                told.open();
                Slow
            }));
            detached.open();
        }
        "thread_local" => drop(filch::spawn_blocking(move || {
            SLOW.set(Some(Slow));
            told.open();
        })),
        "spare" => {
            // With one worker, the second of two that wait for each other is on a spare thread.
            let (one, two) = (Gate::new(), Gate::new());
            let meet = |mine: Gate, other: Gate| async move {
                mine.open();
                other.block();
                if thread::current().name() == Some("late-spare") {
                    SLOW.set(Some(Slow));
                }
            };
            let first = filch::spawn(meet(one.clone(), two.clone()));
            let second = filch::spawn(meet(two, one));
            first.await.unwrap();
            second.await.unwrap();
            told.open();
        }
        other => panic!("{other}"),
    }
    begun.passed().await;
}

fn late() -> Runtime {
    let builder = Runtime::builder().workers(1).thread_name("late");
    builder
        .slow_poll_warning(std::time::Duration::MAX)
        .build()
        .unwrap()
}

fn end(way: &str, reason: &'static str) {
    match way {
        "drop" => {
            let rt = late();
            rt.spawn(cause(reason))
                .join_blocking(None)
                .unwrap()
                .unwrap();
            drop(rt);
        }
        "run" => filch::run(cause(reason)),
        "main" => {
            #[filch::main]
            async fn main() {
                let part = process::part().unwrap();
                cause(part.split_once(' ').unwrap().1).await;
            }
            main();
        }
        "block_on" => {
            let rt = late();
            rt.block_on(cause(reason));
        }
        "timeout" => {
            let rt = late();
            rt.block_on(cause(reason));
            assert!(rt.shutdown_timeout(LIMIT).is_empty());
        }
        "inside" => {
            let rt = late();
            let handle = rt.handle();
            rt.spawn(cause(reason))
                .join_blocking(None)
                .unwrap()
                .unwrap();
            handle
                .spawn_blocking(move || drop(rt))
                .join_blocking(None)
                .unwrap()
                .unwrap();
            wait_until("it ends by itself", || process::threads("late-").is_empty());
        }
        "local" => {
            let rt = LocalRuntime::new().unwrap();
            rt.block_on(cause(reason));
        }
        "local_timeout" => {
            let rt = LocalRuntime::new().unwrap();
            rt.block_on(cause(reason));
            assert!(rt.shutdown_timeout(LIMIT).is_empty());
        }
        other => panic!("{other}"),
    }
}

/// The part that a child process plays: it ends a runtime, which takes until the parent lets go.
#[test]
fn child() {
    let Some(part) = process::part() else { return };
    let _limit = Limit::new();
    let (way, reason) = part.split_once(' ').expect("a way and a reason");
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        RELEASED.store(true, SeqCst);
    });
    end(way, keep(reason.to_owned()));
}

/// Runs such a child until it has said so many times what it waits for, and then to its end. Gives what it has said.
fn hear(way: &str, reason: &str, times: usize) -> String {
    let mut child = process::again("late::child", &format!("{way} {reason}"), None)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the test binary starts");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let mut heard = 0;
    // The list comes with the line, in one piece.
    while heard < times {
        let line = lines.next().map(Result::unwrap);
        let line = line.unwrap_or_else(|| panic!("{way} {reason} ends without a word: {said}"));
        heard += usize::from(line.contains(LINE));
        said += &(line + "\n");
    }
    drop(child.stdin.take());
    said.extend(lines.map(|line| line.unwrap() + "\n"));
    assert!(child.wait().unwrap().success(), "{way} {reason}: {said}");
    said
}

/// Hears all of them at once, as each takes seconds in which it does nothing.
#[track_caller]
fn hear_all<'a>(parts: impl Iterator<Item = (&'a str, &'a str, &'a str)>) {
    thread::scope(|scope| {
        for (way, reason, expected) in parts {
            scope.spawn(move || {
                let said = hear(way, reason, 1);
                assert!(said.contains(expected), "{way} {reason}: {said}");
                let line = said.lines().find(|line| line.contains(LINE)).unwrap();
                let seconds = line.rsplit_once(", after ").map(|(_, seconds)| seconds);
                assert!(seconds.is_some_and(|text| text.ends_with(" s")), "{line}");
            });
        }
    });
}

#[test]
fn a_drop_that_takes_long_says_why_whatever_it_waits_for() {
    let _limit = Limit::new();
    hear_all(
        REASONS
            .iter()
            .map(|(reason, said)| ("drop", *reason, *said)),
    );
}

#[test]
fn every_other_way_to_end_a_runtime_says_so_too() {
    let _limit = Limit::new();
    hear_all(WAYS.into_iter());
}

#[test]
fn it_is_said_again_later() {
    let _limit = Limit::new();
    let said = hear("drop", "spawn_blocking", 2);
    assert!(
        said.contains("after 2 s") && said.contains("after 10 s"),
        "{said}"
    );
}
