//! Structures of tasks: that nothing is left behind, whoever ends it and how.

mod cancel;
mod drains;
mod groups;
mod join_set;
mod lasting;

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use filch::task::yield_now;

/// Longer than any test runs.
const HOUR: Duration = Duration::from_secs(3600);

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

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        yield_now().await;
    }
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
