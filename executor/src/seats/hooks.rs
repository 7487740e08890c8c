//! What the builder was given to be called on the runtime's threads. All of it is code of others.

use std::any::Any;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

#[cfg(feature = "tokio")]
use crate::seats::tokio::Tokio;
#[cfg(feature = "tokio")]
use std::sync::OnceLock;

type Hook = Arc<dyn Fn() + Send + Sync>;

/// What a thread holds while it works for the runtime, whatever that is.
pub(crate) type Held = Box<dyn Any>;

#[derive(Clone, Default)]
pub(crate) struct Hooks {
    start: Option<Hook>,
    stop: Option<Hook>,
    context: Option<Arc<dyn Fn() -> Held + Send + Sync>>,
    /// The tokio runtime beside this one, if there is one: set before any thread works.
    #[cfg(feature = "tokio")]
    pub(crate) tokio: OnceLock<Arc<Tokio>>,
}

// They are called, and nothing of ours is half changed meanwhile.
impl UnwindSafe for Hooks {}
impl RefUnwindSafe for Hooks {}

impl Hooks {
    pub(crate) fn set_start(&mut self, hook: impl Fn() + Send + Sync + 'static) {
        self.start = Some(Arc::new(hook));
    }

    pub(crate) fn set_stop(&mut self, hook: impl Fn() + Send + Sync + 'static) {
        self.stop = Some(Arc::new(hook));
    }

    pub(crate) fn set_context<G: 'static>(&mut self, hook: impl Fn() -> G + Send + Sync + 'static) {
        self.context = Some(Arc::new(move || Box::new(hook())));
    }

    /// A thread of the runtime starts.
    pub(crate) fn start(&self) {
        self.start.iter().for_each(|hook| hook());
    }

    /// It ends.
    pub(crate) fn stop(&self) {
        self.stop.iter().for_each(|hook| hook());
    }

    /// For a thread that begins to work for the runtime.
    pub(crate) fn hold(&self) -> Option<Held> {
        #[cfg(feature = "tokio")]
        if let Some(tokio) = self.tokio.get() {
            // Dropped in this order: the hook may have found tokio.
            let inside = tokio.enter();
            let own = self.context.as_ref().map(|hook| hook());
            return Some(Box::new((own, inside)));
        }
        self.context.as_ref().map(|hook| hook())
    }

    /// The last task has gone, and the last thread.
    pub(crate) fn end(&self) {
        #[cfg(feature = "tokio")]
        if let Some(tokio) = self.tokio.get() {
            tokio.end();
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}
