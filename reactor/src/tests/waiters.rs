//! Any number of futures wait for one source, come and go, and are dropped at inconvenient moments.

use super::*;
use crate::Waiter;
use crate::primitive::Mutex;
use std::io::Write;

#[test]
fn every_waiter_of_the_direction_is_woken_and_none_that_was_forgotten() {
    each(|reactor| {
        let (io, mut peer) = unix(reactor);
        park(&io, Direction::Read, Waker::noop());
        let mut crowd: Vec<(Arc<Count>, Waiter)> = (0..100).map(|_| Default::default()).collect();
        for (woken, waiter) in &mut crowd {
            let waker = Waker::from(Arc::clone(woken));
            let mut cx = Context::from_waker(&waker);
            assert!(
                io.source()
                    .poll_ready(Direction::Read, Some(&mut *waiter), &mut cx)
                    .is_pending()
            );
            // Polled again with the same waker, it still waits once.
            assert!(
                io.source()
                    .poll_ready(Direction::Read, Some(waiter), &mut cx)
                    .is_pending()
            );
        }
        for (_, waiter) in crowd.iter_mut().step_by(3) {
            io.source().forget(waiter);
        }
        peer.write_all(b"x").expect("room");
        turn(reactor, Some(PATIENCE));
        for (n, (woken, waiter)) in crowd.iter_mut().enumerate() {
            assert_eq!(woken.get(), usize::from(n % 3 != 0));
            assert!(
                io.source()
                    .poll_ready(
                        Direction::Read,
                        Some(waiter),
                        &mut Context::from_waker(Waker::noop())
                    )
                    .is_ready()
            );
            assert!(!waiter.is_placed(), "who is ready has given its place back");
        }
    });
}

#[test]
fn readers_and_writers_are_woken_apart() {
    each(|reactor| {
        let (io, mut peer) = unix(reactor);
        while (&mut io.get_ref()).write(&[0; 4096]).is_ok() {}
        let (reader, writer) = (Arc::new(Count::default()), Arc::new(Count::default()));
        park(&io, Direction::Read, &Waker::from(Arc::clone(&reader)));
        park(&io, Direction::Write, &Waker::from(Arc::clone(&writer)));
        peer.write_all(b"x").expect("room");
        turn(reactor, Some(PATIENCE));
        assert_eq!((reader.get(), writer.get()), (1, 0));
        // On a selector without edges the writer's interest went with that event, and must be back.
        let drained = std::thread::spawn(move || {
            peer.read_exact(&mut [0; 200_000])
                .map_or_else(|_| peer.shutdown(std::net::Shutdown::Both), Ok)
        });
        while writer.get() == 0 {
            turn(reactor, Some(PATIENCE));
        }
        drop(io);
        drop(drained.join().expect("no panic"));
    });
}

#[test]
fn the_last_caller_without_a_waiter_takes_the_slot() {
    each(|reactor| {
        let (io, mut peer) = unix(reactor);
        let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
        park(&io, Direction::Read, &Waker::from(Arc::clone(&first)));
        park(&io, Direction::Read, &Waker::from(Arc::clone(&last)));
        assert_eq!(
            Arc::strong_count(&first),
            1,
            "the replaced waker is dropped"
        );
        peer.write_all(b"x").expect("room");
        turn(reactor, Some(PATIENCE));
        assert_eq!((first.get(), last.get()), (0, 1));
    });
}

#[test]
fn a_source_that_goes_drops_its_waiters_unwoken() {
    each(|reactor| {
        let (io, peer) = unix(reactor);
        let woken = Arc::new(Count::default());
        park(&io, Direction::Read, &Waker::from(Arc::clone(&woken)));
        assert_eq!(Arc::strong_count(&woken), 2);
        drop(io);
        assert_eq!((Arc::strong_count(&woken), woken.get()), (1, 0));
        drop(peer);
        assert_eq!(glance(reactor), 0);
    });
}

/// A waker whose drop takes a source of the same reactor with it, as the last waker of a task does.
struct Owner {
    _owned: Mutex<Option<Io<UnixStream>>>,
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn dropping_a_waker_may_drop_other_sources() {
    each(|reactor| {
        let owner = || {
            let (io, _peer) = unix(reactor);
            park(&io, Direction::Read, Waker::noop());
            Waker::from(Arc::new(Owner {
                _owned: Mutex::new(Some(io)),
            }))
        };
        let (io, _peer) = unix(reactor);
        park(&io, Direction::Read, &owner());
        park(&io, Direction::Read, &owner()); // replaces
        let mut waiter = Waiter::default();
        {
            let waker = owner();
            let mut cx = Context::from_waker(&waker);
            assert!(
                io.source()
                    .poll_ready(Direction::Read, Some(&mut waiter), &mut cx)
                    .is_pending()
            );
        }
        assert_eq!(reactor.len(), 3);
        io.source().forget(&mut waiter);
        assert_eq!(reactor.len(), 2);
        drop(io);
        assert_eq!(reactor.len(), 0);
    });
}
