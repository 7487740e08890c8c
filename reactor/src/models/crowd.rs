//! Several wait for one source, and some of them leave.

use super::*;

/// A crowd of two on one source.
fn crowd() -> (Arc<World>, Arc<Io<Socket>>) {
    let world = World::edge();
    let io = Arc::new(world.open(0));
    register(&io);
    (world, io)
}

/// Waits already, and leaves on a thread of its own.
fn fickle(world: &Arc<World>, io: &Arc<Io<Socket>>, mut place: Waiter) -> thread::JoinHandle<()> {
    let mut cx = Context::from_waker(Waker::noop());
    let source = io.source();
    let polled = source.poll_ready(Direction::Read, Some(&mut place), &mut cx);
    assert!(polled.is_pending());
    let io = Arc::clone(io);
    world.spawn(move |_| io.source().forget(&mut place))
}

/// Polls while so much arrives.
fn poller(world: &Arc<World>, arrivals: usize) -> thread::JoinHandle<()> {
    world.spawn(move |world| {
        for _ in 0..arrivals {
            world.kernel().arrive(0);
        }
        world.poll();
    })
}

/// One future of a crowd goes while an event is on its way: the other is woken all the same.
///
/// Broken, and seen to fail: `Waiters::take` stopping after its first place.
#[test]
fn a_waiter_that_leaves_takes_nothing_with_it() {
    loom::model(|| {
        let (world, io) = crowd();
        let fickle = fickle(&world, &io, Waiter::default());
        let poller = poller(&world, 1);
        let mut waiter = Waiter::default();
        operate(
            io.source(),
            Direction::Read,
            Some(&mut waiter),
            || world.kernel().read(0, 1),
            1,
        )
        .expect("open");
        io.source().forget(&mut waiter);
        world.finish();
        fickle.join().unwrap();
        poller.join().unwrap();
    });
}

/// Takes one of what comes one by one, as an operation in line does.
fn take_one(world: &World, source: &Source, waiter: &mut Waiter) {
    let call = || world.kernel().read(0, 1);
    operate(source, Direction::Read, Some(&mut *waiter), call, 1).expect("open");
    source.pass_on();
    source.forget(waiter);
}

/// Both of what has come may be told in one event, which calls one of the two who stand in line.
///
/// Broken, and seen to fail: `take_one` without `pass_on`; `Waiters::take` calling nobody of the line.
#[test]
fn whoever_takes_one_calls_the_next() {
    loom::model(|| {
        let (world, io) = crowd();
        let other = {
            let io = Arc::clone(&io);
            world.spawn(move |world| take_one(world, io.source(), &mut Waiter::in_line()))
        };
        let poller = poller(&world, 2);
        take_one(&world, io.source(), &mut Waiter::in_line());
        other.join().unwrap();
        world.finish();
        poller.join().unwrap();
    });
}

/// The first in line leaves while an event is on its way, perhaps after it has been called for it.
///
/// Broken, and seen to fail: `Source::forget` without `pass_on`.
#[test]
fn whoever_is_called_and_leaves_calls_the_next() {
    loom::model(|| {
        let (world, io) = crowd();
        let fickle = fickle(&world, &io, Waiter::in_line());
        let poller = poller(&world, 1);
        take_one(&world, io.source(), &mut Waiter::in_line());
        world.finish();
        fickle.join().unwrap();
        poller.join().unwrap();
    });
}
