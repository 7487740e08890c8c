//! `select`: a task that waits for the first of 2 or 10 channels, with `select!` of filch and of tokio.

use super::alone::timed;
use super::row::Row;
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::{Peer, Runtime};

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let row = |name, what: &str, work| {
        Row::micro("select", name, "ns/message", what, work).without_smol()
    };
    let free =
        "a task sends to one of that many channels in turn and selects over all, 10 000 times";
    let meeting = "that many tasks send to a channel each, capacity 100, and one selects over all: 10 000 messages";
    vec![
        row("free_2", free, |peer, plan| match peer {
            Peer::Tokio => by_tokio::free_2(plan),
            _ => by_filch::free_2(plan),
        }),
        row("free_10", free, |peer, plan| match peer {
            Peer::Tokio => by_tokio::free_10(plan),
            _ => by_filch::free_10(plan),
        }),
        row("channels_2", meeting, |peer, plan| match peer {
            Peer::Tokio => by_tokio::channels_2(plan),
            _ => by_filch::channels_2(plan),
        }),
        row("channels_10", meeting, |peer, plan| match peer {
            Peer::Tokio => by_tokio::channels_10(plan),
            _ => by_filch::channels_10(plan),
        }),
    ]
}

/// The rows of one runtime: the code is the same, the names are its own.
macro_rules! selects {
    ($name:ident, $krate:ident, $runtime:ty) => {
        mod $name {
            use super::{Moment, Plan, Runtime, Sample, timed};
            use $krate::sync::mpsc::{Receiver, channel};

            type Runs = $runtime;

            async fn first_of_2(channels: &mut [Receiver<usize>; 2]) -> Option<usize> {
                let [a, b] = channels;
                $krate::select! {
                    Some(number) = a.recv() => Some(number),
                    Some(number) = b.recv() => Some(number),
                    else => None,
                }
            }

            async fn first_of_10(channels: &mut [Receiver<usize>; 10]) -> Option<usize> {
                let [a, b, c, d, e, f, g, h, i, j] = channels;
                $krate::select! {
                    Some(number) = a.recv() => Some(number),
                    Some(number) = b.recv() => Some(number),
                    Some(number) = c.recv() => Some(number),
                    Some(number) = d.recv() => Some(number),
                    Some(number) = e.recv() => Some(number),
                    Some(number) = f.recv() => Some(number),
                    Some(number) = g.recv() => Some(number),
                    Some(number) = h.recv() => Some(number),
                    Some(number) = i.recv() => Some(number),
                    Some(number) = j.recv() => Some(number),
                    else => None,
                }
            }

            selects!(@ free_2, channels_2, first_of_2, 2);
            selects!(@ free_10, channels_10, first_of_10, 10);
        }
    };
    (@ $free:ident, $meeting:ident, $first:ident, $count:literal) => {
        pub(super) fn $free(plan: &Plan) -> Sample {
            let messages = plan.size(10_000, 200);
            timed::<Runs, _>(plan, messages, move || async move {
                let mut senders = Vec::new();
                let mut receivers = std::array::from_fn::<_, $count, _>(|_| {
                    let (sender, receiver) = channel(100);
                    senders.push(sender);
                    receiver
                });
                let start = Moment::now();
                for number in 0..messages {
                    let sent = senders[number % $count].send(number).await;
                    sent.expect("the receiver is there");
                    assert_eq!($first(&mut receivers).await, Some(number));
                }
                start.elapsed()
            })
        }

        pub(super) fn $meeting(plan: &Plan) -> Sample {
            let each = plan.size(10_000, 200) / $count;
            timed::<Runs, _>(plan, each * $count, move || async move {
                let start = Moment::now();
                let mut receivers = std::array::from_fn::<_, $count, _>(|_| {
                    let (sender, receiver) = channel(100);
                    Runs::spawn_detached(async move {
                        for number in 1..=each {
                            sender.send(number).await.expect("the receiver is there");
                        }
                    });
                    receiver
                });
                let mut sum = 0;
                while let Some(number) = $first(&mut receivers).await {
                    sum += number;
                }
                assert_eq!(sum, $count * each * (each + 1) / 2);
                start.elapsed()
            })
        }
    };
}

selects!(by_filch, filch, crate::runtimes::filch::Filch);
selects!(by_tokio, tokio, crate::runtimes::tokio::Tokio);
