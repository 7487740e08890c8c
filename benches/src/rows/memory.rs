//! `memory`: what a task costs that does nothing, and what a connection costs that says nothing.

use std::future::Future;
use std::time::Duration;

use super::countdown::{Begun, Countdown};
use super::row::{Figure, Row, on_each};
use crate::alloc;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::load::{Load, Mode};
use crate::runtimes::Runtime;
use crate::serve::Server;
use crate::sys::counters;

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let idle = "resident memory per task of 100 000 tasks that await what never comes";
    let sleeping = "the same for tasks asleep for an hour";
    let connection = "resident memory of an echo server (buffer 1 KiB) per connection that has echoed 64 B and is idle";
    let load = Load {
        connections: 1000,
        bytes: 64,
        mode: Mode::Idle,
    };
    let server = Server {
        buffer: 1024,
        ..Server::default()
    };
    vec![
        Row::micro("memory", "idle_task", "B/task", idle, on_each!(idle_task)),
        Row::micro(
            "memory",
            "sleeping_task",
            "B/task",
            sleeping,
            on_each!(sleeping_task),
        ),
        Row::server(
            "memory",
            "idle_connection".into(),
            connection.into(),
            server,
            load,
            Figure::Memory,
        ),
    ]
}

fn idle_task<R: Runtime>(plan: &Plan) -> Sample {
    tasks::<R, _>(plan, std::future::pending::<()>)
}

fn sleeping_task<R: Runtime>(plan: &Plan) -> Sample {
    tasks::<R, _>(plan, || R::sleep(Duration::from_secs(3600)))
}

/// Resident memory and heap bytes per task that runs what `idle` returns.
fn tasks<R: Runtime, F>(plan: &Plan, idle: impl Fn() -> F + Copy + Send + 'static) -> Sample
where
    F: Future<Output: Send> + Send + 'static,
{
    let host = R::start(plan.workers);
    let count = plan.size(100_000, 1000);
    R::run(&host, async move {
        // The first thousand pay for what is allocated once.
        spawn_idle::<R, _>(1000, idle).await;
        let before = counters::resident("self");
        let ((), counts) = alloc::counted_async(spawn_idle::<R, _>(count, idle)).await;
        let grown = counters::resident("self") - before;
        let per_task = |bytes: f64| bytes / count as f64;
        Sample::new(per_task(grown))
            .with("heap B/task", per_task(counts.live as f64))
            .with("allocs/op", per_task(counts.allocations as f64))
    })
}

/// Spawns `count` tasks and waits until each has been polled.
async fn spawn_idle<R: Runtime, F>(count: usize, idle: impl Fn() -> F)
where
    F: Future<Output: Send> + Send + 'static,
{
    let begun = Countdown::new(count);
    for _ in 0..count {
        R::spawn_detached(Begun::new(idle(), begun.clone()));
    }
    begun.wait().await;
}
