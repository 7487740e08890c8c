//! loom models of what channels and locks rest on: the lock, the hand-over to a waiter that does not lock again, and
//! the end of a oneshot.
//!
//! ```text
//! RUSTFLAGS="--cfg filch_loom" LOOM_MAX_PREEMPTIONS=2 cargo test -p filch --release --lib
//! ```
//!
//! The types that ship run in them. A lost wake-up shows as loom's "deadlock". Each model says which line was broken to
//! see it fail.

mod barrier;

use super::lock::Lock;
use super::permits::{HasPermits, Permits, Turn};
use super::primitive::UnsafeCell;
use super::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use super::primitive::atomic::{AtomicBool, AtomicUsize};
use super::{Event, Notify, OnceCell, RwLock, SetOnce, mpsc, oneshot, watch};
use filch_executor::leaf::{Wait, WaitKind};
use loom::thread;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Wakes a thread of the model.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

/// Waits as a task would.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Polls once, and then gives up.
fn try_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut cx) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Two threads change a value under the lock.
///
/// Broken to see it fail: the exchange of `try_take`, or the store of the guard's drop, with Relaxed.
#[test]
fn the_lock_excludes_and_orders() {
    loom::model(|| {
        let lock = Arc::new(Lock::new(0));
        let theirs = lock.clone();
        let thread = thread::spawn(move || *theirs.lock() += 1);
        *lock.lock() += 1;
        thread.join().unwrap();
        assert_eq!(*lock.lock(), 2);
    });
}

/// Whoever knows that a last holder has begun goes on after it has ended, without a read-modify-write: as a oneshot's
/// receiver does before it frees what both share.
///
/// Broken to see it fail: the load of `after_last`, or the store of the guard's drop, with Relaxed; `after_last`
/// without its loop.
#[test]
fn what_comes_after_the_last_holder_sees_all_that_it_did() {
    loom::model(|| {
        let shared = Arc::new((Lock::new(0), AtomicBool::new(false)));
        let theirs = shared.clone();
        let thread = thread::spawn(move || {
            let (lock, begun) = &*theirs;
            let mut last = lock.lock();
            begun.store(true, Release);
            *last += 1;
        });
        let (lock, begun) = &*shared;
        while !begun.load(Acquire) {
            thread::yield_now();
        }
        // SAFETY: the other thread locks once, and has begun.
        let seen = unsafe { lock.after_last(|value| *value) };
        assert_eq!(seen, 1);
        thread.join().unwrap();
    });
}

/// One permit, what it protects, and how often it was given back.
struct Protected(Permits, UnsafeCell<u8>, AtomicUsize);

// SAFETY: the cell is reached by whoever has the permit; loom checks that.
unsafe impl Sync for Protected {}

impl HasPermits for Protected {
    fn permits(&self) -> &Permits {
        &self.0
    }
}

impl Protected {
    fn new() -> Arc<Protected> {
        Arc::new(Protected(
            Permits::new(1),
            UnsafeCell::new(0),
            AtomicUsize::new(0),
        ))
    }

    async fn take(self: &Arc<Protected>) {
        let mut turn = pin!(Turn::new(self.clone(), 1, Wait::here(WaitKind::Lock)));
        let taken = poll_fn(|cx| turn.as_mut().poll_unbudgeted(cx)).await;
        assert!(taken.is_ok());
    }

    fn visit(self: &Arc<Protected>) {
        self.1.with_mut(|_| ());
        self.0.give_one();
        self.2.fetch_add(1, Relaxed);
    }

    /// Waits without being woken, so that nothing orders what it sees but the primitive itself: the count does not.
    /// Polling all the time instead, which locks, would keep the other thread from the lock for ever.
    fn poll_until_taken(&self, mut taking: Taking) {
        let mut cx = Context::from_waker(Waker::noop());
        while taking.as_mut().poll(&mut cx).is_pending() {
            while self.2.load(Relaxed) == 0 {
                thread::yield_now();
            }
        }
    }
}

/// Two threads take the permit in turn; one that waits is woken.
#[test]
fn a_permit_is_handed_over() {
    hand_over(|_, taking| block_on(taking));
}

/// The same without a wake: the waiter finds in itself that it got the permit, and takes no lock.
///
/// Broken to see it fail: the store of `WaitList::pop`, or the load of `Waiter::stage`, with Relaxed.
#[test]
fn a_permit_comes_with_what_it_protects() {
    hand_over(Protected::poll_until_taken);
}

type Taking = Pin<Box<dyn Future<Output = ()>>>;

fn hand_over(wait: fn(&Protected, Taking)) {
    loom::model(move || {
        let protected = Protected::new();
        let theirs = protected.clone();
        let thread = thread::spawn(move || {
            let taking = theirs.clone();
            wait(&theirs, Box::pin(async move { taking.take().await }));
            theirs.visit();
        });
        block_on(protected.take());
        protected.visit();
        thread.join().unwrap();
    });
}

/// A waiter gives up while it is handed the permit: nobody else loses it.
///
/// Broken to see it fail: `give_up` without passing on what it was granted.
#[test]
fn a_cancelled_waiter_keeps_no_permit() {
    loom::model(|| {
        let protected = Protected::new();
        block_on(protected.take());
        let theirs = protected.clone();
        let thread = thread::spawn(move || {
            if try_once(theirs.take()).is_some() {
                theirs.visit();
            }
        });
        protected.visit();
        block_on(protected.take());
        protected.visit();
        thread.join().unwrap();
    });
}

/// A value that says when it is dropped.
struct Value(Arc<UnsafeCell<u8>>);

impl Drop for Value {
    fn drop(&mut self) {
        self.0.with_mut(|_| ());
    }
}

/// A sender meets a receiver that waits.
///
/// Broken to see it fail: `sender_done` stored before the section; `after_last` without its loop.
#[test]
fn a_oneshot_brings_its_value() {
    loom::model(|| {
        let (sender, receiver) = oneshot::channel();
        let cell = Arc::new(UnsafeCell::new(0));
        let value = Value(cell.clone());
        let thread = thread::spawn(move || {
            value.0.with_mut(|_| ());
            assert!(sender.send(value).is_ok());
        });
        drop(block_on(receiver).expect("it is sent"));
        thread.join().unwrap();
        cell.with(|_| ());
    });
}

/// Both ends leave at the same time: a value that was not received is dropped once, and the memory freed once.
///
/// Broken to see it fail: `leave_sender` without freeing (loom reports the leak of the lock's atomics).
#[test]
fn a_oneshot_is_freed_once() {
    loom::model(|| {
        let (sender, receiver) = oneshot::channel();
        let cell = Arc::new(UnsafeCell::new(0));
        let value = Value(cell.clone());
        let thread = thread::spawn(move || drop(sender.send(value)));
        drop(receiver);
        thread.join().unwrap();
        assert_eq!(Arc::strong_count(&cell), 1);
    });
}

/// A sender and a receiver at a channel for one value: all values arrive, whoever has to wait, and in blocks of two.
///
/// Broken to see it fail: `wait_to_receive` and `send_or_wait` without their second look; the store of
/// `publish_one_more` with Relaxed.
#[test]
fn a_channel_brings_all_values() {
    loom::model(|| {
        let (sender, receiver) = mpsc::channel(1);
        let thread = thread::spawn(move || {
            for _ in 0..2 {
                let cell = UnsafeCell::new(0);
                cell.with_mut(|_| ());
                block_on(async { assert!(sender.send(cell).await.is_ok()) });
            }
        });
        block_on(async {
            let mut count = 0;
            while let Some(cell) = receiver.recv().await {
                cell.with(|_| ());
                count += 1;
            }
            assert_eq!(count, 2);
        });
        thread.join().unwrap();
    });
}

/// A notification that meets a waiter at any point of its first poll, and one that gives up.
#[test]
fn a_notification_is_not_lost() {
    loom::model(|| {
        let notify = Arc::new(Notify::new());
        let theirs = notify.clone();
        let thread = thread::spawn(move || theirs.notify_one());
        if try_once(notify.notified()).is_none() {
            block_on(notify.notified());
        }
        thread.join().unwrap();
    });
}

/// A sweep reaches a future that was made before it, whether it is polled already or not.
///
/// Broken to see it fail: `take_or_wait` without looking at the count.
#[test]
fn a_sweep_reaches_those_made_before_it() {
    loom::model(|| {
        let notify = Arc::new(Notify::new());
        let notified = notify.clone().notified_owned();
        let thread = thread::spawn(move || notify.notify_waiters());
        block_on(async {
            let mut notified = pin!(notified);
            poll_fn(|cx| Pin::new(&mut notified).poll(cx)).await;
        });
        thread.join().unwrap();
    });
}

/// Whoever goes on because an event is set sees what came before that, waiting or not.
///
/// Broken to see it fail: the store in `Event::set_with`, or the load of `is_set`, with Relaxed; `take_or_wait` without
/// its look under the lock.
#[test]
fn an_event_brings_what_came_before_it() {
    loom::model(|| {
        let shared = Arc::new(Shared(Arc::new((Event::new(), UnsafeCell::new(0)))));
        let theirs = shared.clone();
        let thread = thread::spawn(move || {
            let (event, cell) = theirs.get();
            cell.with_mut(|_| ());
            event.set();
        });
        let (event, cell) = shared.get();
        block_on(event.wait());
        cell.with(|_| ());
        thread.join().unwrap();
    });
}

struct Shared<T>(Arc<T>);

// SAFETY: the models see to it that one thread at a time reaches what is in it; loom checks that.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn get(&self) -> &T {
        &self.0
    }
}

/// A value that is set is whole for whoever finds it without waiting.
///
/// Broken to see it fail: the store of `Once::fill`, or the load of `Once::get`, with Relaxed.
#[test]
fn a_value_that_is_set_once_is_whole() {
    loom::model(|| {
        let once = Arc::new(SetOnce::new());
        let theirs = once.clone();
        let thread = thread::spawn(move || theirs.set(7).unwrap());
        assert!(matches!(once.get(), None | Some(7)));
        assert_eq!(*block_on(once.wait()), 7);
        thread.join().unwrap();
    });
}

/// Two make a value at a time, or one gives up: both see the one that there is.
#[test]
fn a_cell_is_filled_once() {
    loom::model(|| {
        let cell = Arc::new(OnceCell::new());
        let theirs = cell.clone();
        let thread = thread::spawn(move || *block_on(theirs.get_or_init(|| async { 1 })));
        let mine = try_once(cell.get_or_init(|| async { 2 })).copied();
        let theirs = thread.join().unwrap();
        assert_eq!(cell.get(), Some(&theirs));
        assert!(mine.is_none_or(|mine| mine == theirs));
    });
}

/// A writer goes on as a reader while another reader waits: nobody writes in between.
#[test]
fn a_downgraded_writer_shares_what_it_wrote() {
    loom::model(|| {
        let lock = Arc::new(RwLock::with_max_readers(0, 2));
        let theirs = lock.clone();
        let thread = thread::spawn(move || {
            let seen = *block_on(theirs.read());
            assert!(seen < 2);
        });
        let mut writer = block_on(lock.write());
        *writer = 1;
        let reader = super::RwLockWriteGuard::downgrade(writer);
        assert_eq!(*reader, 1);
        drop(reader);
        thread.join().unwrap();
    });
}

/// Room that was reserved comes to whoever waits for it, whether it is used or given back.
///
/// Broken to see it fail: `give_room_back` without the grants.
#[test]
fn reserved_room_is_handed_on() {
    loom::model(|| {
        let (sender, receiver) = mpsc::channel(1);
        let permit = sender.clone().try_reserve_owned().unwrap();
        let theirs = thread::spawn(move || drop(permit));
        block_on(sender.reserve()).unwrap().send(1);
        assert_eq!(receiver.try_recv(), Ok(1));
        theirs.join().unwrap();
    });
}

/// A receiver waits for the end of a closed channel, which a permit keeps off until it is used or given back.
///
/// Broken to see it fail: `give_permits_back` without `release_receivers`.
#[test]
fn the_last_permit_ends_the_wait_of_the_receiver() {
    for is_used in [true, false] {
        loom::model(move || {
            let (sender, receiver) = mpsc::channel(1);
            let permit = sender.clone().try_reserve_owned().unwrap();
            receiver.close();
            let theirs = thread::spawn(move || match is_used {
                true => drop(permit.send(1)),
                false => drop(permit),
            });
            assert_eq!(block_on(receiver.recv()), is_used.then_some(1));
            assert_eq!(block_on(receiver.recv()), None);
            theirs.join().unwrap();
            drop(sender);
        });
    }
}

/// A channel is closed while somebody waits for room: it is refused.
///
/// Broken to see it fail: `close` without waking those who wait to send.
#[test]
fn a_close_refuses_who_waits_for_room() {
    loom::model(|| {
        let (sender, receiver) = mpsc::channel(1);
        sender.try_send(1).unwrap();
        let theirs = thread::spawn(move || block_on(sender.send(2)).is_err());
        receiver.close();
        assert!(theirs.join().unwrap());
        assert_eq!(block_on(receiver.recv()), Some(1));
        assert_eq!(block_on(receiver.recv()), None);
    });
}

/// A change and the end reach whoever waits for them, and no change is counted twice.
///
/// Broken to see it fail: `look_or_wait` without the second look.
#[test]
fn a_change_and_the_end_reach_who_waits() {
    loom::model(|| {
        let (sender, mut receiver) = watch::channel(0);
        let theirs = thread::spawn(move || sender.send(1).unwrap());
        assert!(block_on(receiver.changed()).is_ok());
        // The value's own lock is none of the model's: nobody else has it any more.
        theirs.join().unwrap();
        assert_eq!(*receiver.borrow_and_update(), 1);
        assert!(block_on(receiver.changed()).is_err());
    });
}
