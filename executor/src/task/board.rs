//! What the branches of a task wait for, where several futures run in it at a time.
//!
//! A leaf that is alone in its task is recorded in the header. The combinators of ours (`select!`, `join!`, `race`,
//! sets of futures) give each of their branches a record of its own, in a *slot* of the task's board:
//!
//! ```text
//!   node    which combinator, and where in the source; of: the branch that it is in, if it is in one
//!   branch  its number, and what it waits for, unless that is not known; of: its node
//! ```
//!
//! A slot is neither moved nor freed before its board, and a board is counted: who has slots in it keeps it. So a
//! reader follows no pointer that a poll or a drop frees, and a combinator may be moved out of its task and dropped
//! anywhere. Boards are made when a branch first has to wait; tasks without branches have none.
//!
//! Orderings: Relaxed but for `WaitRecord`'s own, as a reader sees some state of a moment ago anyhow. What it sees
//! may be of two moments if the task is polled meanwhile, so links are not trusted: each is looked at again where it
//! leads to.

use crate::primitive::Mutex;
use crate::task::wait::{Wait, WaitInfo, WaitRecord};
use filch_timer::Instant;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

/// In place of a slot: none.
pub(crate) const NIL: u32 = u32::MAX;

/// What a slot is: nothing that waits, a node, or, from here on, a branch with this number and more.
const IDLE: u32 = 0;
const NODE: u32 = 1;
const BRANCH: u32 = 2;

/// The first bucket has so many slots, each further one as many as all before it.
const FIRST: usize = 4;

/// So many buckets make half a million slots. Branches beyond that have no record.
const COUNT: usize = 18;

/// All slots of one task.
#[derive(Debug)]
pub(crate) struct Board {
    buckets: [OnceLock<Box<[Slot]>>; COUNT],
    stock: Mutex<Stock>,
}

/// The slots that nobody has.
#[derive(Debug, Default)]
struct Stock {
    free: Vec<u32>,
    /// From here on, slots were never given out.
    unused: u32,
}

/// The record of one branch or combinator.
#[derive(Debug)]
pub(crate) struct Slot {
    record: WaitRecord,
    what: AtomicU32,
    of: AtomicU32,
}

/// One branch of a task that waits for several things: of a `select!`, `join!` or `race`, or a future of a set.
#[derive(Clone, Copy, Debug)]
pub struct BranchInfo {
    of: WaitInfo,
    number: usize,
    depth: usize,
    wait: Option<WaitInfo>,
}

impl BranchInfo {
    /// What it is a branch of, and where in the source that is.
    #[must_use]
    pub fn of(&self) -> &WaitInfo {
        &self.of
    }

    /// Which branch it is, from 0: its place in the macro's text, or how many futures came into the set before it.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// In how many branches it lies: those follow which are in it.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// What it waits for. `None` if that is not filch's, or has branches itself.
    #[must_use]
    pub fn wait(&self) -> Option<&WaitInfo> {
        self.wait.as_ref()
    }

    pub(crate) fn wait_mut(&mut self) -> Option<&mut WaitInfo> {
        self.wait.as_mut()
    }
}

impl Board {
    pub(crate) fn new() -> Board {
        Board {
            buckets: [const { OnceLock::new() }; COUNT],
            stock: Mutex::new(Stock::default()),
        }
    }

    /// Takes slots, as many as `indices` has room for; `false`: there are not so many.
    pub(crate) fn take(&self, indices: &mut [u32]) -> bool {
        let mut stock = self.stock.lock();
        for taken in 0..indices.len() {
            match stock.free.pop().or_else(|| self.unused(&mut stock.unused)) {
                Some(index) => indices[taken] = index,
                None => {
                    stock.free.extend(&indices[..taken]);
                    return false;
                }
            }
        }
        true
    }

    fn unused(&self, unused: &mut u32) -> Option<u32> {
        let index = *unused;
        let (bucket, _) = position(index as usize);
        let slots = self.buckets.get(bucket)?;
        slots.get_or_init(|| (0..size(bucket)).map(|_| Slot::new()).collect());
        *unused += 1;
        Some(index)
    }

    /// Gives slots back; what was in them is over.
    pub(crate) fn give(&self, indices: &[u32]) {
        for index in indices {
            self.slot(*index).end();
        }
        self.stock.lock().free.extend(indices);
    }

    #[inline]
    pub(crate) fn slot(&self, index: u32) -> &Slot {
        let (bucket, offset) = position(index as usize);
        let slots = self.buckets[bucket].get();
        &slots.expect("a slot is given out after its bucket exists")[offset]
    }

    /// What waits in slots at a time of the runtime's clock: each combinator's branches by number, those within a
    /// branch after it.
    pub(crate) fn read(&self, now: Instant) -> (Option<WaitInfo>, Vec<BranchInfo>) {
        let seen: Vec<Seen> = {
            let unused = self.stock.lock().unused;
            (0..unused)
                .filter_map(|index| self.slot(index).read(index, now))
                .collect()
        };
        let is_branch = |index: u32| {
            seen.iter()
                .any(|slot| slot.index == index && slot.what >= BRANCH)
        };
        let nodes = seen.iter().filter(|slot| slot.what == NODE);
        let roots: Vec<&Seen> = nodes.filter(|node| !is_branch(node.of)).collect();
        let mut branches = Vec::new();
        for root in &roots {
            gather(root, 0, &seen, &mut branches);
        }
        (roots.first().and_then(|root| root.wait), branches)
    }
}

/// Appends the branches of a node.
fn gather(node: &Seen, depth: usize, seen: &[Seen], branches: &mut Vec<BranchInfo>) {
    let Some(of) = node.wait else { return };
    let mut own: Vec<&Seen> = seen
        .iter()
        .filter(|slot| slot.what >= BRANCH && slot.of == node.index)
        .collect();
    own.sort_by_key(|branch| branch.what);
    for branch in own {
        // Links of two moments could make a circle.
        if branches.len() >= seen.len() {
            return;
        }
        branches.push(BranchInfo {
            of,
            number: (branch.what - BRANCH) as usize,
            depth,
            wait: branch.wait,
        });
        let inner = seen
            .iter()
            .filter(|slot| slot.what == NODE && slot.of == branch.index);
        inner.for_each(|node| gather(node, depth + 1, seen, branches));
    }
}

/// A copy of a slot.
struct Seen {
    index: u32,
    what: u32,
    of: u32,
    wait: Option<WaitInfo>,
}

impl Slot {
    fn new() -> Slot {
        Slot {
            record: WaitRecord::new(),
            what: AtomicU32::new(IDLE),
            of: AtomicU32::new(NIL),
        }
    }

    /// It is a combinator's from now on.
    pub(crate) fn begin_node(&self, wait: Wait, now: Instant) {
        self.record.renew(Some(wait), now);
        self.of.store(NIL, Relaxed);
        self.what.store(NODE, Relaxed);
    }

    /// A combinator lies in that branch.
    pub(crate) fn set_outer(&self, branch: u32) {
        self.of.store(branch, Relaxed);
    }

    /// It is a branch that waits. One that waits for the same as before has waited since then.
    pub(crate) fn note(&self, node: u32, number: u32, wait: Option<Wait>, now: Instant) {
        self.record.renew(wait, now);
        self.of.store(node, Relaxed);
        self.what.store(BRANCH.saturating_add(number), Relaxed);
    }

    /// It waits no longer.
    pub(crate) fn end(&self) {
        self.what.store(IDLE, Relaxed);
        self.record.clear();
    }

    /// What it says that is waited for.
    pub(crate) fn wait(&self, now: Instant) -> Option<WaitInfo> {
        self.record.read(now)
    }

    fn read(&self, index: u32, now: Instant) -> Option<Seen> {
        let what = self.what.load(Relaxed);
        (what != IDLE).then(|| Seen {
            index,
            what,
            of: self.of.load(Relaxed),
            wait: self.record.read(now),
        })
    }
}

/// In which bucket a slot is, and where in it.
#[inline]
fn position(index: usize) -> (usize, usize) {
    if index < FIRST {
        return (0, index);
    }
    let bucket = (index / FIRST).ilog2() as usize;
    (bucket + 1, index - (FIRST << bucket))
}

fn size(bucket: usize) -> usize {
    FIRST << bucket.saturating_sub(1)
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::task::wait::WaitKind;

    fn note(board: &Board, node: u32, slot: u32, number: u32, kind: WaitKind) {
        let now = Instant::from_nanos(1 << 20);
        board
            .slot(slot)
            .note(node, number, Some(Wait::here(kind)), now);
    }

    #[test]
    fn branches_are_listed_by_number_and_those_in_a_branch_after_it() {
        let board = Board::new();
        let mut slots = [0; 7];
        assert!(board.take(&mut slots));
        let [outer, b, a, inner, d, c, _idle] = slots;
        let now = Instant::from_nanos(1 << 20);
        board
            .slot(outer)
            .begin_node(Wait::here(WaitKind::First), now);
        board.slot(inner).begin_node(Wait::here(WaitKind::All), now);
        board.slot(inner).set_outer(a);
        note(&board, outer, b, 1, WaitKind::Sleep);
        board.slot(a).note(outer, 0, None, now);
        note(&board, inner, d, 5, WaitKind::Lock);
        note(&board, inner, c, 2, WaitKind::Read);
        let (wait, branches) = board.read(Instant::from_nanos(1 << 20));
        assert_eq!(wait.unwrap().kind(), WaitKind::First);
        let found = branches.iter().map(|branch| {
            let wait = branch.wait().map(WaitInfo::kind);
            (branch.of().kind(), branch.number(), branch.depth(), wait)
        });
        let expected = [
            (WaitKind::First, 0, 0, None),
            (WaitKind::All, 2, 1, Some(WaitKind::Read)),
            (WaitKind::All, 5, 1, Some(WaitKind::Lock)),
            (WaitKind::First, 1, 0, Some(WaitKind::Sleep)),
        ];
        assert!(found.eq(expected), "{branches:?}");
        board.give(&slots);
        assert!(
            board.read(Instant::from_nanos(1 << 20)).1.is_empty()
                && board.read(Instant::from_nanos(1 << 20)).0.is_none()
        );
    }

    #[test]
    fn slots_that_were_given_back_are_taken_again() {
        let board = Board::new();
        for _ in 0..100 {
            let mut slots = [0; 5];
            assert!(board.take(&mut slots));
            board.give(&slots);
        }
        assert_eq!(board.stock.lock().unused, 5);
    }

    #[test]
    fn links_that_make_a_circle_are_followed_once() {
        let board = Board::new();
        let mut slots = [0; 2];
        assert!(board.take(&mut slots));
        let [node, branch] = slots;
        board
            .slot(node)
            .begin_node(Wait::here(WaitKind::First), Instant::from_nanos(1 << 20));
        board.slot(node).set_outer(branch);
        note(&board, node, branch, 0, WaitKind::Sleep);
        assert!(board.read(Instant::from_nanos(1 << 20)).1.len() <= 2);
    }
}
