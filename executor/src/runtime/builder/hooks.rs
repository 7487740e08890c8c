//! What a runtime calls on its threads.

use super::Builder;

impl Builder {
    /// Is called on each thread that is started to run tasks or closures (workers, spares, those of
    /// [`spawn_blocking`](crate::spawn_blocking)), first of all. Not on threads that only lend themselves: the callers of
    /// `run` and `block_on`. See [`thread_context`](Builder::thread_context) for those too.
    ///
    /// A panic of it aborts the process.
    pub fn on_thread_start(mut self, hook: impl Fn() + Send + Sync + 'static) -> Builder {
        self.hooks.set_start(hook);
        self
    }

    /// Is called on each such thread before it ends, last of all but for the destructors of its thread-locals.
    ///
    /// A panic of it aborts the process.
    pub fn on_thread_stop(mut self, hook: impl Fn() + Send + Sync + 'static) -> Builder {
        self.hooks.set_stop(hook);
        self
    }

    /// What `hook` returns is held by every thread while it works for the runtime: workers, spares, those of
    /// `spawn_blocking`, and the callers of `run` and `block_on`. It is dropped on that thread, in the reverse order if
    /// runtimes are nested, when the thread has done with the last task: before the drop of the runtime returns.
    ///
    /// For what another library wants around its calls, such as the guard of `Handle::enter` of another runtime. It
    /// costs nothing per poll. The hook is called more than once on a thread that comes and goes.
    ///
    /// A panic of the hook, or of the drop of what it has returned, goes on to the caller of `run` or `block_on`; on a
    /// thread of the runtime it aborts the process.
    ///
    /// ```
    /// # extern crate filch_executor as filch;
    /// use std::cell::Cell;
    ///
    /// thread_local! { static INSIDE: Cell<bool> = const { Cell::new(false) } }
    ///
    /// struct Guard;
    ///
    /// impl Guard {
    ///     fn enter() -> Guard {
    ///         INSIDE.set(true);
    ///         Guard
    ///     }
    /// }
    ///
    /// impl Drop for Guard {
    ///     fn drop(&mut self) {
    ///         INSIDE.set(false);
    ///     }
    /// }
    ///
    /// let rt = filch::Runtime::builder().thread_context(Guard::enter).build()?;
    /// assert!(rt.run(async { INSIDE.get() }));
    /// assert!(rt.block_on(rt.spawn_blocking(|| INSIDE.get())).unwrap());
    /// assert!(!INSIDE.get());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn thread_context<G, F>(mut self, hook: F) -> Builder
    where
        G: 'static,
        F: Fn() -> G + Send + Sync + 'static,
    {
        self.hooks.set_context(hook);
        self
    }
}
