//! `cancel_everywhere`: what it does to a future, and every future of filch under it, each with what must be true of it
//! wherever it was cancelled.

#[path = "../common/mod.rs"]
mod common;

mod channels;
mod listed;
#[cfg(unix)]
mod messages;
#[cfg(unix)]
mod sockets;
mod structure;
mod sync;
#[cfg(unix)]
mod system;
mod tool;

use filch::task::WaitKind;
use filch::testing::{Cut, Report, cancel_everywhere};
use filch::time::sleep;
use std::cell::RefCell;
use std::future::Future;
use std::time::Duration;

/// Passes at once: the clock is paused.
const SOON: Duration = Duration::from_secs(1);

/// A future of filch, by its public path.
#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    /// What it waits for at one of its awaits at least. `None`: it may be ready at once.
    kind: Option<WaitKind>,
    run: fn() -> Report,
}

const fn row(name: &'static str, kind: WaitKind, run: fn() -> Report) -> Row {
    let kind = Some(kind);
    Row { name, kind, run }
}

#[cfg(unix)]
const fn ready(name: &'static str, run: fn() -> Report) -> Row {
    let kind = None;
    Row { name, kind, run }
}

/// Cancels what `run` does everywhere, each time with a new state, which is checked afterwards.
fn each<S: Clone, F: Future + 'static>(
    new: impl Fn() -> S,
    run: impl Fn(S) -> F,
    check: impl AsyncFn(S, Cut),
) -> Report {
    let state = RefCell::new(None);
    let make = || {
        let new = new();
        state.replace(Some(new.clone()));
        run(new)
    };
    cancel_everywhere(make, async |cut| {
        let state = state.take().expect("it was made");
        check(state, cut).await;
    })
}

/// Whether it was polled at all.
fn begun(cut: &Cut) -> bool {
    cut.is_finished() || cut.number() > 0
}

/// Does something when whoever waits has begun to.
fn later(act: impl FnOnce() + Send + 'static) {
    filch::spawn(async {
        sleep(SOON).await;
        act();
    });
}

/// Each row, though one before it fails.
fn all_of(rows: &[Row]) {
    let failed = rows.iter().filter_map(|row| {
        let failure = std::panic::catch_unwind(|| run(row)).err()?;
        Some(format!("{}: {}", row.name, common::message(failure)))
    });
    let failed: Vec<_> = failed.collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

fn run(row: &Row) {
    println!("{}", row.name);
    let report = (row.run)();
    let mut awaits = report.awaits().iter();
    let is_there = row.kind.is_none() || awaits.any(|place| place.kind() == row.kind);
    // Where it waits is a line of these rows, and none of filch or of the standard library.
    let kind = |kind| row.kind == Some(kind);
    // A turn that is over is nobody's line; a listener may be anybody's.
    if !kind(WaitKind::Yield) && row.name != "net::future::Serving" {
        for at in report.awaits().iter().filter_map(|place| place.at()) {
            assert!(at.file().starts_with("tests"), "{report}");
        }
    }
    assert!(is_there, "not there: {:?}; {report}", row.kind);
    assert!(report.is_complete(), "{report}");
}

#[test]
fn locks_and_channels_lose_nothing() {
    all_of(sync::ROWS);
    all_of(channels::ROWS);
}

#[test]
fn structures_leave_nobody_behind() {
    all_of(structure::ROWS);
}

#[cfg(unix)]
#[test]
fn sockets_lose_nothing() {
    all_of(sockets::ROWS);
}

#[cfg(unix)]
#[test]
fn messages_and_copies_go_on_where_they_were() {
    all_of(messages::ROWS);
}

#[cfg(unix)]
#[test]
fn files_processes_and_signals_are_as_before() {
    all_of(system::ROWS);
}
