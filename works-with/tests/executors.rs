//! Every leaf of filch gets on under other crates' executors, wherever these are called: `tests/budget` with theirs.

mod common;

/// Who drives.
mod executors {
    use filch::Handle;
    use std::pin::Pin;

    pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

    pub(crate) type Drive = fn(Work);

    pub(crate) const FOREIGN: &[(&str, Drive)] = &[
        ("futures", |work| futures_executor::block_on(work)),
        ("futures-lite", |work| futures_lite::future::block_on(work)),
        ("pollster", |work| pollster::block_on(work)),
        ("tokio", |work| {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.expect("a runtime of tokio").block_on(work);
        }),
        ("tokio, as a task", |work| {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let runtime = runtime.expect("a runtime of tokio");
            runtime.block_on(runtime.spawn(work)).expect("its task");
        }),
    ];

    pub(crate) fn own(handle: &Handle) -> impl Fn(Work) + use<> {
        let handle = handle.clone();
        move |work| handle.block_on(work)
    }
}

#[path = "../../tests/budget/leaves.rs"]
mod leaves;

#[path = "../../tests/budget/progress.rs"]
mod progress;
