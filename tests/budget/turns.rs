//! What a budget bounds, and when there is another one.

use crate::common::{Count, Limit, poll_once, runtime};
use crate::executors::park;
use filch::task::{consume_budget, need_preempt};
use filch::time::{Instant, Sleep, sleep, sleep_until, timeout};
use filch::{Handle, LocalRuntime};
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

/// Operations that one poll may do.
const BUDGET: usize = 128;

/// Leaves that are ready, each behind a count of those that were.
const MANY: usize = 10_000;

/// Runs a future as a task, as the future of a `block_on`, and both on a local runtime.
fn everywhere<F: Future<Output = ()> + Send + 'static>(future: impl Fn() -> F) {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(future());
    rt.block_on(future());
    let local = LocalRuntime::new().unwrap();
    local.block_on(future());
    local.block_on(async { filch::spawn_local(future()).await.unwrap() });
}

/// Polls `all` to its end, and sees that no poll does more than a budget allows.
async fn one_budget_a_poll(done: Count, all: impl Future) {
    let mut all = pin!(all);
    let mut before = 0;
    let polled = poll_fn(|cx| {
        let polled = all.as_mut().poll(cx);
        let now = done.get();
        assert!(now - before <= BUDGET, "{} in one poll", now - before);
        before = now;
        polled.map(drop)
    });
    polled.await;
    assert_eq!(done.get(), MANY);
}

#[test]
fn a_poll_of_many_ready_leaves_ends_after_one_budget() {
    everywhere(|| async {
        let done = Count::new();
        let leaves = (0..MANY).map(|_| consume_budget().map(|()| done.add()));
        one_budget_a_poll(done.clone(), join_all(leaves)).await;
    });
}

#[test]
fn so_it_does_if_each_leaf_is_polled_every_time() {
    everywhere(|| async {
        let done = Count::new();
        let mut leaves: Vec<_> = (0..MANY).map(|_| Some(consume_budget())).collect();
        let all = poll_fn(|cx| {
            for place in &mut leaves {
                let Some(leaf) = place else { continue };
                if Pin::new(leaf).poll(cx).is_ready() {
                    *place = None;
                    done.add();
                }
            }
            match done.get() {
                MANY => Poll::Ready(()),
                _ => Poll::Pending,
            }
        });
        one_budget_a_poll(done.clone(), all).await;
    });
}

#[test]
fn so_it_does_inside_another_executor_that_is_inside_a_task() {
    everywhere(|| async {
        let done = Count::new();
        let leaves = (0..MANY).map(|_| consume_budget().map(|()| done.add()));
        park(one_budget_a_poll(done.clone(), join_all(leaves)));
    });
}

/// Goes round in one poll until `stop` is ready.
async fn work_until(mut stop: Sleep) {
    poll_fn(move |cx| {
        loop {
            if Pin::new(&mut stop).poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let _ = pin!(consume_budget()).poll(cx);
        }
    })
    .await;
}

#[test]
fn a_sleep_stops_a_loop_within_one_poll() {
    for time in [1, 20, 150].map(Duration::from_millis) {
        everywhere(|| work_until(sleep(time)));
    }
}

async fn use_up_the_budget() {
    while poll_once(&mut consume_budget()).await.is_ready() {}
}

#[test]
fn a_sleep_that_was_waited_for_is_ready_whatever_else_has_been() {
    everywhere(|| async {
        let mut nap = sleep(Duration::from_millis(1));
        assert!(poll_once(&mut nap).await.is_pending());
        std::thread::sleep(Duration::from_millis(1));
        use_up_the_budget().await;
        assert!(poll_once(&mut nap).await.is_ready());
        assert!(poll_once(&mut consume_budget()).await.is_pending());
    });
}

#[test]
fn a_sleep_that_is_over_when_first_polled_counts_once() {
    everywhere(|| async {
        use_up_the_budget().await;
        let mut nap = sleep_until(Instant::now());
        assert!(poll_once(&mut nap).await.is_pending());
        assert!(poll_once(&mut nap).await.is_ready());
    });
}

#[test]
fn a_sleep_that_is_reset_to_the_past_is_ready() {
    everywhere(|| async {
        let mut nap = sleep(Duration::from_secs(3600));
        assert!(poll_once(&mut nap).await.is_pending());
        nap.reset(Instant::now());
        assert!(poll_once(&mut nap).await.is_ready());
    });
}

#[test]
fn another_budget_does_not_make_the_slice_begin_anew() {
    everywhere(|| async {
        use_up_the_budget().await;
        while poll_once(&mut consume_budget()).await.is_pending() {}
        assert!(need_preempt());
        filch::task::yield_now().await;
        assert!(!need_preempt());
    });
}

#[test]
fn a_block_on_inside_a_task_leaves_its_budget_used_up() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(async {
        use_up_the_budget().await;
        let handle = Handle::current();
        filch::blocking(|| handle.block_on(consume_budget()));
        assert!(poll_once(&mut consume_budget()).await.is_pending());
    });
}

/// More than any budget, without a word of Pending.
fn nothing_is_refused() {
    for _ in 0..MANY {
        assert!(consume_budget().now_or_never().is_some());
    }
}

#[test]
fn closures_have_no_budget() {
    everywhere(|| async {
        filch::spawn_blocking(nothing_is_refused).await.unwrap();
        filch::cpu(nothing_is_refused).await.unwrap();
        filch::blocking(nothing_is_refused);
    });
    std::thread::spawn(nothing_is_refused).join().unwrap();
}

#[test]
fn tasks_have_one_after_a_closure() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let refuses = async {
        use_up_the_budget().await;
    };
    rt.run(async {
        filch::cpu(nothing_is_refused).await.unwrap();
        let failing = filch::cpu(|| {
            nothing_is_refused();
            std::panic::resume_unwind(Box::new(()));
        });
        failing.await.unwrap_err();
        filch::spawn(refuses).await.unwrap();
    });
}

#[test]
fn who_is_never_short_of_work_in_another_executor_lets_its_siblings_run() {
    everywhere(|| async {
        let endless = async {
            loop {
                consume_budget().await;
            }
        };
        let limited = timeout(Duration::from_millis(5), endless);
        assert!(park(limited).is_err());
    });
}
