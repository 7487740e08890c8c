//! The tool itself: that it finds each await, waits for what is left behind, and tells.

use super::SOON;
use super::common::{Count, OnDrop, panics};
use filch::sync::{Semaphore, mpsc};
use filch::task::WaitKind;
use filch::testing::{CancelEverywhere, CutBy, cancel_everywhere};
use filch::time::sleep;
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

#[test]
fn a_future_is_cancelled_at_each_await_in_each_way_and_runs_to_its_end() {
    let cuts = RefCell::new(Vec::new());
    let three = || async {
        sleep(SOON).await;
        filch::task::yield_now().await;
        sleep(SOON).await;
    };
    let report = cancel_everywhere(three, async |cut| cuts.borrow_mut().push(cut));
    let kinds: Vec<_> = report.awaits().iter().map(|place| place.kind()).collect();
    let (sleep, turn) = (Some(WaitKind::Sleep), Some(WaitKind::Yield));
    assert_eq!(kinds, [sleep, turn, sleep]);
    let lines = report
        .awaits()
        .iter()
        .map(|place| place.at().unwrap().line());
    assert!(lines.is_sorted(), "{report}");
    assert!(report.is_steady() && report.is_complete());
    let cuts = cuts.into_inner();
    // Unpolled in three ways, at each await in six, and once to the end in each of them.
    assert_eq!((report.runs(), cuts.len()), (3 + 3 * 6 + 6, 27));
    for by in [CutBy::Drop, CutBy::Select, CutBy::Abort] {
        for number in 1..=3 {
            let here = |woken| {
                let is_here = cuts.iter().filter(|cut| {
                    cut.by() == by && cut.number() == number && cut.was_woken() == woken
                });
                is_here.filter(|cut| !cut.is_finished()).count()
            };
            assert_eq!((here(false), here(true)), (1, 1), "{by} at {number}");
        }
    }
    assert_eq!(cuts.iter().filter(|cut| cut.is_finished()).count(), 6);
    assert!(!cuts.iter().any(|cut| cut.is_stalled()));
}

#[test]
fn a_future_is_dropped_as_often_as_it_was_made() {
    let (made, dropped) = (Count::new(), Count::new());
    let make = || {
        made.add();
        let dropped = dropped.clone();
        let held = OnDrop(move || _ = dropped.add());
        async move {
            let _held = held;
            sleep(SOON).await;
        }
    };
    cancel_everywhere(make, async |_| assert_eq!(made.get(), dropped.get()));
    assert_eq!(made.get(), 3 + 6 + 6);
}

#[test]
fn what_a_future_leaves_behind_is_gone_when_it_is_checked() {
    let (begun, gone, cleaned) = (Count::new(), Count::new(), Count::new());
    let make = || {
        let (begun, gone, cleaned) = (begun.clone(), gone.clone(), cleaned.clone());
        async move {
            begun.add();
            let _cleanup = filch::cleanup(async move {
                sleep(SOON).await;
                cleaned.add();
            });
            let child = |gone: Count| {
                let held = OnDrop(move || _ = gone.add());
                async move {
                    let _held = held;
                    sleep(SOON).await;
                    Ok::<(), ()>(())
                }
            };
            let _done = filch::gather([child(gone.clone()), child(gone)]).await;
        }
    };
    let check = async |_: filch::testing::Cut| {
        assert_eq!(cleaned.get(), begun.get());
        assert!(
            gone.get() == 2 * begun.get(),
            "{} children are gone",
            gone.get()
        );
    };
    let report = cancel_everywhere(make, check);
    assert_eq!(report.awaits()[0].kind(), Some(WaitKind::Gather));
}

#[test]
fn a_permit_that_was_handed_over_before_the_cut_is_given_back() {
    let permits = Arc::new(Semaphore::new(1));
    let handed = Cell::new(0);
    let make = || {
        let (ours, theirs) = (permits.clone(), permits.clone());
        async move {
            let held = theirs.try_acquire_owned().unwrap();
            filch::spawn(async move {
                sleep(SOON).await;
                drop(held);
            });
            drop(ours.acquire().await);
        }
    };
    let check = async |cut: filch::testing::Cut| {
        handed.set(handed.get() + u32::from(cut.was_woken()));
        drop(permits.acquire().await.unwrap());
        assert_eq!(permits.available_permits(), 1);
    };
    cancel_everywhere(make, check);
    assert_eq!(handed.get(), 3);
}

#[test]
fn a_check_that_fails_is_told_with_the_place() {
    let (give, taken) = mpsc::channel::<u32>(1_000);
    let kept = Cell::new(0);
    let losing = || {
        let (give, taken) = (give.clone(), taken.clone());
        async move {
            give.send(1).await.unwrap();
            let value = taken.recv().await.unwrap();
            // Not here: whoever is cancelled now has taken the value with it.
            sleep(SOON).await;
            give.send(value).await.unwrap();
        }
    };
    let check = async |cut: filch::testing::Cut| {
        let expected = if cut.number() == 0 { 0 } else { kept.get() + 1 };
        assert_eq!(taken.len(), expected, "values");
    };
    let message = panics(|| cancel_everywhere(losing, check));
    let start = "cancel_everywhere: the future dropped at await 1, for sleep at tests/cancel_everywhere/tool.rs:";
    assert!(message.starts_with(start), "{message}");
    assert!(message.contains("values"), "{message}");
}

#[test]
fn a_future_that_panics_is_told_with_the_place_that_it_was_to_come_to() {
    let message = panics(|| {
        let thrown = || async {
            sleep(SOON).await;
            panic!("on the way")
        };
        cancel_everywhere(thrown, async |_| ())
    });
    assert!(message.contains("await 1, for sleep"), "{message}");
    assert!(message.ends_with("on the way"), "{message}");
}

#[test]
fn a_future_that_would_wait_for_ever_is_cancelled_there() {
    let stalls = Cell::new(0);
    let endless = || async {
        sleep(SOON).await;
        pending::<()>().await;
    };
    let report = cancel_everywhere(endless, async |cut| {
        assert!(!cut.is_finished());
        stalls.set(stalls.get() + u32::from(cut.is_stalled()));
    });
    assert_eq!(report.awaits().len(), 2, "{report}");
    assert_eq!(report.awaits()[1].kind(), None);
    // Where it was to be woken at its second await, and where it was to come to a third one.
    assert_eq!(stalls.get(), 3 + 6);
}

#[test]
fn what_does_not_end_is_told_and_what_is_at_fault() {
    let message = panics(|| {
        let shielded = || async { filch::shield(pending::<()>()).await };
        cancel_everywhere(shielded, async |_| ())
    });
    assert!(message.contains("does not end"), "{message}");
    assert!(message.contains("tool.rs"), "{message}");
    let message = panics(|| cancel_everywhere(|| async {}, async |_| pending().await));
    assert!(message.contains("the check waits for ever"), "{message}");
}

#[test]
fn no_more_awaits_are_tried_than_were_asked_for_and_that_is_told() {
    let endless = || async {
        loop {
            filch::task::yield_now().await;
        }
    };
    let report = CancelEverywhere::new().most(20).run(endless, async |_| ());
    assert_eq!((report.awaits().len(), report.is_complete()), (20, false));
    assert!(
        report
            .to_string()
            .ends_with("more awaits than were asked for")
    );
    let report = CancelEverywhere::new()
        .most(1)
        .run(|| sleep(SOON), async |_| ());
    assert_eq!((report.awaits().len(), report.is_complete()), (1, false));
}

#[test]
fn a_count_of_awaits_that_differs_is_told_and_no_failure() {
    let runs = Rc::new(Cell::new(0));
    let moody = || {
        runs.set(runs.get() + 1);
        let left = Rc::new(Cell::new(runs.get() % 3));
        async move {
            for _ in 0..left.get() {
                filch::task::yield_now().await;
            }
        }
    };
    let report = cancel_everywhere(moody, async |_| ());
    assert!(!report.is_steady(), "{report}");
    assert!(report.to_string().contains("from run to run"), "{report}");
}

#[test]
fn one_seed_gives_one_order_of_things() {
    let orders = |seed| {
        let order = Rc::new(RefCell::new(Vec::new()));
        let make = || {
            let order = order.clone();
            async move {
                for _ in 0..8 {
                    filch::select! {
                        () = std::future::ready(()) => order.borrow_mut().push(1),
                        () = std::future::ready(()) => order.borrow_mut().push(2),
                    }
                }
                let mut polls = 0;
                poll_fn(|cx| {
                    polls += 1;
                    cx.waker().wake_by_ref();
                    if polls == 3 {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                })
                .await;
            }
        };
        CancelEverywhere::new().seed(seed).run(make, async |_| ());
        let order = order.borrow();
        // One run is as the other.
        assert!(order.chunks(8).all(|run| run == &order[..8]));
        order[..8].to_vec()
    };
    assert_eq!(orders(7), orders(7));
    assert!((0..20).any(|seed| orders(seed) != orders(7)));
}
