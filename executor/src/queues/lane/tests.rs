use super::*;
use crate::testing::World;
use std::sync::Arc;

const START: Instant = Instant::from_nanos(1 << 40);

#[test]
fn as_many_are_out_as_there_are_permits() {
    let (world, lanes) = (World::new(), Lanes::new(2));
    for _ in 0..4 {
        let (task, joined) = world.spawn(async {});
        joined.detach(false);
        lanes.push(task, START);
    }
    let permits = [Permit::none(), Permit::none(), Permit::none()];
    let take = |seat: usize| lanes.take(&permits[seat], || START);
    world.run(take(0).expect("the first"));
    world.run(take(1).expect("the second"));
    assert!(!lanes.has_work() && (lanes.len(), lanes.work()) == (2, 0));
    assert!(take(2).is_none());
    lanes.give_back(&permits[0]);
    assert!(lanes.has_work() && lanes.work() == 2);
    world.run(take(2).expect("the third"));
    lanes.give_back(&permits[0]);
    assert!(!lanes.has_work(), "at its end it had none");
    lanes.give_back(&permits[1]);
    lanes.give_back(&permits[2]);
    world.run(take(0).expect("the fourth"));
    lanes.give_back(&permits[0]);
    assert!(take(0).is_none() && !lanes.has_work());
    assert_eq!(world.freed(), 4);
}

#[test]
fn a_poll_that_blocks_lends_its_permit_and_one_that_ends_pays_for_it() {
    let (world, lanes) = (World::new(), Lanes::new(1));
    for _ in 0..3 {
        let (task, joined) = world.spawn(async {});
        joined.detach(false);
        lanes.push(task, START);
    }
    let permits = [Permit::none(), Permit::none()];
    let take = |seat: usize| lanes.take(&permits[seat], || START);
    world.run(take(0).expect("the first"));
    let lent = lanes.lend(&permits[0]).expect("it has one");
    assert_eq!(lanes.lend(&permits[0]), None);
    world.run(take(1).expect("the second"));
    lanes.take_back(&permits[0], lent);
    lanes.give_back(&permits[0]);
    assert!(!lanes.has_work(), "the second still has the one permit");
    lanes.give_back(&permits[1]);
    world.run(take(1).expect("the third"));
    assert_eq!(world.freed(), 3);
}

/// Lanes with one permit of a kind, and tasks in that one.
struct Crowd {
    lanes: Lanes,
    permits: Vec<Permit>,
    /// The last, to outlive what is left in the lanes.
    world: Arc<World>,
}

impl Crowd {
    fn of(kind: Kind, tasks: usize) -> Crowd {
        let crowd = Crowd {
            world: World::new(),
            lanes: Lanes::new(1),
            permits: (0..tasks).map(|_| Permit::none()).collect(),
        };
        (0..tasks).for_each(|_| crowd.push(kind, Duration::ZERO));
        crowd
    }

    /// One more task comes to the lane.
    fn push(&self, kind: Kind, after: Duration) {
        let (task, joined) = self.world.spawn(async {});
        joined.detach(false);
        if kind == Kind::Declared {
            task.header().habit.declare_computing();
        }
        self.lanes.push(task, START + after);
    }

    /// A worker with that number comes for a task, at that time. Whether it gets one.
    fn take(&self, seat: usize, after: Duration) -> bool {
        let task = self.lanes.take(&self.permits[seat], || START + after);
        let is_taken = task.is_some();
        task.into_iter().for_each(|task| self.world.run(task));
        is_taken
    }

    /// The monitor looks at its poll, which it has first seen at the start. Whether others have its permit now.
    fn settle(&self, seat: usize, is_blocked: bool, after: Duration) -> bool {
        let seen = Seen {
            is_blocked,
            since: START,
        };
        self.lanes.settle(&self.permits[seat], seen, START + after)
    }

    fn end(&self, seat: usize) {
        self.lanes.give_back(&self.permits[seat]);
    }
}

#[test]
fn of_polls_with_the_habit_so_many_make_way_after_their_tenure() {
    let crowd = Crowd::of(Kind::Learned, 4);
    assert!(crowd.take(0, Duration::ZERO));
    assert!(!crowd.settle(0, false, TENURE / 2));
    assert!(crowd.settle(0, false, TENURE) && !crowd.settle(0, false, TENURE));
    assert_eq!(crowd.lanes.lend(&crowd.permits[0]), None, "others have it");
    assert!(crowd.take(1, TENURE));
    if !sys::TELLS_CPU_TIME {
        assert!(crowd.settle(1, false, 9 * TENURE), "it may be blocked");
        return;
    }
    assert!(!crowd.settle(1, false, 9 * TENURE), "one goes on without");
    crowd.end(0);
    assert!(!crowd.lanes.has_work() && crowd.settle(1, false, 9 * TENURE));
    assert!(crowd.take(2, 9 * TENURE));
    crowd.end(1);
    assert!(!crowd.take(3, 9 * TENURE), "it had none");
    crowd.end(2);
    assert!(crowd.take(3, 9 * TENURE));
    assert_eq!(crowd.world.freed(), 4);
}

#[test]
fn closures_that_compute_keep_their_permits_for_as_long_as_they_do() {
    let crowd = Crowd::of(Kind::Declared, 2);
    assert!(crowd.take(0, Duration::ZERO));
    if sys::TELLS_CPU_TIME {
        assert!(!crowd.settle(0, false, 1000 * TENURE) && !crowd.take(1, 1000 * TENURE));
    }
}

#[test]
fn any_number_of_polls_that_block_make_way() {
    let last = if cfg!(miri) { 9 } else { 99 };
    for kind in [Kind::Learned, Kind::Declared] {
        let crowd = Crowd::of(kind, last + 1);
        for seat in 0..last {
            assert!(crowd.take(seat, Duration::ZERO) && !crowd.take(last, Duration::ZERO));
            assert!(crowd.settle(seat, true, Duration::ZERO));
            assert!(!crowd.settle(seat, true, Duration::ZERO), "it had one");
        }
        (0..last).for_each(|seat| crowd.end(seat));
        assert!(crowd.take(last, Duration::ZERO));
        assert!(!crowd.lanes.of(kind).permits.any(), "one permit in all");
        crowd.end(last);
        assert!(crowd.lanes.of(kind).permits.any());
    }
}

#[test]
fn those_that_go_on_after_a_block_are_waited_for_and_no_longer_than_a_tenure() {
    for (kind, declares) in [
        (Kind::Learned, false),
        (Kind::Declared, false),
        (Kind::Declared, true),
    ] {
        let crowd = Crowd::of(kind, 5);
        let lent: Vec<_> = (0..3)
            .map(|seat| {
                assert!(crowd.take(seat, Duration::ZERO));
                match declares {
                    true => crowd.lanes.lend(&crowd.permits[seat]),
                    false => crowd.settle(seat, true, Duration::ZERO).then_some(kind),
                }
            })
            .collect();
        for (seat, lent) in lent.into_iter().enumerate() {
            match declares {
                true => crowd
                    .lanes
                    .take_back(&crowd.permits[seat], lent.expect("lent")),
                false => assert!(!crowd.settle(seat, false, Duration::ZERO)),
            }
        }
        assert!(
            !crowd.take(3, Duration::ZERO),
            "three compute, with one permit"
        );
        crowd.end(0);
        assert!(!crowd.take(3, Duration::ZERO), "two");
        assert!(!crowd.settle(1, false, TENURE / 2), "not yet");
        assert!(crowd.settle(1, false, TENURE) && crowd.settle(2, false, TENURE));
        assert!(crowd.take(3, TENURE) && !crowd.take(4, TENURE));
        (1..3).for_each(|seat| crowd.end(seat));
        assert!(!crowd.take(4, TENURE), "they had none any more");
        crowd.end(3);
        assert!(crowd.take(4, TENURE));
    }
}

#[test]
fn the_more_were_called_in_the_longer_the_lane_stands_still() {
    let crowd = Crowd::of(Kind::Declared, 4);
    for seat in 0..3 {
        assert!(crowd.take(seat, Duration::ZERO) && crowd.settle(seat, true, Duration::ZERO));
    }
    (0..3).for_each(|seat| assert!(!crowd.settle(seat, false, Duration::ZERO)));
    assert!((0..3).all(|seat| crowd.settle(seat, false, TENURE)));
    assert!(crowd.take(3, TENURE) && crowd.settle(3, true, TENURE));
    assert!(!crowd.settle(3, false, TENURE));
    crowd.push(Kind::Declared, TENURE);
    let pause = TENURE * 8;
    assert!(!crowd.settle(3, false, TENURE + pause / 2));
    assert!(crowd.settle(3, false, TENURE + pause));
}

#[test]
fn either_kind_has_permits_of_its_own_and_its_turn() {
    let (world, lanes) = (World::new(), Lanes::new(1));
    let push = |is_declared: bool| {
        let (task, joined) = world.spawn(async {});
        joined.detach(false);
        if is_declared {
            task.header().habit.declare_computing();
        }
        lanes.push(task, START);
    };
    (0..2).for_each(|_| push(true));
    (0..2).for_each(|_| push(false));
    let mut at = START;
    let mut take = |permit: &Permit| {
        at += Duration::from_millis(1);
        lanes.take(permit, || at)
    };
    for _ in 0..2 {
        let permits = [Permit::none(), Permit::none()];
        let tasks = [0, 1].map(|seat| take(&permits[seat]).expect("one of each"));
        let declared = tasks
            .each_ref()
            .map(|task| task.header().habit.is_declared());
        assert_ne!(declared[0], declared[1]);
        let kind = permits[0].get().map(|(kind, _)| kind);
        assert_eq!(kind == Some(Kind::Declared), declared[0]);
        assert!(take(&Permit::none()).is_none());
        tasks.into_iter().for_each(|task| world.run(task));
        for permit in &permits {
            lanes.give_back(permit);
        }
    }
    assert_eq!(world.freed(), 4);
}

#[test]
fn a_lane_that_nobody_serves_is_overdue() {
    let (world, lanes) = (World::new(), Lanes::new(1));
    let permit = Permit::none();
    assert!(!lanes.is_overdue(START));
    let (task, joined) = world.spawn(async {});
    joined.detach(false);
    lanes.push(task, START);
    assert!(!lanes.is_overdue(START + PATIENCE / 2) && lanes.is_overdue(START + PATIENCE));
    world.run(lanes.take(&permit, || START).expect("the task"));
    assert!(!lanes.is_overdue(START + 2 * PATIENCE));
}
