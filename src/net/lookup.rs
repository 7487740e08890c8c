//! The threads that ask the system's resolver.
//!
//! `getaddrinfo` blocks, for as long as a silent name server is waited for, and nothing can call it off. So the threads
//! that it blocks belong to the process, like the one of standard input: no runtime waits for them, and they take
//! nothing from `spawn_blocking`. A lookup that is given up leaves at most the thread that has begun with it.
//!
//! ```text
//!   ask ──▶ waiting (in order) ──▶ a thread: asks the resolver, answers, takes the next; ends after a rest
//!                 │
//!                 └── while somebody waits and no thread is free: the watch. When no thread has begun anything for a second, all of them
//!                     are stuck: as many again, up to the limit; at the limit, all who wait are told so.
//! ```
//!
//! [`Lookup`] is one question and the place of its answer. It needs no runtime. Who knows what a host is asks here:
//! `addr`.

use filch_executor::{Handle, Hold, foreign};
use filch_timer::{Instant, system_now};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

type Answer = io::Result<Vec<SocketAddr>>;

/// How many threads there are when, and for how long.
#[derive(Debug)]
struct Limits {
    /// As many are started as questions come.
    usual: usize,
    /// No more than this many, however stuck they are.
    most: usize,
    /// A thread that is at one question for so long is stuck.
    busy: Duration,
    /// A thread without a question ends after this time.
    rest: Duration,
}

/// So many threads are started as questions come. Names are looked up in milliseconds, or the network is down.
const USUAL_THREADS: usize = 4;

/// So many threads at most. A lookup that finds them all stuck fails.
const MOST_THREADS: usize = 64;

/// When all have been at one question for this long, more are started.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// A thread that nobody asks ends after this long.
const REST: Duration = Duration::from_secs(5);

const LIMITS: Limits = Limits {
    usual: USUAL_THREADS,
    most: MOST_THREADS,
    busy: STUCK_AFTER,
    rest: REST,
};

/// The resolver is one for the whole process, and so are its threads.
static POOL: Pool = Pool::new(ask_the_system, LIMITS);

fn ask_the_system(host: &str, port: u16) -> Answer {
    Ok((host, port).to_socket_addrs()?.collect())
}

/// A host's name on its way to the resolver and back. Dropping it gives the answer up.
#[derive(Debug)]
pub(crate) struct Lookup {
    pool: &'static Pool,
    number: u64,
    question: Arc<Question>,
    /// The resolver is outside: a paused clock waits for it.
    _hold: Option<Hold>,
}

impl Lookup {
    /// Asks the system's resolver.
    ///
    /// # Errors
    /// If no thread can be had.
    pub(crate) fn new(host: &str, port: u16) -> io::Result<Lookup> {
        let mut lookup = POOL.ask(host, port)?;
        lookup._hold = Handle::try_current().ok().map(|handle| handle.hold_clock());
        Ok(lookup)
    }

    /// The answer. Not to be polled again after that.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Answer> {
        if let Some(answer) = self.question.reply.lock().take(cx.waker()) {
            return answer;
        }
        // Cloned outside the lock: a waker is code of others.
        let waker = cx.waker().clone();
        let (answer, replaced) = self.question.reply.lock().take_or_leave(waker);
        foreign::discard(replaced);
        answer
    }
}

impl Drop for Lookup {
    /// Takes the question back if no thread has begun with it.
    fn drop(&mut self) {
        let waiting = self.pool.state.lock().waiting.remove(&self.number);
        let waker = self.question.reply.lock().waker.take();
        drop(waiting);
        foreign::discard(waker);
    }
}

#[derive(Debug)]
struct Question {
    host: String,
    port: u16,
    reply: Mutex<Reply>,
}

#[derive(Debug, Default)]
struct Reply {
    answer: Option<Answer>,
    waker: Option<Waker>,
}

impl Reply {
    /// The answer, or Pending if this waker waits for it already.
    fn take(&mut self, waker: &Waker) -> Option<Poll<Answer>> {
        let answer = self.answer.take().map(Poll::Ready);
        let known = || {
            self.waker
                .as_ref()?
                .will_wake(waker)
                .then_some(Poll::Pending)
        };
        answer.or_else(known)
    }

    /// The answer, or the waker is left to wait for it. Also the waker that is done with.
    fn take_or_leave(&mut self, waker: Waker) -> (Poll<Answer>, Option<Waker>) {
        match self.answer.take() {
            Some(answer) => (Poll::Ready(answer), Some(waker)),
            None => (Poll::Pending, self.waker.replace(waker)),
        }
    }
}

impl Question {
    fn answer(&self, answer: Answer) {
        let waker = {
            let mut reply = self.reply.lock();
            reply.answer = Some(answer);
            reply.waker.take()
        };
        foreign::wake_batch(waker);
    }
}

#[derive(Debug)]
struct Pool {
    resolve: fn(&str, u16) -> Answer,
    limits: Limits,
    state: Mutex<State>,
    /// Told when there is a question for a thread that rests.
    asked: Condvar,
    /// Told when somebody begins to wait for a thread.
    crowded: Condvar,
}

#[derive(Debug)]
struct State {
    /// By number, which is the order in which they came.
    waiting: BTreeMap<u64, Arc<Question>>,
    next: u64,
    threads: usize,
    /// Those that rest, and those that were started and have not come yet: each of them will take a question. On a
    /// machine that is short of processors that may take a while, and is no sign of a silent name server.
    free: usize,
    /// When a thread last began with a question, or was started for one. If that is long ago and none is free, all are
    /// stuck.
    begun: Instant,
    watched: bool,
}

impl State {
    /// More questions than threads that are about to take one.
    fn is_crowded(&self) -> bool {
        self.waiting.len() > self.free
    }
}

type Guard = MutexGuard<'static, State>;

impl Pool {
    const fn new(resolve: fn(&str, u16) -> Answer, limits: Limits) -> Pool {
        let state = State {
            waiting: BTreeMap::new(),
            next: 0,
            threads: 0,
            free: 0,
            begun: Instant::from_nanos(0),
            watched: false,
        };
        Pool {
            resolve,
            limits,
            state: Mutex::new(state),
            asked: Condvar::new(),
            crowded: Condvar::new(),
        }
    }

    fn ask(&'static self, host: &str, port: u16) -> io::Result<Lookup> {
        let question = Arc::new(Question {
            host: host.to_owned(),
            port,
            reply: Mutex::default(),
        });
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.waiting.insert(number, Arc::clone(&question));
        if let Err(error) = self.provide(&mut state) {
            state.waiting.remove(&number);
            return Err(error);
        }
        drop(state);
        Ok(Lookup {
            pool: self,
            number,
            question,
            _hold: None,
        })
    }

    /// Sees to it that the youngest question will be taken or refused.
    fn provide(&'static self, state: &mut Guard) -> io::Result<()> {
        if !state.is_crowded() {
            self.asked.notify_one();
            return Ok(());
        }
        if state.threads < self.limits.usual {
            match self.start(state) {
                Err(error) if state.threads == 0 => return Err(error),
                // Those that there are take it in turn.
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
        if !state.watched {
            let watch = thread::Builder::new().name("filch-lookups".into());
            watch.spawn(move || self.watch())?;
            state.watched = true;
        }
        self.crowded.notify_one();
        Ok(())
    }

    fn start(&'static self, state: &mut Guard) -> io::Result<()> {
        let thread = thread::Builder::new().name("filch-lookup".into());
        thread.spawn(move || self.work())?;
        state.threads += 1;
        state.free += 1;
        state.begun = system_now();
        Ok(())
    }

    /// A thread: takes one question after the other, and ends when none has come for some time.
    fn work(&'static self) {
        let mut state = self.state.lock();
        state.free -= 1;
        loop {
            if let Some((_, question)) = state.waiting.pop_first() {
                state.begun = system_now();
                drop(state);
                question.answer((self.resolve)(&question.host, question.port));
                // It may hold the last use of what its lookup has left.
                drop(question);
                state = self.state.lock();
                continue;
            }
            state.free += 1;
            let rested = self.asked.wait_for(&mut state, self.limits.rest);
            state.free -= 1;
            if rested.timed_out() && state.waiting.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    /// The watch: looks after those who wait while no thread is free, and ends when nobody has done so for some time.
    fn watch(&'static self) {
        let mut state = self.state.lock();
        loop {
            if state.waiting.is_empty() {
                let rested = self.crowded.wait_for(&mut state, self.limits.rest);
                if rested.timed_out() && state.waiting.is_empty() {
                    state.watched = false;
                    return;
                }
                continue;
            }
            let quiet = system_now().duration_since(state.begun);
            let left = self.limits.busy.saturating_sub(quiet);
            if state.free > 0 || !left.is_zero() {
                // Whoever is free has been told, and will take one.
                let pause = Some(left).filter(|left| !left.is_zero());
                let pause = pause.unwrap_or(self.limits.busy / 8).min(self.limits.rest);
                self.crowded.wait_for(&mut state, pause);
            } else if !self.grow(&mut state) {
                state = self.refuse(state);
            }
        }
    }

    /// Every thread is stuck: as many again, but not more than are wanted. False: there cannot be any more.
    fn grow(&'static self, state: &mut Guard) -> bool {
        let room = self.limits.most.saturating_sub(state.threads);
        let more = state.waiting.len().min(state.threads).min(room);
        (0..more).filter(|_| self.start(state).is_ok()).count() > 0
    }

    /// Tells all who wait that nobody will ask for them.
    fn refuse(&'static self, mut state: Guard) -> Guard {
        let (refused, threads) = (std::mem::take(&mut state.waiting), state.threads);
        drop(state);
        for question in refused.into_values() {
            question.answer(Err(too_many(threads, self.limits.busy)));
        }
        self.state.lock()
    }
}

fn too_many(threads: usize, busy: Duration) -> io::Error {
    let text = format!(
        "all {threads} threads for lookups have been waiting for the system's resolver for {busy:?} or longer: \
         is the name server down?"
    );
    io::Error::new(io::ErrorKind::ResourceBusy, text)
}

#[cfg(test)]
mod tests;
