//! Channels and locks as the workloads use them: [`Kit`], and its runtime-neutral implementation.
//!
//! A row named `..._same` runs [`Neutral`] on every runtime, which isolates the scheduler; the row without it runs each
//! runtime's own kit. smol's own channels and locks *are* the neutral crates.

use std::future::Future;
use std::ops::DerefMut;
use std::sync::atomic::{AtomicBool, Ordering};

/// A family of channels and locks.
pub(crate) trait Kit: Send + Sync + 'static {
    /// Wakes one waiter, or lets the next one pass.
    type Notify: Notify;
    /// An async lock around a number.
    type Mutex: Mutex;

    /// One value from one task to another.
    fn oneshot<T: Send + 'static>() -> (
        impl FnOnce(T) + Send + 'static,
        impl Future<Output = T> + Send + 'static,
    );
    /// A bounded channel of many senders.
    fn mpsc<T: Send + 'static>(capacity: usize) -> (impl Sender<T>, impl Receiver<T>);
}

/// The sending end; cloned for more senders.
pub(crate) trait Sender<T>: Clone + Send + Sync + 'static {
    /// Sends, waiting for room.
    fn send(&self, value: T) -> impl Future<Output = ()> + Send;
}

/// The receiving end.
pub(crate) trait Receiver<T>: Send + 'static {
    /// The next value; `None` when all senders are gone.
    fn recv(&mut self) -> impl Future<Output = Option<T>> + Send;
}

/// See [`Kit::Notify`].
pub(crate) trait Notify: Default + Send + Sync + 'static {
    /// Wakes one waiter; without one, the next wait returns at once.
    fn notify_one(&self);
    /// Waits to be notified.
    fn notified(&self) -> impl Future<Output = ()> + Send;
}

/// See [`Kit::Mutex`].
pub(crate) trait Mutex: Default + Send + Sync + 'static {
    /// Waits for the lock.
    fn lock(&self) -> impl Future<Output = impl DerefMut<Target = u64> + Send> + Send;
}

/// futures-channel, async-channel, event-listener and async-lock.
#[derive(Debug)]
pub(crate) struct Neutral;

impl Kit for Neutral {
    type Notify = Event;
    type Mutex = async_lock::Mutex<u64>;

    fn oneshot<T: Send + 'static>() -> (
        impl FnOnce(T) + Send + 'static,
        impl Future<Output = T> + Send + 'static,
    ) {
        let (sender, receiver) = futures_channel::oneshot::channel();
        (
            move |value| {
                assert!(
                    sender.send(value).is_ok(),
                    "the receiver of a oneshot is gone"
                )
            },
            async move { receiver.await.expect("the sender of a oneshot is gone") },
        )
    }

    fn mpsc<T: Send + 'static>(capacity: usize) -> (impl Sender<T>, impl Receiver<T>) {
        async_channel::bounded(capacity)
    }
}

impl<T: Send + 'static> Sender<T> for async_channel::Sender<T> {
    async fn send(&self, value: T) {
        assert!(
            async_channel::Sender::send(self, value).await.is_ok(),
            "the receiver of a channel is gone"
        );
    }
}

impl<T: Send + 'static> Receiver<T> for async_channel::Receiver<T> {
    async fn recv(&mut self) -> Option<T> {
        async_channel::Receiver::recv(self).await.ok()
    }
}

/// A notification that is kept if nobody waits, made of an event-listener [`event_listener::Event`] and a flag.
#[derive(Debug, Default)]
pub(crate) struct Event {
    notified: AtomicBool,
    event: event_listener::Event,
}

impl Notify for Event {
    fn notify_one(&self) {
        self.notified.store(true, Ordering::Release);
        self.event.notify(1);
    }

    async fn notified(&self) {
        loop {
            if self.notified.swap(false, Ordering::Acquire) {
                return;
            }
            let listener = self.event.listen();
            if self.notified.swap(false, Ordering::Acquire) {
                return;
            }
            listener.await;
        }
    }
}

impl Mutex for async_lock::Mutex<u64> {
    async fn lock(&self) -> impl DerefMut<Target = u64> + Send {
        async_lock::Mutex::lock(self).await
    }
}
