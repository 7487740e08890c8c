//! What is dropped, and when.

use super::*;

#[test]
fn losers_are_gone_before_the_handler_runs() {
    let drops = Cell::new(0);
    let (loser, disabled) = (Counted(&drops), Counted(&drops));
    now(async {
        filch::select! {
            biased;
            () = async { let _kept = loser; pending().await } => {}
            () = async { let _kept = disabled; }, if false => {}
            () = ready(()) => assert_eq!(drops.get(), 2),
        }
    });
}

#[test]
fn a_handler_uses_what_the_futures_borrowed() {
    async fn add(to: &mut i32) {
        yield_now().await;
        *to += 1;
    }
    let mut value = 1;
    now(async {
        filch::select! {
            _ = add(&mut value) => {}
            _ = ready(()) => value += 5,
            else => value += 7,
        }
    });
    assert_eq!(value, 6);
}

#[filch::test]
async fn a_future_by_reference_goes_on_later() {
    let (one, mut first) = oneshot::channel();
    let (two, mut second) = oneshot::channel();
    let (mut a, mut b) = (None, None);
    let sends = filch::spawn(async move {
        one.send(1).unwrap();
        yield_now().await;
        two.send(2).unwrap();
    });
    while a.is_none() || b.is_none() {
        filch::select! {
            value = &mut first, if a.is_none() => a = value.ok(),
            value = &mut second, if b.is_none() => b = value.ok(),
        }
    }
    sends.await.unwrap();
    assert_eq!((a, b), (Some(1), Some(2)));
}

#[test]
fn a_panic_drops_the_others() {
    let drops = Cell::new(0);
    let kept = Counted(&drops);
    let selected = async {
        filch::select! {
            biased;
            () = async { let _kept = kept; pending().await } => {}
            () = async { panic!("of a branch") } => {}
        }
    };
    let caught = std::panic::catch_unwind(AssertUnwindSafe(|| poll_once(selected)));
    assert!(caught.is_err());
    assert_eq!(drops.get(), 1);
}

/// A gather of a task that notes its end, which takes its time.
fn gathered(ended: &Arc<AtomicBool>) -> impl Future<Output = Result<Vec<()>, ()>> + use<> {
    struct Ends(Arc<AtomicBool>);
    impl Drop for Ends {
        fn drop(&mut self) {
            std::thread::sleep(Duration::from_millis(20));
            self.0.store(true, Relaxed);
        }
    }
    let ends = Ends(Arc::clone(ended));
    filch::gather([async move {
        let _ends = ends;
        pending().await
    }])
}

#[filch::test]
async fn tasks_that_a_loser_cancels_are_gone_before_the_handler_runs() {
    let ended = Arc::new(AtomicBool::new(false));
    let in_handler = filch::select! {
        _ = gathered(&ended) => unreachable!(),
        () = yield_now() => ended.load(Relaxed),
    };
    assert!(in_handler);
}

#[filch::test]
async fn tasks_that_a_loser_cancels_are_gone_when_a_race_ends() {
    let ended = Arc::new(AtomicBool::new(false));
    let runners = [true, false].map(|cancels| {
        let ended = Arc::clone(&ended);
        async move {
            match cancels {
                true => gathered(&ended).await.map(drop),
                false => {
                    yield_now().await;
                    Ok(())
                }
            }
        }
    });
    filch::race(runners).await.unwrap();
    assert!(ended.load(Relaxed));
}

#[filch::test]
async fn no_value_is_lost_to_a_branch_that_loses() {
    let (left, lefts) = mpsc::channel::<usize>(1);
    let (right, rights) = mpsc::channel::<usize>(1);
    for sender in [left, right] {
        filch::spawn(async move {
            for value in 0..100 {
                sender.send(value).await.unwrap();
            }
        });
    }
    let mut sum = 0;
    loop {
        filch::select! {
            Some(value) = lefts.recv() => sum += value,
            Some(value) = rights.recv() => sum += value,
            else => break,
        }
    }
    assert_eq!(sum, 2 * 4950);
}
