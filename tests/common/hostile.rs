//! Code of others at its worst: wakers that call closures wherever they are touched, payloads whose drop panics for
//! ever.

use std::future::Future;
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// A payload whose drop throws another one.
pub(crate) struct Endless;

impl Drop for Endless {
    fn drop(&mut self) {
        panic_any(Endless);
    }
}

/// A value whose drop throws such a payload.
pub(crate) struct Throws;

impl Drop for Throws {
    fn drop(&mut self) {
        panic_any(Endless);
    }
}

type Call = Box<dyn Fn() + Send + Sync>;

/// What a waker does besides counting its clones.
pub(crate) struct Calls {
    pub(crate) cloned: Call,
    pub(crate) woken: Call,
    pub(crate) dropped: Call,
}

impl Calls {
    pub(crate) fn nothing() -> Calls {
        Calls {
            cloned: Box::new(|| ()),
            woken: Box::new(|| ()),
            dropped: Box::new(|| ()),
        }
    }

    /// The same at every touch.
    pub(crate) fn always(call: impl Fn() + Clone + Send + Sync + 'static) -> Calls {
        Calls {
            cloned: Box::new(call.clone()),
            woken: Box::new(call.clone()),
            dropped: Box::new(call),
        }
    }

    /// Its clones can be had, but neither woken nor dropped.
    pub(crate) fn throwing() -> Calls {
        Calls {
            woken: Box::new(|| panic_any(Endless)),
            dropped: Box::new(|| {
                // The test's own clone may go while the test panics.
                if !std::thread::panicking() {
                    panic_any(Endless);
                }
            }),
            ..Calls::nothing()
        }
    }

    pub(crate) fn waker(self) -> Waker {
        let data = Arc::into_raw(Arc::new(self)).cast();
        // SAFETY: the functions below keep the contract, with an `Arc<Calls>` as data.
        unsafe { Waker::new(data, &VTABLE) }
    }
}

/// Polls with that waker.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Lets a waker go that may throw.
pub(crate) fn let_go(waker: Waker) {
    if let Err(payload) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(waker))) {
        std::mem::forget(payload);
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

unsafe fn clone(data: *const ()) -> RawWaker {
    let calls: *const Calls = data.cast();
    // SAFETY: the waker that is cloned holds a count.
    unsafe {
        ((*calls).cloned)();
        Arc::increment_strong_count(calls);
    }
    RawWaker::new(data, &VTABLE)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: the waker's count ends here.
    let calls = unsafe { Arc::from_raw(data.cast::<Calls>()) };
    (calls.woken)();
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker holds a count.
    unsafe { ((*data.cast::<Calls>()).woken)() };
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the waker's count ends here.
    let calls = unsafe { Arc::from_raw(data.cast::<Calls>()) };
    (calls.dropped)();
}
