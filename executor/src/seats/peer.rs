//! How workers notice that one of them is stuck, before the backstop does.
//!
//! A worker that has read the clock anyway also looks at another one: has that gone on to another poll? If it is still
//! in the same one after a while, then what waits behind it is declared everybody's (`signs/watch.rs`), and the worker
//! that noticed takes it over. Why the poll lasts does not matter for that. Most often its worker waits for a
//! processor, where others compete for them, and goes on before the backstop has looked; if not, the backstop finds it
//! out and does the rest: reports, spare threads, what the task's next polls are to be expected like.
//!
//! Each look is at one worker, so it costs the same however many there are, and a worker among many is looked at
//! rarely: then the backstop is faster.

use crate::seats::remotes::{Remote, Remotes};
use filch_timer::Instant;
use std::cell::Cell;
use std::time::Duration;

/// What waits behind a poll that lasts this long is better off with another worker. Well above most polls, and well
/// below the millisecond that nobody should be delayed by.
const LONG: Duration = Duration::from_micros(250);

/// A worker's view of the others: the one that it keeps an eye on.
#[derive(Debug)]
pub(crate) struct Peer {
    /// The worker's own seat.
    own: usize,
    seat: Cell<usize>,
    /// The poll that it was in, and when that was first seen.
    tick: Cell<Option<u32>>,
    since: Cell<Instant>,
}

impl Peer {
    /// For the worker of that seat.
    pub(crate) fn new(own: usize) -> Peer {
        Peer {
            own,
            seat: Cell::new(own),
            tick: Cell::new(None),
            since: Cell::new(Instant::from_nanos(0)),
        }
    }

    /// A worker that is found to be in a long poll that tasks wait behind.
    pub(crate) fn look<'a>(&self, remotes: &'a Remotes, now: Instant) -> Option<&'a Remote> {
        if let Some(tick) = self.tick.get() {
            let remote = &remotes[self.seat.get()];
            if remote.watch.tick() == Some(tick) {
                if now.duration_since(self.since.get()) < LONG {
                    return None;
                }
                if remote.waiting() > 0 {
                    remote.watch.suspect(tick);
                    return Some(remote);
                }
            }
        }
        self.turn_to_next(remotes, now);
        None
    }

    fn turn_to_next(&self, remotes: &Remotes, now: Instant) {
        let seats = remotes.len();
        let after = |seat: usize| if seat + 1 < seats { seat + 1 } else { 0 };
        let next = after(self.seat.get());
        let next = if next == self.own { after(next) } else { next };
        self.seat.set(next);
        let is_other = next != self.own;
        self.tick
            .set(remotes[next].watch.tick().filter(|_| is_other));
        self.since.set(now);
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::queues::queue::Local;
    use crate::signs::watch::Stuck;
    use crate::testing::World;

    const START: Instant = Instant::from_nanos(1 << 40);

    #[test]
    fn it_finds_a_poll_that_goes_on_while_tasks_wait_behind_it() {
        let queues = [Local::new(), Local::new(), Local::new()];
        let remotes = Remotes::new(&queues, 0, START);
        let peer = Peer::new(0);
        let look = |micros| {
            peer.look(&remotes, START + Duration::from_micros(micros))
                .is_some()
        };
        remotes[0].watch.begin(5, 1);
        assert!(
            !look(0) && !look(1000) && !look(2000),
            "the others are in no poll"
        );
        remotes[2].watch.begin(7, 1);
        assert!(
            !look(3000) && !look(4000) && !look(5000),
            "nothing waits behind it"
        );
        let world = World::new();
        let (task, joined) = world.spawn(async {});
        queues[2].push(task);
        // It looks at one after the other, and at each twice.
        assert!((6..12).any(|ms| look(1000 * ms)));
        assert!(look(12_000), "there it stays");
        assert_eq!(remotes[2].watch.stuck(), Some(Stuck::Preempted));
        remotes[2].watch.begin(8, 1);
        assert_eq!(remotes[2].watch.stuck(), None);
        assert!(!look(13_000) && !look(13_100), "that is another poll");
        world.run(queues[2].pop().expect("it is still there"));
        joined.detach(false);
    }

    #[test]
    fn alone_there_is_nobody_to_look_at() {
        let queues = [Local::new()];
        let remotes = Remotes::new(&queues, 0, START);
        let peer = Peer::new(0);
        remotes[0].watch.begin(5, 1);
        for second in 0..3 {
            assert!(
                peer.look(&remotes, START + Duration::from_secs(second))
                    .is_none()
            );
        }
    }
}
