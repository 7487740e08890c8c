//! Many signals: none is lost but where several of one kind are one.

use crate::common::{Limit, rounds, runtime};
use crate::{in_a_process, send};
use filch::signal::{SignalKind, Signals};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

/// As many as the variable says; the long run says 100,000.
fn signals() -> usize {
    let told = std::env::var("FILCH_SIGNALS").ok();
    told.map_or(rounds(2000), |told| told.parse().unwrap())
}

/// After each signal of its kind somebody is told, however many there are and however busy everybody is: the sender of
/// a kind goes on only when a listener has said so, or after a burst of several.
#[test]
fn none_is_lost_beyond_what_the_system_makes_one() {
    in_a_process(
        "load::none_is_lost_beyond_what_the_system_makes_one",
        || {
            let rt = runtime(2);
            let _limit = Limit::on(&rt);
            let kinds = [
                SignalKind::user_defined1(),
                SignalKind::user_defined2(),
                SignalKind::hangup(),
                SignalKind::window_change(),
            ];
            let heard: BTreeMap<_, _> = kinds
                .iter()
                .map(|&kind| (kind, Arc::new(AtomicUsize::new(0))))
                .collect();
            let all = rt.block_on(async { Signals::new(kinds).unwrap() });
            let counts = heard.clone();
            let listener = rt.spawn(async move {
                let mut all = all;
                loop {
                    let kind = all.recv().await.unwrap();
                    counts[&kind].fetch_add(1, SeqCst);
                }
            });
            let busy = rt.spawn(async {
                loop {
                    let sum: u64 = (0..10_000).map(std::hint::black_box).sum();
                    assert!(sum > 0);
                    filch::task::yield_now().await;
                }
            });
            let senders: Vec<_> = heard
                .into_iter()
                .enumerate()
                .map(|(index, (kind, count))| {
                    std::thread::spawn(move || {
                        let mut sent = 0;
                        while sent < signals() / 4 {
                            let before = count.load(SeqCst);
                            // Of a burst at least the last one is heard of.
                            let burst = 1 + (sent + index) % 3;
                            (0..burst).for_each(|_| send(kind));
                            sent += burst;
                            while count.load(SeqCst) == before {
                                std::thread::yield_now();
                            }
                        }
                        (sent, count.load(SeqCst))
                    })
                })
                .collect();
            for sender in senders {
                let (sent, heard) = sender.join().unwrap();
                assert!(heard <= sent && heard >= sent / 3, "{heard} of {sent}");
            }
            listener.abort();
            busy.abort();
        },
    );
}
