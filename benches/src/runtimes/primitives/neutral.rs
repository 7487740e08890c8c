//! async-lock, async-channel and async-broadcast. None of them has a channel of the newest value.

use std::future::Future;
use std::ops::{Deref, DerefMut};

use super::{Barrier, Once, Primitives, RwLock, Semaphore, SendNow};
use crate::runtimes::kit::{Neutral, Receiver};

impl Primitives for Neutral {
    type RwLock = async_lock::RwLock<u64>;
    type Semaphore = async_lock::Semaphore;
    type Barrier = async_lock::Barrier;
    type Once = async_lock::OnceCell<usize>;

    fn unbounded() -> (impl SendNow, impl Receiver<usize>) {
        async_channel::unbounded()
    }

    fn broadcast(capacity: usize, receivers: usize) -> (impl SendNow, Vec<impl Receiver<usize>>) {
        let (sender, first) = async_broadcast::broadcast(capacity);
        let mut all = vec![first];
        all.extend((1..receivers).map(|_| sender.new_receiver()));
        (sender, all)
    }
}

impl SendNow for async_channel::Sender<usize> {
    fn send_now(&self, value: usize) {
        assert!(self.try_send(value).is_ok(), "the receiver is there");
    }
}

impl SendNow for async_broadcast::Sender<usize> {
    fn send_now(&self, value: usize) {
        assert!(self.try_broadcast(value).is_ok(), "there is room");
    }
}

impl Receiver<usize> for async_broadcast::Receiver<usize> {
    async fn recv(&mut self) -> Option<usize> {
        // `recv` puts its future on the heap; this one is for a receiver that is polled in place.
        self.recv_direct().await.ok()
    }
}

impl RwLock for async_lock::RwLock<u64> {
    async fn read(&self) -> impl Deref<Target = u64> + Send {
        async_lock::RwLock::read(self).await
    }

    async fn write(&self) -> impl DerefMut<Target = u64> + Send {
        async_lock::RwLock::write(self).await
    }
}

impl Semaphore for async_lock::Semaphore {
    fn new(permits: usize) -> async_lock::Semaphore {
        async_lock::Semaphore::new(permits)
    }

    async fn acquire(&self) -> impl Send {
        async_lock::Semaphore::acquire(self).await
    }
}

impl Barrier for async_lock::Barrier {
    fn new(count: usize) -> async_lock::Barrier {
        async_lock::Barrier::new(count)
    }

    async fn wait(&self) {
        async_lock::Barrier::wait(self).await;
    }
}

impl Once for async_lock::OnceCell<usize> {
    fn get(&self) -> Option<usize> {
        async_lock::OnceCell::get(self).copied()
    }

    async fn get_or_init(&self, make: impl Future<Output = usize> + Send) -> usize {
        *async_lock::OnceCell::get_or_init(self, || make).await
    }
}
