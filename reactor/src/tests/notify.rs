//! Waits end when they should: at a notification, at their time, at a signal; and never for less.

use super::*;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;

#[test]
fn a_notification_before_a_wait_ends_it_and_only_it() {
    each(|reactor| {
        reactor.notify();
        reactor.notify();
        assert_eq!(turn(reactor, None), 0);
        let start = now();
        assert_eq!(turn(reactor, Some(Duration::from_millis(20))), 0);
        assert!(now() - start >= Duration::from_millis(20));
    });
}

/// A notifier and a waiter hand a number to and fro: if one notification were lost, the waiter would sleep for ever,
/// and if one did not publish, it would see an old number.
#[test]
fn no_notification_is_lost_and_each_publishes() {
    const ROUNDS: u64 = 5_000;
    each(|reactor| {
        let (ping, pong) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            let notifier = scope.spawn(|| {
                for round in 1..=ROUNDS {
                    ping.store(round, Ordering::Relaxed);
                    reactor.notify();
                    while pong.load(Ordering::Relaxed) < round {
                        thread::yield_now();
                    }
                }
            });
            for round in 1..=ROUNDS {
                while ping.load(Ordering::Relaxed) < round {
                    turn(reactor, None);
                }
                pong.store(round, Ordering::Relaxed);
            }
            notifier.join().expect("no panic");
        });
    });
}

#[test]
fn many_notifiers_wake_one_waiter() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 5_000;
    each(|reactor| {
        let total = AtomicUsize::new(0);
        thread::scope(|scope| {
            let notifiers = [(); THREADS].map(|()| {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        total.fetch_add(1, Ordering::Relaxed);
                        reactor.notify();
                    }
                })
            });
            while total.load(Ordering::Relaxed) < THREADS * ROUNDS {
                turn(reactor, None);
            }
            notifiers
                .into_iter()
                .for_each(|notifier| notifier.join().expect("no panic"));
        });
    });
}

#[test]
fn a_wait_never_ends_before_its_time() {
    each(|reactor| {
        for timeout in [1, 1_000, 100_000, 999_999, 1_000_001, 5_500_000].map(Duration::from_nanos)
        {
            for _ in 0..5 {
                // A wake that was written late may end one wait early; here there is none.
                let start = now();
                assert_eq!(turn(reactor, Some(timeout)), 0);
                let slept = now() - start;
                assert!(slept >= timeout, "{slept:?} instead of {timeout:?}");
            }
        }
    });
}

#[test]
fn a_wait_of_nearly_for_ever_is_one() {
    each(|reactor| {
        for timeout in [
            Duration::MAX,
            Duration::from_secs(u64::MAX / 2),
            Duration::from_secs(1 << 40),
        ] {
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                let notifier = scope.spawn(|| {
                    done.store(true, Ordering::Relaxed);
                    reactor.notify();
                });
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(turn(reactor, Some(timeout)), 0);
                }
                notifier.join().expect("no panic");
            });
        }
    });
}

#[test]
fn only_one_thread_has_the_turn() {
    each(|reactor| {
        let turn = reactor.try_lock().expect("free");
        thread::scope(|scope| {
            scope
                .spawn(|| assert!(reactor.try_lock().is_none()))
                .join()
                .expect("it is taken");
        });
        drop(turn);
        assert!(reactor.try_lock().is_some());
    });
}

// The polling crate does not let signals end its waits.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_may_end_a_wait_but_does_not_fail_it() {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: an all-zero sigaction is valid (no flags, so system calls are interrupted); the handler does nothing.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as usize;
        assert_eq!(
            libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()),
            0
        );
    }
    let reactor = Reactor::new(Selector::Epoll).expect("a reactor");
    // SAFETY: it always succeeds.
    let waiter = unsafe { libc::pthread_self() };
    let (back, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let signaller = scope.spawn(|| {
            while back.load(Ordering::Relaxed) < 10 {
                // SAFETY: the thread that waits outlives this scope.
                assert_eq!(unsafe { libc::pthread_kill(waiter, libc::SIGUSR1) }, 0);
                thread::yield_now();
            }
            done.store(true, Ordering::Relaxed);
            reactor.notify();
        });
        while !done.load(Ordering::Relaxed) {
            assert_eq!(turn(&reactor, None), 0);
            back.fetch_add(1, Ordering::Relaxed);
        }
        signaller.join().expect("no panic");
    });
}
