//! Who waits for which signal. The words that handlers look at say only whether somebody does; how many that are is
//! counted here, under a lock that no handler takes.

use crate::signal::bell;
use crate::sys::signal::{Word, watch, word};
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::io;

/// The signals belong to the process, and so does the count of those who wait for them.
static COUNTS: Mutex<BTreeMap<i32, Counts>> = Mutex::new(BTreeMap::new());

/// Who waits for one signal.
#[derive(Debug, Default)]
struct Counts {
    /// For all that come.
    listening: usize,
    /// For the one that comes after `came` others.
    armed: usize,
    came: u64,
}

fn locked(number: i32) -> (MutexGuard<'static, BTreeMap<i32, Counts>>, &'static Word) {
    (COUNTS.lock(), word(number))
}

/// Somebody waits for all signals of a number, as long as this lives.
#[derive(Debug)]
pub(crate) struct Listening {
    number: i32,
    /// So many had come when one was last taken.
    seen: u64,
}

impl Listening {
    pub(crate) fn new(number: i32) -> io::Result<Listening> {
        watch(number, bell::ring)?;
        let (mut counts, word) = locked(number);
        counts.entry(number).or_default().listening += 1;
        let seen = word.listen();
        Ok(Listening { number, seen })
    }

    pub(crate) fn number(&self) -> i32 {
        self.number
    }

    /// Takes what has come since the last time, as one.
    pub(crate) fn take(&mut self) -> bool {
        let seen = std::mem::replace(&mut self.seen, word(self.number).came());
        seen != self.seen
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let (mut counts, word) = locked(self.number);
        let counts = counts.entry(self.number).or_default();
        counts.listening -= 1;
        if counts.listening == 0 {
            word.stop_listening();
        }
    }
}

/// Somebody waits for the next signal of a number, as long as this lives and none has come.
#[derive(Debug)]
pub(crate) struct Armed {
    number: i32,
    came: u64,
}

impl Armed {
    pub(crate) fn new(number: i32) -> io::Result<Armed> {
        watch(number, bell::ring)?;
        let (mut counts, word) = locked(number);
        let counts = counts.entry(number).or_default();
        let came = word.arm();
        if counts.came != came {
            // One has come since, for all who had waited.
            (counts.came, counts.armed) = (came, 0);
        }
        counts.armed += 1;
        Ok(Armed { number, came })
    }

    pub(crate) fn has_come(&self) -> bool {
        word(self.number).came() != self.came
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        let (mut counts, word) = locked(self.number);
        let counts = counts.entry(self.number).or_default();
        if counts.came == self.came {
            counts.armed -= 1;
            if counts.armed == 0 {
                word.disarm(self.came);
            }
        }
    }
}
