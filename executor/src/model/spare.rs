//! A spare thread's life: called, at work, asked to retire, at rest, called again, and the end.

use super::Queue;
use crate::primitive::atomic::Ordering::Relaxed;
use crate::primitive::atomic::{AtomicBool, AtomicUsize};
use crate::primitive::let_waits_time_out;
use crate::queues::permits::{Kind, Permit, Permits, Standing};
use crate::registry::threads::{self, Threads};
use crate::rest::idle::Idle;
use crate::rest::parker::{Parker, Unpark};
use crate::seats::core::Common;
use crate::seats::core::Core;
use crate::seats::remotes::Remotes;
use crate::seats::roster::Seats;
use crate::seats::spares::Called;
use filch_timer::Instant;
use loom::thread;
use std::sync::{Arc, Mutex};

const NOW: Instant = Instant::from_nanos(1);

/// No worker's seat, and one spare seat.
struct Runtime {
    seats: Seats,
    remotes: Remotes,
    idle: Idle,
    threads: Threads<thread::JoinHandle<()>>,
    /// Times that a thread came to the seat. No part of the protocol, so it orders nothing.
    came: AtomicUsize,
}

impl Runtime {
    fn new() -> Arc<Runtime> {
        Arc::new(Runtime {
            seats: Seats::new(0),
            remotes: Remotes::new(&[], 1, NOW),
            idle: Idle::new(0, 1),
            threads: Threads::new(),
            came: AtomicUsize::new(0),
        })
    }

    /// `Shared::call_help`. Whether somebody comes.
    fn call(self: &Arc<Runtime>) -> bool {
        match self
            .seats
            .call(&self.remotes, &self.idle, Common::default(), NOW)
        {
            Called::Nobody => false,
            Called::Worker => unreachable!("there is no worker's seat"),
            Called::Resting => true,
            Called::New(core) => self.start(*core),
        }
    }

    /// `start_spare`. Whether the thread was not too late.
    fn start(self: &Arc<Runtime>, core: Core) -> bool {
        // No part of the protocol: whoever has the seat is told by what starts the thread.
        let seat = Arc::new(Mutex::new(Some(core)));
        let (runtime, theirs) = (Arc::clone(self), Arc::clone(&seat));
        let take = |seat: &Mutex<Option<Core>>| seat.lock().unwrap().take().expect("a seat");
        let body = move |number| runtime.work_and_rest(take(&theirs), number);
        let start = |number| Ok(thread::spawn(move || body(number)));
        let started = self
            .threads
            .start(threads::Kind::Crew, String::new(), start);
        let started = started.expect("a model's thread starts");
        if !started {
            self.seats.call_came_late(take(&seat), &self.remotes);
        }
        started
    }

    /// `start_spare`, of a thread that is asked to retire whenever it has come.
    fn work_and_rest(&self, core: Core, number: u64) {
        let mut seat = Some(core);
        while let Some(core) = seat {
            let remote = &self.remotes[core.index];
            assert!(remote.held.load(Relaxed) && !remote.retire.load(Relaxed));
            assert_eq!(self.remotes.len(), 1, "it is looked at");
            self.came.fetch_add(1, Relaxed);
            remote.retire.store(true, Relaxed);
            remote.held.store(false, Relaxed);
            seat = self.seats.rest(core, &self.remotes);
        }
        self.seats.spare_gone();
        if let Some((before, handle)) = self.threads.end(number) {
            handle.join().unwrap();
            self.threads.joined(before);
        }
    }

    /// Closes, waits for the end, and checks that for every call somebody came.
    fn end(&self, calls: usize) {
        self.seats.close();
        assert!(self.threads.await_ends(None));
        while let Some((number, handle)) = self.threads.next_ended() {
            handle.join().unwrap();
            self.threads.joined(number);
        }
        assert_eq!(self.seats.spare_threads(), 0);
        assert_eq!(self.came.load(Relaxed), calls, "a call was lost");
        assert_eq!(self.remotes.len(), 0, "the seat is still looked at");
    }
}

/// The seat is called again while its thread leaves it, rests and ends: whoever the call was told to come,
/// comes.
///
/// Broken to see it fail: `rest` ending without a look at `called` after its time was up; `call` leaving
/// `resting` as it is; `free` leaving the seat among those that are looked at.
#[test]
fn a_call_at_the_end_of_a_rest_is_not_lost() {
    loom::model(|| {
        let_waits_time_out(true);
        let runtime = Runtime::new();
        let calls = (0..3).filter(|_| {
            thread::yield_now();
            runtime.call()
        });
        let calls = calls.count();
        runtime.end(calls);
    });
}

/// The seat is called again while its thread goes to rest and never tires of that.
///
/// Broken to see it fail: `call` not notifying the one that it found resting.
#[test]
fn a_thread_that_rests_is_woken_by_a_call() {
    loom::model(|| {
        let_waits_time_out(false);
        let runtime = Runtime::new();
        let calls = (0..2).filter(|_| runtime.call()).count();
        while runtime.came.load(Relaxed) < calls {
            thread::yield_now();
        }
        runtime.end(calls);
    });
}

/// A thread rests and never tires of it, and is called again, or not, while the runtime ends: it ends too.
///
/// Broken to see it fail: `close` not notifying those that rest; `rest` not looking at `closed` before it
/// waits; `Threads::end` not notifying whoever waits for that.
#[test]
fn nobody_rests_for_ever_after_the_end() {
    loom::model(|| {
        let_waits_time_out(false);
        let runtime = Runtime::new();
        assert!(runtime.call());
        let theirs = Arc::clone(&runtime);
        let caller = thread::spawn(move || theirs.call());
        runtime.seats.close();
        let calls = 1 + usize::from(caller.join().unwrap());
        runtime.end(calls);
    });
}

/// A task in a spare seat's queue, and a worker that falls asleep.
struct Handover {
    idle: Idle,
    parker: Parker,
    queue: Queue,
    injector: Queue,
}

/// A spare worker with a task in its queue retires while the other worker falls asleep: the other one gets the
/// task.
///
/// Broken to see it fail: `give_up_seat` notifying nobody, or before it moves the queue; the fence
/// [turn-free]; [idle-sub] in `start_sleeping`.
#[test]
fn what_waits_at_a_seat_that_is_given_up_is_found() {
    loom::model(|| {
        let runtime = Arc::new(Handover {
            idle: Idle::new(1, 1),
            parker: Parker::new(),
            queue: Queue::new(),
            injector: Queue::new(),
        });
        runtime.idle.admit(1);
        runtime.queue.push();
        let theirs = Arc::clone(&runtime);
        let worker = thread::spawn(move || {
            let mut searching = false;
            loop {
                if theirs.injector.pop() {
                    return;
                }
                theirs.idle.start_sleeping(0, searching);
                if theirs.injector.is_empty() {
                    theirs.parker.park(None);
                    searching = theirs.idle.stop_sleeping(0);
                } else {
                    searching = theirs.idle.stop_sleeping(0) || theirs.idle.join_search();
                }
            }
        });
        // `Worker::give_up_seat`.
        while runtime.queue.pop() {
            runtime.injector.push();
        }
        if let Some(worker) = runtime.idle.notify_any() {
            assert_eq!((worker, runtime.parker.unpark()), (0, Unpark::Done));
        }
        worker.join().unwrap();
    });
}

/// A task waits in the slow lane, whose one permit has a poll that blocks.
struct Waiting {
    queue: Queue,
    permits: Permits,
    permit: Permit,
    is_spare_there: AtomicBool,
    backstop: Parker,
}

impl Waiting {
    /// `Lane::take`.
    fn take(&self) -> bool {
        !self.queue.is_empty() && self.permits.take() && self.queue.pop()
    }
}

/// The last spare worker looks at the slow lane, where there is no permit yet, and retires; meanwhile the monitor gives
/// the permit of the blocked poll back, and counts on the spare one. It hears that nobody is left, and calls another.
///
/// Broken to see it fail: `give_up_seat` not waking the backstop, or before it says that the seat is not held.
#[test]
fn who_retires_as_a_permit_goes_back_is_replaced() {
    loom::model(|| {
        let waiting = Arc::new(Waiting {
            queue: Queue::new(),
            permits: Permits::new(0),
            permit: Permit::none(),
            is_spare_there: AtomicBool::new(true),
            backstop: Parker::new(),
        });
        waiting.queue.push();
        waiting.permit.hold(Kind::Declared, Standing::Held);
        let theirs = Arc::clone(&waiting);
        let spare = thread::spawn(move || {
            let took = theirs.take();
            if !took {
                // `Worker::give_up_seat`.
                theirs.is_spare_there.store(false, Relaxed);
            }
            assert_eq!(theirs.backstop.unpark(), Unpark::Done);
            took
        });
        // `Monitor::look`, which comes again when it is woken.
        let (permits, permit) = (&waiting.permits, &waiting.permit);
        assert!(permits.block(permit, Kind::Declared, Standing::Held));
        while waiting.is_spare_there.load(Relaxed) && !waiting.backstop.park(None) {}
        let is_called = !waiting.is_spare_there.load(Relaxed);
        let took = spare.join().unwrap();
        assert!(took || (is_called && waiting.take()), "nobody comes");
    });
}
