//! A local runtime looks after its timers and sockets by time, however long its polls are.

use crate::common::{Count, Limit, sockets};
use filch::task::yield_now;
use filch::time::{Instant, sleep, sleep_until};
use filch::{LocalRuntime, spawn_local};
use std::time::Duration;

/// Long enough for any clock to notice, short enough for a test.
const LONG: Duration = Duration::from_millis(20);

fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {}
}

/// A task with long polls, each counted when it begins.
fn busy() -> Count {
    let polls = Count::new();
    let count = polls.clone();
    spawn_local(async move {
        loop {
            count.add();
            spin(LONG);
            yield_now().await;
        }
    });
    polls
}

#[test]
fn a_sleep_waits_for_one_long_poll_of_somebody_else() {
    let _limit = Limit::new();
    LocalRuntime::new().unwrap().block_on(async {
        let polls = busy();
        for _ in 0..5 {
            let before = polls.get();
            sleep(Duration::from_millis(1)).await;
            assert!(polls.get() - before <= 1);
        }
    });
}

#[test]
fn so_does_a_task_that_sleeps() {
    let _limit = Limit::new();
    LocalRuntime::new().unwrap().block_on(async {
        let polls = busy();
        let sleeper = spawn_local(async move {
            for _ in 0..5 {
                let before = polls.get();
                sleep(Duration::from_millis(1)).await;
                assert!(polls.get() - before <= 1);
            }
        });
        sleeper.await.unwrap();
    });
}

#[test]
fn so_it_is_after_a_thousand_short_ones() {
    let _limit = Limit::new();
    LocalRuntime::new().unwrap().block_on(async {
        for _ in 0..1000 {
            yield_now().await;
        }
        let polls = busy();
        sleep(Duration::from_millis(1)).await;
        assert!(polls.get() <= 1);
    });
}

#[test]
fn a_ready_socket_waits_for_one_long_poll() {
    let _limit = Limit::new();
    LocalRuntime::new().unwrap().block_on(async {
        let (mut one, two) = sockets::half_pair();
        let reader = spawn_local(async move {
            let mut byte = [0];
            two.read_exact(&mut byte).await.unwrap();
        });
        yield_now().await;
        let polls = busy();
        std::io::Write::write_all(&mut one, b"x").unwrap();
        reader.await.unwrap();
        assert!(polls.get() <= 2, "{} polls", polls.get());
    });
}

#[test]
fn a_sleep_of_the_root_waits_for_one_long_poll_of_the_root() {
    let _limit = Limit::new();
    LocalRuntime::new().unwrap().block_on(async {
        let due = Instant::now() + Duration::from_millis(1);
        let sleeper = spawn_local(sleep_until(due));
        yield_now().await;
        spin(LONG);
        yield_now().await;
        assert!(sleeper.is_finished());
    });
}

#[test]
fn a_root_that_is_always_ready_takes_turns_with_the_tasks() {
    let _limit = Limit::new();
    LocalRuntime::new().unwrap().block_on(async {
        let turns: Vec<Count> = (0..3).map(|_| Count::new()).collect();
        for turn in turns.clone() {
            spawn_local(async move {
                loop {
                    turn.add();
                    yield_now().await;
                }
            });
        }
        for round in 0..100 {
            assert!(turns.iter().all(|turn| turn.get() == round));
            yield_now().await;
        }
    });
}

#[test]
fn a_sleep_waits_for_two_polls_at_most_that_are_as_long_as_it_is() {
    let _limit = Limit::new();
    LocalRuntime::new().unwrap().block_on(async {
        let polls = Count::new();
        let count = polls.clone();
        spawn_local(async move {
            loop {
                count.add();
                spin(Duration::from_millis(1));
                yield_now().await;
            }
        });
        // The first polls tell how long they take.
        sleep(Duration::from_millis(50)).await;
        let before = polls.get();
        sleep(Duration::from_millis(1)).await;
        let between = polls.get() - before;
        assert!(between <= 2, "{between} polls of 1 ms for a sleep of 1 ms");
    });
}
