//! The places that code may run in, each in a runtime of its own with tokio beside it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use filch::Runtime;

pub(crate) fn runtime() -> Runtime {
    let builder = Runtime::builder().workers(2).tokio(true);
    builder.build().expect("a runtime")
}

/// What closures do: they may block.
fn wait_for<F: Future<Output = ()>>(work: fn() -> F) {
    tokio::runtime::Handle::current().block_on(work());
}

pub(crate) fn a_task<F: Future<Output = ()> + Send + 'static>(work: fn() -> F) {
    runtime().run(async move { filch::spawn(work()).await.expect("no panic") });
}

pub(crate) fn the_body_of_run<F: Future<Output = ()> + Send + 'static>(work: fn() -> F) {
    runtime().run(work());
}

pub(crate) fn a_body_of_block_on<F: Future<Output = ()>>(work: fn() -> F) {
    runtime().block_on(work());
}

pub(crate) fn a_body_on_a_foreign_thread<F: Future<Output = ()>>(work: fn() -> F) {
    let rt = runtime();
    let handle = rt.handle();
    thread::scope(|scope| {
        scope.spawn(|| handle.block_on(work()));
    });
}

/// Both workers are inside a poll that goes on for as long as the work does.
pub(crate) fn a_spare<F: Future<Output = ()> + Send + 'static>(work: fn() -> F) {
    let rt = runtime();
    let over = Arc::new(AtomicBool::new(false));
    let stuck = [(); 2].map(|()| {
        let over = Arc::clone(&over);
        rt.spawn(async move {
            while !over.load(SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
        })
    });
    let result = rt.spawn(work()).join_blocking(None);
    over.store(true, SeqCst);
    result.expect("no limit").expect("no panic");
    for task in stuck {
        task.join_blocking(None)
            .expect("no limit")
            .expect("no panic");
    }
}

pub(crate) fn a_blocking_closure<F: Future<Output = ()> + 'static>(work: fn() -> F) {
    runtime().run(async move { filch::blocking(|| wait_for(work)) });
}

pub(crate) fn a_closure_on_a_blocking_thread<F: Future<Output = ()> + 'static>(work: fn() -> F) {
    let inside = async move { filch::spawn_blocking(move || wait_for(work)).await };
    runtime().run(inside).expect("no panic");
}

pub(crate) fn a_cpu_closure<F: Future<Output = ()> + 'static>(work: fn() -> F) {
    let inside = async move { filch::cpu(move || wait_for(work)).await };
    runtime().run(inside).expect("no panic");
}

pub(crate) fn a_local_runtime<F: Future<Output = ()>>(work: fn() -> F) {
    let local = Runtime::builder().tokio(true).build_local();
    local.expect("a runtime").block_on(work());
}

pub(crate) fn a_local_task<F: Future<Output = ()> + 'static>(work: fn() -> F) {
    let local = Runtime::builder().tokio(true).build_local();
    let inside = async { filch::spawn_local(work()).await };
    local
        .expect("a runtime")
        .block_on(inside)
        .expect("no panic");
}

pub(crate) fn a_job_of_the_guest<F: Future<Output = ()> + Send + 'static>(work: fn() -> F) {
    let inside = async move { filch::guest::spawn(work()).await };
    runtime().run(inside).expect("no panic");
}

pub(crate) fn a_task_of_tokio<F: Future<Output = ()> + Send + 'static>(work: fn() -> F) {
    let inside = async move { tokio::spawn(work()).await };
    runtime().run(inside).expect("no panic");
}
