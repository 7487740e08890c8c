//! `#[filch::main]` and `#[filch::test]`: what they accept and refuse (tests/ui), and how a test ends. Also what no
//! program can say, as the compiler refuses it.

use std::cell::Cell;
use std::error::Error;
use std::future::pending;
use std::num::ParseIntError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode, Termination};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The errors are compared with the texts in tests/ui/fail. Most are the attributes' own; where rustc speaks, it is
/// 1.95. `TRYBUILD=overwrite` writes them anew. The programs in tests/ui/pass are run. What asyncio refuses at run time
/// and Rust before is in tests/ui/cannot. One test for all, since each builds filch once more.
#[test]
fn misuses_are_errors_at_the_offending_token_and_every_form_of_main_runs() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/fail/*.rs");
    cases.compile_fail("tests/ui/cannot/*.rs");
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail(match cfg!(feature = "tokio") {
        true => "tests/ui/with_tokio/*.rs",
        false => "tests/ui/without_tokio/*.rs",
    });
}

#[filch::test]
async fn a_test_runs_as_a_task() {
    assert!(filch::task::current().is_some());
    assert_eq!(filch::spawn(async { 6 * 7 }).await.unwrap(), 42);
}

#[filch::test(workers = 1, name = "named", seed = 7, timeout = "2.5m", crate = ::filch)]
async fn every_option_together() {
    let name = filch::spawn(async { std::thread::current().name().map(String::from) })
        .await
        .unwrap();
    assert!(name.unwrap().starts_with("named"));
}

#[filch::test]
async fn a_test_may_return_a_result() -> Result<(), ParseIntError> {
    let port: u16 = "80".parse()?;
    assert_eq!(port, 80);
    Ok(())
}

#[filch::test]
async fn a_test_may_return_what_can_end_a_process() -> impl Termination {
    ExitCode::SUCCESS
}

#[filch::test]
#[should_panic(expected = "the body's own message")]
async fn a_panic_of_the_body_is_the_tests_panic() {
    panic!("the body's own message, number {}", 1);
}

#[filch::test(paused, timeout = "1m")]
async fn a_paused_test_takes_no_time() {
    let start = filch::time::Instant::now();
    filch::time::sleep(std::time::Duration::from_secs(7200)).await;
    assert_eq!(start.elapsed().as_secs(), 7200);
}

#[filch::test(local, paused)]
async fn a_paused_test_may_be_local() {
    filch::time::sleep(std::time::Duration::from_secs(7200)).await;
}

#[filch::test(local)]
async fn a_local_test_may_use_what_is_not_send() {
    let shared = Rc::new(20);
    let other = shared.clone();
    assert_eq!(
        filch::spawn_local(async move { *other + 22 })
            .await
            .unwrap(),
        42
    );
    assert_eq!(*shared, 20);
}

#[filch::test(local)]
#[should_panic(expected = "local message")]
async fn a_panic_of_a_local_body_is_the_tests_panic() {
    panic!("local message");
}

mod outer {
    /// A name that is a keyword, and a visibility.
    #[filch::test]
    pub(crate) async fn r#match() {}
}

/// Its fragments reach the attribute in invisible delimiters.
macro_rules! test_of_fragments {
    ($(#[$attr:meta])* $vis:vis $name:ident -> $output:ty, $workers:expr, $text:literal, $krate:path, $body:block) => {
        #[filch::test(workers = $workers, name = $text, crate = $krate)]
        $(#[$attr])*
        $vis async fn $name() -> $output $body
    };
}

test_of_fragments! {
    /// Documented.
    pub(crate) a_test_may_be_made_by_a_macro -> Result<(), ParseIntError>, 2, "frag\u{6d}ents", ::filch, {
        assert_eq!("80".parse::<u16>()?, 80);
        let thread = || std::thread::current().name().map(String::from);
        let name = filch::spawn(async move { thread() }).await.unwrap();
        assert!(name.unwrap().starts_with("fragments"));
        Ok(())
    }
}

test_of_fragments! {
    #[should_panic(expected = "as it should")]
    a_visibility_may_be_missing -> (), 1, r#"raw"#, ::filch, { panic!("as it should") }
}

mod numbers {
    #[filch::test(workers = 0x2, seed = 1_000u64)]
    #[allow(clippy::needless_return)]
    pub(in crate::numbers) async fn may_be_written_in_every_notation()
    -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        assert_eq!(filch::Handle::current().metrics().workers.len(), 2);
        return Ok(());
    }
}

/// Runs a body as `#[filch::test]` does, and gives the message of the failure.
fn failure<F>(timeout: Duration, body: F) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let builder = filch::Runtime::builder().workers(2);
    let failed = catch_unwind(AssertUnwindSafe(|| {
        filch::__private::test("hanging", builder, timeout, body)
    }));
    *failed
        .unwrap_err()
        .downcast()
        .expect("a message with values in it is a String")
}

/// The failure that tells of a body's last state. If a machine under load does not get that far in time, it is tried
/// again with more.
fn failure_in<F>(state: &str, body: impl Fn() -> F) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut timeout = Duration::from_millis(50);
    loop {
        let message = failure(timeout, body());
        let expected = format!("test `hanging` has not ended after {timeout:?}");
        assert!(message.contains(&expected), "{message}");
        if message.contains(state) || timeout > Duration::from_secs(10) {
            return message;
        }
        timeout *= 2;
    }
}

#[test]
fn a_test_that_hangs_fails_with_a_dump_of_its_tasks() {
    let message = failure_in("for sleep", || async {
        let child = filch::task::Builder::new()
            .name("stubborn")
            .spawn(filch::time::sleep(Duration::from_secs(3600)));
        let _ = child.await;
    });
    assert!(message.contains("2 tasks are alive"), "{message}");
    let lines: Vec<&str> = message.lines().collect();
    let (body, child) = (lines[2], lines[4]);
    assert!(
        body.contains("for join of task") && body.contains("'stubborn'"),
        "{message}"
    );
    assert!(
        lines[3].contains("'stubborn', spawned at tests/macros.rs"),
        "{message}"
    );
    assert!(child.contains("for sleep at tests/macros.rs"), "{message}");
}

#[test]
fn a_test_that_waits_for_no_wake_is_dumped_too() {
    let message = failure_in("not filch's", pending);
    assert!(
        message.contains("1 task is alive") && message.contains("not filch's"),
        "{message}"
    );
}

#[test]
fn a_test_that_never_returns_from_a_poll_fails_too() {
    // The poll ends when this test does, so that its thread does not outlive it.
    let release = Cell::new(None);
    let blocked = "running: blocked, in a poll that has not returned";
    let message = failure_in(blocked, || {
        let (sender, released) = std::sync::mpsc::channel::<()>();
        release.set(Some(sender));
        async move {
            let _ = released.recv();
        }
    });
    assert!(message.contains(blocked), "{message}");
    drop(release);
}

#[test]
fn the_dump_of_a_local_test_says_too_what_its_poll_does() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (handles, handle) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = filch::LocalRuntime::new().unwrap();
        handles.send(runtime.handle()).unwrap();
        let blocked = runtime.spawn_local(async move { released.recv() });
        runtime.block_on(blocked).unwrap().unwrap_err();
    });
    let handle = handle.recv().unwrap();
    // The thread is on its way into the poll, and then to sleep.
    let begun = std::time::Instant::now();
    while !filch::task::dump(&handle.tasks()).contains("running: blocked, in a poll") {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::yield_now();
    }
    drop(release);
    thread.join().unwrap();
}

/// The variable that makes [`hangs_if_told_to`] hang.
const HANG: &str = "FILCH_TEST_HANG";

#[filch::test(local, timeout = "100ms")]
#[ignore = "on a machine under load it may take longer; the next test runs it"]
async fn hangs_if_told_to() {
    if std::env::var_os(HANG).is_some() {
        pending().await
    }
}

#[test]
fn a_local_test_that_hangs_ends_the_process_with_a_dump() {
    let mut process = Command::new(std::env::current_exe().unwrap());
    let output = process
        .args(["--exact", "hangs_if_told_to", "--ignored"])
        .env(HANG, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(101), "{text}");
    assert!(
        text.contains("test `macros::hangs_if_told_to` has not ended after 100ms"),
        "{text}"
    );
    assert!(text.contains("spawned at tests/macros.rs"), "{text}");
    assert!(text.contains("ends the whole test process"), "{text}");
}

/// The variable that makes [`leaves_a_task_if_told_to`] do so.
const LEAVE: &str = "FILCH_TEST_LEAVE";

/// How long the task goes on that is left behind: longer than a machine under load needs to start a process.
const LEFT: Duration = Duration::from_secs(30);

#[filch::main(shutdown_timeout = "50ms", workers = 1)]
async fn leaves_a_task() -> &'static str {
    let (begun, begins) = filch::sync::oneshot::channel();
    filch::spawn(async move {
        begun.send(()).unwrap();
        std::thread::sleep(LEFT);
    });
    begins.await.unwrap();
    "an output"
}

#[filch::main(shutdown_timeout = "50ms", local)]
async fn leaves_a_closure() -> std::rc::Rc<str> {
    let (begun, begins) = filch::sync::oneshot::channel();
    filch::spawn_blocking(move || {
        begun.send(()).unwrap();
        std::thread::sleep(LEFT);
    });
    begins.await.unwrap();
    "an output".into()
}

#[test]
fn leaves_something_if_told_to() {
    let Ok(what) = std::env::var(LEAVE) else {
        return;
    };
    let start = Instant::now();
    match &*what {
        "local" => assert_eq!(&*leaves_a_closure(), "an output"),
        _ => assert_eq!(leaves_a_task(), "an output"),
    }
    assert!(start.elapsed() < LEFT / 2, "{:?}", start.elapsed());
}

#[test]
fn a_main_with_a_shutdown_timeout_says_what_it_leaves_behind() {
    says_what_it_leaves_behind("task");
}

#[test]
fn a_local_main_with_a_shutdown_timeout_says_what_it_leaves_behind() {
    says_what_it_leaves_behind("local");
}

#[track_caller]
fn says_what_it_leaves_behind(what: &str) {
    let mut process = Command::new(std::env::current_exe().unwrap());
    let output = process
        .args(["--exact", "leaves_something_if_told_to", "--nocapture"])
        .env(LEAVE, what)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("its runtime has not after 50ms more, and is left behind: 1 task(s)"),
        "{text}"
    );
    assert!(text.contains("tests/macros.rs"), "{text}");
}

#[filch::main(shutdown_timeout = "1s")]
async fn panics_within_a_limit() {
    panic!("the body's own message");
}

#[test]
#[should_panic(expected = "the body's own message")]
fn a_panic_passes_through_a_main_with_a_shutdown_timeout() {
    panics_within_a_limit();
}

#[filch::test]
async fn a_test_may_return_an_error_that_is_not_send() -> Result<(), Box<dyn Error>> {
    let port: u16 = "80".parse()?;
    assert_eq!(port, 80);
    Ok(())
}
