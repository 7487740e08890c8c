//! What a task waits for, and where, is seen from outside.

use crate::common::*;
use filch::sync::{Mutex, Notify, Semaphore, mpsc, oneshot};
use filch::task::{self, WaitKind};
use std::future::IntoFuture;

/// Spawns a future that was made near `line`, and checks that it says so when it waits.
async fn waits<F>(kind: WaitKind, line: u32, future: F)
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    let task = filch::spawn(future);
    let wait = || {
        let tasks = task::all().into_iter();
        let mut own = tasks.filter(|info| info.id() == task.id());
        own.next().and_then(|info| info.wait().copied())
    };
    until("it waits", || wait().is_some()).await;
    let wait = wait().unwrap();
    assert_eq!(wait.kind(), kind);
    // The call stands on one of the next lines, the oneshot's channel just before.
    assert!((line - 3..line + 4).contains(&wait.at().line()), "{wait:?}");
    assert!(wait.at().file().ends_with("waits.rs"));
    task.abort();
}

#[filch::test]
async fn every_primitive_leaves_a_record() {
    let (sender, receiver) = mpsc::channel(1);
    let theirs = receiver.clone();
    waits(
        WaitKind::Channel,
        line!(),
        async move { theirs.recv().await },
    )
    .await;
    sender.try_send(1).unwrap();
    let theirs = sender.clone();
    waits(
        WaitKind::Channel,
        line!(),
        async move { theirs.send(2).await },
    )
    .await;
    waits(
        WaitKind::Channel,
        line!(),
        async move { sender.closed().await },
    )
    .await;

    let (mut sender, receiver) = oneshot::channel::<u32>();
    waits(
        WaitKind::Channel,
        line!(),
        async move { sender.closed().await },
    )
    .await;
    drop(receiver);
    let (_sender, receiver) = oneshot::channel::<u32>();
    waits(WaitKind::Channel, line!() - 1, receiver.into_future()).await;

    static MUTEX: Mutex<()> = Mutex::new(());
    let _guard = MUTEX.lock().await;
    waits(WaitKind::Lock, line!(), async { drop(MUTEX.lock().await) }).await;

    static NOTIFY: Notify = Notify::new();
    waits(WaitKind::Notify, line!(), NOTIFY.notified()).await;

    static SEMAPHORE: Semaphore = Semaphore::new(0);
    waits(WaitKind::Semaphore, line!(), SEMAPHORE.acquire()).await;
}
