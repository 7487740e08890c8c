//! The threads of a runtime, and who joins them.
//!
//! A thread that was joined has done everything: its thread-locals are destroyed, and what it held is let go of. So
//! each of them is joined by somebody:
//!
//! - One that ends while the runtime goes on leaves its handle behind, takes the one that it finds there, of the
//!   last one that has ended so, and joins that one. So no more than one such handle lies about, and nobody waits who
//!   has anything else to do.
//! - From when the end is waited for, they leave their handles to the undertaker, who joins them all. Destructors of
//!   thread-locals are users' code and may take for ever, and a join cannot be given up. So the undertaker is a thread
//!   itself, and others wait for its news.
//! - The undertaker is joined by whoever ends the runtime, if that one may wait.
//! - A thread that says something on standard error may be held up there for ever. The undertaker waits for it a
//!   while, and then leaves it behind.

use crate::primitive::{Condvar, Mutex, MutexGuard};
use crate::sys;
use filch_timer::{Instant, system_now};
use std::collections::BTreeMap;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the end waits, at most, until the system has forgotten the threads that were joined.
const UNTIL_FORGOTTEN: Duration = Duration::from_millis(100);

/// Between two looks whether it has. With `yield_now` instead, whoever looked kept the processor from the thread that
/// was ending: 28 times the time for a test that makes 8,000 runtimes on two busy cores.
const NAP: Duration = Duration::from_micros(20);

/// What a thread is there for, as far as the end is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It runs tasks or closures.
    Crew,
    /// It says something on standard error.
    Voice,
    /// It joins the others, and so comes last.
    Undertaker,
}

/// Those threads. Another type of handle is for models.
#[derive(Debug)]
pub(crate) struct Threads<H = JoinHandle<()>> {
    inner: Mutex<Inner<H>>,
    /// Where it is announced that one of them has come to its end.
    ended: Condvar,
}

#[derive(Debug)]
struct Inner<H> {
    /// All that were started and not joined, by number.
    there: BTreeMap<u64, Thread<H>>,
    next: u64,
    /// The last one that has ended while the runtime went on, and that nobody has joined yet.
    early: Option<u64>,
    /// The end is waited for.
    awaited: bool,
    /// All of the crew were joined, after the last task had gone: no further one comes. Somebody may still want to
    /// start one, for a task that has been run meanwhile.
    over: bool,
    /// The system's numbers of those that were joined since the end is waited for.
    joined: Vec<u32>,
}

#[derive(Debug)]
struct Thread<H> {
    name: String,
    kind: Kind,
    /// It does nothing more but to join another one, and to destroy its thread-locals.
    has_ended: bool,
    /// The system's number of it, known in the end.
    system: u32,
    /// Until somebody joins it.
    handle: Option<H>,
}

impl<H> Threads<H> {
    pub(crate) fn new() -> Threads<H> {
        Threads {
            inner: Mutex::new(Inner {
                there: BTreeMap::new(),
                next: 0,
                early: None,
                awaited: false,
                over: false,
                joined: Vec::new(),
            }),
            ended: Condvar::new(),
        }
    }

    /// Starts one more, which calls `end` with its number as the last thing it does. `false`: nobody, as all were
    /// joined.
    ///
    /// Under the lock, so that whoever ends the runtime either joins the thread or keeps it from coming, and so that it
    /// is counted before it ends.
    pub(crate) fn start(
        &self,
        kind: Kind,
        name: String,
        start: impl FnOnce(u64) -> io::Result<H>,
    ) -> io::Result<bool> {
        let mut inner = self.inner.lock();
        if inner.over {
            return Ok(false);
        }
        let number = inner.next;
        let handle = Some(start(number)?);
        inner.next += 1;
        let thread = Thread {
            name,
            kind,
            has_ended: false,
            system: 0,
            handle,
        };
        inner.there.insert(number, thread);
        Ok(true)
    }

    /// One of them has come to its end. It joins the one that comes back, if any, and says `joined`.
    #[must_use]
    pub(crate) fn end(&self, number: u64) -> Option<(u64, H)> {
        let mut inner = self.inner.lock();
        // A voice may have been left behind.
        let thread = inner.there.get_mut(&number)?;
        thread.has_ended = true;
        thread.system = sys::thread_number();
        let stays = thread.kind == Kind::Undertaker;
        self.ended.notify_all();
        if stays || inner.awaited {
            return None;
        }
        let before = inner.early.replace(number)?;
        let handle = inner.there.get_mut(&before)?.handle.take()?;
        Some((before, handle))
    }

    /// That one was joined.
    pub(crate) fn joined(&self, number: u64) {
        self.inner.lock().there.remove(&number);
        self.ended.notify_all();
    }

    /// For the undertaker: waits until all of the crew have come to their ends, at most until `deadline`. From now on
    /// nobody joins another one.
    pub(crate) fn await_ends(&self, deadline: Option<Instant>) -> bool {
        let mut inner = self.inner.lock();
        inner.awaited = true;
        self.wait(inner, Inner::is_anybody_at_work, deadline)
    }

    /// For the undertaker, and after that: one to be joined, the first that came first. `None`: there is none, and none
    /// will be.
    ///
    /// Somebody may have been starting another one since; so the end is waited for again if that is at work.
    pub(crate) fn next_ended(&self) -> Option<(u64, H)> {
        let mut inner = self.inner.lock();
        loop {
            if let Some(ended) = inner.take_ended() {
                return Some(ended);
            }
            let is_over = inner.of(Kind::Crew).next().is_none();
            inner.over = is_over;
            if is_over {
                return None;
            }
            // At work again: somebody has started it since.
            self.ended.wait(&mut inner);
        }
    }

    /// For the undertaker, in the end: waits at most until `deadline` for those that say something. Which of them are
    /// to be joined comes back; the others are left behind.
    pub(crate) fn take_voices(&self, deadline: Instant) -> Vec<(u64, H)> {
        let is_speaking = |inner: &Inner<H>| {
            let mut voices = inner.of(Kind::Voice);
            voices.any(|number| !inner.there[&number].has_ended)
        };
        let inner = self.inner.lock();
        let _ = self.wait(inner, is_speaking, Some(deadline));
        let mut inner = self.inner.lock();
        let there = &mut inner.there;
        there.retain(|_, thread| thread.kind != Kind::Voice || thread.has_ended);
        let voices = there
            .iter_mut()
            .filter(|(_, thread)| thread.kind == Kind::Voice);
        let ended = voices.filter_map(|(number, thread)| Some((*number, thread.handle.take()?)));
        ended.collect()
    }

    /// For whoever ends the runtime, when the undertaker is done: to join it. `None`: there was none, or it is taken.
    pub(crate) fn take_undertaker(&self) -> Option<(u64, H)> {
        let mut inner = self.inner.lock();
        let number = inner.of(Kind::Undertaker).next()?;
        Some((number, inner.there.get_mut(&number)?.handle.take()?))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.inner.lock().there.is_empty()
    }

    /// How many were not joined, those that say something apart.
    pub(crate) fn count(&self) -> usize {
        let inner = self.inner.lock();
        let counted = inner.there.values();
        counted.filter(|thread| thread.kind != Kind::Voice).count()
    }

    /// The names of those of the crew that have ended, but for their thread-locals.
    pub(crate) fn names_of_ended(&self) -> Vec<String> {
        let inner = self.inner.lock();
        let threads = inner.there.values();
        let ended = threads.filter(|thread| thread.kind == Kind::Crew && thread.has_ended);
        ended.map(|thread| thread.name.clone()).collect()
    }

    /// Waits while `is_there`, at most until `deadline`. Whether it has come to an end.
    fn wait(
        &self,
        mut inner: MutexGuard<'_, Inner<H>>,
        is_there: impl Fn(&Inner<H>) -> bool,
        deadline: Option<Instant>,
    ) -> bool {
        while is_there(&inner) {
            let rest = deadline.map(|deadline| deadline.duration_since(system_now()));
            match rest {
                Some(Duration::ZERO) => return false,
                Some(rest) => {
                    self.ended.wait_for(&mut inner, rest);
                }
                None => self.ended.wait(&mut inner),
            }
        }
        true
    }
}

impl<H> Inner<H> {
    fn of(&self, kind: Kind) -> impl Iterator<Item = u64> {
        let of_kind = move |(_, thread): &(&u64, &Thread<H>)| thread.kind == kind;
        self.there.iter().filter(of_kind).map(|(number, _)| *number)
    }

    /// One of the crew that can be joined.
    fn take_ended(&mut self) -> Option<(u64, H)> {
        let crew = |thread: &Thread<H>| thread.kind == Kind::Crew && thread.has_ended;
        let mut ended = self.there.iter_mut().filter(|(_, thread)| crew(thread));
        ended.find_map(|(number, thread)| Some((*number, thread.handle.take()?)))
    }

    /// The end is to wait until the system has forgotten that one.
    fn note_joined(&mut self, number: u64) {
        let thread = self.there.get(&number).filter(|_| self.awaited);
        self.joined.extend(thread.map(|thread| thread.system));
    }

    fn is_anybody_at_work(&self) -> bool {
        let mut crew = self.of(Kind::Crew);
        crew.any(|number| !self.there[&number].has_ended)
    }
}

impl Threads {
    /// Joins. A runtime thread that panicked has aborted the process before.
    pub(crate) fn join(&self, (number, handle): (u64, JoinHandle<()>)) {
        let _ = handle.join();
        self.inner.lock().note_joined(number);
        self.joined(number);
    }

    /// Whoever joins a thread is woken a little before the system stops listing it. Whoever counts threads after the
    /// end of a runtime would find one too many. So the end waits for that, once for all that it has joined.
    pub(crate) fn await_forgotten(&self) {
        let joined = std::mem::take(&mut self.inner.lock().joined);
        let until = system_now().saturating_add(UNTIL_FORGOTTEN);
        for thread in joined {
            // Its number may be another one's by now, so not for ever. It needs a processor: to yield to it is not
            // enough, as this thread may have the shorter slice.
            while sys::cpu_time(thread).is_some() && system_now() < until {
                std::thread::sleep(NAP);
            }
        }
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    /// Threads of which nothing is there but their handles.
    fn threads() -> Threads<&'static str> {
        Threads::new()
    }

    fn start(threads: &Threads<&'static str>, kind: Kind, name: &'static str) -> bool {
        let started = threads.start(kind, name.to_owned(), |_| Ok(name));
        started.expect("it starts")
    }

    #[test]
    fn of_those_that_end_early_one_is_left_to_the_next() {
        let threads = threads();
        for name in ["one", "two", "three"] {
            assert!(start(&threads, Kind::Crew, name));
        }
        assert_eq!(threads.end(1), None);
        assert_eq!(threads.end(0), Some((1, "two")));
        threads.joined(1);
        assert_eq!(threads.count(), 2);
        assert_eq!(threads.names_of_ended(), ["one"]);
        assert!(!threads.await_ends(Some(system_now())));
        assert_eq!(threads.end(2), None, "it is left to the undertaker");
        assert!(threads.await_ends(None));
        for (number, name) in [(0, "one"), (2, "three")] {
            assert_eq!(threads.next_ended(), Some((number, name)));
            threads.joined(number);
        }
        assert_eq!(threads.next_ended(), None);
        assert!(threads.is_empty());
    }

    #[test]
    fn however_many_end_early_one_handle_is_kept() {
        let threads = std::sync::Arc::new(Threads::new());
        for _ in 0..if cfg!(miri) { 5 } else { 100 } {
            let own = std::sync::Arc::clone(&threads);
            let body = move |number| {
                if let Some(before) = own.end(number) {
                    own.join(before);
                }
            };
            let start = |number| std::thread::Builder::new().spawn(move || body(number));
            assert!(threads.start(Kind::Crew, String::new(), start).unwrap());
        }
        while threads.count() > 1 {
            std::thread::yield_now();
        }
        assert!(threads.await_ends(None));
        threads.join(threads.next_ended().expect("the last one"));
        assert!(threads.next_ended().is_none() && threads.is_empty());
    }

    #[test]
    fn after_the_end_nobody_comes() {
        let threads = threads();
        assert!(threads.await_ends(None));
        assert_eq!(threads.next_ended(), None);
        assert!(!start(&threads, Kind::Crew, "late"));
    }

    #[test]
    fn who_speaks_is_waited_for_a_while_and_left_behind() {
        let threads = threads();
        assert!(start(&threads, Kind::Voice, "held up") && start(&threads, Kind::Voice, "done"));
        assert_eq!(threads.end(1), None);
        let soon = system_now().saturating_add(Duration::from_millis(1));
        assert_eq!(threads.take_voices(soon), [(1, "done")]);
        threads.joined(1);
        assert_eq!(threads.end(0), None);
        assert!(threads.is_empty());
    }

    #[test]
    fn the_undertaker_is_left_to_who_ends_the_runtime() {
        let threads = threads();
        assert!(start(&threads, Kind::Undertaker, "last"));
        assert!(threads.await_ends(None));
        assert_eq!(threads.next_ended(), None);
        assert_eq!((threads.end(0), threads.count()), (None, 1));
        assert_eq!(threads.take_undertaker(), Some((0, "last")));
    }
}
