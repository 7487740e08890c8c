//! A tokio runtime beside this one, for crates that know no other: the feature `tokio`, and `Builder::tokio`.
//!
//! Whoever works for the runtime holds tokio's context meanwhile ([`Hooks::hold`](super::hooks::Hooks::hold)), so
//! nothing is done per poll. tokio's own threads visit the runtime for as long as they live, so that what
//! `tokio::spawn` runs can spawn, sleep and connect here.
//!
//! Who holds whom: the shared part has the tokio runtime, and each of its threads, as a visitor, a count of the shared
//! part. The end of the runtime breaks that circle, after the last task (`end.rs`).

use crate::seats::shared::Shared;
use crate::seats::visit::Visit;
use crate::sys::Prompt;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

thread_local! {
    /// On a thread of tokio's. It is ended by tokio's hook, or by this destructor.
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

/// What a thread of tokio's has from here.
struct Here {
    /// None on threads for what may block.
    prompt: Option<Prompt>,
    _visit: Visit,
}

pub(crate) struct Tokio {
    handle: Handle,
    /// Until the end.
    runtime: Mutex<Option<Runtime>>,
}

impl Tokio {
    /// Starts one of one worker.
    ///
    /// # Errors
    /// tokio's: the system refuses a thread or a poller.
    pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<Tokio> {
        let visited = Arc::downgrade(shared);
        // One that runs on the thread which asks it to would switch threads more often, and has no `block_in_place`.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .thread_name(format!("{}-tokio", shared.config.thread_name))
            .on_thread_start(move || begin_visit(&visited))
            .on_thread_park(be_prompt)
            .on_thread_stop(|| HERE.set(None))
            .build()?;
        Ok(Tokio {
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
        })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// For a thread that begins to work for the runtime.
    pub(crate) fn enter(&self) -> Inside {
        Inside::new(self.handle.clone())
    }

    /// Cancels its tasks and leaves its threads to themselves: they end when what they are inside of does.
    pub(crate) fn end(&self) {
        let runtime = self.runtime.lock().take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }
}

fn begin_visit(visited: &Weak<Shared>) {
    if let Some(shared) = visited.upgrade() {
        HERE.set(Some(Here {
            prompt: None,
            _visit: Visit::start(shared),
        }));
    }
}

/// A thread that parks is the one which serves tokio's sockets: beside others that compute it gets a processor as soon
/// as those of ours that do. Threads for what may block do not park, and have no hurry.
fn be_prompt() {
    HERE.with_borrow_mut(|here| {
        if let Some(here) = here {
            here.prompt.get_or_insert_with(Prompt::start_own);
        }
    });
}

/// While it lives, its thread has tokio's context.
pub(crate) struct Inside {
    /// Dropped before what it borrows.
    _guard: EnterGuard<'static>,
    _handle: Box<Handle>,
}

impl Inside {
    fn new(handle: Handle) -> Inside {
        let handle = Box::new(handle);
        let borrowed: *const Handle = &*handle;
        // SAFETY: the box is kept behind the guard in the same struct, nobody takes it out or changes it, and fields
        // are dropped in the order in which they are declared: the guard first.
        let guard = unsafe { &*borrowed }.enter();
        Inside {
            _guard: guard,
            _handle: handle,
        }
    }
}

impl fmt::Debug for Tokio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokio").finish_non_exhaustive()
    }
}
