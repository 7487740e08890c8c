//! How a runtime ends: told to, by its owner or by a panic; told about, when the last task has gone; and then without
//! its drivers. When it is over is decided in `registry/ending.rs`, who waits for it in `runtime/end.rs`.

use crate::foreign;
use crate::registry::delay::Word;
use crate::seats::shared::{NewThread, Shared};
use filch_timer::{Instant, system_now};
use std::sync::atomic::Ordering::{Acquire, Release};

impl Shared {
    pub(crate) fn is_shut_down(&self) -> bool {
        self.ending.has_begun()
    }

    /// Starts the shutdown: nothing is spawned any more, every task is cancelled. Once is enough.
    ///
    /// Of closures on threads of their own, it is for the pool to say which are cancelled.
    pub(crate) fn begin_shutdown(&self) {
        if self.is_shut_down() {
            return;
        }
        self.delay.begin(system_now());
        let tasks = self.ending.begin(&self.registry);
        for task in tasks.iter().filter(|task| !task.header().habit.is_apart()) {
            task.abort();
        }
        drop(tasks);
        self.blocking.close();
        self.seats.close();
        self.task_gone();
        // So that it knows when the first word is due.
        self.wake_backstop();
    }

    /// Says what the end still waits for, if that is due. Called by whoever waits for the end, or watches over it.
    pub(crate) fn say_if_late(&self) {
        let now = system_now();
        let end = self.delay.take_word(now).map(Word::End);
        for word in end.into_iter().chain(self.returns.take_word(now)) {
            self.start_thread(NewThread::Late(word));
        }
    }

    /// When that is due next.
    pub(crate) fn next_word(&self) -> Option<Instant> {
        let of_end = self.delay.next_word();
        of_end.into_iter().chain(self.returns.next_word()).min()
    }

    /// Everything has ended, and the drivers are closed.
    pub(crate) fn announce_end(&self) {
        self.config.hooks.end();
        self.has_ended.store(true, Release);
        self.bell.ring();
    }

    /// Whether that was announced.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Acquire)
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
