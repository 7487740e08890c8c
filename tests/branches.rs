//! A task that waits for several things at once tells what each of its branches waits for.

use std::future::{Future, pending, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use filch::stream::{FuturesUnordered, StreamExt};
use filch::sync::{Mutex, mpsc, oneshot};
use filch::task::{TaskInfo, TaskState, WaitKind, yield_now};
use filch::time::sleep;
use filch::{JoinHandle, spawn};
use std::sync::Arc;

const HOUR: Duration = Duration::from_secs(3600);

/// What is known of a task, once it waits.
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

/// Number, depth and kind of each branch.
fn branches(info: &TaskInfo) -> Vec<(usize, usize, Option<WaitKind>)> {
    let of = |branch: &filch::task::BranchInfo| {
        let kind = branch.wait().map(|wait| wait.kind());
        (branch.number(), branch.depth(), kind)
    };
    info.branches().iter().map(of).collect()
}

#[filch::test]
async fn each_branch_of_a_select_has_a_record() {
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.lock().await;
    let theirs = Arc::clone(&lock);
    let task = spawn(async move {
        filch::select! {
            _ = theirs.lock() => {}
            () = sleep(HOUR) => {}
            () = pending() => {}
            () = pending(), if false => {}
        }
    });
    let info = waiting(&task).await;
    assert_eq!(
        branches(&info),
        [
            (0, 0, Some(WaitKind::Lock)),
            (1, 0, Some(WaitKind::Sleep)),
            (2, 0, None)
        ]
    );
    let select = info.branches()[0].of();
    assert_eq!(
        (select.kind(), select.at().file()),
        (WaitKind::First, file!())
    );
    assert_eq!(info.wait().unwrap().kind(), WaitKind::First);
    let holder = info.branches()[0].wait().unwrap().holder();
    assert_eq!(holder, filch::task::current().map(|info| info.id()));
    let text = filch::task::dump(&[info]);
    assert!(
        text.contains("branch 0: ") && text.contains("for lock at tests/branches.rs"),
        "{text}"
    );
    assert!(
        text.contains("branch 2: something that is not filch's"),
        "{text}"
    );
    drop(guard);
    task.await.unwrap();
}

#[filch::test]
async fn a_branch_that_has_lost_is_not_shown() {
    let lock = Arc::new(Mutex::new(()));
    let _guard = lock.lock().await;
    let theirs = Arc::clone(&lock);
    let task = spawn(async move {
        filch::select! {
            biased;
            _ = theirs.lock() => {}
            () = yield_now() => sleep(HOUR).await,
        }
    });
    loop {
        let info = waiting(&task).await;
        if info
            .wait()
            .is_some_and(|wait| wait.kind() == WaitKind::Sleep)
        {
            assert!(info.branches().is_empty(), "{info:?}");
            break;
        }
        yield_now().await;
    }
    task.abort();
}

#[filch::test]
async fn a_branch_of_a_join_that_is_ready_is_not_shown() {
    let (sender, receiver) = oneshot::channel();
    let task = spawn(async move {
        filch::join!(receiver, sleep(HOUR), ready(()), async {
            filch::select! { () = sleep(HOUR) => {} () = pending() => {} }
        })
    });
    let info = waiting(&task).await;
    let rest = [
        (1, 0, Some(WaitKind::Sleep)),
        (3, 0, None),
        (0, 1, Some(WaitKind::Sleep)),
        (1, 1, None),
    ];
    assert_eq!(branches(&info)[0].2, Some(WaitKind::Channel));
    assert_eq!(branches(&info)[1..], rest);
    sender.send(()).unwrap();
    while branches(&waiting(&task).await) != rest {
        yield_now().await;
    }
    task.abort();
}

#[filch::test]
async fn a_future_of_a_set_keeps_its_record_while_others_are_polled() {
    let (first, one) = mpsc::channel::<u8>(1);
    let (_second, two) = mpsc::channel::<u8>(1);
    let task = spawn(async move {
        let mut set: FuturesUnordered<_> = [one, two]
            .into_iter()
            .map(|r| async move { r.recv().await })
            .collect();
        assert_eq!(set.next().await, Some(Some(7)));
        set.next().await
    });
    let both = [
        (0, 0, Some(WaitKind::Channel)),
        (1, 0, Some(WaitKind::Channel)),
    ];
    assert_eq!(branches(&waiting(&task).await), both);
    first.send(7).await.unwrap();
    while branches(&waiting(&task).await) != both[1..] {
        yield_now().await;
    }
    task.abort();
}

#[filch::test]
async fn a_select_that_is_moved_out_of_its_task_takes_its_records_along() {
    let moved: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async {
        filch::select! { () = sleep(HOUR) => {} () = pending() => {} }
    });
    let (sender, receiver) = oneshot::channel();
    let first = spawn(async move {
        let mut moved = moved;
        assert!(futures::poll!(moved.as_mut()).is_pending());
        sender
            .send(moved)
            .unwrap_or_else(|_| unreachable!("it is received"));
        sleep(HOUR).await;
    });
    let second = spawn(async move { receiver.await.unwrap().await });
    while branches(&waiting(&second).await).len() != 2 {
        yield_now().await;
    }
    let info = waiting(&first).await;
    assert_eq!(
        (info.wait().unwrap().kind(), info.branches().len()),
        (WaitKind::Sleep, 0)
    );
    first.abort();
    second.abort();
}

#[test]
fn without_a_task_branches_work_and_say_nothing() {
    let mut selected = pin!(async {
        filch::select! { () = pending() => {} () = pending() => {} }
    });
    let polled: Poll<()> = selected
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}

#[filch::test]
async fn records_are_read_while_branches_come_and_go() {
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            spawn(async {
                for _ in 0..200 {
                    filch::select! { () = yield_now() => {} () = sleep(HOUR) => {} () = pending() => {} }
                }
            })
        })
        .collect();
    while tasks.iter().any(|task| !task.is_finished()) {
        for info in filch::task::all() {
            assert!(info.branches().len() <= 3, "{info:?}");
        }
        yield_now().await;
    }
}
