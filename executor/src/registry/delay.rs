//! How long an end takes, of a runtime or of a call of `run`, and when something is said about it.
//!
//! Whoever waits for the end, or watches over it, asks when the next word is due, and takes it: one of them, once.

use filch_timer::Instant;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// An end that takes longer says what it waits for.
const PATIENCE: Duration = Duration::from_secs(2);
/// It says so again.
const SECOND_WORD: Duration = Duration::from_secs(10);
/// And from then on, each time that much has passed since the beginning.
const EVERY: Duration = Duration::from_secs(60);

/// What is to be said: of which end, and for how long that has been going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Of the runtime.
    End(Duration),
    /// Of a call of `run`, at that seat.
    Return(Duration, usize),
}

/// Since when something ends, and what was said.
#[derive(Debug)]
pub(crate) struct Delay(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    began: Option<Instant>,
    /// How many times something was said.
    words: u32,
    /// Nobody waits for the end any more.
    silent: bool,
}

impl Delay {
    pub(crate) fn new() -> Delay {
        Delay(Mutex::new(Inner {
            began: None,
            words: 0,
            silent: false,
        }))
    }

    /// The end begins.
    pub(crate) fn begin(&self, now: Instant) {
        self.0.lock().began.get_or_insert(now);
    }

    /// Whoever waited was told what is left; nothing more is said.
    pub(crate) fn silence(&self) {
        self.0.lock().silent = true;
    }

    /// When something is to be said.
    pub(crate) fn next_word(&self) -> Option<Instant> {
        self.0.lock().next_word()
    }

    /// If something is to be said by now, it is the caller who says it: for how long the end has been going on.
    pub(crate) fn take_word(&self, now: Instant) -> Option<Duration> {
        let mut inner = self.0.lock();
        if now < inner.next_word()? {
            return None;
        }
        let lasts = now.duration_since(inner.began?);
        // What was slept through is not made up for.
        while inner.next_word().is_some_and(|word| word <= now) {
            inner.words += 1;
        }
        Some(lasts)
    }
}

impl Inner {
    fn next_word(&self) -> Option<Instant> {
        let began = self.began.filter(|_| !self.silent)?;
        let after = match self.words {
            0 => PATIENCE,
            1 => SECOND_WORD,
            words => EVERY * (words - 1),
        };
        Some(began.saturating_add(after))
    }
}

/// A call of `run`, whose thread is a worker: when its future is done, it may be inside another task's poll.
#[derive(Debug)]
pub(crate) struct Return {
    delay: Delay,
    seat: AtomicUsize,
}

/// Calls whose futures are done.
#[derive(Debug)]
pub(crate) struct Returns(Mutex<Vec<Arc<Return>>>);

impl Return {
    pub(crate) fn new() -> Arc<Return> {
        Arc::new(Return {
            delay: Delay::new(),
            seat: AtomicUsize::new(usize::MAX),
        })
    }

    /// The seat that its thread is at.
    pub(crate) fn set_seat(&self, seat: usize) {
        self.seat.store(seat, Relaxed);
    }
}

impl Returns {
    pub(crate) fn new() -> Returns {
        Returns(Mutex::new(Vec::new()))
    }

    /// Its future is done. Said before the caller can hear of that.
    pub(crate) fn begin(&self, call: &Arc<Return>, now: Instant) {
        call.delay.begin(now);
        self.0.lock().push(Arc::clone(call));
    }

    /// It has returned, or is about to.
    pub(crate) fn end(&self, call: &Arc<Return>) {
        self.0.lock().retain(|other| !Arc::ptr_eq(other, call));
    }

    /// As [`Delay::next_word`].
    pub(crate) fn next_word(&self) -> Option<Instant> {
        let calls = self.0.lock();
        calls.iter().filter_map(|call| call.delay.next_word()).min()
    }

    /// As [`Delay::take_word`].
    pub(crate) fn take_word(&self, now: Instant) -> Option<Word> {
        let calls = self.0.lock();
        calls.iter().find_map(|call| {
            let lasts = call.delay.take_word(now)?;
            Some(Word::Return(lasts, call.seat.load(Relaxed)))
        })
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    const START: Instant = Instant::from_nanos(1 << 40);

    fn after(seconds: u64) -> Instant {
        START + Duration::from_secs(seconds)
    }

    #[test]
    fn something_is_said_at_growing_intervals_once_each() {
        let delay = Delay::new();
        assert_eq!((delay.next_word(), delay.take_word(after(9))), (None, None));
        delay.begin(START);
        delay.begin(after(1));
        for (word, next) in [(2, 10), (10, 60), (60, 120), (120, 180)] {
            assert_eq!(delay.next_word(), Some(after(word)));
            assert_eq!(delay.take_word(after(word - 1)), None, "it is early");
            let lasts = delay.take_word(after(word));
            assert_eq!(lasts, Some(Duration::from_secs(word)));
            assert_eq!(delay.take_word(after(word)), None, "it was said");
            assert_eq!(delay.next_word(), Some(after(next)));
        }
    }

    #[test]
    fn a_call_that_has_returned_is_not_spoken_of() {
        let (returns, call) = (Returns::new(), Return::new());
        call.set_seat(3);
        returns.begin(&call, START);
        assert_eq!(returns.next_word(), Some(after(2)));
        let word = Word::Return(Duration::from_secs(2), 3);
        assert_eq!(returns.take_word(after(2)), Some(word));
        assert_eq!(returns.take_word(after(2)), None);
        returns.end(&call);
        assert_eq!(
            (returns.next_word(), returns.take_word(after(99))),
            (None, None)
        );
    }

    #[test]
    fn what_was_slept_through_is_not_said_and_neither_what_nobody_waits_for() {
        let delay = Delay::new();
        delay.begin(START);
        assert_eq!(delay.take_word(after(70)), Some(Duration::from_secs(70)));
        assert_eq!(delay.next_word(), Some(after(120)));
        delay.silence();
        assert_eq!(
            (delay.next_word(), delay.take_word(after(200))),
            (None, None)
        );
    }
}
