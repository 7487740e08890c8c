//! What the thread that holds a seat owns of it: no other thread ever touches a [`Core`].
//!
//! Its public half, which others do see, is `remotes::Remote`.

use crate::queues::queue::Local;
use crate::registry::tasks::Desk;
use crate::seats::choices::Choices;
use crate::seats::kit::Kit;
use crate::seats::peer::Peer;
use crate::signs::credit::Credit;
use crate::signs::crowd::Crowd;
use crate::signs::look::{self, IdleLook, Look};
use crate::signs::pace::{Sample, Stopwatch};
use crate::signs::price::Price;
use crate::signs::rhythm::Rhythm;
use crate::signs::watch::Watch;
use crate::task::memory::Depot;
use fastrand::Rng;
use filch_timer::Instant;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// What the builder has chosen for all seats alike.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Common {
    /// Of random choices.
    pub(crate) seed: u64,
    pub(crate) idle_look: IdleLook,
}

/// A worker's own half of its seat.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) index: usize,
    pub(crate) queue: Local,
    /// What it spawns with.
    pub(crate) kit: Kit,
    /// Polls so far; `Watch` has the published copy.
    pub(crate) tick: Cell<u32>,
    /// Polls left until the injector is looked at.
    pub(crate) round: Cell<u32>,
    /// Polls from the next-task slot that count against it; see `Worker::next_task`.
    pub(crate) streak: Cell<u32>,
    /// There were so many tasks in the queue at the start of this round that the streak lasts for all of it.
    pub(crate) long_round: Cell<bool>,
    /// The backstop's beat when this worker last read the clock.
    pub(crate) beat: Cell<u32>,
    /// When the one worker of a local runtime looks after timers and I/O.
    pub(crate) rhythm: Rhythm,
    /// When it last looked after others' tasks.
    pub(crate) looked: Cell<Instant>,
    /// Keeps an eye on the other workers.
    pub(crate) peer: Peer,
    /// Measures how long its polls take.
    pub(crate) stopwatch: Stopwatch,
    /// Measures single polls, one after each of the backstop's beats.
    pub(crate) sample: Sample,
    /// For looking for tasks before it sleeps; see `Worker::linger`.
    pub(crate) linger_credit: Credit,
    /// What a sleep costs, and what looking for I/O events, or at the own word, has saved; see `Worker::sleep`.
    pub(crate) price: Price,
    pub(crate) look_for_events: Look,
    pub(crate) look_at_word: Look,
    pub(crate) crowd: Crowd,
    /// The slow lane was not served for long: it comes before other tasks.
    pub(crate) lane_first: Cell<bool>,
    /// Wakers are being woken in a batch: their tasks queue up without waking workers, where the queue is
    /// shorter than this.
    pub(crate) batch: Cell<Option<usize>>,
    /// What the code of its tasks chooses by.
    pub(crate) choices: Choices,
    rng: RefCell<Rng>,
}

impl Core {
    pub(crate) fn new(index: usize, queue: Local, depot: Arc<Depot>, common: Common) -> Core {
        Core {
            index,
            queue,
            kit: Kit::new(Desk::new(index), depot),
            tick: Cell::new(0),
            round: Cell::new(0),
            streak: Cell::new(0),
            long_round: Cell::new(false),
            beat: Cell::new(0),
            rhythm: Rhythm::new(),
            looked: Cell::new(Instant::from_nanos(0)),
            peer: Peer::new(index),
            stopwatch: Stopwatch::new(),
            sample: Sample::new(),
            linger_credit: Credit::new(1),
            price: Price::new(),
            look_for_events: Look::new(common.idle_look, look::FOR_EVENTS),
            look_at_word: Look::new(common.idle_look, look::FOR_WORD),
            crowd: Crowd::new(),
            lane_first: Cell::new(false),
            batch: Cell::new(None),
            choices: Choices::new(common.seed, 2 * index as u64),
            // One stream per seat and purpose; the salt keeps seats apart.
            rng: RefCell::new(Rng::with_seed(
                common.seed ^ (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            )),
        }
    }

    /// What the worker does from now on counts as another poll, of that task (0: of none): nothing that is said of the
    /// one so far is about it, however late. Returns its tick.
    pub(crate) fn begin_anew(&self, watch: &Watch, task: u64) -> u32 {
        let tick = self.tick.get().wrapping_add(1);
        self.tick.set(tick);
        watch.begin(tick, task);
        tick
    }

    /// A number below `bound`, from this seat's stream.
    pub(crate) fn random(&self, bound: usize) -> usize {
        self.rng.borrow_mut().usize(..bound)
    }
}
