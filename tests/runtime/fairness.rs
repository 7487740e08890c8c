//! Nobody waits for long while many others are ready all the time.

use crate::common::*;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

const YIELDING: usize = 2000;
const READING: usize = 300;

/// Counted in polls of the others, so that it says the same on any machine: on one thread. A spare one, which the
/// long poll at the start would call, might come back from the poller with the events and then wait for a processor.
#[test]
fn io_is_not_starved_by_many_tasks_that_yield() {
    let _limit = Limit::new();
    let polls = Arc::new(AtomicUsize::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let taken = in_turn(async move {
        let mut readers = Vec::new();
        let mut writers = Vec::new();
        for _ in 0..READING {
            let (writer, reader) = sockets::half_pair();
            writers.push(writer);
            readers.push(filch::spawn(async move {
                assert_eq!(reader.read(&mut [0; 8]).await.unwrap(), 1);
            }));
        }
        for _ in 0..YIELDING {
            let (polls, stop) = (polls.clone(), stop.clone());
            filch::spawn(async move {
                while !stop.load(Relaxed) {
                    polls.fetch_add(1, Relaxed);
                    filch::task::yield_now().await;
                }
            });
        }
        while polls.load(Relaxed) < 2 * YIELDING {
            filch::task::yield_now().await;
        }
        let start = polls.load(Relaxed);
        for writer in &mut writers {
            writer.write_all(&[1]).unwrap();
        }
        for reader in readers {
            reader.await.unwrap();
        }
        stop.store(true, Relaxed);
        polls.load(Relaxed) - start
    });
    let rounds = taken / YIELDING;
    assert!(
        rounds < 8,
        "it took {rounds} rounds through {YIELDING} tasks"
    );
}
