//! `Debug` of what tasks share: one short line that says what matters.

use crate::common::*;
use filch::sync::{Mutex, Notify, Semaphore, mpsc, oneshot};

/// As `{:?}` prints it, which has to fit a line of a log.
#[track_caller]
fn print(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    assert!(text.len() < 80, "{text}");
    text
}

#[filch::test]
async fn a_semaphore_says_how_many_permits_there_are_and_who_waits() {
    let semaphore = Semaphore::new(3);
    assert_eq!(print(&semaphore), "Semaphore { available: 3, waiting: 0 }");
    let (mut first, mut second) = (
        Box::pin(semaphore.acquire_many(4)),
        Box::pin(semaphore.acquire()),
    );
    assert!(poll_once(&mut first).await.is_pending() && poll_once(&mut second).await.is_pending());
    assert_eq!(print(&semaphore), "Semaphore { available: 3, waiting: 2 }");
    semaphore.close();
    assert_eq!(
        print(&semaphore),
        "Semaphore { available: 3, waiting: 0, closed: true }"
    );
}

#[filch::test]
async fn a_notify_says_whether_it_was_notified_and_who_waits() {
    let notify = Notify::new();
    let mut waits = Box::pin(notify.notified());
    assert!(poll_once(&mut waits).await.is_pending());
    assert_eq!(print(&notify), "Notify { notified: false, waiting: 1 }");
    drop(waits);
    notify.notify_one();
    assert_eq!(print(&notify), "Notify { notified: true, waiting: 0 }");
}

#[filch::test]
async fn a_mutex_says_who_holds_it_and_how_many_wait() {
    let mutex = Mutex::new(7);
    assert_eq!(print(&mutex), "Mutex { value: 7 }");
    let guard = mutex.lock().await;
    let mut waits = Box::pin(mutex.lock());
    assert!(poll_once(&mut waits).await.is_pending());
    let task = filch::task::current().unwrap().id();
    let wanted = format!("Mutex {{ value: <locked>, holder: task {task}, waiting: 1 }}");
    assert_eq!(print(&mutex), wanted);
    drop(guard);
}

#[filch::test]
async fn the_ends_of_a_channel_say_what_is_in_it() {
    let (sender, receiver) = mpsc::channel(8);
    sender.send(1).await.unwrap();
    assert_eq!(
        print(&sender),
        "Sender { queued: 1, capacity: 8, closed: false }"
    );
    assert_eq!(
        print(&receiver),
        "Receiver { queued: 1, capacity: 8, closed: false }"
    );
    drop(receiver);
    assert!(print(&sender).ends_with("closed: true }"));
}

#[filch::test]
async fn the_ends_of_a_oneshot_say_whether_there_is_a_value() {
    let (sender, receiver) = oneshot::channel();
    assert_eq!(print(&sender), "Sender { closed: false }");
    assert_eq!(print(&receiver), "Receiver { ready: false, closed: false }");
    sender.send(1).unwrap();
    assert_eq!(print(&receiver), "Receiver { ready: true, closed: false }");
}

#[filch::test]
async fn a_future_that_was_ready_says_where_it_was_made_when_it_is_polled_again() {
    let semaphore = Semaphore::new(1);
    let line = line!() + 1;
    let mut acquire = Box::pin(semaphore.acquire());
    assert!(poll_once(&mut acquire).await.is_ready());
    let text = panics(|| {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = acquire.as_mut().poll(&mut cx);
    });
    assert!(
        text.contains(&format!("made at tests/sync/print.rs:{line}:")),
        "{text}"
    );
}
