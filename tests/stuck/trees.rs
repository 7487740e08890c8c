//! Trees of tasks, closures of `cpu`, `blocking` and `spawn_blocking` that wait for their branches in every way there
//! is, some with a lock in hand, made by chance: all of them end, up to the limit of spare threads.
//!
//! A few seconds here; `FILCH_STRESS_SECONDS=600 cargo test --release --test stuck trees` is a day of it.

use crate::common::*;
use filch::JoinHandle;
use filch::task::yield_now;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What runs a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Task,
    /// A task that has had long polls.
    Habitual,
    Cpu,
    SpawnBlocking,
}

/// How it waits for its own branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Await,
    /// With the receiver of a std channel: nobody is told.
    Receive,
    /// Inside `blocking`.
    Join,
    BlockOn,
}

#[derive(Debug)]
struct Branch {
    kind: Kind,
    wait: Wait,
    depth: usize,
    /// Holds the lock of its depth meanwhile. Whoever has one takes deeper ones only, so they cannot lock each other
    /// up.
    locks: bool,
    before: Duration,
    after: Duration,
    computes: bool,
    branches: Vec<Branch>,
}

type Locks = Arc<[Mutex<()>; DEPTH]>;

const DEPTH: usize = 4;

impl Branch {
    fn grow(random: &mut Random, depth: usize) -> Branch {
        let kind = random.pick(&[
            Kind::Task,
            Kind::Habitual,
            Kind::Cpu,
            Kind::Cpu,
            Kind::SpawnBlocking,
        ]);
        let is_task = matches!(kind, Kind::Task | Kind::Habitual);
        let wait = match is_task && random.one_in(3) {
            true => Wait::Await,
            false => random.pick(&[Wait::Receive, Wait::Receive, Wait::Join, Wait::BlockOn]),
        };
        let branches = match depth + 1 < DEPTH {
            true => random.below(4),
            false => 0,
        };
        let mut micros = || Duration::from_micros(random.below(3000) as u64);
        let (before, after) = (micros(), micros());
        Branch {
            kind,
            wait,
            depth,
            locks: wait != Wait::Await && random.one_in(3),
            before,
            after,
            computes: random.one_in(2),
            branches: (0..branches)
                .map(|_| Branch::grow(random, depth + 1))
                .collect(),
        }
    }

    fn count(&self) -> usize {
        1 + self.branches.iter().map(Branch::count).sum::<usize>()
    }

    /// How many of them can block a thread that runs tasks at a time.
    fn blockers(&self) -> usize {
        let blocks = self.kind != Kind::SpawnBlocking && self.wait != Wait::Await;
        let others = self.branches.iter().map(Branch::blockers);
        usize::from(blocks) + others.sum::<usize>()
    }

    /// Starts it; it says at its end how many of them have run.
    fn start(self, locks: &Locks, parent: Option<Sender<usize>>) -> JoinHandle<usize> {
        let (kind, locks) = (self.kind, Arc::clone(locks));
        match kind {
            Kind::SpawnBlocking => filch::spawn_blocking(move || self.block(&locks, parent)),
            Kind::Cpu => filch::cpu(move || self.block(&locks, parent)),
            Kind::Task | Kind::Habitual => filch::spawn(async move {
                for _ in 0..4 * usize::from(kind == Kind::Habitual) {
                    spin(Duration::from_millis(1));
                    yield_now().await;
                }
                match self.wait {
                    Wait::Await => self.wait_for_branches(&locks, parent).await,
                    _ => self.block(&locks, parent),
                }
            }),
        }
    }

    async fn wait_for_branches(self, locks: &Locks, parent: Option<Sender<usize>>) -> usize {
        filch::time::sleep(self.before).await;
        let started = self
            .branches
            .into_iter()
            .map(|branch| branch.start(locks, None));
        let mut count = 1;
        for branch in started.collect::<Vec<_>>() {
            count += branch.await.unwrap();
        }
        tell(parent, count)
    }

    fn block(self, locks: &Locks, parent: Option<Sender<usize>>) -> usize {
        let _held = self.locks.then(|| lock(&locks[self.depth]));
        pass(self.before, self.computes);
        let branches = self.branches.into_iter();
        let count: usize = match self.wait {
            Wait::Receive => {
                let (sender, receiver) = channel();
                branches.for_each(|branch| drop(branch.start(locks, Some(sender.clone()))));
                drop(sender);
                receiver.iter().sum()
            }
            Wait::Join => filch::blocking(|| {
                let started = branches.map(|branch| branch.start(locks, None));
                let started = started.collect::<Vec<_>>().into_iter();
                started
                    .map(|branch| branch.join_blocking(None).unwrap().unwrap())
                    .sum()
            }),
            Wait::Await | Wait::BlockOn => filch::blocking(|| {
                filch::Handle::current().block_on(async {
                    let mut count = 0;
                    for branch in branches {
                        count += branch.start(locks, None).await.unwrap();
                    }
                    count
                })
            }),
        };
        pass(self.after, self.computes);
        tell(parent, count + 1)
    }
}

fn tell(parent: Option<Sender<usize>>, count: usize) -> usize {
    if let Some(parent) = parent {
        parent.send(count).expect("the parent waits");
    }
    count
}

fn pass(time: Duration, computes: bool) {
    match computes {
        true => spin(time),
        false => std::thread::sleep(time),
    }
}

fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// A few trees at a time, with as many spare threads as it takes for one to be left when all are blocked that can be,
/// or with plenty.
fn grow(workers: usize, seed: u64) {
    let mut random = Random::new(seed);
    let trees: Vec<_> = (0..1 + random.below(4))
        .map(|_| Branch::grow(&mut random, 0))
        .collect();
    let blockers: usize = trees.iter().map(Branch::blockers).sum();
    let spares = match random.one_in(3) {
        true => 256,
        false => (blockers + 1).saturating_sub(workers),
    };
    let builder = filch::Runtime::builder().workers(workers).seed(seed);
    let builder = builder
        .max_spare_threads(spares)
        .slow_poll_warning(Duration::MAX);
    let rt = builder.build().unwrap();
    let limit = Limit::on(&rt);
    let wanted: Vec<_> = trees.iter().map(Branch::count).collect();
    let locks = Locks::default();
    let got = rt.block_on(async move {
        let started: Vec<_> = trees
            .into_iter()
            .map(|tree| tree.start(&locks, None))
            .collect();
        let mut got = Vec::new();
        for tree in started {
            got.push(tree.await.unwrap());
        }
        got
    });
    assert_eq!(got, wanted, "with seed {seed} and {workers} workers");
    assert!(rt.metrics().spare_threads <= spares);
    drop(limit);
}

fn end_in_time(workers: usize) {
    let seconds = std::env::var("FILCH_STRESS_SECONDS").map_or(2, |text| {
        text.parse().expect("FILCH_STRESS_SECONDS is a number")
    });
    let start = Instant::now();
    let mut random = Random::new(workers as u64);
    while start.elapsed() < Duration::from_secs(seconds) {
        grow(workers, random.next());
    }
}

#[test]
fn on_one_worker_all_of_them_end() {
    end_in_time(1);
}

#[test]
fn on_two_workers_all_of_them_end() {
    end_in_time(2);
}

#[test]
fn on_four_workers_all_of_them_end() {
    end_in_time(4);
}

#[test]
fn on_sixteen_workers_all_of_them_end() {
    end_in_time(16);
}
