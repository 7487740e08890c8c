//! Child processes: run, talked to, stopped, cancelled and forgotten; none is left in the system's table.

#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;

mod cancelled;

mod run;

mod storm;

mod tree;

#[cfg(target_os = "linux")]
use common::{process, wait_until};
use filch::process::Command;

/// A shell that runs a script.
fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// Processes whose parent is this one, as `/proc` has them: those that have ended and not been waited for too.
#[cfg(target_os = "linux")]
fn children() -> Vec<(u32, char)> {
    let own = std::process::id().to_string();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let of = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name stands in brackets, and may contain anything.
        let mut fields = stat.rsplit(") ").next()?.split(' ');
        let state = fields.next()?.chars().next()?;
        (fields.next()? == own).then_some((pid, state))
    };
    entries.filter_map(of).collect()
}

/// The test `test` of this binary in a process of its own, which has no other children.
#[cfg(target_os = "linux")]
#[track_caller]
fn alone(test: &str, body: impl FnOnce()) {
    match process::part() {
        Some(part) if part == test => body(),
        Some(_) => {}
        None => drop(process::succeed(test, test)),
    }
}

/// Nothing is left of any child: no process, no descriptor beyond `descriptors`, no thread.
#[cfg(target_os = "linux")]
fn nothing_is_left(descriptors: usize) {
    wait_until("no child is left", || children().is_empty());
    wait_until("nobody waits for orphans", || {
        process::threads("filch-orphans").is_empty()
    });
    wait_until("no descriptor is left", || {
        process::descriptors() <= descriptors
    });
}
