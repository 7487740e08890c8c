//! loom models of this crate's protocols: the reactor, sources and waiters that ship, over the kernel in
//! `selector/model.rs`.
//!
//! ```text
//! RUSTFLAGS="--cfg filch_loom" LOOM_MAX_PREEMPTIONS=2 cargo test -p filch-reactor --release --lib
//! ```
//!
//! A lost event shows as loom's "deadlock": the reader is parked and the poller asleep. Each model says which line was
//! broken to see it fail. What loom cannot show are the orderings in `readiness.rs`: they keep a load and a
//! compare-exchange in their places around a system call, and loom never moves an operation of one thread past another
//! of the same thread. Models of several that wait for one source are in `models/crowd.rs`.

mod crowd;

use crate::primitive::{AtomicBool, AtomicUsize, Ordering};
use crate::selector::epoll::Epoll;
use crate::selector::{Engine, Selector};
use crate::{Direction, Io, Reactor, Source, Waiter};
use loom::thread;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// A descriptor of the model's kernel.
#[derive(Debug)]
struct Socket(RawFd);

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: no system call ever sees it; the model's kernel takes it for an index.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A reactor, its kernel, and the poller's order to stop.
struct World {
    reactor: Arc<Reactor>,
    done: AtomicBool,
}

impl World {
    fn new(epoll: Epoll) -> Arc<World> {
        let reactor = Arc::new(Reactor::with_engine(Engine::Epoll(epoll)));
        Arc::new(World {
            reactor,
            done: AtomicBool::new(false),
        })
    }

    fn edge() -> Arc<World> {
        World::new(Epoll::new().expect("a model cannot fail"))
    }

    fn kernel(&self) -> &Epoll {
        match self.reactor.engine() {
            Engine::Epoll(epoll) => epoll,
            Engine::Polling(_) => unreachable!("the models run on the model"),
        }
    }

    fn open(&self, descriptor: RawFd) -> Io<Socket> {
        Io::new(Arc::clone(&self.reactor), Socket(descriptor))
    }

    /// Polls until `finish`.
    fn poll(&self) {
        let mut turn = self.reactor.try_lock().expect("one poller");
        let mut woken = Vec::new();
        while !self.done.load(Ordering::Relaxed) {
            turn.wait(None, &mut woken).expect("open");
            woken.drain(..).for_each(Waker::wake);
        }
    }

    fn finish(&self) {
        self.done.store(true, Ordering::Relaxed);
        self.reactor.notify();
    }

    fn spawn(self: &Arc<World>, work: impl FnOnce(&World) + 'static) -> thread::JoinHandle<()> {
        let world = Arc::clone(self);
        thread::spawn(move || work(&world))
    }
}

/// What every leaf future does, on a thread that parks: steps 1 to 6.
fn operate(
    source: &Source,
    direction: Direction,
    mut waiter: Option<&mut Waiter>,
    mut operation: impl FnMut() -> io::Result<usize>,
    len: usize,
) -> io::Result<usize> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        let Poll::Ready(ready) = source.poll_ready(direction, waiter.as_deref_mut(), &mut cx)
        else {
            thread::park();
            continue;
        };
        let ready = ready?;
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => source.clear(ready),
            Ok(count) => {
                if 0 < count && count < len {
                    source.clear_short(ready);
                }
                return Ok(count);
            }
            Err(error) => return Err(error),
        }
    }
}

fn read(world: &World, source: &Source, len: usize) -> io::Result<usize> {
    operate(
        source,
        Direction::Read,
        None,
        || world.kernel().read(0, len),
        len,
    )
}

/// Makes a fresh source wait.
fn register(io: &Io<Socket>) {
    let mut cx = Context::from_waker(Waker::noop());
    io.source()
        .clear(io.source().ready(Direction::Read).expect("fresh"));
    assert!(
        io.source()
            .poll_ready(Direction::Read, None, &mut cx)
            .is_pending()
    );
}

/// Broken, and seen to fail:
/// - `Source::leave_waker` without the look at the word under the lock;
/// - `Registration::deliver` with the two halves exchanged;
/// - the model's `modify` (and so `add`) without reporting what is there already.
#[test]
fn an_edge_is_never_lost() {
    loom::model(|| {
        let world = World::edge();
        let poller = world.spawn(World::poll);
        let peer = world.spawn(|world| {
            world.kernel().arrive(0);
            world.kernel().arrive(0);
        });
        let io = world.open(0);
        let mut left = 2;
        while left > 0 {
            left -= read(&world, io.source(), 1).expect("open");
        }
        world.finish();
        poller.join().unwrap();
        peer.join().unwrap();
    });
}

/// Who only waits, twice, and never tries: the guess that a fresh source is ready is given up while the event comes.
///
/// Broken, and seen to fail: `Lane::next_tick` that leaves the tick at zero.
#[test]
fn who_only_waits_hears_of_what_comes() {
    loom::model(|| only_wait(&World::edge()));
}

/// The same where interest ends with each event. Broken in the same way it never ends: arming reports again and again.
#[test]
fn who_only_waits_hears_of_what_comes_where_interest_ends() {
    loom::model(|| only_wait(&World::new(Epoll::oneshot())));
}

fn only_wait(world: &Arc<World>) {
    let poller = world.spawn(World::poll);
    let peer = world.spawn(|world| world.kernel().arrive(0));
    let io = world.open(0);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    for _ in 0..2 {
        let direction = Direction::Read;
        while io.source().poll_wait(direction, None, &mut cx).is_pending() {
            thread::park();
        }
    }
    assert_eq!(world.kernel().read(0, 1).expect("a byte is there"), 1);
    world.finish();
    poller.join().unwrap();
    peer.join().unwrap();
}

/// The event comes between an operation that would block and the clear that follows from it.
///
/// Broken, and seen to fail: `Snapshot::after_would_block` without the comparison of ticks.
#[test]
fn a_newer_event_survives_an_older_clear() {
    loom::model(|| {
        let world = World::edge();
        let io = world.open(0);
        register(&io);
        world.kernel().arrive(0);
        let mut turn = world.reactor.try_lock().expect("nobody polls yet");
        turn.wait(None, &mut Vec::new()).expect("open");
        drop(turn);
        assert_eq!(world.kernel().read(0, 1).expect("a byte is there"), 1);

        let poller = world.spawn(|world| {
            world.kernel().arrive(0);
            world.poll();
        });
        read(&world, io.source(), 1).expect("open");
        world.finish();
        poller.join().unwrap();
    });
}

/// Broken, and seen to fail: `Snapshot::after_short` clearing `lane.disproved` instead of `lane.ready`.
#[test]
fn an_end_of_stream_behind_a_short_read_is_seen() {
    loom::model(|| {
        let world = World::edge();
        let poller = world.spawn(World::poll);
        let peer = world.spawn(|world| {
            world.kernel().arrive(0);
            world.kernel().end(0);
        });
        let io = world.open(0);
        assert_eq!(read(&world, io.source(), 8).expect("open"), 1);
        assert_eq!(read(&world, io.source(), 8).expect("open"), 0);
        world.finish();
        poller.join().unwrap();
        peer.join().unwrap();
    });
}

/// A reader and a writer register at the same time; then each gets its event.
///
/// Broken, and seen to fail: `Registration::add` without the look at the token under the lock.
#[test]
fn a_reader_and_a_writer_register_at_once() {
    loom::model(|| {
        let world = World::edge();
        let io = Arc::new(world.open(0));
        let writer = {
            let io = Arc::clone(&io);
            world.spawn(move |world| {
                operate(
                    io.source(),
                    Direction::Write,
                    None,
                    || world.kernel().write(0),
                    1,
                )
                .expect("open");
            })
        };
        let poller = world.spawn(|world| {
            world.kernel().arrive(0);
            world.kernel().drain(0);
            world.poll();
        });
        read(&world, io.source(), 1).expect("open");
        writer.join().unwrap();
        assert!(world.reactor.len() <= 1);
        world.finish();
        poller.join().unwrap();
    });
}

/// The writer still waits when the reader's event ends the interest of both, and the reader waits twice.
///
/// Broken, and seen to fail: `Registration::rearm` without its loop; `rearm` without emptying `armed`.
#[test]
fn interest_that_ends_with_each_event_is_armed_again() {
    loom::model(|| {
        let world = World::new(Epoll::oneshot());
        let io = Arc::new(world.open(0));
        let writer = {
            let io = Arc::clone(&io);
            world.spawn(move |world| {
                operate(
                    io.source(),
                    Direction::Write,
                    None,
                    || world.kernel().write(0),
                    1,
                )
                .expect("open");
                world.kernel().arrive(0);
            })
        };
        let poller = world.spawn(|world| {
            world.kernel().arrive(0);
            world.poll();
        });
        read(&world, io.source(), 1).expect("open");
        world.kernel().drain(0);
        read(&world, io.source(), 1).expect("open");
        writer.join().unwrap();
        world.finish();
        poller.join().unwrap();
    });
}

/// The event of a source that has gone does not reach the one that took its place in the table.
///
/// Broken, and seen to fail: `Table::remove` without the new generation.
#[test]
fn an_event_of_a_source_that_has_gone_reaches_nobody() {
    loom::model(|| {
        let world = World::edge();
        let old = world.open(0);
        register(&old);
        world.kernel().arrive(0);
        let poller = world.spawn(|world| {
            let mut turn = world.reactor.try_lock().expect("one poller");
            turn.wait(Some(Duration::ZERO), &mut Vec::new())
                .expect("open");
        });
        drop(old);
        let new = world.open(1);
        register(&new);
        poller.join().unwrap();
        assert!(new.source().ready(Direction::Read).is_none());
    });
}

/// Two notifiers, of which one may find that the other has already done it: both are heard, and what they wrote is
/// seen.
///
/// Broken, and seen to fail: `Signal::notify` with Relaxed; `Signal::end` with Relaxed; `Signal::begin` storing WAITING
/// without a look; `Signal::end` before the wait instead of after it.
#[test]
fn a_notification_ends_this_wait_or_the_next() {
    loom::model(|| {
        let reactor = Arc::new(Reactor::new(Selector::Epoll).expect("a model cannot fail"));
        let written = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let notifiers = written.clone().map(|written| {
            let reactor = Arc::clone(&reactor);
            thread::spawn(move || {
                written.store(1, Ordering::Relaxed);
                reactor.notify();
            })
        });
        let mut turn = reactor.try_lock().expect("one poller");
        while written
            .iter()
            .any(|written| written.load(Ordering::Relaxed) == 0)
        {
            turn.wait(None, &mut Vec::new()).expect("open");
        }
        notifiers
            .into_iter()
            .for_each(|notifier| notifier.join().unwrap());
    });
}

/// Whoever waits, registers or polls while the reactor closes is told.
///
/// Broken, and seen to fail: `look` without the shutdown bit; `Reactor::close` without the notification; `Table::close`
/// without refusing what comes after it.
#[test]
fn closing_reaches_everyone() {
    loom::model(|| {
        let world = World::edge();
        let io = world.open(0);
        let poller = world.spawn(|world| {
            let mut turn = world.reactor.try_lock().expect("one poller");
            while turn.wait(None, &mut Vec::new()).is_ok() {}
        });
        let closer = world.spawn(|world| {
            let mut woken = Vec::new();
            world.reactor.close(&mut woken);
            woken.drain(..).for_each(Waker::wake);
        });
        assert!(read(&world, io.source(), 1).is_err());
        poller.join().unwrap();
        closer.join().unwrap();
    });
}
