//! Connecting to a Unix socket whose listener does not accept: it waits without a thread, and what is given up is gone.

#![cfg(target_os = "linux")]

mod common;

use common::process::{again, part, succeed, threads};
use common::{Limit, runtime, wait_until};
use filch::net::UnixStream;
use filch::time::FutureExt;
use socket2::{Domain, SockAddr, Socket, Type};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);

/// A listener with room for one, who is there already; the file goes with it.
struct FullQueue {
    path: PathBuf,
    listener: Socket,
    _first: Socket,
}

impl FullQueue {
    fn new(name: &str) -> FullQueue {
        let path = std::env::temp_dir().join(format!("filch-{}-{name}", std::process::id()));
        let address = SockAddr::unix(&path).unwrap();
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        listener.bind(&address).unwrap();
        listener.listen(0).unwrap();
        let first = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        first.connect(&address).unwrap();
        FullQueue {
            path,
            listener,
            _first: first,
        }
    }

    /// How many connections are in the queue, which is empty then.
    fn drain(&self) -> usize {
        self.listener.set_nonblocking(true).unwrap();
        (0..).take_while(|_| self.listener.accept().is_ok()).count()
    }
}

impl Drop for FullQueue {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[test]
fn child_gives_up_and_ends() {
    if part().as_deref() == Some("gives up") {
        let queue = FullQueue::new("ends");
        let path = queue.path.clone();
        let second = filch::run(async move { UnixStream::connect(&path).timeout(SHORT).await });
        assert!(second.is_err(), "{second:?}");
        // The runtime has ended, and no thread of its is left.
        assert_eq!(threads("filch"), Vec::<String>::new());
    }
}

#[test]
fn a_program_that_gave_a_connect_up_ends() {
    succeed("child_gives_up_and_ends", "gives up");
}

#[test]
fn many_that_were_given_up_hold_no_thread_and_no_place() {
    let queue = FullQueue::new("many");
    let path = queue.path.clone();
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.block_on(async {
        let many = (0..700).map(|_| {
            let path = path.clone();
            async move { UnixStream::connect(path).timeout(SHORT).await.is_err() }
        });
        let given_up = filch::gather_results(many).await;
        assert!(given_up.into_iter().all(|one| one.unwrap()));
        assert_eq!(filch::Handle::current().metrics().blocking_threads, 0);
        assert_eq!(filch::spawn_blocking(|| 42).await.unwrap(), 42);
        let found = filch::net::lookup_host("localhost:80").await.unwrap();
        assert_ne!(found.count(), 0);
    });
    // Only the first one is there; nobody comes who has gone.
    assert_eq!(queue.drain(), 1);
    drop(rt);
    assert_eq!(queue.drain(), 0);
}

#[test]
fn those_who_wait_are_served_when_the_server_accepts() {
    let queue = FullQueue::new("served");
    let path = queue.path.clone();
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let waiting: Vec<_> = (0..5)
        .map(|_| rt.spawn(UnixStream::connect(path.clone())))
        .collect();
    let given_up = rt.spawn(UnixStream::connect(path.clone()));
    // For the socket that each has: its number is none of the standard streams'.
    let is_waiting = |task: &filch::task::TaskInfo| {
        let wait = task.wait();
        wait.is_some_and(|wait| wait.kind().to_string() == "connect" && wait.resource() > 2)
    };
    wait_until("six wait", || {
        rt.handle()
            .tasks()
            .iter()
            .filter(|task| is_waiting(task))
            .count()
            == 6
    });
    given_up.abort();
    assert!(given_up.join_blocking(None).unwrap().is_err());
    queue.listener.set_nonblocking(false).unwrap();
    let accepted: Vec<_> = (0..6).map(|_| queue.listener.accept().unwrap()).collect();
    for one in waiting {
        one.join_blocking(None).unwrap().unwrap().unwrap();
    }
    assert_eq!(queue.drain(), 0, "{} were accepted", accepted.len());
}

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count_signal(_: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// A handler that does not ask for interrupted calls to be started anew.
fn catch_signals() {
    // SAFETY: for this structure all-zero bytes mean no flags and an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = count_signal as *const () as usize;
    // SAFETY: the action is valid, and its handler does nothing but count.
    let failed = unsafe { libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()) };
    assert_eq!(failed, 0);
}

/// Interrupts every thread of this process.
fn interrupt_all() {
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let thread: libc::pid_t = task.file_name().to_str().unwrap().parse().unwrap();
        // SAFETY: sends a signal that is caught; a thread that has gone is an error that does not matter.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, libc::SIGUSR1) };
    }
}

#[test]
fn child_is_interrupted() {
    if part().as_deref() == Some("interrupted") {
        catch_signals();
        let queue = FullQueue::new("interrupted");
        let rt = runtime(2);
        let connecting = rt.spawn(UnixStream::connect(queue.path.clone()));
        while SIGNALS.load(Ordering::Relaxed) < 500 {
            interrupt_all();
            std::thread::sleep(Duration::from_micros(200));
        }
        assert!(!connecting.is_finished());
        let _first = queue.listener.accept().unwrap();
        let _second = connecting.join_blocking(None).unwrap().unwrap().unwrap();
        assert_eq!(queue.drain(), 1);
    }
}

#[test]
fn signals_do_not_end_a_connect() {
    let output = again("child_is_interrupted", "interrupted", None)
        .output()
        .unwrap();
    let text = common::process::text_of(&output);
    assert!(output.status.success(), "{}\n{text}", output.status);
}
