//! The task's state word: run, wake, abort and the drop of handles against each other.

use crate::primitive::UnsafeCell;
use crate::primitive::atomic::AtomicUsize;
use crate::primitive::atomic::Ordering::Relaxed;
use crate::registry::table::Table;
use crate::task::{CleanupError, Complete, Detach, Remains, Start, State, TaskRef};
use crate::testing::{CountDrop, World, poll_join};
use loom::thread;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicUsize as Counter, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// Ready, with a value that counts its drop, once `flag` is set; hands out wakers at its first poll.
struct Gate {
    flag: AtomicUsize,
    wakers: Mutex<Vec<Waker>>,
    /// Drops of the future, and of the output.
    futures: Arc<Counter>,
    outputs: Arc<Counter>,
}

impl Gate {
    fn new(open: usize) -> Arc<Gate> {
        Arc::new(Gate {
            flag: AtomicUsize::new(open),
            wakers: Mutex::new(Vec::new()),
            futures: Arc::default(),
            outputs: Arc::default(),
        })
    }

    fn future(self: &Arc<Gate>, wakers: usize) -> impl Future<Output = CountDrop> + Send + 'static {
        let (gate, dropped) = (Arc::clone(self), CountDrop(Arc::clone(&self.futures)));
        let mut to_hand_out = wakers;
        poll_fn(move |cx| {
            let _of_the_future = &dropped;
            for _ in 0..std::mem::take(&mut to_hand_out) {
                gate.wakers.lock().unwrap().push(cx.waker().clone());
            }
            match gate.flag.load(Relaxed) {
                0 => Poll::Pending,
                _ => Poll::Ready(CountDrop(Arc::clone(&gate.outputs))),
            }
        })
    }

    fn waker(&self) -> Waker {
        self.wakers
            .lock()
            .unwrap()
            .pop()
            .expect("handed out at the first poll")
    }

    fn future_drops(&self) -> usize {
        self.futures.load(Ordering::Relaxed)
    }

    fn output_drops(&self) -> usize {
        self.outputs.load(Ordering::Relaxed)
    }
}

fn is_complete(task: &TaskRef) -> bool {
    task.header().state.load().is_complete()
}

/// Two wakers, one of which comes with news, by value and by reference, against the polls that they
/// cause: the news is seen.
///
/// Broken to see it fail: `wake_by_ref` returning `Nothing` after a mere load that found SCHEDULED; `park`
/// returning `Idle` always; `park` or `start` with Relaxed (the future's cell is then unordered).
#[test]
fn a_wake_at_any_time_leads_to_a_poll_that_sees_what_was_written_before_it() {
    loom::model(|| {
        let (world, gate) = (World::new(), Gate::new(0));
        let (task, joined) = world.spawn(gate.future(2));
        world.run(task);
        let (without_news, with_news) = (gate.waker(), gate.waker());
        let (their_world, their_gate) = (Arc::clone(&world), Arc::clone(&gate));
        let other = thread::spawn(move || {
            their_gate.flag.store(1, Relaxed);
            with_news.wake_by_ref();
            their_world.run_scheduled();
        });
        without_news.wake();
        world.run_scheduled();
        other.join().unwrap();
        assert!(is_complete(&joined), "a wake was lost");
        assert!(
            poll_join::<CountDrop>(&joined, Waker::noop())
                .expect("complete")
                .is_ok()
        );
        joined.detach(true);
        assert_eq!(
            (gate.future_drops(), gate.output_drops(), world.freed()),
            (1, 1, 1)
        );
    });
}

/// An abort against a poll that ends Pending, and a wake: the future is dropped once, and the abort is not
/// forgotten.
///
/// Broken to see it fail: `abort` without SCHEDULED in its mask; `start` ignoring ABORTED.
#[test]
fn an_abort_at_any_time_ends_the_task_once() {
    loom::model(|| {
        let (world, gate) = (World::new(), Gate::new(0));
        let (task, joined) = world.spawn(gate.future(1));
        let aborter = joined.clone();
        let their_world = Arc::clone(&world);
        let other = thread::spawn(move || {
            aborter.abort();
            drop(aborter);
            their_world.run_scheduled();
        });
        world.run(task);
        let waker = gate.wakers.lock().unwrap().pop();
        waker.into_iter().for_each(Waker::wake);
        world.run_scheduled();
        other.join().unwrap();
        let output = poll_join::<CountDrop>(&joined, Waker::noop()).expect("an abort was lost");
        assert!(output.is_err_and(|error| error.is_cancelled()));
        joined.detach(true);
        assert_eq!(
            (gate.future_drops(), gate.output_drops(), world.freed()),
            (1, 0, 1)
        );
    });
}

/// A waker that is consumed while the task completes, after the `JoinHandle` is gone: the waker may be the
/// last reference, or the first.
///
/// Broken to see it fail: `wake_by_value` comparing with REF in place of `2 * REF`, or keeping its reference
/// (both leak).
#[test]
fn the_last_reference_frees_the_task_even_if_it_is_a_wake() {
    loom::model(|| {
        let (world, gate) = (World::new(), Gate::new(0));
        let (task, joined) = world.spawn(gate.future(2));
        world.run(task);
        joined.detach(false);
        let (waker, last) = (gate.waker(), gate.waker());
        let their_world = Arc::clone(&world);
        gate.flag.store(1, Relaxed);
        let other = thread::spawn(move || {
            waker.wake();
            their_world.run_scheduled();
        });
        last.wake();
        world.run_scheduled();
        other.join().unwrap();
        assert_eq!(
            (gate.future_drops(), gate.output_drops(), world.freed()),
            (1, 1, 1)
        );
    });
}

/// The `JoinHandle` and an `AbortHandle` are dropped while the task completes: whoever comes last drops the
/// output and frees the task.
///
/// Broken to see it fail: `is_last` being content with two references (the memory is freed in use);
/// `complete` keeping its reference when it returns `Done`; `detach` leaving the output of a complete task.
#[test]
fn output_and_memory_go_once_whoever_lets_go_last() {
    loom::model(|| {
        let (world, gate) = (World::new(), Gate::new(1));
        let (task, joined) = world.spawn(gate.future(0));
        let aborter = joined.clone();
        let other = thread::spawn(move || {
            joined.detach(false);
            drop(aborter);
        });
        world.run(task);
        other.join().unwrap();
        assert_eq!(
            (gate.future_drops(), gate.output_drops(), world.freed()),
            (1, 1, 1)
        );
    });
}

/// Stands for a task's memory: writing it is the free, reading it an access through a reference.
struct Memory(UnsafeCell<u8>);

/// Whoever drops the last reference frees the memory after everybody's last access to it.
///
/// Broken to see it fail: the load in `drop_ref` with Relaxed; both its steps with Relaxed.
#[test]
fn the_free_comes_after_every_access() {
    loom::model(|| {
        let memory = loom::sync::Arc::new(Memory(UnsafeCell::new(0)));
        let state = Arc::new(State::new());
        let access_and_drop = {
            let (memory, state) = (memory.clone(), Arc::clone(&state));
            move || {
                memory.0.with(|_| ());
                if state.drop_ref() {
                    memory.0.with_mut(|_| ());
                }
            }
        };
        let other = thread::spawn(access_and_drop.clone());
        access_and_drop();
        other.join().unwrap();
    });
}

/// The same for whoever completes a task that nobody joins, and finds that it has the last reference.
///
/// Broken to see it fail: the load in `is_last` with Relaxed.
#[test]
fn so_it_does_where_the_completing_thread_is_last() {
    loom::model(|| {
        let memory = loom::sync::Arc::new(Memory(UnsafeCell::new(0)));
        let state = Arc::new(State::new());
        assert_eq!(state.start(), Start::Poll);
        // An `AbortHandle` beside the `JoinHandle`, which goes first.
        state.add_ref();
        let (theirs, their_memory) = (Arc::clone(&state), memory.clone());
        let holder = thread::spawn(move || {
            let given_up = theirs.detach() == Detach::Done;
            their_memory.0.with(|_| ());
            // Two: the handle's, if the task was complete by then, and the other one's.
            for _ in usize::from(given_up)..2 {
                if theirs.drop_ref() {
                    their_memory.0.with_mut(|_| ());
                }
            }
        });
        // On a thread of its own: the switch from one that waits to it is no preemption, of which there are two.
        let worker = thread::spawn(move || {
            let is_over = !state.is_joined() && state.is_last();
            let is_last = || state.complete() == Complete::DropOutput && state.drop_ref();
            if is_over || is_last() {
                memory.0.with_mut(|_| ());
            }
        });
        holder.join().unwrap();
        worker.join().unwrap();
    });
}

/// Frees the memory when it is dropped.
struct Free(loom::sync::Arc<Memory>, Arc<Counter>);

// SAFETY: loom runs all threads of a model on one, and checks the accesses.
unsafe impl Send for Free {}
// SAFETY: as above.
unsafe impl Sync for Free {}

impl Drop for Free {
    fn drop(&mut self) {
        // Whoever drops what goes with a task lets no panic out.
        let free = || self.0.0.with_mut(|_| ());
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(free)).is_ok() {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Somebody lists a task that ends at the same time: the reference that it counts keeps the memory.
///
/// Broken to see it fail: the store with which `Place::read` gives the task back, or the exchange of `Place::take`,
/// with Relaxed.
#[test]
fn a_task_that_is_listed_while_it_ends_is_not_freed_before() {
    loom::model(|| {
        let memory = loom::sync::Arc::new(Memory(UnsafeCell::new(0)));
        let freed = Arc::new(Counter::new(0));
        let world = World::new();
        let free = Box::new(Free(memory.clone(), Arc::clone(&freed)));
        let table = Arc::new(Table::new());
        table.grow(1);
        // As its worker does: it takes the task out when it has made it RUNNING, and then looks who is left.
        let place = Arc::clone(&table);
        let ends = poll_fn(move |_| {
            place.take(0).into_runtime();
            Poll::Ready(())
        });
        let allocated = world.allocate_with(ends, free);
        allocated.joined.detach(false);
        table.put(0, allocated.registered);
        // What is left of the table is looked at when all threads have ended.
        let theirs = Arc::clone(&table);
        let reader = thread::spawn(move || {
            for task in theirs.tasks() {
                memory.0.with(|_| ());
                drop(task);
            }
        });
        let (their_world, task) = (Arc::clone(&world), allocated.runnable);
        let worker = thread::spawn(move || their_world.run(task));
        reader.join().unwrap();
        worker.join().unwrap();
        assert_eq!(
            freed.load(Ordering::Relaxed),
            1,
            "freed in use, or not at all"
        );
    });
}

/// What a future left behind, and whoever waits for that.
#[derive(Default)]
struct Left(loom::sync::Mutex<(bool, Option<Waker>)>);

impl Left {
    fn go(&self) {
        let waker = {
            let mut left = self.0.lock().unwrap();
            left.0 = true;
            left.1.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

struct Part(Arc<Left>);

impl Remains for Part {
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Option<CleanupError>> {
        let mut left = self.0.0.lock().unwrap();
        left.1 = Some(cx.waker().clone());
        match left.0 {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    }
}

/// A task whose future has ended waits for what that left behind, and its end comes at any time. An abort changes
/// nothing any more.
///
/// Broken to see it fail: `start` without a look at DRAINING (the output is polled as a future); `finish` without one
/// at the remainder (the task is complete too early).
#[test]
fn a_task_that_drains_is_complete_once_what_it_waits_for_is_gone() {
    loom::model(|| {
        let (world, gate, left) = (World::new(), Gate::new(1), Arc::new(Left::default()));
        let (task, joined) = world.spawn(gate.future(0));
        // SAFETY: nobody runs the task yet, so its stage is whoever's has the Runnable.
        let remainder = unsafe { joined.header().extras.make_remainder() };
        remainder
            .list
            .push(Box::new(Part(Arc::clone(&left))), |_| {});
        let aborter = joined.clone();
        let (their_world, their_left) = (Arc::clone(&world), Arc::clone(&left));
        let other = thread::spawn(move || {
            their_left.go();
            their_world.run_scheduled();
        });
        world.run(task);
        aborter.abort();
        drop(aborter);
        world.run_scheduled();
        other.join().unwrap();
        world.run_scheduled();
        assert!(is_complete(&joined), "a wake was lost");
        let output = poll_join::<CountDrop>(&joined, Waker::noop()).expect("complete");
        assert!(output.is_ok(), "it had ended before the abort");
        drop(output);
        joined.detach(true);
        drop(left);
        assert_eq!((gate.future_drops(), world.freed()), (1, 1));
    });
}
