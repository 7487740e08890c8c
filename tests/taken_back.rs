//! A leaf that is dropped before it was ready takes back what it said the task waits for, whoever drops it: a
//! combinator of another crate, a time limit, or plain code. All within one poll, as the next one begins anew anyhow.

#[path = "common/mod.rs"]
mod common;

use filch::sync::{Barrier, Condvar, Event, Mutex, Notify, RwLock, Semaphore, mpsc, oneshot};
use filch::task::{JoinSet, TaskInfo, TaskState, WaitKind, yield_now};
use filch::time::{sleep, timeout};
use filch::{CancelToken, JoinHandle, TaskGroup, spawn};
use futures::FutureExt as _;
use futures::future::{Either, join, select, select_all};
use futures::stream::{FuturesUnordered, StreamExt as _};
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is known of a task that waits, once it has got so far.
async fn waiting<T>(task: &JoinHandle<T>) -> TaskInfo {
    loop {
        let all = filch::task::all();
        let info = all.into_iter().find(|info| info.id() == task.id());
        match info {
            Some(info) if info.state() == TaskState::Waiting => return info,
            _ => yield_now().await,
        }
    }
}

async fn kind<T>(task: &JoinHandle<T>) -> Option<WaitKind> {
    waiting(task).await.wait().map(|wait| wait.kind())
}

/// Ready when it is polled for the second time, in the same poll of the task.
fn polled_once(mut future: Boxed) -> impl Future<Output = ()> + Send {
    poll_fn(move |cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        future = Box::pin(async {});
        Poll::Ready(())
    })
}

/// The task waits for `leaf`, which is then dropped, in one poll. It goes on to a sleep, and that is what is shown.
async fn assert_taken_back(what: &str, leaf: impl Future + Send + 'static) {
    let leaf: Boxed = Box::pin(async move { drop(leaf.await) });
    let task = spawn(async move {
        polled_once(leaf).await;
        sleep(HOUR).await;
    });
    assert_eq!(kind(&task).await, Some(WaitKind::Sleep), "{what}");
    task.abort();
    let _ = task.await;
}

#[filch::test]
async fn whatever_a_task_does_not_wait_for_any_more_is_not_shown() {
    let lock = Arc::new(Mutex::new(()));
    let held = Arc::clone(&lock).lock_owned().await;
    let theirs = Arc::clone(&lock);
    assert_taken_back("a lock", async move { drop(theirs.lock().await) }).await;
    drop(held);
    let shared = Arc::new(RwLock::new(()));
    let theirs = Arc::clone(&shared);
    let writer = shared.write().await;
    assert_taken_back(
        "a read-write lock",
        async move { drop(theirs.read().await) },
    )
    .await;
    drop(writer);
    let none = Arc::new(Semaphore::new(0));
    assert_taken_back("permits", async move { drop(none.acquire().await) }).await;
    let (sender, receiver) = mpsc::channel::<u8>(1);
    assert_taken_back("a receiver", async move { receiver.recv().await }).await;
    drop(sender);
    let (sender, receiver) = mpsc::channel::<u8>(1);
    sender.send(1).await.unwrap();
    assert_taken_back("a sender", async move { sender.send(2).await }).await;
    drop(receiver);
    let (sender, receiver) = oneshot::channel::<u8>();
    assert_taken_back("a oneshot", receiver).await;
    drop(sender);
    let (mut sender, receiver) = oneshot::channel::<u8>();
    assert_taken_back("a oneshot's end", async move { sender.closed().await }).await;
    drop(receiver);
    assert_taken_back("an event", async { Event::new().wait().await }).await;
    assert_taken_back("a notification", async { Notify::new().notified().await }).await;
    assert_taken_back("a barrier", async {
        Barrier::new(2).wait().await.is_leader()
    })
    .await;
    let condition = async {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        drop(condvar.wait(mutex.lock().await).await);
    };
    assert_taken_back("a condition", condition).await;
    assert_taken_back("a token", async { CancelToken::new().cancelled().await }).await;
}

#[filch::test]
async fn nor_are_tasks_children_and_times() {
    let running = filch::AbortOnDrop(spawn(pending::<()>()));
    assert_taken_back("a handle", running).await;
    let other = spawn(sleep(HOUR));
    assert_taken_back("a handle that leaves its task alone", other).await;
    assert_taken_back(
        "a gather",
        filch::gather([async {
            sleep(HOUR).await;
            Ok::<(), ()>(())
        }]),
    )
    .await;
    assert_taken_back(
        "a group",
        TaskGroup::<()>::run(async |group| {
            group.spawn_ok(pending::<()>());
            Ok(())
        }),
    )
    .await;
    let set = async {
        let mut set = JoinSet::new();
        set.spawn(pending::<()>());
        set.join_next().await;
    };
    assert_taken_back("a set", set).await;
    let task = spawn(async {
        polled_once(Box::pin(sleep(HOUR))).await;
        pending::<()>().await;
    });
    assert_eq!(kind(&task).await, None, "a sleep");
    task.abort();
}

/// The rest of the aborted task is waited for when this one ends. Until then it is nothing that it waits for.
#[filch::test]
async fn nor_is_a_task_that_was_aborted_and_is_not_gone_yet() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = oneshot::channel();
    let running = filch::AbortOnDrop(spawn(async move {
        begun.send(()).unwrap();
        filch::blocking(|| released.recv())
    }));
    has_begun.await.unwrap();
    let task = spawn(async move {
        polled_once(Box::pin(async move { drop(running.await) })).await;
        sleep(HOUR).await;
    });
    assert_eq!(kind(&task).await, Some(WaitKind::Sleep));
    drop(release);
    task.abort();
    let _ = task.await;
}

#[cfg(unix)]
#[filch::test]
async fn nor_are_sockets_files_signals_and_children() {
    use filch::net::{TcpListener, UnixDatagram};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    assert_taken_back("a listener", async move { drop(listener.accept().await) }).await;
    let (one, other) = UnixDatagram::pair().unwrap();
    assert_taken_back("a socket", async move { drop(one.recv(&mut [0; 8]).await) }).await;
    drop(other);
    let mut signals = filch::signal::Signals::new([filch::signal::SignalKind::hangup()]).unwrap();
    assert_taken_back("a signal", async move { drop(signals.recv().await) }).await;
    let child = filch::process::Command::new("sleep")
        .arg("3600")
        .kill_on_drop(true)
        .spawn();
    let mut child = child.unwrap();
    assert_taken_back("a child", async move { drop(child.wait().await) }).await;
}

#[filch::test]
async fn the_loser_of_anothers_select_is_not_shown() {
    let lock = Arc::new(Mutex::new(()));
    let _held = Arc::clone(&lock).lock_owned().await;
    let task = spawn(async move {
        // What is pinned lives to the end of the match.
        match select(pin!(lock.lock()), pin!(async {})).await {
            Either::Left(_) => unreachable!("it is held"),
            Either::Right(_) => {}
        }
        sleep(HOUR).await;
    });
    assert_eq!(kind(&task).await, Some(WaitKind::Sleep));
    task.abort();
}

#[filch::test]
async fn the_loser_of_anothers_select_that_is_moved_is_not_shown() {
    let (_sender, receiver) = oneshot::channel::<()>();
    let running = spawn(sleep(HOUR));
    let task = spawn(async move {
        let (_, _, rest) = select_all([
            Box::pin(receiver.map(drop)) as Boxed,
            Box::pin(running.map(drop)),
            Box::pin(async {}),
        ])
        .await;
        drop(rest);
        sleep(HOUR).await;
    });
    assert_eq!(kind(&task).await, Some(WaitKind::Sleep));
    task.abort();
}

#[filch::test]
async fn of_anothers_join_the_one_that_still_waits_is_shown() {
    let (sender, receiver) = oneshot::channel::<()>();
    let task = spawn(async move { join(receiver, sleep(HOUR)).await });
    assert_eq!(kind(&task).await, Some(WaitKind::Channel));
    sender.send(()).unwrap();
    while kind(&task).await != Some(WaitKind::Sleep) {
        yield_now().await;
    }
    task.abort();
}

async fn receiver_gone(receiver: mpsc::Receiver<u8>) {
    let _ = receiver.recv().await;
}

#[filch::test]
async fn what_is_taken_out_of_anothers_set_is_not_shown() {
    let (_sender, receiver) = mpsc::channel::<u8>(1);
    let task = spawn(async move {
        let mut set = FuturesUnordered::new();
        set.push(Box::pin(receiver_gone(receiver)) as Boxed);
        set.push(Box::pin(async {}));
        assert_eq!(set.next().await, Some(()));
        set.clear();
        sleep(HOUR).await;
    });
    assert_eq!(kind(&task).await, Some(WaitKind::Sleep));
    task.abort();
}

#[filch::test]
async fn what_was_given_up_by_a_time_limit_is_not_shown() {
    let (told, heard) = oneshot::channel();
    let lock = Arc::new(Mutex::new(()));
    let _held = Arc::clone(&lock).lock_owned().await;
    let task = spawn(async move {
        let tick = Duration::from_millis(1);
        let gathered = filch::gather([async {
            sleep(HOUR).await;
            Ok::<(), ()>(())
        }]);
        assert!(timeout(tick, gathered).await.is_err());
        assert!(timeout(tick, lock.lock()).await.is_err());
        told.send(()).unwrap();
        sleep(HOUR).await;
    });
    heard.await.unwrap();
    assert_eq!(kind(&task).await, Some(WaitKind::Sleep));
    task.abort();
}

/// In a branch of a combinator of ours the record is another, and behaves the same.
#[filch::test]
async fn in_a_branch_of_a_select_too() {
    let lock = Arc::new(Mutex::new(()));
    let _held = Arc::clone(&lock).lock_owned().await;
    let task = spawn(async move {
        let leaf: Boxed = Box::pin(async move { drop(lock.lock().await) });
        filch::select! {
            () = async { polled_once(leaf).await; sleep(HOUR).await } => {}
            () = pending() => {}
        }
    });
    let info = waiting(&task).await;
    let kinds = info
        .branches()
        .iter()
        .map(|branch| branch.wait().map(|wait| wait.kind()));
    assert!(kinds.eq([Some(WaitKind::Sleep), None]), "{info:?}");
    task.abort();
}

/// Two wait at the same place for the same lock. When one is dropped, the task still waits for it.
#[filch::test]
async fn a_record_that_several_leaves_have_said_stays_until_the_last_is_dropped() {
    for count in [2, 3] {
        for dropped in 0..=count {
            let lock = Arc::new(Mutex::new(()));
            let _held = Arc::clone(&lock).lock_owned().await;
            let task = spawn(async move {
                let mut waiting: Vec<Boxed> = (0..count)
                    .map(|_| Arc::clone(&lock))
                    .map(|lock| Box::pin(async move { drop(lock.lock().await) }) as Boxed)
                    .collect();
                poll_fn(|cx: &mut Context<'_>| {
                    for future in &mut waiting {
                        assert!(future.as_mut().poll(cx).is_pending());
                    }
                    waiting.truncate(count - dropped);
                    Poll::<()>::Pending
                })
                .await;
            });
            let expected = (dropped < count).then_some(WaitKind::Lock);
            assert_eq!(kind(&task).await, expected, "{dropped} of {count}");
            task.abort();
        }
    }
}

/// Who only yields is woken at once: it is what the other waits for that counts.
#[filch::test]
async fn a_turn_that_was_given_away_hides_nothing() {
    let task = spawn(async move {
        let mut set = FuturesUnordered::new();
        set.push(Box::pin(yield_now()) as Boxed);
        assert_eq!(set.next().await, Some(()));
        sleep(HOUR).await;
    });
    assert_eq!(kind(&task).await, Some(WaitKind::Sleep));
    task.abort();
    let task = spawn(async move { join(yield_now(), sleep(HOUR)).await });
    while kind(&task).await != Some(WaitKind::Sleep) {
        yield_now().await;
    }
    task.abort();
}
