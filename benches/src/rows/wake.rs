//! `wake`: tasks that wake each other through yields and channels. Notify and locks: [`super::locks`].
//!
//! Rows use each runtime's own channels, smol the neutral crates (see [`crate::runtimes::kit`]); a `_same` row
//! runs the neutral crates on all.

use std::collections::VecDeque;
use std::time::Duration;

use super::countdown::Countdown;
use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::Runtime;
use crate::runtimes::kit::{Kit, Receiver, Sender};

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name, unit, what, work| rows.push(Row::micro("wake", name, unit, what, work));
    let same = "the same with the same neutral channels on every runtime";
    add(
        "yield",
        "ns/yield",
        "200 tasks that yield 1000 times each",
        on_each!(yield_many),
    );
    let partners = "1000 tasks, each spawns a partner, sends it a oneshot and awaits one back";
    add("ping_pong", "ns/pair", partners, on_each!(ping_pong own));
    add("ping_pong_same", "ns/pair", same, on_each!(ping_pong same));
    add(
        "ring",
        "ns/hop",
        "one token goes 100 times around a ring of 100 tasks and channels",
        on_each!(ring own),
    );
    add("ring_same", "ns/hop", same, on_each!(ring same));
    add(
        "mpsc_1",
        "ns/message",
        "one task sends 10 000 numbers to another, capacity 100",
        on_each!(mpsc_1 own),
    );
    add("mpsc_1_same", "ns/message", same, on_each!(mpsc_1 same));
    add(
        "mpsc_5",
        "ns/message",
        "five tasks send 1000 numbers each to one, capacity 100",
        on_each!(mpsc_5 own),
    );
    add("mpsc_5_same", "ns/message", same, on_each!(mpsc_5 same));
    let reply = "a client task sends 1000 oneshots through a channel of 10 to a server task and awaits each reply";
    add(
        "request_reply",
        "ns/request",
        reply,
        on_each!(request_reply own),
    );
    add(
        "request_reply_same",
        "ns/request",
        same,
        on_each!(request_reply same),
    );
    rows
}

fn yield_many<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let (tasks, yields) = (plan.size(200, 20), plan.size(1000, 20));
    plan.measure(tasks * yields, || {
        R::run(&host, async move {
            let start = Moment::now();
            let countdown = Countdown::new(tasks);
            for _ in 0..tasks {
                let countdown = countdown.clone();
                R::spawn_detached(async move {
                    for _ in 0..yields {
                        R::yield_now().await;
                    }
                    countdown.done();
                });
            }
            countdown.wait().await;
            start.elapsed()
        })
    })
}

fn ping_pong<R: Runtime, K: Kit>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let pairs = plan.size(1000, 50);
    plan.measure(pairs, || {
        R::run(&host, async move {
            let outer = async move {
                let start = Moment::now();
                let countdown = Countdown::new(pairs);
                for i in 0..pairs {
                    let countdown = countdown.clone();
                    R::spawn_detached(async move {
                        ping::<R, K>(i).await;
                        countdown.done();
                    });
                }
                countdown.wait().await;
                start.elapsed()
            };
            R::spawn(outer).await
        })
    })
}

async fn ping<R: Runtime, K: Kit>(number: usize) {
    let (ball, arrived) = K::oneshot();
    let (back, returned) = K::oneshot();
    R::spawn_detached(async move { back(arrived.await) });
    ball(number);
    assert_eq!(returned.await, number);
}

fn ring<R: Runtime, K: Kit>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let (tasks, rounds) = (100, plan.size(100, 3));
    plan.measure(tasks * rounds, || {
        R::run(&host, async move {
            R::spawn(run_ring::<R, K>(tasks, rounds)).await
        })
    })
}

async fn run_ring<R: Runtime, K: Kit>(tasks: usize, rounds: usize) -> Duration {
    let (mut senders, mut receivers): (VecDeque<_>, VecDeque<_>) =
        (0..tasks).map(|_| K::mpsc::<usize>(1)).unzip();
    // This task is the last of the ring: it sends into the first channel and receives from the last.
    let (Some(first), Some(mut last)) = (senders.pop_front(), receivers.pop_back()) else {
        unreachable!()
    };
    for (receiver, sender) in receivers.into_iter().zip(senders) {
        R::spawn_detached(forward(receiver, sender));
    }
    let start = Moment::now();
    for round in 0..rounds {
        first.send(round).await;
        assert_eq!(last.recv().await, Some(round));
    }
    start.elapsed()
}

async fn forward(mut from: impl Receiver<usize>, to: impl Sender<usize>) {
    while let Some(token) = from.recv().await {
        to.send(token).await;
    }
}

fn mpsc_1<R: Runtime, K: Kit>(plan: &Plan) -> Sample {
    mpsc::<R, K>(plan, 1, plan.size(10_000, 200))
}

fn mpsc_5<R: Runtime, K: Kit>(plan: &Plan) -> Sample {
    mpsc::<R, K>(plan, 5, plan.size(1000, 50))
}

fn mpsc<R: Runtime, K: Kit>(plan: &Plan, senders: usize, each: usize) -> Sample {
    let host = R::start(plan.workers);
    plan.measure(senders * each, || {
        R::run(&host, async move {
            let receive = async move {
                let start = Moment::now();
                let (sender, receiver) = K::mpsc(100);
                for _ in 0..senders {
                    R::spawn_detached(send_all(sender.clone(), each));
                }
                drop(sender);
                assert_eq!(sum(receiver).await, senders * (each * (each - 1) / 2));
                start.elapsed()
            };
            R::spawn(receive).await
        })
    })
}

async fn send_all(sender: impl Sender<usize>, count: usize) {
    for number in 0..count {
        sender.send(number).await;
    }
}

async fn sum(mut receiver: impl Receiver<usize>) -> usize {
    let mut sum = 0;
    while let Some(number) = receiver.recv().await {
        sum += number;
    }
    sum
}

fn request_reply<R: Runtime, K: Kit>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let requests = plan.size(1000, 50);
    plan.measure(requests, || {
        R::run(&host, async move {
            let client = async move {
                let (sender, receiver) = K::mpsc(10);
                R::spawn_detached(answer(receiver));
                let start = Moment::now();
                for number in 0..requests {
                    let (reply, answered) = K::oneshot();
                    sender.send((number, reply)).await;
                    assert_eq!(answered.await, number + 1);
                }
                start.elapsed()
            };
            R::spawn(client).await
        })
    })
}

async fn answer<F: FnOnce(usize) + Send + 'static>(mut requests: impl Receiver<(usize, F)>) {
    while let Some((number, reply)) = requests.recv().await {
        reply(number + 1);
    }
}
