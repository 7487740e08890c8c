//! filch's own.

use std::future::Future;
use std::ops::{Deref, DerefMut};

use ::filch::sync;

use super::{Barrier, Once, Primitives, RwLock, Semaphore, SendNow, Watcher, Watches};
use crate::runtimes::filch::Own;
use crate::runtimes::kit::Receiver;

impl Primitives for Own {
    type RwLock = sync::RwLock<u64>;
    type Semaphore = sync::Semaphore;
    type Barrier = sync::Barrier;
    type Once = sync::OnceCell<usize>;

    fn unbounded() -> (impl SendNow, impl Receiver<usize>) {
        sync::mpsc::unbounded_channel()
    }

    fn broadcast(capacity: usize, receivers: usize) -> (impl SendNow, Vec<impl Receiver<usize>>) {
        let (sender, first) = sync::broadcast::channel(capacity);
        let mut all = vec![first];
        all.extend((1..receivers).map(|_| sender.subscribe()));
        (sender, all)
    }
}

impl Watches for Own {
    fn watch(receivers: usize) -> (impl SendNow, Vec<impl Watcher>) {
        let (sender, first) = sync::watch::channel(0);
        let mut all = vec![first];
        all.extend((1..receivers).map(|_| sender.subscribe()));
        (sender, all)
    }
}

impl SendNow for sync::mpsc::UnboundedSender<usize> {
    fn send_now(&self, value: usize) {
        assert!(self.send(value).is_ok(), "the receiver is there");
    }
}

impl SendNow for sync::broadcast::Sender<usize> {
    fn send_now(&self, value: usize) {
        assert!(self.send(value).is_ok(), "receivers are there");
    }
}

impl Receiver<usize> for sync::broadcast::Receiver<usize> {
    async fn recv(&mut self) -> Option<usize> {
        sync::broadcast::Receiver::recv(self).await.ok()
    }
}

impl SendNow for sync::watch::Sender<usize> {
    fn send_now(&self, value: usize) {
        assert!(self.send(value).is_ok(), "receivers are there");
    }
}

impl Watcher for sync::watch::Receiver<usize> {
    async fn changed(&mut self) -> usize {
        let changed = sync::watch::Receiver::changed(self).await;
        changed.expect("the sender is there");
        *self.borrow_and_update()
    }
}

impl RwLock for sync::RwLock<u64> {
    async fn read(&self) -> impl Deref<Target = u64> + Send {
        sync::RwLock::read(self).await
    }

    async fn write(&self) -> impl DerefMut<Target = u64> + Send {
        sync::RwLock::write(self).await
    }
}

impl Semaphore for sync::Semaphore {
    fn new(permits: usize) -> sync::Semaphore {
        sync::Semaphore::new(permits)
    }

    async fn acquire(&self) -> impl Send {
        let permit = sync::Semaphore::acquire(self).await;
        permit.expect("nobody closes it")
    }
}

impl Barrier for sync::Barrier {
    fn new(count: usize) -> sync::Barrier {
        sync::Barrier::new(count)
    }

    async fn wait(&self) {
        sync::Barrier::wait(self).await;
    }
}

impl Once for sync::OnceCell<usize> {
    fn get(&self) -> Option<usize> {
        sync::OnceCell::get(self).copied()
    }

    async fn get_or_init(&self, make: impl Future<Output = usize> + Send) -> usize {
        *sync::OnceCell::get_or_init(self, || make).await
    }
}
