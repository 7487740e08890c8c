//! The wheel against a model of it: a `BTreeMap` ordered by deadline and order of insertion.
//!
//! Both are given the same random operations, and after each of them must agree on everything that can be seen.

use std::collections::BTreeMap;
use std::time::Duration;

use filch_timer::{Instant, Key, Wheel};
use proptest::prelude::*;

/// What the wheel should do, in the most obvious way.
struct Model {
    /// The time up to which everything has fired; earlier deadlines count as this.
    reached: u64,
    /// Each entry's id by its deadline and order of insertion.
    queue: BTreeMap<(u64, u64), usize>,
    /// Each entry's place in the queue, by id; `None` once it is gone.
    places: Vec<Option<(u64, u64)>>,
    insertions: u64,
}

impl Model {
    fn new(now: Instant) -> Model {
        Model {
            reached: now.as_nanos(),
            queue: BTreeMap::new(),
            places: Vec::new(),
            insertions: 0,
        }
    }

    fn insert(&mut self, when: Instant) -> usize {
        let id = self.places.len();
        self.places.push(None);
        self.place(id, when);
        id
    }

    fn place(&mut self, id: usize, when: Instant) {
        self.insertions += 1;
        let place = (when.as_nanos().max(self.reached), self.insertions);
        self.queue.insert(place, id);
        self.places[id] = Some(place);
    }

    fn cancel(&mut self, id: usize) -> Option<usize> {
        let place = self.places[id].take()?;
        self.queue.remove(&place)
    }

    fn reset(&mut self, id: usize, when: Instant) -> bool {
        let present = self.cancel(id).is_some();
        if present {
            self.place(id, when);
        }
        present
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.queue
            .keys()
            .next()
            .map(|(deadline, _)| Instant::from_nanos(*deadline))
    }

    fn advance(&mut self, now: Instant, limit: usize) -> Vec<usize> {
        let mut due = Vec::new();
        while due.len() < limit {
            match self.queue.first_key_value() {
                Some((&(deadline, _), &id)) if deadline <= now.as_nanos() => {
                    self.reached = deadline;
                    self.cancel(id);
                    due.push(id);
                }
                _ => {
                    self.reached = self.reached.max(now.as_nanos());
                    break;
                }
            }
        }
        due
    }
}

#[derive(Clone, Debug)]
enum When {
    /// This long after now.
    After(u64),
    /// This long before now.
    Before(u64),
    /// The same as the last one.
    Same,
    Never,
}

#[derive(Clone, Debug)]
enum Op {
    Insert(When),
    /// Cancels the entry with this id, modulo the ids there are; it may be gone already.
    Cancel(usize),
    Reset(usize, When),
    /// Cancels or resets the earliest entry.
    CancelFirst,
    ResetFirst(When),
    Advance(u64, usize),
    /// Advances to the next deadline exactly.
    AdvanceToNext,
    /// Advances with a number of moves, once.
    AdvancePartly(u64, usize, usize),
}

/// Nanoseconds of any magnitude, up to centuries.
fn span() -> impl Strategy<Value = u64> {
    (0..63_u32, any::<u64>()).prop_map(|(bits, random)| random & ((1 << bits) - 1))
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        10 => span().prop_map(When::After),
        4 => (0..5_u64).prop_map(When::After),
        2 => span().prop_map(When::Before),
        4 => Just(When::Same),
        1 => Just(When::Never),
    ]
}

fn limit() -> impl Strategy<Value = usize> {
    prop_oneof![Just(usize::MAX), 0..4_usize]
}

/// An operation of any kind but an advance.
fn change() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => when().prop_map(Op::Insert),
        6 => any::<usize>().prop_map(Op::Cancel),
        4 => (any::<usize>(), when()).prop_map(|(id, when)| Op::Reset(id, when)),
        3 => Just(Op::CancelFirst),
        2 => when().prop_map(Op::ResetFirst),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        7 => change(),
        1 => (span(), limit()).prop_map(|(by, limit)| Op::Advance(by, limit)),
        1 => Just(Op::AdvanceToNext),
    ]
}

fn op_in_parts() -> impl Strategy<Value = Op> {
    let advance = (span(), limit(), 0..6_usize);
    prop_oneof![
        7 => change(),
        1 => advance.prop_map(|(by, limit, moves)| Op::AdvancePartly(by, limit, moves)),
    ]
}

/// The wheel and its model side by side.
struct Pair {
    now: Instant,
    last: Instant,
    wheel: Wheel<usize>,
    model: Model,
    keys: Vec<Key>,
    /// Whether to ask for the exact next deadline after each operation. Asking tidies the wheel up, so it must also be
    /// tested unasked.
    ask: bool,
    /// Whether deadlines may lie in the past. How these are ordered depends on the time that the wheel has reached,
    /// which the model does not know while the wheel advances in parts.
    past: bool,
}

impl Pair {
    fn new(start: u64, ask: bool, past: bool) -> Pair {
        let now = Instant::from_nanos(start);
        Pair {
            now,
            last: now,
            wheel: Wheel::new(now),
            model: Model::new(now),
            keys: Vec::new(),
            ask,
            past,
        }
    }

    fn when(&mut self, when: &When) -> Instant {
        self.last = match *when {
            When::After(nanos) => self.now.saturating_add(Duration::from_nanos(nanos)),
            When::Before(nanos) => Instant::from_nanos(self.now.as_nanos().saturating_sub(nanos)),
            When::Same => self.last,
            When::Never => Instant::FAR_FUTURE,
        };
        if !self.past {
            self.last = self.last.max(self.now);
        }
        self.last
    }

    fn apply(&mut self, op: &Op) {
        let ids = self.keys.len().max(1);
        let first = self.model.queue.values().next().copied();
        match op {
            Op::Insert(when) => self.insert(when),
            Op::Cancel(id) => self.cancel(id % ids),
            Op::Reset(id, when) => self.reset(id % ids, when),
            Op::CancelFirst => first.into_iter().for_each(|id| self.cancel(id)),
            Op::ResetFirst(when) => first.into_iter().for_each(|id| self.reset(id, when)),
            Op::Advance(by, limit) => {
                self.advance(self.now.saturating_add(Duration::from_nanos(*by)), *limit)
            }
            Op::AdvanceToNext => {
                self.advance(self.model.next_deadline().unwrap_or(self.now), usize::MAX)
            }
            Op::AdvancePartly(by, limit, moves) => self.advance_partly(*by, *limit, *moves),
        }
        self.check();
    }

    fn insert(&mut self, when: &When) {
        let when = self.when(when);
        let id = self.model.insert(when);
        self.keys.push(self.wheel.insert(when, id));
    }

    fn cancel(&mut self, id: usize) {
        if let Some(key) = self.keys.get(id) {
            assert_eq!(self.wheel.cancel(*key), self.model.cancel(id));
        }
    }

    fn reset(&mut self, id: usize, when: &When) {
        let when = self.when(when);
        if let Some(key) = self.keys.get(id) {
            assert_eq!(self.wheel.reset(*key, when), self.model.reset(id, when));
        }
    }

    fn advance(&mut self, now: Instant, limit: usize) {
        self.now = self.now.max(now);
        let mut due = Vec::new();
        assert_eq!(self.wheel.advance(now, limit, &mut due), due.len());
        assert_eq!(due, self.model.advance(now, limit));
    }

    /// What fired must be what the model fires first; when it is less than that, the bound must call for another try.
    fn advance_partly(&mut self, by: u64, limit: usize, moves: usize) {
        self.now = self.now.saturating_add(Duration::from_nanos(by));
        let mut due = Vec::new();
        let fired = self.wheel.advance_within(self.now, limit, moves, &mut due);
        assert_eq!(due, self.model.advance(self.now, fired));
        let more = self
            .model
            .next_deadline()
            .is_some_and(|next| next <= self.now);
        if more {
            assert!(self.wheel.bound().unwrap() <= self.now);
        }
    }

    fn check(&mut self) {
        assert_eq!(self.wheel.len(), self.model.queue.len());
        assert_eq!(self.wheel.is_empty(), self.model.queue.is_empty());
        let next = self.model.next_deadline();
        let bound = self.wheel.bound();
        assert_eq!(bound.is_some(), next.is_some());
        assert!(bound <= next);
        if self.ask {
            assert_eq!(self.wheel.next_deadline(), next);
            assert_eq!(self.wheel.bound(), next);
        }
        for (key, place) in self.keys.iter().zip(&self.model.places).rev().take(8) {
            assert_eq!(self.wheel.get_mut(*key).is_some(), place.is_some());
        }
    }

    fn finish(mut self, drain: bool) {
        self.ask = true;
        self.check();
        let mut rest = Vec::new();
        let mut expected = self.model.advance(Instant::FAR_FUTURE, usize::MAX);
        if drain {
            self.wheel.drain(&mut rest);
            rest.sort_unstable();
            expected.sort_unstable();
        } else {
            self.wheel
                .advance(Instant::FAR_FUTURE, usize::MAX, &mut rest);
        }
        assert_eq!(rest, expected);
        assert!(self.wheel.is_empty());
        assert_eq!(self.wheel.next_deadline(), None);
        assert!(
            self.keys
                .iter()
                .all(|key| self.wheel.cancel(*key).is_none())
        );
    }
}

fn run(mut pair: Pair, ops: &[Op], drain: bool) {
    ops.iter().for_each(|op| pair.apply(op));
    pair.finish(drain);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_wheel_does_what_the_model_does(
        start in prop_oneof![Just(0), Just(1 << 62), any::<u64>()],
        ops in prop::collection::vec(op(), 1..200),
        ask in any::<bool>(),
        drain in any::<bool>(),
    ) {
        run(Pair::new(start, ask, true), &ops, drain);
    }

    #[test]
    fn a_wheel_that_may_move_few_entries_at_a_time_does_what_the_model_does(
        start in prop_oneof![Just(0), Just(1 << 62)],
        ops in prop::collection::vec(op_in_parts(), 1..200),
        ask in any::<bool>(),
        drain in any::<bool>(),
    ) {
        run(Pair::new(start, ask, false), &ops, drain);
    }
}

/// A small generator of pseudorandom numbers (splitmix64), so that the test of a million entries is the same
/// everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[test]
fn a_million_entries_fire_in_order_and_the_cancelled_never() {
    const COUNT: usize = 1_000_000;
    let mut random = Random(1);
    let start = Instant::from_nanos(1 << 62);
    let mut wheel = Wheel::new(start);
    // A third lie within a second, a third within an hour, a third anywhere in the next two centuries.
    let spans = [1_000_000_000, 3_600_000_000_000, 1 << 62];
    let deadlines: Vec<Instant> = (0..COUNT)
        .map(|i| start + Duration::from_nanos(random.next() % spans[i % spans.len()]))
        .collect();
    let keys: Vec<Key> = deadlines
        .iter()
        .enumerate()
        .map(|(id, when)| wheel.insert(*when, id))
        .collect();
    let (cancelled, kept): (Vec<usize>, Vec<usize>) =
        (0..COUNT).partition(|_| random.next().is_multiple_of(3));
    cancelled
        .iter()
        .for_each(|id| assert_eq!(wheel.cancel(keys[*id]), Some(*id)));

    let mut expected = kept;
    expected.sort_by_key(|id| deadlines[*id]);
    let mut due = Vec::new();
    let mut now = start;
    while !wheel.is_empty() {
        now = now.saturating_add(Duration::from_nanos(
            random.next() >> (random.next() % 40 + 2),
        ));
        while wheel.advance(now, 1000, &mut due) > 0 {}
        let fired = due.len();
        assert!(due.last().is_none_or(|id| deadlines[*id] <= now));
        assert_eq!(
            wheel.next_deadline(),
            expected.get(fired).map(|id| deadlines[*id])
        );
    }
    assert!(due == expected);
}
