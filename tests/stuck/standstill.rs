//! At the limit of spare threads: what the program hears when nobody is left who could run its tasks.

use crate::common::*;
use std::process::Stdio;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// Well after all of them have been found to block.
const AFTER: Duration = Duration::from_millis(400);

/// Until the reactor thread sleeps deeply beside workers that only block.
const CALM: Duration = Duration::from_millis(300);

/// In a process of its own: three threads are blocked, and nobody is left for a fourth task until standard input ends.
#[test]
fn child() {
    let Some(part) = process::part() else { return };
    let after = match part.as_str() {
        "never" => Duration::MAX,
        _ => AFTER,
    };
    let builder = filch::Runtime::builder().workers(1).max_spare_threads(2);
    let rt = builder.slow_poll_warning(after).build().unwrap();
    let _limit = Limit::on(&rt);
    let inside = Count::new();
    let (senders, mut receivers): (Vec<Sender<()>>, Vec<_>) = (0..3).map(|_| channel()).unzip();
    let mut block = || {
        let (inside, receiver) = (inside.clone(), receivers.pop().expect("three of them"));
        move || {
            inside.add();
            receiver.recv().expect_err("only the end comes");
        }
    };
    let mut blocked: Vec<_> = (0..2).map(|_| rt.handle().cpu(block())).collect();
    let declared = block();
    blocked.push(rt.spawn(async move { filch::blocking(declared) }));
    wait_until("all block", || inside.get() == 3);
    if part == "late" {
        std::thread::sleep(CALM);
    }
    let waiting = rt.spawn(async { 7 });
    if part == "never" {
        std::thread::sleep(CALM);
    }
    process::until_heard();
    assert!(!waiting.is_finished());
    drop(senders);
    for task in blocked {
        task.join_blocking(None).unwrap().unwrap();
    }
    assert_eq!(waiting.join_blocking(None).unwrap().unwrap(), 7);
}

/// Runs the child until it has said so, and lets it end. Returns the line.
fn said(part: &str) -> String {
    let is_it = |line: &String| line.contains("no thread is left");
    let mut lines = process::hear("standstill::child", part, |lines| lines.iter().any(is_it));
    lines.retain(is_it);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines.remove(0)
}

#[test]
fn a_line_names_the_places_of_the_blocked_polls() {
    for part in ["at once", "late"] {
        let line = said(part);
        let here = "tests/stuck/standstill.rs:";
        for wanted in ["wait (1)", "all 3 are stuck", "2 of them spare"] {
            assert!(line.contains(wanted), "{wanted}: {line}");
        }
        for count in [2, 1] {
            let site = format!("{count} in tasks spawned at {here}");
            assert!(line.contains(&site), "{site}: {line}");
        }
    }
}

#[test]
fn nothing_is_said_where_no_warning_is_wanted() {
    let mut command = process::again("standstill::child", "never", None);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = process::text_of(&output);
    assert!(
        output.status.success() && !text.contains("no thread is left"),
        "{text}"
    );
}
