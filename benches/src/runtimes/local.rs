//! The runtimes of one thread, whose tasks need not be Send: what the rows of `local` need of one, and the three that
//! are linked in, each used as its documentation shows.

use std::future::Future;

use ::filch::LocalRuntime;
use ::smol::LocalExecutor;
use ::tokio::task::LocalSet;

use super::kit::{Kit, Neutral};
use super::{filch, tokio};

/// A runtime on the calling thread. The functions without a host are called from inside its root future or its tasks.
pub(crate) trait Local: 'static {
    /// The runtime; its tasks run while it runs a root future.
    type Host;
    /// Its own channels, or the neutral ones where it has none.
    type Kit: Kit;

    /// Makes the runtime.
    fn start() -> Self::Host;
    /// Runs the root future, and the tasks meanwhile, on this thread.
    fn run<T: 'static>(host: &Self::Host, root: impl Future<Output = T> + 'static) -> T;
    /// Spawns a task and returns what awaits it; a panic in the task panics in the awaiter.
    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static;
    /// Spawns a task that nobody awaits.
    fn spawn_detached(future: impl Future<Output = ()> + 'static);
    /// Lets the other tasks run.
    fn yield_now() -> impl Future<Output = ()>;
}

/// filch's `LocalRuntime`.
#[derive(Debug)]
pub(crate) struct Filch;

impl Local for Filch {
    type Host = LocalRuntime;
    type Kit = filch::Own;

    fn start() -> Self::Host {
        LocalRuntime::new().expect("filch starts")
    }

    fn run<T: 'static>(host: &Self::Host, root: impl Future<Output = T> + 'static) -> T {
        host.block_on(root)
    }

    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        let task = ::filch::spawn_local(future);
        async move { task.await.expect("the task does not panic") }
    }

    fn spawn_detached(future: impl Future<Output = ()> + 'static) {
        drop(::filch::spawn_local(future));
    }

    fn yield_now() -> impl Future<Output = ()> {
        ::filch::task::yield_now()
    }
}

/// tokio's current-thread runtime with a `LocalSet`.
#[derive(Debug)]
pub(crate) struct Tokio;

impl Local for Tokio {
    type Host = (::tokio::runtime::Runtime, LocalSet);
    type Kit = tokio::Own;

    fn start() -> Self::Host {
        let mut builder = ::tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().expect("tokio starts");
        (runtime, LocalSet::new())
    }

    fn run<T: 'static>(
        (runtime, tasks): &Self::Host,
        root: impl Future<Output = T> + 'static,
    ) -> T {
        tasks.block_on(runtime, root)
    }

    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        let task = ::tokio::task::spawn_local(future);
        async move { task.await.expect("the task does not panic") }
    }

    fn spawn_detached(future: impl Future<Output = ()> + 'static) {
        drop(::tokio::task::spawn_local(future));
    }

    fn yield_now() -> impl Future<Output = ()> {
        ::tokio::task::yield_now()
    }
}

/// smol's `LocalExecutor`, which is async-executor's, in `smol::block_on`.
#[derive(Debug)]
pub(crate) struct Smol;

thread_local! {
    /// A task finds its executor nowhere but in what its program gives it; here that is a thread-local, as the other
    /// two runtimes have one inside.
    static EXECUTOR: LocalExecutor<'static> = const { LocalExecutor::new() };
}

impl Local for Smol {
    type Host = ();
    type Kit = Neutral;

    fn start() -> Self::Host {}

    fn run<T: 'static>((): &Self::Host, root: impl Future<Output = T> + 'static) -> T {
        EXECUTOR.with(|executor| ::smol::block_on(executor.run(root)))
    }

    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        EXECUTOR.with(|executor| executor.spawn(future))
    }

    fn spawn_detached(future: impl Future<Output = ()> + 'static) {
        EXECUTOR.with(|executor| executor.spawn(future).detach());
    }

    fn yield_now() -> impl Future<Output = ()> {
        ::smol::future::yield_now()
    }
}
