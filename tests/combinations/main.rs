//! Every combination of what a task does, what becomes of its handle, what its output is, where it runs and how the
//! runtime ends; then thousands of random schedules of several such tasks at once.
//!
//! After each schedule: every future was dropped exactly once, every output too, every handle that was waited for
//! gave an answer that its task can have given, the runtime knows of no task, and what only a task's own memory held
//! is gone. At the end: as many unobserved panics were reported as there were.

#[path = "../common/mod.rs"]
mod common;

mod drive;
mod subject;

use common::*;
use drive::{Fate, Plan, Site, Task};
use std::time::{Duration, Instant};
use subject::{Body, Output};

/// Random schedules beyond the product; more with `FILCH_SCHEDULES`.
const RANDOM: usize = 6000;

/// Every combination for a single task.
fn product() -> impl Iterator<Item = Plan> {
    let ends = Site::ALL
        .iter()
        .flat_map(|site| site.ends().iter().map(|end| (*site, *end)));
    ends.flat_map(|(site, end)| {
        let fates = Body::ALL
            .iter()
            .flat_map(|body| Fate::ALL.iter().map(|fate| (*body, *fate)));
        let tasks = fates.flat_map(|(body, fate)| {
            Output::ALL.iter().map(move |output| Task {
                body,
                fate,
                output: *output,
            })
        });
        tasks.map(move |task| Plan {
            site,
            end,
            tasks: vec![task],
        })
    })
}

fn random(random: &mut Random) -> Plan {
    let site = random.pick(Site::ALL);
    let count = 2 + random.below(7);
    let mut task = || Task {
        body: random.pick(Body::ALL),
        fate: random.pick(Fate::ALL),
        output: random.pick(Output::ALL),
    };
    let tasks = (0..count).map(|_| task()).collect();
    Plan {
        site,
        end: random.pick(site.ends()),
        tasks,
    }
}

/// The part that the child process plays.
#[test]
fn child() {
    if process::part().is_none() {
        return;
    }
    let _limit = Limit::of(Duration::from_secs(600));
    let start = Instant::now();
    let mut stage = drive::Stage::new();
    let combinations = product().inspect(|plan| stage.play(plan)).count();
    let product_took = start.elapsed();
    let seed = std::env::var("FILCH_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(7);
    let schedules = std::env::var("FILCH_SCHEDULES")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(RANDOM);
    let mut numbers = Random::new(seed);
    for _ in 0..schedules {
        stage.play(&random(&mut numbers));
    }
    let tasks = stage.tasks;
    println!(
        "{combinations} combinations in {product_took:.1?}, {schedules} random schedules in {:.1?}, {tasks} tasks; unobserved panics: {}.",
        start.elapsed() - product_took,
        stage.unobserved
    );
    drop(stage);
    wait_until("threads have ended", || {
        process::threads("filch").is_empty()
    });
}

#[test]
fn nothing_is_lost_dropped_twice_or_left_behind() {
    let output = process::again("child", "schedules", None).output().unwrap();
    let (text, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let (reports, rest): (Vec<&str>, Vec<&str>) = errors
        .lines()
        .partition(|line| line.contains("nobody awaited its JoinHandle"));
    let rest = rest.join("\n");
    assert!(output.status.success(), "{}\n{text}\n{rest}", output.status);
    let figures = text
        .lines()
        .find(|line| line.contains("unobserved panics"))
        .expect(&text);
    println!("{figures}");
    assert!(
        figures.ends_with(&format!(" {}.", reports.len())),
        "{} were reported: {figures}",
        reports.len()
    );
    assert_eq!(rest, "");
}
