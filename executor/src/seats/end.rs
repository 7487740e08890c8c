//! How a runtime ends: told to, by its owner or by a panic; told about, when the last task has gone; and then without
//! its drivers. When it is over is decided in `registry/ending.rs`, who waits for it in `runtime/threaded.rs`.

use crate::foreign;
use crate::seats::shared::Shared;

impl Shared {
    pub(crate) fn is_shut_down(&self) -> bool {
        self.ending.has_begun()
    }

    /// Starts the shutdown: nothing is spawned any more, every task is cancelled. Once is enough.
    pub(crate) fn begin_shutdown(&self) {
        if self.is_shut_down() {
            return;
        }
        for task in self.ending.begin(&self.registry) {
            task.abort();
        }
        self.blocking.close();
        self.seats.close();
        self.task_gone();
    }

    /// Ends the runtime because a task panicked and nobody will hear of it otherwise.
    pub(crate) fn fail(&self) {
        // A runtime that its owner ends anyway leaves the threads in `block_on` to their futures.
        if !self.is_shut_down() {
            self.callers.fail();
            self.begin_shutdown();
        }
    }

    /// Called after a task has gone, and by workers that leave: after the last task, everybody who
    /// waits for the end of the shutdown hears of it; see `ending`.
    #[inline]
    pub(crate) fn task_gone(&self) {
        if self.ending.is_over(&self.registry) {
            self.bell.ring();
            self.unpark_all();
        }
    }

    /// Nobody looks after the reactor and the wheels any more. Futures outside the runtime that wait
    /// for them are woken: I/O then fails with the reason, a timer is registered where it is polled.
    pub(crate) fn close_drivers(&self) {
        let mut woken = Vec::new();
        self.reactor.close(&mut woken);
        let wheels = self.remotes.all().map(|remote| &remote.timers);
        wheels
            .chain([&self.foreign_timers])
            .for_each(|timers| timers.close(&mut woken));
        foreign::wake_batch(woken);
        self.remotes.depot.clear();
    }
}
