//! What the wheel does, one behaviour at a time; `tests/model.rs` tries everything together.

use std::time::Duration;

use super::*;

const START: Instant = Instant::ORIGIN;

fn at(nanos: u64) -> Instant {
    START + Duration::from_nanos(nanos)
}

fn fire<T>(wheel: &mut Wheel<T>, nanos: u64) -> Vec<T> {
    let mut due = Vec::new();
    wheel.advance(at(nanos), usize::MAX, &mut due);
    due
}

#[test]
fn an_entry_fires_at_its_deadline_and_not_a_nanosecond_before() {
    for deadline in [1, 63, 64, 4096, 1_000_000, 5_000_000_000, 1 << 60] {
        let mut wheel = Wheel::new(START);
        wheel.insert(at(deadline), 'a');
        assert_eq!(fire(&mut wheel, deadline - 1), []);
        assert_eq!(fire(&mut wheel, deadline), ['a']);
    }
}

#[test]
fn equal_deadlines_fire_in_insertion_order_across_levels() {
    let mut wheel = Wheel::new(START);
    wheel.insert(at(1_000_000), 1);
    wheel.insert(at(1_000_001), 4);
    wheel.insert(at(1_000_000), 2);
    assert_eq!(fire(&mut wheel, 999_999), []);
    wheel.insert(at(1_000_000), 3);
    assert_eq!(fire(&mut wheel, 2_000_000), [1, 2, 3, 4]);
}

#[test]
fn a_reset_counts_as_a_new_insertion() {
    let mut wheel = Wheel::new(START);
    let first = wheel.insert(at(10), 1);
    wheel.insert(at(10), 2);
    assert!(wheel.reset(first, at(10)));
    assert_eq!(fire(&mut wheel, 10), [2, 1]);
    assert!(!wheel.reset(first, at(20)));
}

#[test]
fn a_past_deadline_is_due_after_what_is_due_already() {
    let mut wheel = Wheel::new(START);
    assert_eq!(fire(&mut wheel, 100), []);
    wheel.insert(at(100), 1);
    wheel.insert(at(50), 2);
    assert_eq!(wheel.next_deadline(), Some(at(100)));
    assert_eq!(fire(&mut wheel, 100), [1, 2]);
}

#[test]
fn a_limit_leaves_the_rest_for_the_next_call_in_order() {
    let mut wheel = Wheel::new(START);
    (0..10).for_each(|i| _ = wheel.insert(at(1000 + i / 4), i));
    let mut due = Vec::new();
    assert_eq!(wheel.advance(at(5000), 0, &mut due), 0);
    assert_eq!(wheel.advance(at(5000), 6, &mut due), 6);
    wheel.insert(at(1001), 100);
    assert_eq!(wheel.next_deadline(), Some(at(1001)));
    assert_eq!(wheel.advance(at(5000), 6, &mut due), 5);
    assert_eq!(due, [0, 1, 2, 3, 4, 5, 6, 7, 100, 8, 9]);
}

#[test]
fn the_bound_is_early_after_a_cancel_until_somebody_looks() {
    let mut wheel = Wheel::new(START);
    let first = wheel.insert(at(1_000_000), 1);
    wheel.insert(at(1_000_100), 2);
    wheel.cancel(first);
    assert_eq!(wheel.bound(), Some(at(1_000_000)));
    assert_eq!(wheel.next_deadline(), Some(at(1_000_100)));
    assert_eq!(wheel.bound(), Some(at(1_000_100)));
}

#[test]
fn one_advance_in_vain_makes_the_bound_exact() {
    let mut wheel = Wheel::new(START);
    let first = wheel.insert(at(1_000_000), 1);
    wheel.insert(at(1_000_100), 2);
    wheel.insert(at(1_000_200), 3);
    wheel.cancel(first);
    assert_eq!(fire(&mut wheel, 1_000_000), []);
    assert_eq!(wheel.bound(), Some(at(1_000_100)));
}

#[test]
#[cfg_attr(miri, ignore = "too many entries for Miri")]
fn few_moves_at_a_time_fire_everything_in_the_end() {
    let mut wheel = Wheel::new(START);
    (0..1000_u64).for_each(|i| _ = wheel.insert(at(1_000_000 + i), i));
    let mut due = Vec::new();
    let mut calls = 0;
    while !wheel.is_empty() {
        assert!(wheel.bound().unwrap() <= at(2_000_000));
        wheel.advance_within(at(2_000_000), 100, 10, &mut due);
        calls += 1;
    }
    assert!(calls >= 100);
    assert!(due.into_iter().eq(0..1000));
}

#[test]
fn an_entry_that_comes_while_its_slot_is_being_opened_overtakes_none() {
    let mut wheel = Wheel::new(START);
    (0..10).for_each(|i| _ = wheel.insert(at(1_000_000), i));
    let mut due = Vec::new();
    wheel.advance_within(at(1_000_000), 100, 5, &mut due);
    wheel.insert(at(1_000_000), 10);
    wheel.advance(at(1_000_000), 100, &mut due);
    assert!(due.into_iter().eq(0..11));
}

#[test]
fn a_slot_that_is_being_opened_can_be_cancelled_empty() {
    let mut wheel = Wheel::new(START);
    let keys: Vec<Key> = (0..10)
        .map(|i| wheel.insert(at(1_000_000 + i), i))
        .collect();
    wheel.advance_within(at(2_000_000), 100, 5, &mut Vec::new());
    keys.iter()
        .for_each(|key| assert!(wheel.cancel(*key).is_some()));
    assert_eq!(wheel.bound(), None);
    wheel.insert(at(3_000_000), 7);
    assert_eq!(fire(&mut wheel, 3_000_000), [7]);
}

#[test]
fn the_far_future_is_a_deadline_like_any_other() {
    let mut wheel = Wheel::new(START);
    wheel.insert(Instant::FAR_FUTURE, 1);
    assert_eq!(wheel.next_deadline(), Some(Instant::FAR_FUTURE));
    assert_eq!(fire(&mut wheel, 1 << 61), []);
    let mut due = Vec::new();
    wheel.advance(Instant::FAR_FUTURE, 1, &mut due);
    assert_eq!(due, [1]);
}

#[test]
#[cfg_attr(miri, ignore = "too many entries for Miri")]
fn a_drained_wheel_gives_its_memory_back() {
    let many = 100_000;
    let mut wheel = Wheel::new(START);
    (0..many).for_each(|i| _ = wheel.insert(at(i), i));
    assert!(wheel.slab.capacity() >= many as usize);
    fire(&mut wheel, many);
    assert!(wheel.slab.capacity() <= 1024);
}

#[test]
fn draining_takes_everything_out() {
    let mut wheel = Wheel::new(START);
    [5, 500, 50_000_000]
        .iter()
        .for_each(|nanos| _ = wheel.insert(at(*nanos), *nanos));
    let mut values = Vec::new();
    wheel.drain(&mut values);
    values.sort_unstable();
    assert_eq!(values, [5, 500, 50_000_000]);
    assert!(wheel.is_empty());
    assert_eq!(wheel.next_deadline(), None);
}
