//! What the builder was given to be called on the runtime's threads. All of it is code of others.

use std::any::Any;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

type Hook = Arc<dyn Fn() + Send + Sync>;

/// What a thread holds while it works for the runtime, whatever that is.
pub(crate) type Held = Box<dyn Any>;

#[derive(Clone, Default)]
pub(crate) struct Hooks {
    start: Option<Hook>,
    stop: Option<Hook>,
    context: Option<Arc<dyn Fn() -> Held + Send + Sync>>,
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
        self.context.as_ref().map(|hook| hook())
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}
