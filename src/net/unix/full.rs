//! Sending to a socket whose queue is full, of which the system does not tell when it has room again.

use filch_executor::Timer;
use filch_executor::leaf::{self, Wait};
use filch_timer::Instant;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Between two attempts at a full queue.
const PAUSE: Duration = Duration::from_millis(1);

/// An attempt to send; `None`: the receiver has no room.
pub(super) type Attempt<'a> = &'a mut dyn FnMut() -> io::Result<Option<usize>>;

/// Waiting for a queue that may not be the sender's own.
///
/// The first refusal waits until the sender can be written to. A second one means that it can, and that it is the
/// receiver who has no room: its readiness would end each further wait at once, so from then on only time counts.
#[derive(Debug, Default)]
pub(super) struct Full {
    refused: bool,
    pause: Option<Timer>,
}

impl Full {
    /// Sends with `send`: at first through `first`, which waits for the sender's own readiness.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        wait: Wait,
        first: impl FnOnce(&mut Context<'_>, Attempt<'_>) -> Poll<io::Result<Option<usize>>>,
        mut send: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if self.pause.is_none() {
            let refused = &mut self.refused;
            let sent = first(cx, &mut || match send() {
                Err(error) if is_full(&error) && std::mem::replace(refused, true) => Ok(None),
                sent => sent.map(Some),
            });
            if let Some(count) = ready!(sent)? {
                return Poll::Ready(Ok(count));
            }
        }
        loop {
            let now = Instant::now();
            let due = now.saturating_add(PAUSE);
            let timer = || Timer::new(due, wait.at);
            let pause = self.pause.get_or_insert_with(timer);
            if now < pause.deadline() {
                // Before the timer says so: a poll's first record stays, and this is not a sleep.
                leaf::record(wait);
            }
            ready!(pause.poll_as_limit(cx));
            ready!(leaf::poll_budget_of(self, cx));
            match send() {
                Err(error) if is_full(&error) => self.pause = None,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return Poll::Ready(sent),
            }
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
