//! The future that is tried, its output, and the record of what became of both.

use crate::common::*;
use filch::task::yield_now;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What a task's future does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// It is ready at once.
    Ready,
    /// It takes three turns, in different ways.
    Yields,
    /// It waits for a wake from a thread outside.
    Foreign,
    /// It waits until whoever spawned it has dealt with all handles.
    Gate,
    PanicsAtOnce,
    /// It panics in its second poll.
    PanicsLater,
    /// Its destructor panics.
    PanicsInDrop,
    /// It wakes itself by reference and by value, just before it is ready and from its destructor.
    WakesItself,
    /// Wakers of it stay behind that are used after its end and after the runtime's.
    KeepsWakers,
    SpawnsInPoll,
    SpawnsInDrop,
}

impl Body {
    pub(crate) const ALL: &[Body] = &[
        Body::Ready,
        Body::Yields,
        Body::Foreign,
        Body::Gate,
        Body::PanicsAtOnce,
        Body::PanicsLater,
        Body::PanicsInDrop,
        Body::WakesItself,
        Body::KeepsWakers,
        Body::SpawnsInPoll,
        Body::SpawnsInDrop,
    ];

    pub(crate) fn panics_in_poll(self) -> bool {
        matches!(self, Body::PanicsAtOnce | Body::PanicsLater)
    }
}

/// What its output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Plain,
    /// Dropping it panics.
    PanicsInDrop,
}

impl Output {
    pub(crate) const ALL: &[Output] = &[Output::Plain, Output::PanicsInDrop];
}

/// What became of one task.
#[derive(Debug, Default)]
pub(crate) struct Record {
    in_poll: AtomicBool,
    pub(crate) futures_dropped: AtomicUsize,
    pub(crate) outputs_made: AtomicUsize,
    pub(crate) outputs_dropped: AtomicUsize,
    /// It panicked, wherever.
    pub(crate) raised: AtomicBool,
    /// Somebody had its output or its error.
    pub(crate) delivered: AtomicBool,
}

/// What the tasks of a schedule share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) gate: Gate,
    pub(crate) wakers: Mutex<Vec<Waker>>,
    pub(crate) records: Mutex<Vec<Arc<Record>>>,
    pub(crate) wrong: Mutex<Vec<String>>,
    pub(crate) foreign: Foreign,
}

impl World {
    pub(crate) fn new(foreign: Foreign) -> World {
        World {
            gate: Gate::new(),
            wakers: Mutex::default(),
            records: Mutex::default(),
            wrong: Mutex::default(),
            foreign,
        }
    }

    pub(crate) fn wrong(&self, what: impl Into<String>) {
        lock(&self.wrong).push(what.into());
    }

    pub(crate) fn subject(self: &Arc<World>, body: Body, output: Output) -> (Subject, Arc<Record>) {
        let record = Arc::new(Record::default());
        lock(&self.records).push(Arc::clone(&record));
        let subject = Subject {
            body,
            output,
            step: 0,
            flag: Arc::default(),
            kept: None,
            passed: self.gate.passed(),
            world: Arc::clone(self),
            record: Arc::clone(&record),
        };
        (subject, record)
    }
}

/// A future that keeps its record.
pub(crate) struct Subject {
    body: Body,
    output: Output,
    step: u8,
    flag: Arc<AtomicBool>,
    kept: Option<Waker>,
    passed: Passed,
    world: Arc<World>,
    record: Arc<Record>,
}

impl Future for Subject {
    type Output = Token;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Token> {
        let this = self.get_mut();
        if this.record.in_poll.swap(true, SeqCst) {
            this.world
                .wrong("polled by two threads at once, or after it panicked");
        }
        if this.record.futures_dropped.load(SeqCst) + this.record.outputs_made.load(SeqCst) > 0 {
            this.world.wrong("polled after its end");
        }
        if !this.turn(cx) {
            this.record.in_poll.store(false, SeqCst);
            return Poll::Pending;
        }
        this.record.outputs_made.fetch_add(1, SeqCst);
        this.record.in_poll.store(false, SeqCst);
        Poll::Ready(Token {
            output: this.output,
            record: Arc::clone(&this.record),
        })
    }
}

impl Subject {
    /// One poll; whether it is ready.
    fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        self.step += 1;
        match (self.body, self.step) {
            (Body::Ready, _) => true,
            (Body::Foreign, 1) => {
                self.world
                    .foreign
                    .wake(cx.waker().clone(), Arc::clone(&self.flag));
                false
            }
            (Body::Foreign, _) => {
                self.step = 2;
                self.flag.load(SeqCst)
            }
            (Body::Gate, _) => {
                self.step = 0;
                Pin::new(&mut self.passed).poll(cx).is_ready()
            }
            (Body::PanicsAtOnce, _) | (Body::PanicsLater, 2) => raise(&self.record),
            (Body::Yields, 2) => {
                let _ = pin!(yield_now()).poll(cx);
                false
            }
            (Body::WakesItself, 1) => {
                self.kept = Some(cx.waker().clone());
                cx.waker().wake_by_ref();
                by_value(cx.waker().clone());
                false
            }
            (Body::WakesItself, _) => {
                by_value(cx.waker().clone());
                true
            }
            (Body::KeepsWakers, 1) => {
                lock(&self.world.wakers).extend([cx.waker().clone(), cx.waker().clone()]);
                cx.waker().wake_by_ref();
                false
            }
            (Body::SpawnsInPoll, 1) => {
                self.spawn();
                cx.waker().wake_by_ref();
                false
            }
            (_, 1) | (Body::Yields, 3) => {
                cx.waker().wake_by_ref();
                false
            }
            _ => true,
        }
    }

    /// Spawns a task and detaches it.
    fn spawn(&self) {
        if let Ok(handle) = filch::Handle::try_current() {
            drop(handle.spawn(self.world.subject(Body::Yields, Output::Plain).0));
        }
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if self.record.futures_dropped.fetch_add(1, SeqCst) > 0 {
            self.world.wrong("a future was dropped twice");
        }
        match self.body {
            Body::SpawnsInDrop => self.spawn(),
            Body::PanicsInDrop => raise(&self.record),
            Body::WakesItself => {
                if let Some(waker) = self.kept.take() {
                    waker.wake_by_ref();
                    waker.wake();
                }
            }
            _ => {}
        }
    }
}

/// The wake that gives up the waker's reference.
fn by_value(waker: Waker) {
    waker.wake();
}

/// A subject's output.
#[derive(Debug)]
pub(crate) struct Token {
    output: Output,
    record: Arc<Record>,
}

impl Drop for Token {
    fn drop(&mut self) {
        self.record.outputs_dropped.fetch_add(1, SeqCst);
        if self.output == Output::PanicsInDrop && !std::thread::panicking() {
            raise(&self.record);
        }
    }
}

/// Panics without the panic hook's message.
fn raise(record: &Record) -> ! {
    record.raised.store(true, SeqCst);
    resume_unwind(Box::new("raised by the test"))
}

/// A thread outside of all runtimes that does things for others.
#[derive(Clone, Debug)]
pub(crate) struct Foreign(Sender<Job>);

enum Job {
    Wake(Waker, Arc<AtomicBool>),
    Abort(filch::AbortHandle),
    Flush(Sender<()>),
}

impl Foreign {
    pub(crate) fn new() -> Foreign {
        let (send, jobs) = channel();
        std::thread::spawn(move || work(&jobs));
        Foreign(send)
    }

    fn wake(&self, waker: Waker, flag: Arc<AtomicBool>) {
        self.0.send(Job::Wake(waker, flag)).unwrap();
    }

    pub(crate) fn abort(&self, handle: filch::AbortHandle) {
        self.0.send(Job::Abort(handle)).unwrap();
    }

    /// Waits until everything before is done.
    pub(crate) fn flush(&self) {
        let (done, wait) = channel();
        self.0.send(Job::Flush(done)).unwrap();
        wait.recv().unwrap();
    }
}

fn work(jobs: &Receiver<Job>) {
    for job in jobs {
        match job {
            Job::Wake(waker, flag) => {
                flag.store(true, SeqCst);
                waker.wake();
            }
            Job::Abort(handle) => handle.abort(),
            Job::Flush(done) => done.send(()).unwrap(),
        }
    }
}
