//! Every leaf gets on, whoever polls it, and wherever.

use crate::common::{Limit, runtime};
use crate::executors::{self, FOREIGN, Work};
use crate::leaves::{LEAVES, Leaf, Needs};
use filch::{Handle, LocalRuntime};
use std::sync::Arc;
use std::thread;

/// Somebody who drives a future; more than a function pointer for filch's own.
type Driver = Arc<dyn Fn(Work) + Send + Sync>;

/// Where a future is driven: inside the runtime by these, from its `block_on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Task,
    SpawnBlocking,
    Blocking,
    Cpu,
    /// A thread that the runtime does not know.
    Foreign,
}

impl Place {
    /// Whether a thread may block there, with filch's own `block_on` too.
    fn may_block(self) -> bool {
        matches!(
            self,
            Place::SpawnBlocking | Place::Blocking | Place::Foreign
        )
    }

    /// What is there for leaves. A local runtime's one thread does nothing else while it is driven there.
    fn offers(self, is_local: bool, is_own: bool) -> Needs {
        match self {
            Place::Foreign if !is_own => Needs::Others,
            Place::SpawnBlocking | Place::Foreign => Needs::Inside,
            _ if is_local => Needs::Nothing,
            _ => Needs::Inside,
        }
    }

    /// Runs a closure there; this is inside the runtime.
    async fn run(self, f: impl FnOnce() + Send + 'static) {
        match self {
            Place::Task => filch::spawn(async { f() }).await.unwrap(),
            Place::SpawnBlocking => filch::spawn_blocking(f).await.unwrap(),
            Place::Blocking => filch::spawn(async { filch::blocking(f) }).await.unwrap(),
            Place::Cpu => filch::cpu(f).await.unwrap(),
            Place::Foreign => {
                let (done, told) = filch::sync::oneshot::channel();
                let thread = thread::spawn(|| {
                    f();
                    done.send(()).unwrap();
                });
                told.await.expect("the thread panicked");
                thread.join().unwrap();
            }
        }
    }
}

fn leaves() -> impl Iterator<Item = &'static Leaf> {
    #[cfg(unix)]
    let more = crate::leaves::unix::LEAVES;
    #[cfg(not(unix))]
    let more = &[];
    LEAVES.iter().chain(more)
}

fn drivers(place: Place, handle: &Handle, is_local: bool) -> Vec<(&'static str, bool, Driver)> {
    let foreign = FOREIGN.iter();
    let mut all: Vec<(_, _, Driver)> = foreign
        .map(|(name, drive)| (*name, false, Arc::new(*drive) as Driver))
        .collect();
    // A local runtime's tasks may not block its thread for itself.
    let is_own_thread = is_local && place == Place::Blocking;
    if place.may_block() && !is_own_thread {
        all.push(("filch's own", true, Arc::new(executors::own(handle))));
    }
    all
}

/// Everything that can be driven in a place.
async fn drive_all(handle: Handle, is_local: bool, place: Place) {
    for (name, is_own, drive) in drivers(place, &handle, is_local) {
        let offered = place.offers(is_local, is_own);
        for leaf in leaves().filter(|leaf| leaf.needs <= offered) {
            println!("{name}, {}", leaf.name);
            // One for each: all of them take long where others want the processors too.
            let limit = Limit::new();
            limit.watch(handle.clone());
            let (work, drive) = ((leaf.make)(), Arc::clone(&drive));
            place.run(move || drive(work)).await;
        }
    }
}

fn on_workers(workers: usize, place: Place) {
    let rt = runtime(workers);
    rt.block_on(drive_all(rt.handle(), false, place));
}

fn on_a_local_runtime(place: Place) {
    let rt = LocalRuntime::new().unwrap();
    rt.block_on(drive_all(rt.handle(), true, place));
}

macro_rules! places {
    ($($name:ident $place:ident)*) => {$(
        mod $name {
            use super::{Place, on_workers};

            #[test]
            fn on_one_worker() {
                on_workers(1, Place::$place);
            }

            #[test]
            fn on_three_workers() {
                on_workers(3, Place::$place);
            }

            #[test]
            fn on_a_local_runtime() {
                super::on_a_local_runtime(Place::$place);
            }
        }
    )*};
}

places! {
    in_a_task Task
    in_spawn_blocking SpawnBlocking
    in_blocking Blocking
    in_cpu Cpu
    on_a_foreign_thread Foreign
}
