//! What the tests of tasks and runtime share: limits, waiting for conditions, gates, drop counters, and this process
//! seen through /proc.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod hostile;
pub(crate) mod process;
#[cfg(feature = "net")]
pub(crate) mod sockets;

use filch::task::{TaskInfo, WaitKind};
use filch::{Handle, JoinHandle, Runtime};
use std::collections::HashSet;
use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before it counts as hung; Miri takes some hundred times as long for everything.
pub(crate) const LIMIT: Duration = Duration::from_secs(if cfg!(miri) { 1200 } else { 60 });

/// So many rounds of something that a test repeats to meet a race: under Miri, which has its own ways to meet one and
/// many seeds, a hundredth.
pub(crate) const fn rounds(many: usize) -> usize {
    if cfg!(miri) { many.div_ceil(100) } else { many }
}

/// Between two looks at a condition that nobody can announce.
const LOOK: Duration = Duration::from_millis(1);

/// Longer than any test runs.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A runtime with this many workers.
pub(crate) fn runtime(workers: usize) -> Runtime {
    Runtime::builder()
        .workers(workers)
        .build()
        .expect("a runtime")
}

/// Runs a future on one worker, whose tasks strictly take turns: with a spare one, two of them could run at
/// a time whenever the machine stops a thread in the midst of a poll, and a task with a long poll would have to
/// wait for the others.
pub(crate) fn in_turn<F>(future: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let builder = Runtime::builder().workers(1).max_spare_threads(0);
    let rt = builder.stall_threshold(HOUR).build();
    let rt = rt.expect("a runtime");
    let _limit = Limit::on(&rt);
    rt.run(future)
}

/// While it lives, its test may not take longer than a limit: then the tasks of the watched runtimes are dumped, and
/// the process ends.
#[derive(Debug)]
pub(crate) struct Limit {
    watched: Arc<Mutex<Vec<Handle>>>,
    _ended: Sender<()>,
}

impl Limit {
    /// Watches no runtime yet.
    pub(crate) fn new() -> Limit {
        Limit::of(LIMIT)
    }

    /// With a limit of its own.
    pub(crate) fn of(limit: Duration) -> Limit {
        let (ended, watch) = channel::<()>();
        let watched = Arc::new(Mutex::new(Vec::<Handle>::new()));
        let (handles, test) = (
            Arc::clone(&watched),
            thread::current().name().unwrap_or("?").to_owned(),
        );
        thread::spawn(move || {
            if watch.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                // Not with `eprintln!`, which would be lost with what the test has captured.
                let mut text = format!("`{test}` has not ended after {limit:?}\n");
                for handle in lock(&handles).iter() {
                    let tasks = filch::task::dump(&handle.tasks());
                    text += &format!("{tasks}\n{:?}\n", handle.metrics());
                }
                let _ = std::io::stderr().write_all(text.as_bytes());
                std::process::exit(101);
            }
        });
        Limit {
            watched,
            _ended: ended,
        }
    }

    /// Watches a runtime.
    pub(crate) fn on(runtime: &Runtime) -> Limit {
        let limit = Limit::new();
        limit.watch(runtime.handle());
        limit
    }

    /// Watches one more.
    pub(crate) fn watch(&self, handle: Handle) {
        lock(&self.watched).push(handle);
    }
}

/// Locks; a test that panicked elsewhere does not spoil the value.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Blocks until a condition holds that nobody announces.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "not after {LIMIT:?}: {what}");
        thread::sleep(LOOK);
    }
}

/// Waits in a task until a condition holds that nobody announces.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "not after {LIMIT:?}: {what}");
        filch::time::sleep(LOOK).await;
    }
}

/// Waits in a task until another one does, for that.
pub(crate) async fn until_it_waits<T>(task: &JoinHandle<T>, kind: WaitKind) {
    let waits = |info: &TaskInfo| {
        info.id() == task.id() && info.wait().is_some_and(|wait| wait.kind() == kind)
    };
    until("the task waits", || filch::task::all().iter().any(waits)).await;
}

/// Polls a future once.
pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await
}

/// Something that happens once, for tasks and threads to wait for; it belongs to no runtime.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<GateState>>);

#[derive(Debug, Default)]
struct GateState {
    open: bool,
    wakers: Vec<Waker>,
}

impl Gate {
    pub(crate) fn new() -> Gate {
        Gate::default()
    }

    /// Lets everybody through from now on.
    pub(crate) fn open(&self) {
        let wakers = {
            let mut state = lock(&self.0);
            state.open = true;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn is_open(&self) -> bool {
        lock(&self.0).open
    }

    /// How many polls left a waker here.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.0).wakers.len()
    }

    /// Ready once it is open.
    pub(crate) fn passed(&self) -> Passed {
        Passed(self.clone())
    }

    /// Blocks this thread, and so the worker that it may be.
    #[track_caller]
    pub(crate) fn block(&self) {
        wait_until("the gate opens", || self.is_open());
    }
}

/// The future of [`Gate::passed`].
#[derive(Debug)]
pub(crate) struct Passed(Gate);

impl Future for Passed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.0.0);
        if state.open {
            return Poll::Ready(());
        }
        state.wakers.push(cx.waker().clone());
        Poll::Pending
    }
}

/// A value whose holders can be counted from outside.
#[derive(Clone, Debug)]
pub(crate) struct Probe(#[allow(dead_code, reason = "it is held, not read")] Arc<()>);

impl Probe {
    /// The value, and the eye on it.
    pub(crate) fn new() -> (Probe, Weak<()>) {
        let value = Arc::new(());
        let eye = Arc::downgrade(&value);
        (Probe(value), eye)
    }
}

/// Whether everything that a probe was moved into has been dropped.
pub(crate) fn is_gone(eye: &Weak<()>) -> bool {
    eye.strong_count() == 0
}

/// Calls a closure when it is dropped.
#[derive(Debug)]
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Keeps a value for ever, and knows of it, so that it is no leak.
pub(crate) fn keep<T>(value: T) -> &'static T {
    static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let value = Box::leak(Box::new(value));
    lock(&KEPT).push(std::ptr::from_ref(value).expose_provenance());
    value
}

/// A count that many share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn new() -> Count {
        Count::default()
    }

    pub(crate) fn add(&self) -> usize {
        self.0.fetch_add(1, Ordering::AcqRel)
    }

    /// Takes one off again.
    pub(crate) fn take(&self) -> usize {
        self.0.fetch_sub(1, Ordering::AcqRel)
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// The message of a panic.
pub(crate) fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(other) => other
            .downcast_ref::<&str>()
            .map_or_else(String::new, |text| (*text).to_owned()),
    }
}

/// Runs a closure that has to panic, and gives the message.
#[track_caller]
pub(crate) fn panics<R>(f: impl FnOnce() -> R) -> String {
    // std's own hook shows the frames of a panic within a panic, which takes Miri minutes.
    if cfg!(miri) {
        std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    }
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(_) => panic!("this should have panicked"),
        Err(panic) => message(panic),
    }
}

/// Whether all are different.
pub(crate) fn all_different<T: std::hash::Hash + Eq>(values: impl IntoIterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    values.into_iter().all(|value| seen.insert(value))
}
