//! The end of a runtime reaches everyone who belongs to it.

use super::*;
use crate::Waiter;
use std::io::Write;
use std::thread;

fn says_that_it_is_over(error: &io::Error) -> bool {
    error.to_string().contains("has shut down")
}

#[test]
fn closing_hands_back_all_waiters_and_then_everything_fails() {
    each(|reactor| {
        let (io, _peer) = unix(reactor);
        let (fresh, mut fresh_peer) = unix(reactor);
        let woken = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&woken));
        park(&io, Direction::Read, &waker);
        let mut waiter = Waiter::default();
        assert!(
            io.source()
                .poll_ready(
                    Direction::Read,
                    Some(&mut waiter),
                    &mut Context::from_waker(&waker)
                )
                .is_pending()
        );

        let mut all = Vec::new();
        reactor.close(&mut all);
        assert_eq!(all.len(), 2);
        all.drain(..).for_each(Waker::wake);
        assert_eq!(woken.get(), 2);
        assert!(reactor.is_empty());

        for direction in [Direction::Read, Direction::Write] {
            let Poll::Ready(Err(error)) = poll(&io, direction, &waker) else {
                panic!("it is over")
            };
            assert!(says_that_it_is_over(&error), "{error}");
        }
        let error = reactor
            .try_lock()
            .expect("free")
            .wait(None, &mut all)
            .expect_err("it is over");
        assert!(says_that_it_is_over(&error), "{error}");

        // One that never waited works on until it would have to.
        fresh_peer.write_all(b"x").expect("room");
        assert_eq!(receive(&fresh, &mut [0; 1]).expect("it is there"), 1);
        let error = receive(&fresh, &mut [0; 1]).expect_err("it would have to wait");
        assert!(says_that_it_is_over(&error), "{error}");

        io.source().forget(&mut waiter);
        io.into_inner().expect("the selector is still there");
        reactor.close(&mut all);
        assert!(all.is_empty());
    });
}

#[test]
fn closing_ends_a_wait_that_is_running() {
    each(|reactor| {
        thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let mut turn = reactor.try_lock().expect("free");
                while turn.wait(None, &mut Vec::new()).is_ok() {}
            });
            reactor.close(&mut Vec::new());
            waiter.join().expect("it has ended");
        });
    });
}

#[test]
fn a_reactor_without_users_leaves_nothing_behind() {
    each(|reactor| {
        let weak = Arc::downgrade(reactor);
        let (io, _peer) = unix(reactor);
        park(&io, Direction::Read, Waker::noop());
        drop(io);
        assert_eq!((weak.strong_count(), weak.weak_count()), (1, 1));
    });
}
