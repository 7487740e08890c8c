//! What the program hears of slow polls: counts by spawn site, and a warning while one lasts.

use crate::common::*;
use crate::spares::{block, compute};
use filch::task::yield_now;
use std::io::{PipeWriter, Write};
use std::process::Stdio;
use std::time::Duration;

/// Long enough for what should not be said, which nobody can announce.
const CALM: Duration = Duration::from_millis(400);

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
    let (held, how) = (release.clone(), part.clone());
    let task = named.spawn_on(&rt.handle(), async move {
        match how.as_str() {
            "blocked" => block(&held),
            "declared" => filch::blocking(|| block(&held)),
            _ => compute(&held),
        }
    });
    match part.as_str() {
        "blocked" | "computing" => process::until_heard(),
        _ => std::thread::sleep(CALM),
    }
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
        let is_warning = |line: &String| line.contains("inside one poll");
        let lines = process::hear("reports::child", part, |lines| lines.iter().any(is_warning));
        let warning = lines.iter().find(|line| is_warning(line));
        let warning = warning.expect("it is given");
        for wanted in ["\"resizer\"", "tests/stuck/reports.rs:", what] {
            assert!(warning.contains(wanted), "{wanted}: {warning}");
        }
    }
}

/// In a process of its own: tasks that wait without a time limit for what does not come, until they have been named
/// for the second time.
#[test]
fn waiting_child() {
    let Some(part) = process::part() else { return };
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let (ends, tasks): (Vec<_>, Vec<_>) = (0..5)
        .map(|number| {
            let (end, ended) = std::sync::mpsc::channel::<()>();
            let named = filch::task::Builder::new().name(format!("waiter {number}"));
            let task = named.spawn_on(&rt.handle(), async move {
                let _ = ended.recv();
            });
            (end, task)
        })
        .unzip();
    assert_eq!(part, "five");
    process::until_heard();
    drop(ends);
    for task in tasks {
        task.join_blocking(None).unwrap().unwrap();
    }
}

#[test]
fn each_poll_that_stays_blocked_is_named_again_and_a_deadlock_is_thought_of() {
    // The second time is after a second, the third one after ten.
    let of = |number: usize, lines: &[String]| {
        let name = format!("\"waiter {number}\"");
        let lines = lines.iter().filter(|line| line.contains(&name));
        lines.filter(|line| line.contains("deadlock")).count()
    };
    let all = |lines: &[String]| (0..5).all(|number| of(number, lines) > 0);
    let lines = process::hear("reports::waiting_child", "five", all);
    assert!((0..5).all(|number| of(number, &lines) == 1), "{lines:#?}");
}

/// In a process of its own: one poll whose thread waits for a processor for 300 ms, as it is given one after everybody
/// else.
#[cfg(target_os = "linux")]
#[test]
fn preempted_child() {
    let Some(part) = process::part() else { return };
    assert_eq!(part, "nice");
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let end = Gate::new();
    // So many beside it, each with 68 times its weight.
    let others = (0..2 * std::thread::available_parallelism().unwrap().get()).map(|_| {
        let end = end.clone();
        std::thread::spawn(move || while !end.is_open() {})
    });
    let others: Vec<_> = others.collect();
    let task = rt.spawn(async {
        // Linux: of the calling thread.
        rustix::process::nice(19).unwrap();
        let (begun, before) = (std::time::Instant::now(), own_time());
        loop {
            let used = own_time() - before;
            // Three times what is warned of, or, on a machine that has a processor for it all the same, nearly as much
            // as what is warned of.
            let is_enough = used > Duration::from_millis(60);
            if is_enough || begun.elapsed() > used + Duration::from_millis(300) {
                return used;
            }
        }
    });
    let used = task.join_blocking(None).unwrap().unwrap();
    end.open();
    others.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(
        used < Duration::from_millis(80),
        "as good as what is warned of: {used:?}"
    );
}

/// The processor time of the calling thread.
#[cfg(target_os = "linux")]
fn own_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(target_os = "linux")]
#[test]
fn a_task_that_waits_for_a_processor_is_not_accused() {
    let text = process::succeed("reports::preempted_child", "nice");
    assert!(!text.contains("inside one poll"), "{text}");
}

/// Runs the child that is warned about with this as its standard error; it has to end well.
#[track_caller]
fn succeeds_with(standard_error: PipeWriter) {
    let mut command = process::again("reports::child", "unheard", None);
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
