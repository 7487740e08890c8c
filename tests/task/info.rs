//! `task::current` and `task::all`: who is there, in which state, waiting for what, since when and where.

use crate::common::*;
use filch::io::AsyncReadExt;
use filch::task::{self, TaskInfo, TaskState, WaitKind};
use std::future::pending;
use std::time::Duration;

fn named(name: &str) -> Option<TaskInfo> {
    task::all()
        .into_iter()
        .find(|info| info.name() == Some(name))
}

/// Waits until the task of this name waits, and tells what of.
async fn waiting(name: &str) -> TaskInfo {
    until("it waits", || {
        named(name).is_some_and(|info| info.state() == TaskState::Waiting)
    })
    .await;
    named(name).unwrap()
}

fn spawn<F: Future + Send + 'static>(name: &str, future: F) -> filch::JoinHandle<F::Output>
where
    F::Output: Send,
{
    task::Builder::new().name(name).spawn(future)
}

#[test]
fn outside_a_runtime_there_is_no_task() {
    assert!(task::current().is_none());
    assert!(task::all().is_empty());
}

#[test]
fn the_block_on_future_is_no_task_but_sees_all() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    rt.block_on(async {
        assert!(task::current().is_none());
        let handle = spawn("seen", pending::<()>());
        assert_eq!(waiting("seen").await.id(), handle.id());
    });
}

#[filch::test]
async fn a_task_knows_itself() {
    let line = line!() + 1;
    let handle = filch::spawn(async { task::current().unwrap() });
    let id = handle.id();
    let info = handle.await.unwrap();
    assert_eq!(
        (info.id(), info.name(), info.state()),
        (id, None, TaskState::Running)
    );
    assert!(info.wait().is_none());
    assert_eq!(
        (info.spawned_at().file(), info.spawned_at().line()),
        ("tests/task/info.rs", line)
    );
    assert_eq!(
        info.to_string(),
        format!("task {id} spawned at {}: running", info.spawned_at())
    );
}

#[filch::test]
async fn current_is_right_while_tasks_interleave() {
    let handles: Vec<_> = (0..50)
        .map(|_| {
            filch::spawn(async {
                let id = task::current().unwrap().id();
                for _ in 0..20 {
                    task::yield_now().await;
                    assert_eq!(task::current().unwrap().id(), id);
                }
            })
        })
        .collect();
    for handle in handles {
        handle.await.unwrap();
    }
}

#[filch::test]
#[cfg_attr(miri, ignore = "Miri has no such sockets")]
async fn every_waiting_task_says_for_what_and_where() {
    let listener = filch::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The traits' methods do not know where they are called: a pipe says where it was made.
    let read = line!() + 1;
    let (mut quiet, _peer) = filch::io::duplex(8);
    let socket = filch::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let slept = line!() + 1;
    spawn("sleeper", async { filch::time::sleep(HOUR).await });
    let accepted = line!() + 1;
    spawn("server", async move { listener.accept().await.map(drop) });
    let received = line!() + 1;
    spawn("socket", async move { socket.recv(&mut [0]).await });
    spawn("pipe", async move { quiet.read(&mut [0]).await });
    let joined = spawn("joined", pending::<()>());
    let joined_id = joined.id().as_u64();
    spawn("joiner", joined);

    let mut sources = std::collections::HashSet::new();
    for (name, kind, line) in [
        ("sleeper", WaitKind::Sleep, Some(slept)),
        ("server", WaitKind::Accept, Some(accepted)),
        ("socket", WaitKind::Read, Some(received)),
        ("pipe", WaitKind::Duplex, Some(read)),
        ("joiner", WaitKind::Join, None),
    ] {
        let info = waiting(name).await;
        let wait = *info
            .wait()
            .unwrap_or_else(|| panic!("{info} says for what"));
        assert_eq!(wait.kind(), kind, "{info}");
        assert_eq!(wait.at().file(), "tests/task/info.rs", "{info}");
        assert!(line.is_none_or(|line| wait.at().line() == line), "{info}");
        match kind {
            WaitKind::Join => assert_eq!(wait.resource(), joined_id),
            // Another number for each source.
            WaitKind::Accept | WaitKind::Read => assert!(sources.insert(wait.resource()), "{info}"),
            _ => {}
        }
        assert!(
            info.to_string().contains(&format!("waiting for {kind}")),
            "{info}"
        );
    }
    assert!(
        waiting("joined").await.wait().is_none(),
        "it waits for something that is not filch's"
    );
    let dump = task::dump(&task::all());
    assert!(
        dump.contains("'sleeper'") && dump.contains("not filch's"),
        "{dump}"
    );
}

#[filch::test]
async fn a_record_tells_since_when_and_is_replaced_by_the_next() {
    let gate = Gate::new();
    spawn("walker", {
        let gate = gate.clone();
        async move {
            filch::time::sleep(Duration::from_millis(1)).await;
            gate.passed().await;
            filch::spawn(pending::<()>()).await
        }
    });
    until("the sleep is over", || gate.waiting() == 1).await;
    assert!(
        waiting("walker").await.wait().is_none(),
        "the sleep is forgotten"
    );
    gate.open();
    let since =
        || named("walker").and_then(|info| info.wait().map(|wait| (wait.kind(), wait.since())));
    until("time is counted", || {
        since().is_some_and(|(_, since)| since > Duration::from_millis(20))
    })
    .await;
    assert_eq!(since().unwrap().0, WaitKind::Join);
    assert!(since().unwrap().1 < LIMIT);
}

#[filch::test(workers = 2)]
async fn a_task_that_runs_is_seen_running() {
    let (inside, release) = (Gate::new(), Gate::new());
    let handle = spawn("stuck", {
        let (inside, release) = (inside.clone(), release.clone());
        async move {
            inside.open();
            release.block();
        }
    });
    inside.passed().await;
    let info = named("stuck").unwrap();
    assert_eq!(info.state(), TaskState::Running);
    release.open();
    handle.await.unwrap();
    assert!(named("stuck").is_none(), "what has ended is gone");
}

#[filch::test]
async fn all_are_listed_once_and_by_id() {
    let handles: Vec<_> = (0..500).map(|_| filch::spawn(pending::<()>())).collect();
    let from_outside = {
        let handle = filch::Handle::current();
        let spawn = move || {
            (0..20)
                .map(|_| handle.spawn(pending::<()>()))
                .collect::<Vec<_>>()
        };
        filch::spawn_blocking(spawn).await.unwrap()
    };
    let all: Vec<_> = task::all().iter().map(TaskInfo::id).collect();
    assert!(all.is_sorted() && all_different(all.iter().copied()));
    assert!(
        handles
            .iter()
            .chain(&from_outside)
            .all(|handle| all.contains(&handle.id()))
    );
    assert_eq!(filch::Handle::current().tasks().len(), all.len());
    assert_eq!(filch::Handle::current().metrics().tasks, all.len());
}

#[test]
fn two_runtimes_do_not_see_each_others_tasks() {
    let (one, other) = (runtime(1), runtime(1));
    let _limit = Limit::on(&one);
    one.spawn(pending::<()>());
    assert_eq!(one.handle().tasks().len(), 1);
    assert_eq!(other.handle().tasks().len(), 0);
}

#[filch::test]
async fn looking_at_tasks_that_come_and_go_is_safe() {
    let stop = Gate::new();
    let churn: Vec<_> = (0..4)
        .map(|_| {
            let stop = stop.clone();
            filch::spawn(async move {
                while !stop.is_open() {
                    let short = spawn("short", async { task::yield_now().await });
                    if let Some(info) = task::current() {
                        assert_eq!(info.state(), TaskState::Running);
                    }
                    short.await.unwrap();
                }
            })
        })
        .collect();
    for _ in 0..rounds(300) {
        for info in task::all() {
            assert!(
                info.name()
                    .is_none_or(|name| name == "short" || name.contains("::")),
                "{info}"
            );
        }
        task::yield_now().await;
    }
    stop.open();
    for task in churn {
        task.await.unwrap();
    }
}
