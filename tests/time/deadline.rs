//! `deadline`: a time limit that can be moved.

use super::paused::paused;
use super::*;
use filch::time::{Deadline, deadline, deadline_at};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

#[test]
fn a_block_that_ends_first_gives_its_output_and_has_not_expired() {
    everywhere(|| async {
        for limit in [Some(Duration::ZERO), Some(HOUR), Some(Duration::MAX), None] {
            let (output, handle) = deadline(limit, async |limit| (7, limit)).await.unwrap();
            assert_eq!((output, handle.expired()), (7, false));
        }
        let past = deadline_at(Instant::now() - HOUR, |_| ready(7));
        assert_eq!(past.await, Ok(7));
    });
}

#[test]
fn a_block_that_waits_for_ever_is_given_up_and_not_before_its_time() {
    everywhere(|| async {
        for limit in [Duration::ZERO, MILLI, 5 * MILLI] {
            let start = Instant::now();
            assert_eq!(deadline(limit, |_| pending::<()>()).await, Err(Elapsed));
            assert!(start.elapsed() >= limit);
        }
        let when = Instant::now() - HOUR;
        assert_eq!(deadline_at(when, |_| pending::<()>()).await, Err(Elapsed));
    });
}

#[test]
fn no_time_and_a_time_in_the_past_end_a_block_at_its_first_wait() {
    paused(|| async {
        let past = Instant::now() - HOUR;
        for limit in [
            deadline_at(Instant::now(), yields),
            deadline_at(past, yields),
        ] {
            assert_eq!(limit.await, Err(Elapsed));
        }
        assert_eq!(deadline(Duration::ZERO, yields).await, Err(Elapsed));
    });
    fn yields(_: Deadline) -> impl Future<Output = ()> {
        filch::time::sleep(Duration::ZERO)
    }
}

#[test]
fn without_a_limit_a_block_takes_what_it_takes() {
    paused(|| async {
        let start = Instant::now();
        let nap = deadline(None, async |limit| {
            assert_eq!(limit.when(), None);
            sleep(100 * HOUR).await;
        });
        assert_eq!(nap.await, Ok(()));
        assert_eq!(start.elapsed(), 100 * HOUR);
    });
}

#[test]
fn a_deadline_moves_later_and_earlier_and_away_from_within() {
    paused(|| async {
        let start = Instant::now();
        let later = deadline(MILLI, async |limit| {
            assert_eq!(limit.when(), Some(start + MILLI));
            assert!(limit.reschedule(start + HOUR));
            sleep(2 * MILLI).await;
            assert!(limit.reschedule(None) && limit.when().is_none());
            sleep(2 * HOUR).await;
            assert!(limit.reschedule(Instant::now() + MILLI));
            pending::<()>().await;
        });
        assert_eq!(later.await, Err(Elapsed));
        assert_eq!(start.elapsed(), 2 * HOUR + 3 * MILLI);
    });
}

#[test]
fn a_deadline_moves_from_elsewhere_while_its_block_waits() {
    paused(|| async {
        let (give, given) = filch::sync::oneshot::channel();
        let start = Instant::now();
        let task = filch::spawn(deadline(None, move |limit| {
            give.send(limit).unwrap();
            pending::<()>()
        }));
        let limit = given.await.unwrap();
        assert!(limit.reschedule(start + 2 * HOUR));
        sleep(HOUR).await;
        assert!(!task.is_finished() && !limit.expired());
        assert!(limit.reschedule(Instant::now() + MILLI));
        assert_eq!(task.await.unwrap(), Err(Elapsed));
        assert_eq!(start.elapsed(), HOUR + MILLI);
        assert!(limit.expired());
    });
}

#[test]
fn a_deadline_is_not_moved_when_it_is_over_or_its_block_is() {
    paused(|| async {
        let handle = deadline(HOUR, async |limit| limit).await.unwrap();
        assert!(!handle.reschedule(None) && !handle.expired());
        let kept = Mutex::new(None);
        let tried = AtomicBool::new(true);
        let late = deadline(MILLI, async |limit| {
            *kept.lock().unwrap() = Some(limit.clone());
            let _late = Late(limit, &tried);
            pending::<()>().await;
        });
        assert_eq!(late.await, Err(Elapsed));
        assert!(!tried.load(Ordering::Relaxed));
        let kept = kept.lock().unwrap().take().unwrap();
        assert!(kept.expired() && !kept.reschedule(Instant::now() + HOUR));
        // One that is dropped before it is polled has not expired.
        let dropped = Mutex::new(None);
        drop(deadline(HOUR, |limit| {
            *dropped.lock().unwrap() = Some(limit);
            pending::<()>()
        }));
        let dropped = dropped.lock().unwrap().take().unwrap();
        assert!(!dropped.expired() && !dropped.reschedule(None));
    });

    /// Tries to move the deadline while the block is on its way out.
    struct Late<'a>(Deadline, &'a AtomicBool);

    impl Drop for Late<'_> {
        fn drop(&mut self) {
            assert!(self.0.expired());
            self.1.store(self.0.reschedule(None), Ordering::Relaxed);
        }
    }
}

#[test]
fn a_block_that_is_cancelled_has_not_expired() {
    paused(|| async {
        let (give, given) = filch::sync::oneshot::channel();
        let task = filch::spawn(deadline(HOUR, move |limit| {
            give.send(limit).unwrap();
            pending::<()>()
        }));
        let limit: Deadline = given.await.unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(!limit.expired() && !limit.reschedule(None));
    });
}

#[test]
fn of_nested_blocks_each_says_by_itself_whether_it_has_expired() {
    paused(|| async {
        let start = Instant::now();
        let outer = deadline(MILLI, async |outer| {
            let inner = deadline(MILLI, |_| pending::<()>()).await;
            assert_eq!((inner, outer.expired()), (Err(Elapsed), false));
            // Its time has passed too, and this is where it waits next.
            sleep(HOUR).await;
        });
        assert_eq!(outer.await, Err(Elapsed));
        assert_eq!(start.elapsed(), MILLI);
        // The outer one first: the inner one has not expired.
        let inner = Mutex::new(None);
        let outer = deadline(MILLI, |_| {
            deadline(HOUR, |limit| {
                *inner.lock().unwrap() = Some(limit);
                pending::<()>()
            })
        });
        assert!(outer.await.is_err());
        assert!(!inner.lock().unwrap().as_ref().unwrap().expired());
    });
}

#[test]
fn an_outer_deadline_holds_though_the_inner_one_was_caught_while_the_worker_was_busy() {
    everywhere(|| async {
        let outer = deadline(2 * MILLI, async |_| {
            let inner = deadline(MILLI, async |_| {
                let start = Instant::now();
                while start.elapsed() < 3 * MILLI {
                    std::hint::spin_loop();
                }
                pending::<()>().await;
            });
            assert_eq!(inner.await, Err(Elapsed));
            pending::<()>().await;
        });
        assert_eq!(outer.await, Err(Elapsed));
    });
}

#[test]
fn what_a_block_returns_is_its_own_and_no_timeout() {
    everywhere(|| async {
        let failed = deadline(HOUR, |_| ready(Err::<(), _>("mine")));
        assert_eq!(failed.await, Ok(Err("mine")));
        let thrown = filch::spawn(deadline(HOUR, async |_| panic!("mine")));
        assert!(thrown.await.unwrap_err().is_panic());
        let other = deadline(HOUR, async |limit| {
            assert!(!limit.expired());
            timeout(MILLI, pending::<()>()).await
        });
        assert_eq!(other.await, Ok(Err(Elapsed)));
    });
}

#[test]
fn a_block_is_gone_with_its_children_when_its_deadline_returns() {
    paused(|| async {
        let held = Arc::new(());
        let theirs = held.clone();
        let late = deadline(MILLI, async |_| {
            let children = (0..5).map(move |_| {
                let held = theirs.clone();
                async move {
                    let _held = held;
                    pending::<Result<(), ()>>().await
                }
            });
            filch::gather(children).await
        });
        assert_eq!(late.await, Err(Elapsed));
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn a_deadline_that_was_made_outside_counts_from_its_first_poll() {
    limited(|| {
        let (give, given) = mpsc::channel();
        let late = deadline(HOUR, move |limit: Deadline| {
            give.send(limit).unwrap();
            pending::<()>()
        });
        let limit = given.recv().unwrap();
        assert_eq!(limit.when(), None);
        let runtime = Runtime::builder().start_paused(true).build().unwrap();
        runtime.block_on(async {
            sleep(HOUR).await;
            let start = Instant::now();
            assert_eq!(late.await, Err(Elapsed));
            assert_eq!(start.elapsed(), HOUR);
        });
    });
}

#[test]
fn a_waker_may_come_back_to_the_deadline_that_it_waits_for() {
    limited(|| {
        let runtime = runtime();
        let _inside = runtime.enter();
        let (give, given) = mpsc::channel();
        let mut late = Box::pin(deadline(HOUR, move |limit: Deadline| {
            give.send(limit).unwrap();
            pending::<()>()
        }));
        let limit = given.recv().unwrap();
        let meddler = |limit: Deadline| Waker::from(Arc::new(Meddler(limit)));
        for _ in 0..2 {
            let waker = meddler(limit.clone());
            let mut cx = Context::from_waker(&waker);
            assert!(late.as_mut().poll(&mut cx).is_pending());
        }
        // Wakes and drops one, whose wake panics.
        assert!(limit.reschedule(Instant::now() + MILLI));
        drop(late);
    });

    struct Meddler(Deadline);

    impl Wake for Meddler {
        fn wake(self: Arc<Self>) {
            assert!(self.0.when().is_some());
            panic!("a waker's");
        }
    }

    impl Drop for Meddler {
        fn drop(&mut self) {
            let _ = self.0.expired();
        }
    }
}
