//! Panics of tasks: whom they reach, and what becomes of those that reach nobody.

use crate::common::*;
use filch::{Runtime, UnhandledPanic};
use std::future::{pending, ready};
use std::panic::panic_any;
use std::process::ExitStatus;

#[filch::test]
async fn a_panic_reaches_the_handle() {
    let line = line!() + 1;
    let handle = filch::spawn(async { panic!("number {}", 7) });
    let id = handle.id();
    let error = handle.await.unwrap_err();
    assert!(error.is_panic() && !error.is_cancelled());
    assert_eq!(error.task_id(), id);
    let place = error.spawned_at();
    assert_eq!((place.file(), place.line()), ("tests/task/panics.rs", line));
    assert_eq!(error.name(), None);
    let text = format!("task {id}, spawned at {place}, panicked: number 7");
    assert_eq!(error.to_string(), text);
    assert_eq!(format!("{error:?}"), format!("JoinError::Panic({text})"));
    assert_eq!(message(error.into_panic()), "number 7");
}

#[filch::test]
async fn an_error_names_the_task_whatever_made_it_and_however_it_ended() {
    use filch::task::Builder;

    let named = |name: &str| Builder::new().name(name);
    let line = line!() + 2;
    let tasks = [
        named("spawned").spawn(async { panic!("heavy went wrong") }),
        named("blocking").spawn_blocking(|| panic!("heavy went wrong")),
        named("computing").cpu(|| panic!("heavy went wrong")),
        named("aborted").spawn(pending::<()>()),
    ];
    tasks[3].abort();
    for (offset, task) in (0..).zip(tasks) {
        let (id, name) = (task.id(), task.name().unwrap().to_owned());
        let error = task.await.unwrap_err();
        assert_eq!(error.name(), Some(&*name));
        assert_eq!(error.spawned_at().line(), line + offset);
        let text = error.to_string();
        let begins = format!(
            "task {id} '{name}', spawned at tests/task/panics.rs:{}:",
            line + offset
        );
        assert!(text.starts_with(&begins), "{begins}: {text}");
        match offset {
            3 => assert!(text.contains(", was cancelled by task "), "{text}"),
            _ => assert!(text.ends_with(", panicked: heavy went wrong"), "{text}"),
        }
    }
}

#[filch::test]
async fn any_payload_comes_back() {
    let error = filch::spawn(async { panic_any(42_u8) }).await.unwrap_err();
    assert!(error.to_string().ends_with("panicked"), "{error}");
    assert_eq!(*error.into_panic().downcast::<u8>().unwrap(), 42);
    let error = filch::spawn_blocking(|| panic_any("blocking"))
        .await
        .unwrap_err();
    assert_eq!(message(error.try_into_panic().unwrap()), "blocking");
}

#[filch::test]
async fn a_cancelled_task_has_no_panic() {
    let handle = filch::spawn(pending::<()>());
    handle.abort();
    let error = handle.await.unwrap_err();
    let error = error.try_into_panic().unwrap_err();
    assert!(error.is_cancelled());
    let text = panics(|| error.into_panic());
    assert!(
        text.contains("did not panic") && text.contains("cancelled"),
        "{text}"
    );
}

#[filch::test]
async fn a_join_error_becomes_an_io_error() {
    let handle = filch::spawn(pending::<()>());
    handle.abort();
    let error = std::io::Error::from(handle.await.unwrap_err());
    assert!(error.to_string().contains("cancelled"), "{error}");
}

#[filch::test(workers = 1)]
async fn workers_survive_panics() {
    for round in 0..rounds(200) {
        let in_poll = filch::spawn(async { panic!("in poll") });
        let in_drop = filch::spawn(async {
            let _on_drop = OnDrop(|| panic!("in drop"));
        });
        assert!(in_poll.await.unwrap_err().is_panic());
        assert!(in_drop.await.unwrap_err().is_panic());
        assert_eq!(filch::spawn(async move { round }).await.unwrap(), round);
    }
}

#[filch::test]
async fn a_panic_drops_the_future_once_and_before_the_join() {
    let drops = Count::new();
    let counted = drops.clone();
    let handle = filch::spawn(async move {
        let _on_drop = OnDrop(move || {
            counted.add();
        });
        filch::task::yield_now().await;
        panic!("after a while");
    });
    assert!(handle.await.unwrap_err().is_panic());
    assert_eq!(drops.get(), 1);
}

#[test]
fn the_root_futures_panic_is_the_callers() {
    let _limit = Limit::new();
    assert_eq!(panics(|| filch::run(async { panic!("in run") })), "in run");
    let rt = runtime(2);
    assert_eq!(
        panics(|| rt.run(async { panic!("in rt.run") })),
        "in rt.run"
    );
    assert_eq!(
        panics(|| rt.block_on(async { panic!("in block_on") })),
        "in block_on"
    );
    assert_eq!(rt.block_on(async { 1 }), 1, "the runtime goes on");
}

/// The parts that child processes play.
#[test]
fn child() {
    let Some(part) = process::part() else { return };
    let _limit = Limit::new();
    let policy = match part.split(' ').next() {
        Some("abort") => UnhandledPanic::Abort,
        Some("shutdown") => UnhandledPanic::ShutdownRuntime,
        _ => UnhandledPanic::Report,
    };
    let rt = Runtime::builder()
        .workers(2)
        .on_unhandled_panic(policy)
        .build()
        .unwrap();
    match &part[..] {
        "report detached" | "abort detached" => rt.block_on(async {
            let gone = detached_panic();
            until("the task is gone", || gone.is_finished()).await;
            filch::spawn(async { println!("still here") })
                .await
                .unwrap();
        }),
        "report late" | "abort late" => {
            let handle = rt.spawn(async { panic!("boom") });
            wait_until("the task ends", || handle.is_finished());
            drop(handle);
            println!("still here");
        }
        "report awaited" => {
            let error = rt.block_on(rt.spawn(async { panic!("boom") }));
            println!("still here: {}", error.unwrap_err());
        }
        "report output" => {
            let gone = rt.block_on(async {
                let handle = filch::spawn(async { OnDrop(|| panic!("boom")) });
                handle.abort_handle()
            });
            wait_until("the task ends", || gone.is_finished());
            println!("still here");
        }
        "shutdown run" => println!(
            "run: {}",
            panics(|| rt.run(async {
                detached_panic();
                pending::<()>().await;
            }))
        ),
        "shutdown block_on" => println!(
            "run: {}",
            panics(|| rt.block_on(async {
                detached_panic();
                pending::<()>().await;
            }))
        ),
        "shutdown late" => {
            let other = rt.spawn(pending::<()>());
            let handle = rt.spawn(async { panic!("boom") });
            wait_until("the task ends", || handle.is_finished());
            drop(handle);
            println!(
                "still here: {}",
                other.join_blocking(None).unwrap().unwrap_err()
            );
        }
        "shutdown tasks" => {
            let other = rt.spawn(pending::<()>());
            rt.block_on(async { drop(detached_panic()) });
            println!(
                "still here: {}",
                other.join_blocking(None).unwrap().unwrap_err()
            );
            let late = rt.spawn(ready(())).join_blocking(None).unwrap();
            assert!(late.unwrap_err().is_cancelled());
        }
        other => panic!("no such part: {other}"),
    }
}

/// Spawns a named task that panics after its handle is gone.
fn detached_panic() -> filch::AbortHandle {
    let gate = Gate::new();
    let handle = filch::task::Builder::new().name("fuse").spawn({
        let gate = gate.clone();
        async move {
            gate.passed().await;
            panic!("boom");
        }
    });
    let abort = handle.abort_handle();
    drop(handle);
    gate.open();
    abort
}

#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn an_unobserved_panic_is_reported_with_name_and_place() {
    let text = process::succeed("panics::child", "report detached");
    assert!(text.contains("still here"), "{text}");
    let line = text
        .lines()
        .find(|line| line.starts_with("filch: task ") && line.contains("panicked"))
        .expect(&text);
    for part in [
        "'fuse'",
        "spawned at tests/task/panics.rs:",
        "nobody awaited its JoinHandle",
        "boom",
    ] {
        assert!(line.contains(part), "{part} is missing: {line}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn a_panic_whose_handle_is_dropped_later_is_reported_too() {
    let text = process::succeed("panics::child", "report late");
    assert!(
        text.contains("nobody awaited its JoinHandle: boom") && text.contains("still here"),
        "{text}"
    );
}

#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn a_panic_in_the_destructor_of_an_unwanted_output_is_reported() {
    let text = process::succeed("panics::child", "report output");
    assert!(
        text.contains("nobody awaited its JoinHandle: boom") && text.contains("still here"),
        "{text}"
    );
}

#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn an_awaited_panic_is_not_reported() {
    let text = process::succeed("panics::child", "report awaited");
    assert!(
        text.contains("still here: task") && !text.contains("nobody awaited"),
        "{text}"
    );
}

#[cfg(unix)]
fn aborted(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(6)
}

/// By a fast failure or a trap, as the toolchain has it.
#[cfg(not(unix))]
fn aborted(status: ExitStatus) -> bool {
    status.code().is_some_and(|code| code < 0 || code == 3)
}

#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn an_unobserved_panic_may_abort_the_process() {
    for part in ["abort detached", "abort late"] {
        let output = process::run("panics::child", part);
        let text = process::text_of(&output);
        assert!(aborted(output.status), "{part}: {}\n{text}", output.status);
        assert!(
            text.contains("nobody awaited") && !text.contains("still here"),
            "{text}"
        );
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri starts no processes")]
fn an_unobserved_panic_may_shut_the_runtime_down() {
    for part in ["shutdown tasks", "shutdown late"] {
        let text = process::succeed("panics::child", part);
        assert!(
            text.contains("nobody awaited") && text.contains("was cancelled"),
            "{part}: {text}"
        );
    }
    for part in ["shutdown run", "shutdown block_on"] {
        let text = process::succeed("panics::child", part);
        assert!(
            text.contains("run: ")
                && text.contains("shut down")
                && text.contains("UnhandledPanic::ShutdownRuntime"),
            "{part}: {text}"
        );
    }
}

/// In a process of its own: a task panics in a function of a name that can be looked for.
#[test]
fn backtrace_child() {
    if process::part().is_some() {
        let task = async { filch::spawn(async { users_own_function() }).await };
        assert!(filch::run(task).unwrap_err().is_panic());
    }
}

#[inline(never)]
fn users_own_function() {
    panic!("to be traced");
}

#[cfg(target_os = "linux")]
#[test]
fn a_backtrace_ends_where_the_runtime_begins() {
    let text = |level| {
        let mut child = process::again("panics::backtrace_child", "short", None);
        let output = child.env("RUST_BACKTRACE", level).output().unwrap();
        assert!(output.status.success(), "{}", process::text_of(&output));
        process::text_of(&output)
    };
    let short = text("1");
    assert!(short.contains("panics::users_own_function"), "{short}");
    assert!(!short.contains("filch_executor::"), "{short}");
    assert!(text("full").contains("filch_executor::worker::"));
}
