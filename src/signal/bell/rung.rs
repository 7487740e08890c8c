//! The bell as a list of wakers, which a thread of ours or of the system's rings.

use crate::io::waiting::{Place, Waiting};
use filch_executor::foreign;
use filch_executor::leaf::{self, Wait};
use parking_lot::Mutex;
use std::io;
use std::task::{Context, Poll};

/// Who waits for any signal; they belong to the process.
static WAITING: Mutex<Waiting> = Mutex::new(Waiting::new());

/// Wakes all who wait: each looks whether it is meant.
pub(crate) fn ring() {
    let woken = WAITING.lock().take();
    foreign::wake_batch(woken);
}

/// The place of one who waits.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    place: Place,
}

impl Seat {
    /// Looks, and waits until there is something to be seen.
    pub(crate) fn poll<R>(
        &mut self,
        wait: Wait,
        cx: &mut Context<'_>,
        mut look: impl FnMut() -> Option<R>,
    ) -> Poll<io::Result<R>> {
        // Cloned outside the lock: a waker is code of others.
        let waker = cx.waker().clone();
        let replaced = WAITING.lock().put(&mut self.place, waker);
        foreign::discard(replaced);
        // After the waker is in its place: a ring from here on finds it.
        match look() {
            Some(seen) => Poll::Ready(Ok(seen)),
            None => {
                leaf::record(wait);
                Poll::Pending
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let waker = WAITING.lock().remove(self.place);
        foreign::discard(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use filch_executor::leaf::WaitKind;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;
    use std::task::{Wake, Waker};

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn a_ring_wakes_who_sits_and_nobody_who_has_left() {
        let woken = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let wait = Wait::here(WaitKind::Signal);
        let (mut stays, mut leaves) = (Seat::default(), Seat::default());
        for seat in [&mut stays, &mut leaves] {
            assert!(seat.poll(wait, &mut cx, || None::<()>).is_pending());
        }
        drop(leaves);
        ring();
        assert_eq!(woken.0.load(Relaxed), 1);
        assert!(stays.poll(wait, &mut cx, || Some(())).is_ready());
        drop(stays);
        ring();
        assert_eq!((woken.0.load(Relaxed), Arc::strong_count(&woken)), (1, 2));
    }
}
