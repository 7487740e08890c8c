//! Waiting for the channel to be closed.

use super::core::{Channel, For};
use crate::sync::wait_list::{Outcome, Waiter};
use crate::sync::waiting::{Leaf, future};
use crate::sync::wakers::Kept;
use filch_executor::leaf::Wait;
use std::pin::Pin;
use std::task::Poll;

struct Close<'a, T>(&'a Channel<T>);

impl<T> Leaf for Close<'_, T> {
    type Output = ();

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<()> {
        match ended.is_some() || self.0.closed_or_wait(waiter, kept) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.update(For::Close, waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.0.give_up(For::Close, waiter);
    }
}

future! {
    /// The future of [`Sender::closed`](super::Sender::closed).
    WaitClosed ['a, T] ['a, T] of Close<'a, T> => ()
}

impl<'a, T> WaitClosed<'a, T> {
    pub(super) fn new(channel: &'a Channel<T>, wait: Wait) -> WaitClosed<'a, T> {
        WaitClosed::of(Close(channel), wait)
    }
}
