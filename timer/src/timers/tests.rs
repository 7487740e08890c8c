//! What one worker's timers do, alone and shared between threads.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Wake;
use std::time::Duration;

use super::*;

const START: Instant = Instant::ORIGIN;

fn at(millis: u64) -> Instant {
    START + Duration::from_millis(millis)
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn counting() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (count.clone(), count.into())
}

fn fire(timers: &Timers, millis: u64) -> usize {
    let mut woken = Vec::new();
    let fired = timers.fire(at(millis), &mut woken);
    assert_eq!(fired, woken.len());
    woken.into_iter().for_each(Waker::wake);
    fired
}

#[test]
fn due_wakers_are_handed_out_and_no_others() {
    let timers = Timers::new(START);
    let (early, early_waker) = counting();
    let (late, late_waker) = counting();
    let _ = timers.insert(at(1), &early_waker).unwrap();
    let _ = timers.insert(at(2), &late_waker).unwrap();
    assert_eq!(fire(&timers, 0), 0);
    assert_eq!(fire(&timers, 1), 1);
    assert_eq!(early.0.load(Ordering::Relaxed), 1);
    assert_eq!(late.0.load(Ordering::Relaxed), 0);
    assert_eq!(timers.len(), 1);
}

#[test]
fn an_insertion_says_whether_it_is_the_earliest() {
    let timers = Timers::new(START);
    assert_eq!(timers.next_deadline(), None);
    assert!(timers.insert(at(20), Waker::noop()).unwrap().earliest);
    assert!(!timers.insert(at(20), Waker::noop()).unwrap().earliest);
    assert!(!timers.insert(at(30), Waker::noop()).unwrap().earliest);
    assert!(timers.insert(at(10), Waker::noop()).unwrap().earliest);
    assert_eq!(timers.next_deadline(), Some(at(10)));
}

#[test]
fn a_reset_says_whether_it_is_the_earliest() {
    let timers = Timers::new(START);
    let key = timers.insert(at(20), Waker::noop()).unwrap().key;
    assert_eq!(timers.reset(key, at(30)), Some(false));
    assert_eq!(timers.reset(key, at(10)), Some(true));
    assert_eq!(timers.next_deadline(), Some(at(10)));
    assert_eq!(fire(&timers, 10), 1);
    assert_eq!(timers.reset(key, at(40)), None);
}

#[test]
fn cancelling_the_only_entry_leaves_no_deadline() {
    let timers = Timers::new(START);
    let key = timers.insert(at(20), Waker::noop()).unwrap().key;
    assert!(timers.cancel(key));
    assert!(!timers.cancel(key));
    assert!(timers.is_empty());
    assert_eq!(fire(&timers, 100), 0);
}

#[test]
fn a_taken_waker_can_be_inserted_elsewhere() {
    let (here, there) = (Timers::new(START), Timers::new(START));
    let (count, waker) = counting();
    let key = here.insert(at(20), &waker).unwrap().key;
    let taken = here.take(key).unwrap();
    assert!(here.take(key).is_none());
    assert!(here.is_empty());
    let _ = there.insert(at(10), &taken).unwrap();
    assert_eq!(fire(&there, 10), 1);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
}

#[test]
fn an_update_changes_whom_the_entry_wakes() {
    let timers = Timers::new(START);
    let (first, first_waker) = counting();
    let (second, second_waker) = counting();
    let key = timers.insert(at(1), &first_waker).unwrap().key;
    assert!(timers.update(key, &first_waker, &mut None));
    assert!(timers.update(key, &second_waker, &mut None));
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1);
    assert_eq!(fire(&timers, 1), 1);
    assert_eq!(second.0.load(Ordering::Relaxed), 1);
    assert!(!timers.update(key, &second_waker, &mut None));
}

#[test]
#[cfg_attr(miri, ignore = "too many entries for Miri")]
fn one_call_fires_a_bounded_number_and_the_next_goes_on() {
    let timers = Timers::new(START);
    let many = 10_000;
    for i in 0..many {
        let _ = timers.insert(at(i % 7), Waker::noop()).unwrap();
    }
    let mut fired = 0;
    while timers.next_deadline().is_some_and(|next| next <= at(10)) {
        let now = fire(&timers, 10);
        assert!(now <= FIRED_PER_CALL);
        fired += now;
    }
    assert_eq!(fired, many as usize);
    assert_eq!(timers.next_deadline(), None);
}

#[test]
fn closed_timers_hand_everything_out_and_take_nothing_in() {
    let timers = Timers::new(START);
    let (count, waker) = counting();
    let key = timers.insert(at(1), &waker).unwrap().key;
    let _ = timers.insert(at(1_000_000), &waker).unwrap();
    let mut woken = Vec::new();
    timers.close(&mut woken);
    assert_eq!(woken.len(), 2);
    assert_eq!(timers.insert(at(1), &waker), None);
    assert!(!timers.cancel(key));
    assert_eq!(timers.next_deadline(), None);
    drop((woken, waker));
    assert_eq!(Arc::strong_count(&count), 1);
}

/// A waker whose drop comes back to the timers, as that of a task does whose future sleeps.
struct Reentrant(Arc<Timers>);

impl Wake for Reentrant {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Reentrant {
    fn drop(&mut self) {
        self.0.len();
    }
}

#[test]
fn no_waker_is_dropped_under_the_lock() {
    let timers = Arc::new(Timers::new(START));
    let waker = || Waker::from(Arc::new(Reentrant(timers.clone())));
    let cancelled = timers.insert(at(1), &waker()).unwrap().key;
    let updated = timers.insert(at(1), &waker()).unwrap().key;
    assert!(timers.cancel(cancelled));
    assert!(timers.update(updated, &waker(), &mut None));
    assert_eq!(fire(&timers, 1), 1);
    timers.close(&mut Vec::new());
    assert_eq!(timers.insert(at(1), &waker()), None);
}

#[test]
fn threads_that_insert_cancel_and_fire_lose_nothing() {
    const EACH: u64 = if cfg!(miri) { 20 } else { 20_000 };
    let timers = Timers::new(START);
    let (count, waker) = counting();
    let cancelled = AtomicUsize::new(0);
    let inserting = AtomicUsize::new(2);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (timers, waker, cancelled, inserting) = (&timers, &waker, &cancelled, &inserting);
            scope.spawn(move || {
                for i in 0..EACH {
                    let key = timers.insert(at(i % 97), waker).unwrap().key;
                    if i % 3 == thread && timers.cancel(key) {
                        cancelled.fetch_add(1, Ordering::Relaxed);
                    }
                }
                inserting.fetch_sub(1, Ordering::Release);
            });
        }
        let mut now = 0;
        while inserting.load(Ordering::Acquire) > 0 || !timers.is_empty() {
            fire(&timers, now);
            now += 1;
        }
    });
    let fired = count.0.load(Ordering::Relaxed);
    assert_eq!(fired + cancelled.load(Ordering::Relaxed), 2 * EACH as usize);
}

/// Timers that somebody has entered, the key, and what tells whether they are still there.
fn entered() -> (Arc<Timers>, Key, std::sync::Weak<Timers>) {
    let timers = Arc::new(Timers::new(START));
    let key = timers.enter(at(20), Waker::noop()).unwrap().key;
    let seen = Arc::downgrade(&timers);
    (timers, key, seen)
}

#[test]
fn who_has_a_place_keeps_the_timers() {
    let (timers, key, seen) = entered();
    timers.close(&mut Vec::new());
    drop(timers);
    let timers = seen.upgrade().expect("somebody has a place");
    let left = timers.leave(key);
    assert!(left.waker.is_none(), "they were closed");
    drop(timers);
    assert!(seen.upgrade().is_some(), "the last who leaves has them");
    drop(left);
    assert!(seen.upgrade().is_none());
}

#[test]
fn timers_that_everybody_has_left_end_when_they_are_closed() {
    let (timers, key, seen) = entered();
    assert!(timers.leave(key).waker.is_some());
    let key = timers.enter(at(20), Waker::noop()).unwrap().key;
    assert!(timers.leave(key).waker.is_some());
    timers.close(&mut Vec::new());
    assert_eq!(timers.enter(at(20), Waker::noop()), None);
    drop(timers);
    assert!(seen.upgrade().is_none());
}

#[test]
fn who_renews_an_entry_that_has_fired_has_no_place_any_more() {
    let (timers, key, seen) = entered();
    let (count, waker) = counting();
    let mut replaced = None;
    assert!(timers.renew(key, &waker, &mut replaced).is_none());
    assert!(replaced.is_some(), "another waker was there");
    assert_eq!(fire(&timers, 20), 1);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert!(timers.renew(key, &waker, &mut None).is_some());
    timers.close(&mut Vec::new());
    drop(timers);
    assert!(seen.upgrade().is_none(), "nobody has a place");
}

#[test]
fn threads_that_leave_while_the_timers_are_closed_free_them_once() {
    const ROUNDS: usize = if cfg!(miri) { 10 } else { 2_000 };
    for _ in 0..ROUNDS {
        let (timers, key, seen) = entered();
        let other = timers.enter(at(30), Waker::noop()).unwrap().key;
        std::thread::scope(|scope| {
            for key in [key, other] {
                let timers = timers.clone();
                scope.spawn(move || drop(timers.leave(key)));
            }
            timers.close(&mut Vec::new());
        });
        drop(timers);
        assert!(seen.upgrade().is_none());
    }
}

#[test]
fn where_one_limit_follows_another_none_is_the_earliest_until_somebody_settles() {
    let timers = Arc::new(Timers::new(START));
    assert!(timers.next_deadline_locked().is_none());
    for millis in 20..30 {
        let entered = timers.enter(at(millis), Waker::noop()).unwrap();
        assert_eq!(entered.earliest, millis == 20);
        assert_eq!(timers.next_deadline(), Some(at(20)), "early, never late");
        let _ = timers.leave(entered.key);
    }
    timers.settle();
    assert_eq!(timers.next_deadline(), None);
    // In another slot of the wheel than the next.
    let late = timers.enter(at(50_000), Waker::noop()).unwrap();
    assert!(late.earliest);
    let early = timers.enter(at(40), Waker::noop()).unwrap();
    assert!(early.earliest);
    let _ = timers.leave(early.key);
    assert_eq!(timers.next_deadline_locked(), Some(at(50_000)));
    assert_eq!(fire(&timers, 49_999), 0);
    assert_eq!(fire(&timers, 50_000), 1);
    let _ = timers.leave(late.key);
    timers.settle();
    assert!(timers.is_empty());
    timers.close(&mut Vec::new());
}

#[test]
fn a_time_that_nobody_waits_for_any_more_costs_one_look() {
    let timers = Arc::new(Timers::new(START));
    let gone = timers.enter(at(20), Waker::noop()).unwrap();
    let _ = timers.enter(at(30), Waker::noop()).unwrap();
    let _ = timers.leave(gone.key);
    assert_eq!(timers.next_deadline(), Some(at(20)));
    assert_eq!(fire(&timers, 20), 0);
    assert_eq!(timers.next_deadline(), Some(at(30)));
    timers.close(&mut Vec::new());
}
