//! Random trees of structures, cancelled at random points: nobody is left, and nothing is lost.
//!
//! A round has a *world* (a lock, permits, a channel, a queue, and counts of all that was made) and a few trees that
//! use it at the same time, each the root of a task. Each root is aborted at a moment of its own. When its handle is
//! ready, whatever the tree has made must be gone. The clock is paused, so a round that does not end shows in the time
//! that has passed by it. Each round has its own seed, which a failure names; on one worker it repeats exactly.
//!
//! `FILCH_CANCELS=100000` asks for so many on each number of workers, `FILCH_WORKERS_ONLY=4` for that number alone,
//! `FILCH_SEED=1000` begins behind that seed.

#[path = "../common/mod.rs"]
mod common;

mod tree;
mod world;

use common::{Limit, Random};
use filch::time::{Instant, sleep, timeout};
use filch::{Handle, Runtime, TaskGroup};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tree::{Tree, grow, run};
use world::World;

/// By the paused clock: longer than any tree takes, all its time limits one after the other.
const AGES: Duration = Duration::from_secs(3600);

/// Trees that are cancelled on each number of workers, if it is not said.
const CANCELS: usize = 400;

/// Rounds for which one runtime lasts.
const ROUNDS: usize = 50;

fn asked(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn on_one_worker() {
    cancel_on(1);
}

#[test]
fn on_two_workers() {
    cancel_on(2);
}

#[test]
fn on_four_workers() {
    cancel_on(4);
}

#[test]
fn on_sixteen_workers() {
    cancel_on(16);
}

fn cancel_on(workers: usize) {
    if asked("FILCH_WORKERS_ONLY").is_some_and(|only| only != workers) {
        return;
    }
    let wanted = asked("FILCH_CANCELS").unwrap_or(common::rounds(CANCELS));
    let mut seed = asked("FILCH_SEED").unwrap_or(0) as u64;
    let (mut cancels, mut made) = (0, 0);
    while cancels < wanted {
        let builder = Runtime::builder().workers(workers).seed(seed);
        let runtime = builder.start_paused(true).build().unwrap();
        // By the system's clock, for the case that the paused one cannot move.
        let limit = Limit::on(&runtime);
        for _ in 0..ROUNDS {
            seed += 1;
            let (cut, lives) = runtime.block_on(round(seed));
            cancels += cut;
            made += lives;
        }
        drop((runtime, limit));
    }
    println!("{workers} workers: {cancels} trees cancelled, {made} futures made and dropped");
}

/// Returns how many trees were cancelled, and how many futures they had.
async fn round(seed: u64) -> (usize, usize) {
    let mut random = Random::new(seed);
    let world = World::new();
    let trees = (0..1 + random.below(3)).map(|_| {
        let mut left = 40;
        let tree = grow(&mut random, 5, &mut left);
        let (turns, after) = (random.below(30), random.below(40));
        filch::spawn(cancelled(tree, world.clone(), turns, after))
    });
    let trees: Vec<_> = trees.collect();
    let start = Instant::now();
    let all = timeout(AGES, async {
        let mut cut = 0;
        for tree in trees {
            cut += usize::from(
                tree.await
                    .unwrap_or_else(|error| panic!("seed {seed}: {error}")),
            );
        }
        cut
    });
    let Ok(cut) = all.await else {
        let tasks = filch::task::dump(&Handle::current().tasks());
        panic!("seed {seed}: a deadlock, {:?}; {tasks}", start.elapsed());
    };
    let lives = world.lives.made();
    world.assert_nothing_is_left(seed).await;
    (cut, lives)
}

/// Runs a tree in a child that is aborted after so many turns, and a time. Whether it was cancelled.
async fn cancelled(tree: Tree, world: Arc<World>, turns: usize, after: usize) -> bool {
    let is_cut = Arc::new(AtomicBool::new(false));
    let tell = is_cut.clone();
    // A group's, so that cleanups which are out of time are in its error, and not on standard error.
    let ended = TaskGroup::<()>::run(async move |group| {
        let own = world.branch();
        let child = group.spawn_ok(run(tree, own.clone()));
        for _ in 0..turns {
            filch::task::yield_now().await;
        }
        if after > 0 {
            sleep(Duration::from_millis(after as u64)).await;
        }
        child.abort();
        let outcome = child.outcome().await;
        // Now, and not a moment later.
        assert!(own.is_deserted(), "something outlives its root: {own:?}");
        tell.store(
            outcome.is_err_and(|error| error.is_cancelled()),
            Ordering::Relaxed,
        );
        Ok(())
    });
    let error = ended.await.err();
    assert!(error.is_none_or(|error| error.first().is_none()));
    is_cut.load(Ordering::Relaxed)
}
