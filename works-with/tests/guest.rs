//! The feature `tokio`: a tokio runtime beside filch's. Each kind of thread finds it, and its threads find filch.

use filch::guest;
use filch::task::{TaskInfo, TaskState, WaitKind};
use filch::{LocalRuntime, Runtime};
use futures_util::FutureExt;
use std::future::pending;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

const MOMENT: Duration = Duration::from_millis(1);

fn runtime(workers: usize) -> Runtime {
    let builder = Runtime::builder().workers(workers).tokio(true);
    builder.build().unwrap()
}

/// What crates that need tokio do: its timer, sockets, tasks and blocking threads.
async fn uses_tokio() -> usize {
    tokio::time::sleep(MOMENT).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).await.unwrap();
        stream.write_all(&byte).await.unwrap();
    });
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client.write_all(&[7]).await.unwrap();
    let mut answer = [0; 1];
    client.read_exact(&mut answer).await.unwrap();
    server.await.unwrap();
    let more = tokio::task::spawn_blocking(|| 35).await.unwrap();
    usize::from(answer[0]) + more
}

/// What is only asked for in place, where nothing can be awaited.
fn finds_tokio() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
}

/// What filch's own functions do, wherever they are called.
async fn uses_filch() -> usize {
    filch::time::sleep(MOMENT).await;
    let listener = filch::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = filch::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        stream.write_all(&[40]).await.unwrap();
    });
    let client = filch::net::TcpStream::connect(address).await.unwrap();
    let mut answer = [0; 1];
    client.read_exact(&mut answer).await.unwrap();
    server.await.unwrap();
    let more = filch::spawn_blocking(|| 2).await.unwrap();
    usize::from(answer[0]) + more
}

#[filch::test(tokio)]
async fn a_task_finds_tokio() {
    assert_eq!(uses_tokio().await, 42);
    assert_eq!(filch::spawn(uses_tokio()).await.unwrap(), 42);
    assert_eq!(guest::spawn(uses_tokio()).await.unwrap(), 42);
}

#[filch::test(tokio, local)]
async fn a_task_of_a_local_runtime_finds_tokio() {
    let not_send = Rc::new(());
    assert_eq!(uses_tokio().await, 42);
    let task = filch::spawn_local(async move {
        let sum = uses_tokio().await;
        drop(not_send);
        sum
    });
    assert_eq!(task.await.unwrap(), 42);
    assert_eq!(guest::spawn(uses_tokio()).await.unwrap(), 42);
}

#[filch::test(tokio)]
async fn closures_find_tokio() {
    assert!(filch::blocking(finds_tokio));
    assert!(filch::cpu(finds_tokio).await.unwrap());
    assert!(filch::spawn_blocking(finds_tokio).await.unwrap());
    let inside = || tokio::runtime::Handle::current().block_on(uses_tokio());
    assert_eq!(filch::spawn_blocking(inside).await.unwrap(), 42);
    assert_eq!(filch::blocking(inside), 42);
}

#[test]
fn the_callers_of_run_and_block_on_find_tokio() {
    let rt = runtime(2);
    assert_eq!(rt.run(uses_tokio()), 42);
    assert_eq!(rt.block_on(uses_tokio()), 42);
    assert_eq!(rt.handle().block_on(uses_tokio()), 42);
    assert!(!finds_tokio(), "this thread works for nobody any more");
}

/// Every worker is inside a long poll, so that spares are called.
#[test]
fn spare_threads_find_tokio() {
    let rt = runtime(2);
    let (done, mut stuck) = (Arc::new(AtomicUsize::new(0)), Vec::new());
    for _ in 0..2 {
        let done = Arc::clone(&done);
        stuck.push(rt.spawn(async move {
            while done.load(SeqCst) == 0 {
                std::thread::sleep(MOMENT);
            }
        }));
    }
    assert_eq!(
        rt.spawn(uses_tokio()).join_blocking(None).unwrap().unwrap(),
        42
    );
    done.store(1, SeqCst);
    for task in stuck {
        task.join_blocking(None).unwrap().unwrap();
    }
}

#[filch::test(tokio)]
async fn what_tokio_runs_finds_filch() {
    assert_eq!(tokio::spawn(uses_filch()).await.unwrap(), 42);
    assert_eq!(guest::spawn(uses_filch()).await.unwrap(), 42);
    let spawned = tokio::task::spawn_blocking(|| filch::spawn(uses_filch()));
    assert_eq!(spawned.await.unwrap().await.unwrap(), 42);
    let handle = guest::handle();
    assert_eq!(handle.spawn(uses_filch()).await.unwrap(), 42);
}

#[filch::test(tokio)]
async fn both_spawn_into_each_other_and_back() {
    let sum = filch::spawn(async {
        tokio::spawn(async {
            filch::spawn(async { tokio::spawn(async { 42 }).await.unwrap() })
                .await
                .unwrap()
        })
        .await
        .unwrap()
    });
    assert_eq!(sum.await.unwrap(), 42);
    let in_place = tokio::spawn(async { tokio::task::block_in_place(|| 42) });
    assert_eq!(in_place.await.unwrap(), 42);
}

/// Tells when it is dropped.
struct Tells(Option<oneshot::Sender<()>>);

impl Drop for Tells {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(());
        }
    }
}

#[filch::test(tokio)]
async fn an_aborted_handle_aborts_the_future_on_the_other_side() {
    let (sender, gone) = oneshot::channel();
    let (begun, has_begun) = oneshot::channel();
    let task = guest::spawn(async move {
        let _tells = Tells(Some(sender));
        begun.send(()).unwrap();
        pending::<()>().await;
    });
    has_begun.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    gone.await.unwrap();
}

/// The future is inside a poll, so that the abort cannot drop it: who awaits the handle waits for that.
#[filch::test(tokio)]
async fn an_aborted_handle_is_awaited_until_the_future_is_gone() {
    let (begun, has_begun) = oneshot::channel();
    let (release, released) = std::sync::mpsc::channel();
    let gone = Arc::new(AtomicUsize::new(0));
    let counts = CountsDrop(Arc::clone(&gone));
    let mut task = guest::spawn(async move {
        let _counts = counts;
        begun.send(()).unwrap();
        released.recv().unwrap();
        pending::<()>().await;
    });
    has_begun.await.unwrap();
    task.abort();
    while !filch::task::all()
        .iter()
        .any(|other| other.state() == TaskState::Draining && is_guest(other))
    {
        filch::time::sleep(MOMENT).await;
    }
    assert!((&mut task).now_or_never().is_none());
    assert_eq!(gone.load(SeqCst), 0);
    release.send(()).unwrap();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(gone.load(SeqCst), 1);
}

struct CountsDrop(Arc<AtomicUsize>);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn is_guest(task: &TaskInfo) -> bool {
    task.wait()
        .is_some_and(|wait| wait.kind() == WaitKind::Guest)
}

#[filch::test(tokio)]
async fn a_dump_says_what_a_guests_task_waits_for() {
    let (sender, number) = oneshot::channel();
    let line = line!() + 1;
    let task = guest::spawn(async move {
        sender.send(tokio::task::id()).unwrap();
        pending::<()>().await;
    });
    let number = number.await.unwrap();
    while !filch::task::all().iter().any(is_guest) {
        filch::time::sleep(MOMENT).await;
    }
    let dump = filch::task::dump(&filch::task::all()).to_string();
    let says = format!("for task of tokio {number} at {}:{line}:", file!());
    assert!(dump.contains(&says), "{says} is not in {dump}");
    task.abort();
}

/// A task that has cancelled such a handle on its way is not gone before the future on the other side is.
#[filch::test(tokio)]
async fn whoever_drops_its_handle_waits_too() {
    let (sender, gone) = oneshot::channel();
    let (begun, has_begun) = oneshot::channel();
    let waits = filch::spawn(async move {
        let there = filch::AbortOnDrop(guest::spawn(async move {
            let _tells = Tells(Some(sender));
            begun.send(()).unwrap();
            pending::<()>().await;
        }));
        there.await.unwrap();
    });
    has_begun.await.unwrap();
    waits.abort();
    assert!(waits.await.unwrap_err().is_cancelled());
    assert!(gone.now_or_never().is_some());
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// It was there before the abort, and is dropped by whoever waits for the end.
#[filch::test(tokio, local)]
async fn an_output_that_nobody_wants_may_panic_when_it_is_dropped() {
    let task = guest::spawn(async { PanicsWhenDropped });
    while guest::handle().metrics().num_alive_tasks() > 0 {
        std::thread::sleep(MOMENT);
    }
    task.abort();
    assert!(task.await.is_err_and(|error| error.is_cancelled()));
}

#[filch::test(tokio)]
async fn a_panic_there_comes_back() {
    let error = guest::spawn(async { panic!("over there") })
        .await
        .unwrap_err();
    assert!(
        error.is_panic() && error.to_string().contains("over there"),
        "{error}"
    );
    assert_eq!(guest::spawn(uses_tokio()).await.unwrap(), 42);
}

#[test]
fn the_end_cancels_what_waits_on_both_sides() {
    for local in [false, true] {
        let (sender, receiver) = std::sync::mpsc::channel();
        let waits = move || {
            let (tells, gone) = oneshot::channel();
            let tells = Tells(Some(tells));
            sender.send(gone).unwrap();
            async move {
                let _tells = tells;
                pending::<()>().await;
            }
        };
        let start = async move {
            drop(filch::spawn(waits()));
            drop(tokio::spawn(waits()));
            drop(guest::spawn(waits()));
            tokio::time::sleep(MOMENT).await;
        };
        match local {
            false => runtime(2).run(start),
            true => Runtime::builder()
                .tokio(true)
                .build_local()
                .unwrap()
                .block_on(start),
        }
        for gone in receiver.try_iter() {
            gone.blocking_recv().unwrap();
        }
    }
}

/// Guards are dropped in the reverse order of entering, or tokio would panic.
#[test]
fn runtimes_inside_of_each_other_have_a_guest_each() {
    let (outer, inner) = (runtime(2), runtime(1));
    let inner_handle = inner.handle();
    let name = || std::thread::current().name().map(str::to_owned);
    outer.run(async move {
        let outer_id = tokio::runtime::Handle::current().id();
        let inner_id = filch::blocking(|| {
            inner_handle.block_on(async {
                assert_eq!(uses_tokio().await, 42);
                tokio::runtime::Handle::current().id()
            })
        });
        assert_ne!(outer_id, inner_id);
        assert_eq!(tokio::runtime::Handle::current().id(), outer_id);
        assert_eq!(uses_tokio().await, 42);
        assert_eq!(
            tokio::spawn(async move { name() }).await.unwrap().unwrap(),
            "filch-tokio"
        );
    });
    drop(inner);
    assert_eq!(outer.run(uses_tokio()), 42);
}

#[test]
fn many_come_and_go() {
    for _ in 0..20 {
        let rt = runtime(2);
        drop(rt.spawn(uses_tokio()));
        assert_eq!(
            rt.block_on(async { tokio::spawn(async { 42 }).await.unwrap() }),
            42
        );
    }
}

#[test]
fn without_the_option_there_is_none_and_the_panic_says_what_helps() {
    let rt = Runtime::builder().workers(1).build().unwrap();
    assert!(!rt.block_on(async { finds_tokio() }));
    let asked = catch_unwind(AssertUnwindSafe(|| {
        rt.block_on(async { drop(guest::handle()) })
    }));
    let message = *asked.unwrap_err().downcast::<&str>().unwrap();
    assert!(message.contains("#[filch::main(tokio)]"), "{message}");
    let task = rt.spawn(async { tokio::time::sleep(MOMENT).await });
    let error = task.join_blocking(None).unwrap().unwrap_err().to_string();
    assert!(
        error.contains("Tokio 1.x runtime") && error.contains("#[filch::main(tokio)]"),
        "{error}"
    );
}

#[test]
fn a_paused_clock_is_refused() {
    let builder = || Runtime::builder().tokio(true).start_paused(true);
    let errors = [
        builder().build().map(drop).unwrap_err(),
        builder().build_local().map(drop).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("clock"), "{error}");
    }
}

#[test]
fn a_local_runtime_leaves_its_threads_context_as_it_was() {
    let local = Runtime::builder().tokio(true).build_local().unwrap();
    assert_eq!(local.block_on(uses_tokio()), 42);
    assert!(!finds_tokio());
    let other: LocalRuntime = LocalRuntime::new().unwrap();
    assert!(!other.block_on(async { finds_tokio() }));
}

/// How late the system may be with this thread's timeouts, in nanoseconds. Threads that serve ask for the least.
#[cfg(target_os = "linux")]
fn slack() -> usize {
    let thread = std::fs::read_link("/proc/thread-self").unwrap();
    let thread = std::path::Path::new("/proc").join(thread.file_name().unwrap());
    let slack = std::fs::read_to_string(thread.join("timerslack_ns")).unwrap();
    slack.trim().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[filch::test(tokio)]
async fn the_thread_that_serves_tokio_gets_a_processor_as_soon_as_filchs() {
    let ordinary = std::thread::spawn(slack).join().unwrap();
    let serving = guest::spawn(async {
        // It has parked then, at least once.
        tokio::time::sleep(MOMENT).await;
        slack()
    });
    assert_eq!(serving.await.unwrap(), 1);
    let of_closures = tokio::task::spawn_blocking(slack).await.unwrap();
    assert_eq!(of_closures, ordinary);
}

/// Both runtimes sleep: nobody wakes anybody.
#[cfg(target_os = "linux")]
#[test]
fn an_idle_one_switches_no_threads() {
    fn switches() -> usize {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let threads = tasks.flatten().filter_map(|task| {
            let status = std::fs::read_to_string(task.path().join("status")).ok()?;
            let name = status.lines().next()?.contains("\tquiet");
            let line = status
                .lines()
                .find(|line| line.starts_with("voluntary_ctxt_switches"))?;
            name.then(|| line.split_whitespace().nth(1)?.parse::<usize>().ok())?
        });
        threads.sum()
    }
    let rt = Runtime::builder()
        .workers(2)
        .thread_name("quiet")
        .tokio(true)
        .build()
        .unwrap();
    assert_eq!(rt.run(uses_tokio()), 42);
    // Until spares and blocking threads have gone to sleep, and the last look was in vain.
    let mut before = switches();
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(300));
        let now = switches();
        if now == before {
            return;
        }
        before = now;
    }
    panic!("somebody is woken all the time");
}
