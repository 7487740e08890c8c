//! The tasks that hold a server's workers, and what they do in each poll. The baseline `threads` runs the same on
//! threads.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::harness::clock;
use crate::runtimes::Runtime;
use crate::sys::progress::{Board, Slot};

/// A task that holds its worker for the given time in each poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hog {
    /// There is none.
    None,
    /// Uses that much CPU time.
    Compute(Duration),
    /// Blocks its thread in sleep for that long.
    Block(Duration),
    /// Blocks its thread in a read of one byte from a pipe into which a thread outside the runtime writes one that
    /// often.
    Pipe(Duration),
}

impl Hog {
    /// The name on a server's command line, and the time.
    pub(crate) fn describe(self) -> (&'static str, Duration) {
        match self {
            Hog::None => ("none", Duration::ZERO),
            Hog::Compute(time) => ("compute", time),
            Hog::Block(time) => ("block", time),
            Hog::Pipe(time) => ("pipe", time),
        }
    }

    /// The hog that [`Hog::describe`] describes.
    ///
    /// # Errors
    /// For a name that is none.
    pub(crate) fn parse(name: &str, time: Duration) -> Result<Hog, String> {
        [
            Hog::None,
            Hog::Compute(time),
            Hog::Block(time),
            Hog::Pipe(time),
        ]
        .into_iter()
        .find(|hog| hog.describe().0 == name)
        .ok_or_else(|| format!("there is no hog \"{name}\""))
    }
}

/// Starts `count` tasks that hold their workers, each with a slot of `board` to count in.
///
/// # Errors
/// When there are no pipes to be had, or more hogs than slots.
pub(super) fn start<R: Runtime>(hog: Hog, count: usize, board: &Arc<Board>) -> io::Result<()> {
    each(hog, count, board, |mut held| {
        R::spawn_detached(async move {
            loop {
                held.poll();
                R::yield_now().await;
            }
        });
    })
}

/// Hands `count` hogs to `run`, or none if there are to be none.
pub(super) fn each(
    hog: Hog,
    count: usize,
    board: &Arc<Board>,
    run: impl Fn(Held),
) -> io::Result<()> {
    if hog == Hog::None {
        return Ok(());
    }
    for index in 0..count {
        run(Held {
            work: Work::of(hog)?,
            slot: Slot::of(board, index)?,
        });
    }
    Ok(())
}

/// One hog: what it does in a poll, and where it counts that.
#[derive(Debug)]
pub(super) struct Held {
    work: Work,
    slot: Slot,
}

#[derive(Debug)]
enum Work {
    Compute(Duration),
    Block(Duration),
    Read(io::PipeReader),
}

impl Work {
    fn of(hog: Hog) -> io::Result<Work> {
        Ok(match hog {
            Hog::None | Hog::Compute(_) => Work::Compute(hog.describe().1),
            Hog::Block(time) => Work::Block(time),
            Hog::Pipe(time) => Work::Read(slow_pipe(time)?),
        })
    }
}

impl Held {
    /// Holds the calling thread once.
    pub(super) fn poll(&mut self) {
        let slot = &self.slot;
        match &mut self.work {
            Work::Compute(time) => clock::compute(*time, |used| slot.add(1, used)),
            Work::Block(time) => {
                std::thread::sleep(*time);
                slot.add(1, Duration::ZERO);
            }
            Work::Read(pipe) => {
                pipe.read_exact(&mut [0])
                    .expect("the other end of the pipe is open");
                slot.add(1, Duration::ZERO);
            }
        }
    }
}

/// The reading end of a pipe into which a thread of its own writes a byte every `period`.
fn slow_pipe(period: Duration) -> io::Result<io::PipeReader> {
    let (reader, mut writer) = io::pipe()?;
    std::thread::Builder::new()
        .name("slow-pipe".to_owned())
        .spawn(move || {
            // Ends when the reader is gone.
            while writer.write_all(&[0]).is_ok() {
                std::thread::sleep(period);
            }
        })?;
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hog_is_known_by_its_name() {
        let time = Duration::from_millis(7);
        for hog in [Hog::Compute(time), Hog::Block(time), Hog::Pipe(time)] {
            assert_eq!(Hog::parse(hog.describe().0, time), Ok(hog));
        }
        assert!(Hog::parse("sloth", time).is_err());
    }

    #[test]
    fn a_poll_takes_its_time_and_is_counted() {
        let time = Duration::from_millis(5);
        for hog in [Hog::Compute(time), Hog::Block(time), Hog::Pipe(time)] {
            let board = Arc::new(Board::create().unwrap());
            each(hog, 2, &board, |mut held| {
                let start = clock::Moment::now();
                // The first byte of a slow pipe may be there already.
                held.poll();
                held.poll();
                assert!(start.elapsed() >= time * 9 / 10, "{hog:?}");
            })
            .unwrap();
            let total = board.total();
            assert!(total.steps >= 4.0, "{hog:?}: {total:?}");
            let computes = matches!(hog, Hog::Compute(_));
            assert_eq!(total.cpu_ns >= 20e6, computes, "{hog:?}: {total:?}");
        }
    }
}
