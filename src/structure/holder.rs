//! What abandons a scope that is dropped unfinished.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use super::children::Scope;

/// Abandons a scope when it is dropped, unless that has ended. It does not know of what type the errors are, so that
/// futures have no bounds that only their drop would need.
pub(super) struct Holder {
    /// There until it is dropped.
    scope: Option<Arc<dyn Abandon>>,
    reason: &'static str,
}

trait Abandon: Send + Sync + UnwindSafe + RefUnwindSafe {
    fn abandon(self: Arc<Self>, reason: &str);
}

impl<E: Send + 'static> Abandon for Scope<E> {
    fn abandon(self: Arc<Self>, reason: &str) {
        Scope::abandon(self, reason);
    }
}

impl Holder {
    pub(super) fn of<E: Send + 'static>(scope: &Arc<Scope<E>>, reason: &'static str) -> Holder {
        let scope: Arc<dyn Abandon> = Arc::<Scope<E>>::clone(scope);
        Holder {
            scope: Some(scope),
            reason,
        }
    }
}

impl Holder {
    /// The scope has ended.
    pub(super) fn end(&mut self) {
        self.scope = None;
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Some(scope) = self.scope.take() {
            scope.abandon(self.reason);
        }
    }
}
