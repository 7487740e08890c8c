//! What the program hears of slow polls: counts by spawn site, and a warning while one lasts.

use crate::common::*;
use crate::spares::{block, compute};
use filch::task::yield_now;
use std::io::{PipeWriter, Write};
use std::process::Stdio;
use std::time::Duration;

/// In a process of its own: a named task is held in one poll until the warning has been given.
#[test]
fn child() {
    let Some(part) = process::part() else { return };
    let mut builder = filch::Runtime::builder().workers(1);
    builder = match part.as_str() {
        "never" => builder.slow_poll_warning(Duration::MAX),
        _ => builder.slow_poll_warning(Duration::from_millis(20)),
    };
    let rt = builder.build().unwrap();
    let _limit = Limit::on(&rt);
    let release = Gate::new();
    let named = filch::task::Builder::new().name("resizer");
    let held = release.clone();
    let task = named.spawn_on(&rt.handle(), async move {
        match part.as_str() {
            "blocked" => block(&held),
            "declared" => filch::blocking(|| block(&held)),
            _ => compute(&held),
        }
    });
    // Nobody announces a warning: the poll lasts several times as long as it needs.
    std::thread::sleep(Duration::from_millis(400));
    release.open();
    task.join_blocking(None).unwrap().unwrap();
}

#[track_caller]
fn said(part: &str) -> String {
    process::succeed("reports::child", part)
}

#[test]
fn a_warning_names_the_task_and_what_it_does() {
    for (part, what) in [
        ("computing", "has been computing"),
        ("blocked", "has been blocked"),
    ] {
        let text = said(part);
        for wanted in ["\"resizer\"", "tests/stuck/reports.rs:", what] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        assert_eq!(text.matches("inside one poll").count(), 1, "{text}");
    }
}

/// Runs the child that is warned about with this as its standard error; it has to end well.
#[track_caller]
fn succeeds_with(standard_error: PipeWriter) {
    let mut command = process::again("reports::child", "computing", None);
    let command = command.stdout(Stdio::null()).stderr(standard_error);
    let status = command.status().expect("the test binary starts");
    assert!(status.success(), "{status}");
}

#[test]
fn a_warning_that_nobody_can_be_told_does_no_harm() {
    let (_, writer) = std::io::pipe().unwrap();
    succeeds_with(writer);
}

#[test]
fn a_warning_that_cannot_be_written_yet_stops_nobody() {
    let (_reader, mut writer) = std::io::pipe().unwrap();
    // As much as there is room for: pipe(7).
    writer.write_all(&[b'-'; 65536]).unwrap();
    succeeds_with(writer);
}

#[test]
fn nothing_is_said_of_what_the_program_declares_or_does_not_want_to_hear() {
    for part in ["declared", "never"] {
        let text = said(part);
        assert!(!text.contains("inside one poll"), "{text}");
    }
}

#[test]
fn slow_polls_are_counted_by_the_place_of_the_spawn() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let line = line!() + 3;
    rt.run(async {
        let release = Gate::new();
        let hog = filch::spawn({
            let release = release.clone();
            async move {
                compute(&release);
                yield_now().await;
            }
        });
        let handle = filch::Handle::current();
        until("it is seen", || handle.metrics().stuck_workers > 0).await;
        release.open();
        hog.await.unwrap();
    });
    let metrics = rt.metrics();
    let site = metrics.slow_sites.iter().find(|site| {
        site.spawned_at.file().ends_with("reports.rs") && site.spawned_at.line() == line
    });
    let site = site.unwrap_or_else(|| panic!("no slow poll of line {line}: {metrics:?}"));
    assert_eq!((site.polls, site.blocked), (1, 0));
    assert!(site.longest >= Duration::from_millis(1), "{site:?}");
    assert!(metrics.slow_polls >= 1);
}
