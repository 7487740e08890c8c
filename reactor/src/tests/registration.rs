//! Sources come and go: late, again, in crowds, from all threads, and with numbers that were used before.

use super::*;
use crate::source::Source;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::AtomicBool;
use std::thread;

#[test]
fn a_source_registers_when_it_first_has_to_wait() {
    each(|reactor| {
        let (io, mut peer) = unix(reactor);
        peer.write_all(b"x").expect("room");
        assert_eq!(receive(&io, &mut [0; 1]).expect("it is there"), 1);
        assert_eq!((reactor.len(), io.source().id()), (0, u64::MAX));
        park(&io, Direction::Read, Waker::noop());
        assert_eq!(reactor.len(), 1);
        assert_ne!(io.source().id(), u64::MAX);
        drop(io);
        assert!(reactor.is_empty());
    });
}

#[test]
fn an_object_that_was_taken_out_can_be_put_in_again() {
    each(|reactor| {
        let (mut io, mut peer) = unix(reactor);
        for _ in 0..3 {
            park(&io, Direction::Read, Waker::noop());
            let stream = io.into_inner().expect("it is deregistered");
            assert!(reactor.is_empty());
            peer.write_all(b"x").expect("room");
            assert_eq!(glance(reactor), 0, "nobody watches it");
            io = Io::new(Arc::clone(reactor), stream);
            assert_eq!(receive(&io, &mut [0; 8]).expect("it is there"), 1);
        }
    });
}

#[test]
fn an_event_of_a_descriptor_that_lives_on_in_a_duplicate_reaches_nobody() {
    each(|reactor| {
        let (io, mut peer) = unix(reactor);
        let duplicate = io.get_ref().try_clone().expect("a duplicate");
        park(&io, Direction::Read, Waker::noop());
        drop(io);
        // Takes the place in the table, and most likely the number of the descriptor.
        let (new, _new_peer) = unix(reactor);
        park(&new, Direction::Read, Waker::noop());
        peer.write_all(b"x").expect("room");
        assert_eq!(glance(reactor), 0);
        assert!(new.source().ready(Direction::Read).is_none());
        drop(duplicate);
    });
}

// Elsewhere a regular file may be watched, and is always ready.
#[cfg(target_os = "linux")]
#[test]
fn a_regular_file_is_refused_with_advice() {
    each(|reactor| {
        let file = std::fs::File::open("/proc/self/exe").expect("this program");
        let io = Io::new(Arc::clone(reactor), file);
        let Poll::Ready(Ok(ready)) = poll(&io, Direction::Read, Waker::noop()) else {
            panic!("fresh")
        };
        io.source().clear(ready);
        let Poll::Ready(Err(error)) = poll(&io, Direction::Read, Waker::noop()) else {
            panic!("it cannot be watched")
        };
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(error.to_string().contains("spawn_blocking"), "{error}");
        assert!(reactor.is_empty());
    });
}

#[test]
fn a_descriptor_that_is_watched_already_is_refused() {
    each(|reactor| {
        let (first, mut peer) = unix(reactor);
        // A number that is not owned twice, in spite of what it says.
        let second = Io::new(Arc::clone(reactor), Same(first.get_ref().as_raw_fd()));
        park(&first, Direction::Read, Waker::noop());
        second
            .source()
            .clear(second.source().ready(Direction::Read).expect("fresh"));
        let Poll::Ready(Err(error)) = poll(&second, Direction::Read, Waker::noop()) else {
            panic!("twice")
        };
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        drop(second);
        assert_eq!(reactor.len(), 1);
        peer.write_all(b"x").expect("room");
        assert_eq!(
            turn(reactor, Some(PATIENCE)),
            1,
            "the first is none the worse for it"
        );
    });
}

#[test]
fn sources_come_and_go_on_every_thread_while_one_polls() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 500;
    each(|reactor| {
        let (stop, waits) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            let poller = scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    turn(reactor, None);
                    waits.fetch_add(1, Ordering::Relaxed);
                }
            });
            let churners = [(); THREADS]
                .map(|()| scope.spawn(|| (0..ROUNDS).for_each(|round| churn(reactor, round))));
            for churner in churners {
                churner.join().expect("every event came");
            }
            stop.store(true, Ordering::Relaxed);
            reactor.notify();
            poller.join().expect("no panic");
        });
        assert!(reactor.is_empty());
        println!("{} waits", waits.load(Ordering::Relaxed));
    });
}

/// One connection's life; another thread polls.
fn churn(reactor: &Arc<Reactor>, round: usize) {
    let (io, mut peer) = unix(reactor);
    let thread = thread::current();
    let waker = Waker::from(Arc::new(Unpark(thread)));
    let mut waits = 0;
    for n in 0..=round % 3 {
        if n > 0 {
            peer.write_all(&[n as u8]).expect("room");
        }
        let mut byte = [0];
        loop {
            let Poll::Ready(ready) = poll(&io, Direction::Read, &waker) else {
                if n == 0 {
                    break;
                }
                thread::park_timeout(PATIENCE);
                waits += 1;
                assert!(waits < 1000, "no event came");
                continue;
            };
            let ready = ready.expect("open");
            match (&mut io.get_ref()).read(&mut byte) {
                Ok(_) => break assert_eq!(usize::from(byte[0]), n),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            io.source().clear(ready);
        }
    }
    // Half of them go while an event may be on its way.
    drop(if round % 2 == 0 {
        peer.write_all(b"x")
    } else {
        Ok(())
    });
    drop(if round % 5 == 0 {
        io.into_inner().map(drop)
    } else {
        Ok(())
    });
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn everything_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Reactor>();
    shared::<Source>();
    shared::<Io<TcpStream>>();
    shared::<crate::Waiter>();
    shared::<Ready>();
}

#[test]
fn an_idle_source_is_small() {
    let registration = size_of::<crate::registration::Registration>();
    println!(
        "Io<TcpStream>: {}, Source: {}, Registration: {registration}",
        size_of::<Io<TcpStream>>(),
        size_of::<Source>()
    );
    assert!(size_of::<Io<TcpStream>>() <= 32);
    assert!(registration <= 72);
}

/// The number of a descriptor that lives as long as the test.
struct Same(std::os::fd::RawFd);

impl AsFd for Same {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the test drops the owner last.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}
