//! Structures of tasks: that nothing is left behind, whoever ends it and how.

mod cancel;
mod drains;
mod group_cancels;
mod groups;
mod handles;
mod join_set;
mod lasting;
#[allow(dead_code, reason = "each test binary uses a part of it")]
#[path = "../common/process.rs"]
mod process;
mod shields;
mod unusual;

use std::future::{Future, pending};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use filch::Cancelled;
use filch::task::{TaskId, TaskInfo, TaskState, WaitKind, yield_now};

/// Longer than any test runs.
const HOUR: Duration = Duration::from_secs(3600);

/// Passes at once where the clock is paused and everybody waits.
const SOON: Duration = Duration::from_millis(5);

/// Counts futures: how many have started, and how many are gone.
#[derive(Clone, Default)]
struct Census {
    started: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

/// Lives in a future; slow to drop, so that whoever does not wait for it is seen.
struct Resident(Arc<AtomicUsize>);

impl Drop for Resident {
    fn drop(&mut self) {
        for _ in 0..200 {
            std::thread::yield_now();
        }
        self.0.fetch_add(1, SeqCst);
    }
}

impl Census {
    fn resident(&self) -> Resident {
        Resident(self.dropped.clone())
    }

    /// A future that never ends by itself.
    fn endless<T>(
        &self,
    ) -> impl Future<Output = Result<T, &'static str>> + Send + 'static + use<T> {
        let (started, resident) = (self.started.clone(), self.resident());
        async move {
            let _resident = resident;
            started.fetch_add(1, SeqCst);
            pending().await
        }
    }

    async fn until_started(&self, count: usize) {
        until(|| self.started.load(SeqCst) >= count).await;
    }

    fn dropped(&self) -> usize {
        self.dropped.load(SeqCst)
    }
}

/// Lives in a future; when it is dropped, it asks its task why that was cancelled.
#[derive(Clone, Default)]
struct WhyCancelled(Arc<Mutex<Option<Cancelled>>>);

impl WhyCancelled {
    fn take(&self) -> Option<Cancelled> {
        self.0.lock().unwrap().take()
    }
}

impl Drop for WhyCancelled {
    fn drop(&mut self) {
        let task = filch::task::current();
        if let Some(cancelled) = task.and_then(|task| task.cancelled().cloned()) {
            *self.0.lock().unwrap() = Some(cancelled);
        }
    }
}

/// Counts the ends of futures that take a while.
#[derive(Clone, Default)]
struct Done(Arc<AtomicUsize>);

impl Done {
    async fn slowly(self) {
        for _ in 0..20 {
            yield_now().await;
        }
        filch::time::sleep(SOON).await;
        self.0.fetch_add(1, SeqCst);
    }

    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        yield_now().await;
    }
}

/// Until a task is as asked for. It has not ended before.
async fn until_task(id: TaskId, is_so: impl Fn(&TaskInfo) -> bool) -> TaskInfo {
    loop {
        let all = filch::task::all();
        let task = all.into_iter().find(|info| info.id() == id);
        let task = task.expect("the task has ended, or it waits for what it should");
        if is_so(&task) {
            return task;
        }
        yield_now().await;
    }
}

/// Until a task's future is gone, and the task waits for what that has left behind.
async fn until_draining(id: TaskId) -> TaskInfo {
    until_task(id, |task| task.state() == TaskState::Draining).await
}

async fn until_waiting(id: TaskId, kind: WaitKind) {
    until_task(id, |task| {
        task.wait().is_some_and(|wait| wait.kind() == kind)
    })
    .await;
}

/// Keeps a child's poll from returning until it is opened, so that whoever cancels it has to wait.
#[derive(Clone, Default)]
struct Gate {
    inside: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Gate {
    /// A future that is in its one poll until the gate is opened, and would then never end.
    fn stuck<T>(&self) -> impl Future<Output = Result<T, &'static str>> + Send + 'static + use<T> {
        let gate = self.clone();
        async move {
            filch::blocking(|| {
                gate.inside.fetch_add(1, SeqCst);
                while gate.open.load(SeqCst) == 0 {
                    std::thread::yield_now();
                }
            });
            pending().await
        }
    }

    fn open(&self) {
        self.open.store(1, SeqCst);
    }

    async fn until_inside(&self) {
        until(|| self.inside.load(SeqCst) > 0).await;
    }
}
