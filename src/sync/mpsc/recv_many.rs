//! Receiving several values at a time.

use super::core::{Channel, For, Vain, wake};
use super::receiver::Receiver;
use crate::sync::wait_list::{Outcome, Waiter};
use crate::sync::waiting::{Leaf, future};
use crate::sync::wakers::Kept;
use filch_executor::leaf::{Wait, WaitKind};
use std::pin::Pin;
use std::task::Poll;

impl<T> Receiver<T> {
    /// Waits for a value, and puts it into `buffer` with as many as are there, up to `limit`. Returns how many those
    /// are; 0 says that there will be none any more, as [`recv`](Receiver::recv) says with `None`, or that `limit` is
    /// 0.
    ///
    /// # Cancel safety
    /// As [`recv`](Receiver::recv): a future that is dropped before it is ready has taken nothing.
    ///
    /// ```
    /// # filch::run(async {
    /// let (sender, receiver) = filch::sync::mpsc::channel(8);
    /// for number in 0..5 {
    ///     sender.send(number).await.unwrap();
    /// }
    /// let mut numbers = Vec::new();
    /// assert_eq!(receiver.recv_many(&mut numbers, 3).await, 3);
    /// assert_eq!(receiver.recv_many(&mut numbers, 3).await, 2);
    /// assert_eq!(numbers, [0, 1, 2, 3, 4]);
    /// # });
    /// ```
    #[track_caller]
    pub fn recv_many<'a>(&'a self, buffer: &'a mut Vec<T>, limit: usize) -> RecvMany<'a, T> {
        let many = Many {
            channel: &self.channel,
            buffer,
            limit,
        };
        RecvMany::of(many, Wait::here(WaitKind::Channel))
    }

    /// As [`recv_many`](Receiver::recv_many), on a thread that is not async. In a task it blocks that task and whatever
    /// is joined with it.
    #[track_caller]
    pub fn blocking_recv_many(&self, buffer: &mut Vec<T>, limit: usize) -> usize {
        self.recv_many(buffer, limit).waiting.block()
    }
}

struct Many<'a, T> {
    channel: &'a Channel<T>,
    buffer: &'a mut Vec<T>,
    limit: usize,
}

impl<T> Many<'_, T> {
    /// Keeps the first value, and takes what else is there.
    fn take_from(&mut self, first: (T, Option<std::task::Waker>)) -> usize {
        let mut count = 0;
        let mut next = Some(first);
        while let Some((value, sender)) = next.take() {
            wake(sender);
            self.buffer.push(value);
            count += 1;
            if count < self.limit {
                next = self.channel.receive().ok();
            }
        }
        count
    }
}

impl<T> Leaf for Many<'_, T> {
    type Output = usize;

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<usize> {
        if self.limit == 0 {
            return Poll::Ready(0);
        }
        let first = match ended {
            Some(Outcome::Granted) => Ok(self.channel.receive_promised()),
            _ => self.channel.receive_or_wait(waiter, kept),
        };
        match first {
            Ok(first) => Poll::Ready(self.take_from(first)),
            Err(Vain::Ended) => Poll::Ready(0),
            Err(_) => Poll::Pending,
        }
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.channel.update(For::Value, waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.channel.give_up(For::Value, waiter);
    }
}

future! {
    /// The future of [`Receiver::recv_many`].
    RecvMany ['a, T] ['a, T] of Many<'a, T> => usize
}
