//! Trees of structures, and how they run.

use super::common::Random;
use super::world::{Branch, PERMITS};
use filch::TaskGroup;
use filch::task::JoinSet;
use filch::time::{Instant, deadline, sleep, timeout};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

#[derive(Clone, Debug)]
pub(super) enum Tree {
    // What waits.
    Sleep(u64),
    Yield(usize),
    Fail,
    Lock,
    Permits(usize),
    Send,
    Recv,
    Put,
    Get,
    // What holds others.
    Group(Vec<Tree>),
    Limited(Vec<Tree>),
    Set(Vec<Tree>),
    Gather(Vec<Tree>),
    Race(Vec<Tree>),
    Row(Vec<Tree>),
    Join(Box<[Tree; 2]>),
    Select(Box<[Tree; 2]>),
    Timeout(u64, Box<Tree>),
    Deadline(u64, Box<Tree>),
    Shield(u64, Box<Tree>),
    Locked(Box<Tree>),
    /// How long the cleanup takes, and may take.
    Cleanup(u64, u64, Box<Tree>),
    Spawned(Box<Tree>),
}

/// No waiting for others lasts longer: trees may well wait for each other.
const PATIENCE: Duration = Duration::from_millis(15);

const LEAVES: usize = 9;
const KINDS: usize = 23;

/// A tree of that depth at most, and of `left` nodes.
pub(super) fn grow(random: &mut Random, depth: usize, left: &mut usize) -> Tree {
    *left = left.saturating_sub(1);
    let kind = match depth == 0 || *left == 0 {
        true => random.below(LEAVES),
        // Rather more that holds others, near the root.
        false => random.below(KINDS).max(random.below(KINDS)),
    };
    let millis = random.below(20) as u64;
    let mut one = |random: &mut Random| grow(random, depth.saturating_sub(1), left);
    match kind {
        0 => Tree::Sleep(millis),
        1 => Tree::Yield(random.below(9)),
        2 => Tree::Fail,
        3 => Tree::Lock,
        4 => Tree::Permits(1 + random.below(PERMITS)),
        5 => Tree::Send,
        6 => Tree::Recv,
        7 => Tree::Put,
        8 => Tree::Get,
        9..=14 => {
            let trees = (0..1 + random.below(4)).map(|_| one(random)).collect();
            let make = [
                Tree::Group,
                Tree::Limited,
                Tree::Set,
                Tree::Gather,
                Tree::Race,
                Tree::Row,
            ];
            make[kind - 9](trees)
        }
        15 => Tree::Join(Box::new([one(random), one(random)])),
        16 => Tree::Select(Box::new([one(random), one(random)])),
        17 => Tree::Timeout(millis, Box::new(one(random))),
        18 => Tree::Deadline(millis, Box::new(one(random))),
        19 => {
            // One that is too short is told.
            let grace = if random.one_in(20) { millis } else { 500 };
            Tree::Shield(grace, Box::new(one(random)))
        }
        20 => Tree::Locked(Box::new(one(random))),
        21 => {
            let may_take = if random.one_in(20) { millis / 2 } else { 500 };
            Tree::Cleanup(millis, may_take, Box::new(one(random)))
        }
        _ => Tree::Spawned(Box::new(one(random))),
    }
}

type Running = Pin<Box<dyn Future<Output = Result<(), Failed>> + Send>>;

#[derive(Debug)]
pub(super) struct Failed;

/// Runs a tree. Its life is counted from this call on, though it is never polled.
pub(super) fn run(tree: Tree, branch: Branch) -> Running {
    let life = branch.life();
    Box::pin(async move {
        let _life = life;
        match tree {
            Tree::Sleep(millis) => sleep(Duration::from_millis(millis)).await,
            Tree::Yield(times) => {
                for _ in 0..times {
                    filch::task::yield_now().await;
                }
            }
            Tree::Fail => return Err(Failed),
            Tree::Lock | Tree::Permits(_) | Tree::Send | Tree::Recv | Tree::Put | Tree::Get => {
                use_world(&tree, &branch).await;
            }
            other => return hold_others(other, branch).await,
        }
        Ok(())
    })
}

async fn use_world(tree: &Tree, branch: &Branch) {
    let world = &*branch.world;
    match tree {
        Tree::Lock => {
            if let Ok(_held) = timeout(PATIENCE, world.lock.lock()).await {
                let _alone = world.alone();
                filch::task::yield_now().await;
            }
        }
        Tree::Permits(count) => {
            let permits = timeout(PATIENCE, world.permits.acquire_many(*count as u32)).await;
            if let Ok(_permits) = permits {
                filch::task::yield_now().await;
            }
        }
        Tree::Send => {
            if let Ok(Ok(())) = timeout(PATIENCE, world.sender.send(world.item())).await {
                world.handed.add();
            }
        }
        Tree::Recv => {
            if let Ok(Some(_item)) = timeout(PATIENCE, world.receiver.recv()).await {
                world.taken.add();
            }
        }
        Tree::Put => {
            if let Ok(Ok(())) = timeout(PATIENCE, world.queue.put(world.item())).await {
                world.handed.add();
            }
        }
        Tree::Get => {
            if let Ok(Ok(_item)) = timeout(PATIENCE, world.queue.get()).await {
                world.taken.add();
            }
        }
        _ => unreachable!("it holds others"),
    }
}

async fn hold_others(tree: Tree, branch: Branch) -> Result<(), Failed> {
    let all = |trees: Vec<Tree>, branch: &Branch| {
        let each = trees.into_iter().map(|tree| run(tree, branch.clone()));
        each.collect::<Vec<Running>>()
    };
    match tree {
        Tree::Group(trees) => {
            let children = all(trees, &branch);
            let ended = TaskGroup::run(async move |group| {
                for child in children {
                    group.spawn(child);
                }
                Ok(())
            });
            ended.await.map_err(|_| Failed)
        }
        Tree::Limited(trees) => {
            let children = all(trees, &branch);
            let ended = TaskGroup::limit(2).run(async move |group| {
                for child in children {
                    group.spawn(child).await;
                }
                Ok(())
            });
            ended.await.map_err(|_| Failed)
        }
        Tree::Set(trees) => {
            let mut set = JoinSet::new();
            for child in all(trees, &branch) {
                set.spawn(child);
            }
            match set.join_next().await {
                Some(Ok(ended)) => ended,
                _ => Err(Failed),
            }
        }
        Tree::Gather(trees) => filch::gather(all(trees, &branch)).await.map(drop),
        Tree::Race(trees) => filch::race(all(trees, &branch)).await,
        Tree::Row(trees) => {
            for child in all(trees, &branch) {
                child.await?;
            }
            Ok(())
        }
        Tree::Join(both) => {
            let [one, other] = both.map(|tree| run(tree, branch.clone()));
            filch::try_join!(one, other).map(drop)
        }
        Tree::Select(both) => {
            let [one, other] = both.map(|tree| run(tree, branch.clone()));
            filch::select! {
                ended = one => ended,
                ended = other => ended,
            }
        }
        other => limit_others(other, branch).await,
    }
}

async fn limit_others(tree: Tree, branch: Branch) -> Result<(), Failed> {
    let millis = Duration::from_millis;
    match tree {
        Tree::Timeout(limit, inner) => {
            let ended = timeout(millis(limit), run(*inner, branch));
            ended.await.unwrap_or(Err(Failed))
        }
        Tree::Deadline(limit, inner) => {
            let inner = run(*inner, branch);
            let ended = deadline(millis(limit), async move |end| {
                filch::task::yield_now().await;
                end.reschedule(Instant::now() + millis(limit / 2));
                inner.await
            });
            ended.await.unwrap_or(Err(Failed))
        }
        // With a bound: it may wait for what is held around it.
        Tree::Shield(grace, inner) => {
            let inner = run(*inner, branch);
            // An error that nobody takes would be told.
            let shielded = filch::shield(async move { inner.await.is_ok() });
            let is_well = shielded.grace(millis(grace)).await;
            is_well.then_some(()).ok_or(Failed)
        }
        Tree::Locked(inner) => {
            let world = branch.world.clone();
            let Ok(_held) = timeout(PATIENCE, world.lock.lock()).await else {
                return Err(Failed);
            };
            let _alone = world.alone();
            let ended = timeout(PATIENCE, run(*inner, branch));
            ended.await.unwrap_or(Err(Failed))
        }
        Tree::Cleanup(takes, may_take, inner) => {
            let cleaning = branch.cleanup(takes >= may_take);
            let life = branch.life();
            let cleanup = filch::cleanup(async move {
                let _life = life;
                sleep(millis(takes)).await;
                cleaning.done();
            });
            let _cleanup = cleanup.deadline(millis(may_take));
            run(*inner, branch).await
        }
        Tree::Spawned(inner) => {
            let handle = filch::AbortOnDrop(filch::spawn(run(*inner, branch)));
            handle.await.unwrap_or(Err(Failed))
        }
        _ => unreachable!("it has run"),
    }
}
