//! Against a resolver that is silent for as long as a test wants.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use std::thread::Thread;

/// The name that is not answered before a gate opens; all others are at once.
const SILENT: &str = "silent";

/// A pool with a silent resolver, and how many have come to it.
struct Silent {
    pool: &'static Pool,
    open: &'static Mutex<bool>,
    came: &'static AtomicUsize,
}

/// Defines a resolver of its own for one test: `silent` is not answered before the gate opens.
macro_rules! silent {
    ($limits:expr) => {{
        static OPEN: Mutex<bool> = Mutex::new(false);
        static OPENED: Condvar = Condvar::new();
        static CAME: AtomicUsize = AtomicUsize::new(0);
        fn resolve(host: &str, port: u16) -> Answer {
            if host == SILENT {
                CAME.fetch_add(1, Ordering::Relaxed);
                let mut open = OPEN.lock();
                while !*open {
                    OPENED.wait_for(&mut open, Duration::from_millis(5));
                }
            }
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
        }
        static POOL: Pool = Pool::new(resolve, $limits);
        Silent {
            pool: &POOL,
            open: &OPEN,
            came: &CAME,
        }
    }};
}

const SMALL: Limits = Limits {
    usual: 2,
    most: 6,
    busy: Duration::from_millis(50),
    rest: Duration::from_millis(50),
};

impl Silent {
    fn ask(&self, host: &str) -> Lookup {
        self.pool.ask(host, 80).expect("a thread")
    }

    fn until_there_came(&self, count: usize) {
        until(|| self.came.load(Ordering::Relaxed) == count);
    }

    /// Lets everybody through, and waits until all threads have ended.
    fn end(&self) {
        *self.open.lock() = true;
        until(|| self.pool.state.lock().threads == 0);
        until(|| !self.pool.state.lock().watched);
    }
}

fn until(mut condition: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(1));
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread, which belongs to no runtime.
fn wait(lookup: &Lookup) -> Answer {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match lookup.poll(&Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_name_that_is_known_comes_through_behind_silent_ones() {
    let silent = silent!(SMALL);
    let waiting: Vec<_> = (0..5).map(|_| silent.ask(SILENT)).collect();
    silent.until_there_came(5);
    assert_eq!(wait(&silent.ask("known")).expect("an address").len(), 1);
    *silent.open.lock() = true;
    for lookup in &waiting {
        assert_eq!(wait(lookup).expect("an address")[0].port(), 80);
    }
    silent.end();
}

#[test]
fn beyond_the_limit_a_lookup_fails_and_says_why() {
    let silent = silent!(SMALL);
    let _waiting: Vec<_> = (0..6).map(|_| silent.ask(SILENT)).collect();
    silent.until_there_came(6);
    let error = wait(&silent.ask("known")).expect_err("nobody is left to ask");
    assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
    assert!(error.to_string().contains("all 6 threads"), "{error}");
    assert_eq!(silent.pool.state.lock().threads, 6);
    silent.end();
}

#[test]
fn what_is_given_up_before_its_turn_is_never_asked() {
    let silent = silent!(Limits {
        busy: Duration::from_secs(3600),
        ..SMALL
    });
    let begun: Vec<_> = (0..2).map(|_| silent.ask(SILENT)).collect();
    silent.until_there_came(2);
    let queued: Vec<_> = (0..if cfg!(miri) { 10 } else { 600 })
        .map(|_| silent.ask(SILENT))
        .collect();
    drop((begun, queued));
    assert_eq!(silent.pool.state.lock().waiting.len(), 0);
    let known = silent.ask("known");
    *silent.open.lock() = true;
    assert_eq!(wait(&known).expect("an address").len(), 1);
    assert_eq!(silent.came.load(Ordering::Relaxed), 2);
    silent.end();
}

#[test]
fn a_few_threads_answer_many_and_end_when_nobody_asks() {
    let silent = silent!(Limits {
        busy: Duration::from_secs(3600),
        ..SMALL
    });
    let many: Vec<_> = (0..if cfg!(miri) { 10 } else { 200 })
        .map(|_| silent.ask("known"))
        .collect();
    for lookup in &many {
        assert_eq!(wait(lookup).expect("an address").len(), 1);
    }
    assert!(silent.pool.state.lock().threads <= SMALL.usual);
    silent.end();
}

#[test]
fn a_waker_that_panics_ends_no_thread() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker of somebody else's");
        }
    }
    let silent = silent!(Limits { usual: 1, ..SMALL });
    let lookup = silent.ask(SILENT);
    let waker = Waker::from(Arc::new(Panics));
    assert!(lookup.poll(&Context::from_waker(&waker)).is_pending());
    *silent.open.lock() = true;
    assert_eq!(wait(&silent.ask("known")).expect("an address").len(), 1);
    silent.end();
}
