//! The value itself.

use super::version::Version;
use parking_lot::RwLock;
use std::sync::Arc;

/// What the ends share. The value has a lock that a thread may sleep on, as users hold it while they look.
pub(super) struct Shared<T> {
    pub(super) value: RwLock<T>,
    pub(super) version: Version,
}

// A panic of whoever changes the value is told by it, and leaves it as it was left: there is no poisoning.
impl<T> std::panic::UnwindSafe for Shared<T> {}
impl<T> std::panic::RefUnwindSafe for Shared<T> {}

pub(super) fn shared<T>(value: T) -> Arc<Shared<T>> {
    Arc::new(Shared {
        value: RwLock::new(value),
        version: Version::new(),
    })
}
