//! Signals of the system: who waits for each, and what happens when one comes.
//!
//! A signal comes to a handler, which runs in the midst of anything and may call next to nothing. So what it needs is
//! in one [`Word`] per signal: whether somebody waits, and how many have come. It decides there and then: a signal that
//! somebody waits for is counted, and the bell is rung; any other one has its default action, at once, in the handler.
//!
//! Each system offers `watch(number, ring)`: from now on that signal is decided upon so. `ring` is called for each that
//! was counted, by a thread of ours or of the system's, but on Linux, where `bell` is a descriptor that becomes
//! readable.
//!
//! Called by `signal`, which keeps the words' counts.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::watch;

#[cfg(target_os = "linux")]
#[path = "eventfd.rs"]
pub(crate) mod bell;

#[cfg(all(unix, not(target_os = "linux")))]
#[path = "pipe.rs"]
mod bell;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::watch;

/// No system has more signals.
pub(crate) const SIGNALS: usize = 129;

/// Somebody waits for every signal of this number.
const LISTENS: u64 = 1;
/// Somebody waits for the next one.
const ARMED: u64 = 2;
/// One that has come; all bits from here on count them.
const CAME: u64 = 4;

/// The signals belong to the process.
static WORDS: [Word; SIGNALS] = [const { Word::new() }; SIGNALS];

/// The word of a signal, whose number is below [`SIGNALS`].
pub(crate) fn word(number: i32) -> &'static Word {
    let index = usize::try_from(number).expect("signals' numbers are not negative");
    &WORDS[index]
}

/// Who waits for one signal, and how many have come while somebody did.
///
/// Orderings: a count brings nothing with it, so Relaxed would do where the bell is the system's. A ring by a thread
/// comes after the Release.
#[derive(Debug)]
pub(crate) struct Word(AtomicU64);

impl Word {
    const fn new() -> Word {
        Word(AtomicU64::new(0))
    }

    /// A signal has come. True: somebody waits, and it is counted. Whoever waited for the next one waits no longer:
    /// the one after it is nobody's, unless it is asked for again. Safe in a signal handler.
    fn deliver(&self) -> bool {
        let step = |now: u64| {
            let waited = now & (LISTENS | ARMED) != 0;
            waited.then(|| (now & !ARMED).wrapping_add(CAME))
        };
        self.0.fetch_update(AcqRel, Acquire, step).is_ok()
    }

    /// How many have come.
    pub(crate) fn came(&self) -> u64 {
        self.0.load(Acquire) / CAME
    }

    /// Somebody waits for all from now on. Returns how many came before.
    pub(crate) fn listen(&self) -> u64 {
        self.0.fetch_or(LISTENS, AcqRel) / CAME
    }

    /// Nobody waits for all any more.
    pub(crate) fn stop_listening(&self) {
        self.0.fetch_and(!LISTENS, AcqRel);
    }

    /// Somebody waits for the next one. Returns how many came before it.
    pub(crate) fn arm(&self) -> u64 {
        self.0.fetch_or(ARMED, AcqRel) / CAME
    }

    /// Nobody waits any more for the one after `came` others. One that has come meanwhile has done that itself.
    pub(crate) fn disarm(&self, came: u64) {
        let step = |now: u64| (now / CAME == came).then_some(now & !ARMED);
        // Refused: it has come.
        let _ = self.0.fetch_update(Release, Acquire, step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_nobody_waits_for_is_not_counted() {
        let word = Word::new();
        assert!(!word.deliver());
        assert_eq!(word.came(), 0);
    }

    #[test]
    fn who_waits_for_one_gets_one() {
        let word = Word::new();
        let before = word.arm();
        assert!(word.deliver() && !word.deliver());
        assert_eq!(word.came(), before + 1);
        assert_eq!(word.arm(), 1);
        word.disarm(before);
        assert!(word.deliver(), "that one was somebody else's");
        word.disarm(word.arm());
        assert!(!word.deliver());
    }

    #[test]
    fn who_listens_gets_all() {
        let word = Word::new();
        assert_eq!(word.listen(), 0);
        word.arm();
        assert!(word.deliver() && word.deliver());
        word.stop_listening();
        assert!(!word.deliver());
        assert_eq!(word.came(), 2);
    }
}
