//! `task::dump`: what a reader sees of few tasks, and of very many.

use crate::common::*;
use filch::sync::{Mutex, MutexGuard, Semaphore};
use filch::task::{self, TaskInfo, TaskState};
use std::future::pending;
use std::sync::Arc;

fn dump() -> String {
    task::dump(&task::all())
}

/// The two lines about the tasks of whose first line `label` is a part.
#[track_caller]
fn about(text: &str, label: &str) -> (String, String) {
    let mut lines = text.lines().map(str::to_owned);
    let first = lines.find(|line| line.contains(label));
    let first = first.unwrap_or_else(|| panic!("no {label}: {text}"));
    (first, lines.next().unwrap())
}

/// Waits until so many tasks wait for something of filch's.
async fn waiting(count: usize) {
    until("they wait", || {
        let tasks = task::all();
        tasks.iter().filter(|task| task.wait().is_some()).count() == count
    })
    .await;
}

fn named<F: Future<Output = ()> + Send + 'static>(name: &str, future: F) -> filch::JoinHandle<()> {
    task::Builder::new().name(name).spawn(future)
}

async fn hold(mutex: &Mutex<()>, gate: &Gate) {
    let _guard: MutexGuard<'_, ()> = mutex.lock().await;
    gate.passed().await;
}

#[filch::test]
async fn ten_thousand_tasks_that_wait_alike_are_told_in_two_lines() {
    let (mutex, never) = (Arc::new(Mutex::new(())), Gate::new());
    let (theirs, gate) = (mutex.clone(), never.clone());
    let holder = named("writer", async move { hold(&theirs, &gate).await });
    until("it is locked", || mutex.try_lock().is_err()).await;
    for _ in 0..10_000 {
        let mutex = mutex.clone();
        drop(filch::spawn(async move { drop(mutex.lock().await) }));
    }
    waiting(10_000).await;
    let text = dump();
    // The heading, and two lines each for this test, the holder and the others.
    assert_eq!(text.lines().count(), 7, "{text}");
    let (who, what) = about(&text, "10,000 tasks, ");
    assert!(who.contains("spawned at tests/task/dump.rs:"), "{who}");
    let held = format!("held by task {} 'writer'", holder.id());
    assert!(what.contains("for lock at tests/task/dump.rs:"), "{what}");
    assert!(what.ends_with(&held), "{what}");
}

#[filch::test]
async fn few_tasks_are_told_one_by_one() {
    let semaphore = Arc::new(Semaphore::new(0));
    for number in 0..8 {
        let semaphore = semaphore.clone();
        drop(named(&format!("few {number}"), async move {
            drop(semaphore.acquire().await);
        }));
    }
    waiting(8).await;
    let text = dump();
    for number in 0..8 {
        let (_, what) = about(&text, &format!("'few {number}'"));
        assert!(
            what.contains("for semaphore at tests/task/dump.rs:"),
            "{what}"
        );
    }
}

#[filch::test]
async fn tasks_that_wait_in_different_places_are_told_apart() {
    for number in 0..40 {
        drop(filch::spawn(async move {
            match number % 2 {
                0 => filch::time::sleep(HOUR).await,
                _ => filch::time::sleep(2 * HOUR).await,
            }
        }));
    }
    waiting(40).await;
    let text = dump();
    assert_eq!(text.matches("20 tasks, ").count(), 2, "{text}");
    assert_eq!(text.matches("for sleep at ").count(), 2, "{text}");
}

#[filch::test]
async fn the_holder_is_the_one_that_the_lock_was_handed_to() {
    let (mutex, first, never) = (Arc::new(Mutex::new(())), Gate::new(), Gate::new());
    let spawn = |name, gate: &Gate| {
        let (mutex, gate) = (mutex.clone(), gate.clone());
        named(name, async move { hold(&mutex, &gate).await })
    };
    let one = spawn("one", &first);
    until("it is locked", || mutex.try_lock().is_err()).await;
    let two = spawn("two", &never);
    waiting(1).await;
    let _three = spawn("three", &never);
    waiting(2).await;
    let holder = || {
        let tasks = task::all();
        let three = tasks.iter().find(|task| task.name() == Some("three"));
        three.and_then(|three| three.wait()?.holder())
    };
    assert_eq!(holder(), Some(one.id()));
    first.open();
    one.await.unwrap();
    until("it was handed on", || never.waiting() == 1).await;
    assert_eq!(holder(), Some(two.id()), "{}", dump());
    assert!(dump().contains("'two'"));
}

#[filch::test]
async fn a_lock_that_is_held_outside_tasks_has_no_holder_to_name() {
    let mutex = Arc::new(Mutex::new(()));
    let theirs = mutex.clone();
    let (locked, unlock) = (Gate::new(), Gate::new());
    let gates = (locked.clone(), unlock.clone());
    let thread = std::thread::spawn(move || {
        let _guard = theirs.blocking_lock();
        gates.0.open();
        gates.1.block();
    });
    locked.passed().await;
    let waiter = named("waiter", async move { drop(mutex.lock().await) });
    waiting(1).await;
    let (_, what) = about(&dump(), "'waiter'");
    assert!(
        what.contains("for lock") && !what.contains("held by"),
        "{what}"
    );
    unlock.open();
    waiter.await.unwrap();
    filch::blocking(|| thread.join().unwrap());
}

#[cfg(all(unix, feature = "net"))]
#[filch::test]
async fn descriptors_have_the_numbers_that_other_tools_show() {
    use std::os::fd::{AsFd, AsRawFd};

    let listener = filch::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let number = listener.as_fd().as_raw_fd();
    drop(named("server", async move {
        drop(listener.accept().await);
    }));
    waiting(1).await;
    let (_, what) = about(&dump(), "'server'");
    let wanted = format!("for accept fd {number} at tests/task/dump.rs:");
    assert!(what.contains(&wanted), "{wanted}: {what}");
}

#[filch::test(workers = 2)]
async fn a_poll_that_does_not_return_is_said_to_compute_or_to_be_blocked() {
    let release = Gate::new();
    let computes = release.clone();
    let (lock, locked) = std::sync::mpsc::channel::<()>();
    let computing = named("computing", async move {
        while !computes.is_open() {
            std::hint::spin_loop();
        }
    });
    let blocked = named("blocked", async move {
        let _ = locked.recv();
    });
    for (name, what) in [("computing", false), ("blocked", true)] {
        until("it is seen", || {
            let tasks = task::all();
            let task = tasks.iter().find(|task| task.name() == Some(name));
            let poll = task.and_then(TaskInfo::poll);
            poll.is_some_and(|poll| poll.is_blocked() == what && poll.lasts().is_some())
        })
        .await;
    }
    let text = dump();
    let (_, what) = about(&text, "'blocked'");
    assert!(
        what.contains("running: blocked, in a poll that has not returned for "),
        "{what}"
    );
    release.open();
    drop(lock);
    computing.await.unwrap();
    blocked.await.unwrap();
}

#[filch::test]
async fn what_waits_for_something_of_others_is_grouped_too() {
    for _ in 0..20 {
        drop(filch::spawn(pending::<()>()));
    }
    until("they wait", || {
        let tasks = task::all();
        let waiting = tasks
            .iter()
            .filter(|task| task.state() == TaskState::Waiting);
        waiting.count() >= 20
    })
    .await;
    let (_, what) = about(&dump(), "20 tasks, ");
    assert!(what.contains("not filch's"), "{what}");
}
