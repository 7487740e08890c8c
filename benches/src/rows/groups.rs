//! `group`: children that are waited for together. filch's `TaskGroup`, `gather` and `JoinSet` beside tokio's
//! `JoinSet`; smol has none.

use std::future::Future;

use super::alone::timed;
use super::row::Row;
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::filch::Filch;
use crate::runtimes::tokio::Tokio;
use crate::runtimes::{Peer, Runtime};

/// Children in all of a pass.
const CHILDREN: usize = 10_000;

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let row =
        |name, what: &str, work| Row::micro("group", name, "ns/child", what, work).without_smol();
    let group =
        "groups of that many children, whose values are awaited (tokio: JoinSet, join_next)";
    let gathered = "gather of that many futures (tokio: JoinSet, join_all)";
    let set = "a JoinSet of that many tasks, join_next";
    vec![
        row("children_1", group, |peer, plan| children(peer, plan, 1)),
        row("children_10", group, |peer, plan| children(peer, plan, 10)),
        row("children_10k", group, |peer, plan| {
            children(peer, plan, CHILDREN)
        }),
        row("gather_1", gathered, |peer, plan| gather(peer, plan, 1)),
        row("gather_10", gathered, |peer, plan| gather(peer, plan, 10)),
        row("gather_10k", gathered, |peer, plan| {
            gather(peer, plan, CHILDREN)
        }),
        row("join_set_1", set, |peer, plan| join_set(peer, plan, 1)),
        row("join_set_10", set, |peer, plan| join_set(peer, plan, 10)),
        row("join_set_10k", set, |peer, plan| {
            join_set(peer, plan, CHILDREN)
        }),
    ]
}

fn children(peer: Peer, plan: &Plan, count: usize) -> Sample {
    match peer {
        Peer::Tokio => again::<Tokio, _>(plan, count, tokio_join_next),
        _ => again::<Filch, _>(plan, count, filch_children),
    }
}

fn gather(peer: Peer, plan: &Plan, count: usize) -> Sample {
    match peer {
        Peer::Tokio => again::<Tokio, _>(plan, count, tokio_join_all),
        _ => again::<Filch, _>(plan, count, filch_gather),
    }
}

fn join_set(peer: Peer, plan: &Plan, count: usize) -> Sample {
    match peer {
        Peer::Tokio => again::<Tokio, _>(plan, count, tokio_join_next),
        _ => again::<Filch, _>(plan, count, filch_join_next),
    }
}

/// As many groups of `count` as make up [`CHILDREN`], one after the other.
fn again<R: Runtime, F>(plan: &Plan, count: usize, group: fn(usize) -> F) -> Sample
where
    F: Future<Output = usize> + Send + 'static,
{
    let count = count.min(plan.size(CHILDREN, 100));
    let groups = plan.size(CHILDREN, 100) / count;
    timed::<R, _>(plan, groups * count, move || async move {
        let start = Moment::now();
        for _ in 0..groups {
            assert_eq!(group(count).await, count * (count + 1) / 2);
        }
        start.elapsed()
    })
}

async fn filch_children(count: usize) -> usize {
    let ended = filch::TaskGroup::<()>::run(async |group| {
        let children: Vec<_> = (1..=count)
            .map(|number| group.spawn(async move { Ok(number) }))
            .collect();
        let mut sum = 0;
        for child in children {
            sum += child.await;
        }
        Ok(sum)
    });
    ended.await.expect("no child fails")
}

async fn filch_gather(count: usize) -> usize {
    let children = (1..=count).map(|number| async move { Ok::<_, ()>(number) });
    let all = filch::gather(children).await.expect("no child fails");
    all.into_iter().sum()
}

async fn filch_join_next(count: usize) -> usize {
    let mut set = filch::task::JoinSet::new();
    for number in 1..=count {
        set.spawn(async move { number });
    }
    let mut sum = 0;
    while let Some(number) = set.join_next().await {
        sum += number.expect("no task panics");
    }
    sum
}

async fn tokio_join_next(count: usize) -> usize {
    let mut set = tokio::task::JoinSet::new();
    for number in 1..=count {
        set.spawn(async move { number });
    }
    let mut sum = 0;
    while let Some(number) = set.join_next().await {
        sum += number.expect("no task panics");
    }
    sum
}

async fn tokio_join_all(count: usize) -> usize {
    let mut set = tokio::task::JoinSet::new();
    for number in 1..=count {
        set.spawn(async move { number });
    }
    set.join_all().await.into_iter().sum()
}
