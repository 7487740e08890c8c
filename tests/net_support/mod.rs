//! What the tests of sockets share: running with a watchdog, and waiting for conditions.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use filch::net::{TcpListener, TcpStream};
use std::future::Future;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::Duration;

/// How long a test may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test's future on a runtime of its own; a hang ends the process with a dump.
pub(crate) fn run<F, T>(future: F) -> T
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let runtime = filch::Runtime::new().expect("a runtime");
    let handle = runtime.handle();
    let (done, watched) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if let Err(mpsc::RecvTimeoutError::Timeout) = watched.recv_timeout(PATIENCE) {
            eprintln!("a test hangs; its tasks: {:#?}", handle.tasks());
            std::process::abort();
        }
    });
    let result = runtime.run(future);
    drop(runtime);
    drop(done);
    watchdog.join().expect("the watchdog ends");
    result
}

/// A TCP connection within this process: (who connected, who accepted).
pub(crate) async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    let connected = TcpStream::connect(address).await.expect("connect");
    let (accepted, peer) = listener.accept().await.expect("accept");
    assert_eq!(peer, connected.local_addr().expect("address"));
    (connected, accepted)
}

/// Yields until `count` tasks wait for something of this kind ("read", "accept" ..).
pub(crate) async fn until_waiting(kind: &str, count: usize) {
    loop {
        let waits = |task: &filch::task::TaskInfo| {
            task.wait()
                .is_some_and(|wait| wait.kind().to_string() == kind)
        };
        if filch::task::all().iter().filter(|task| waits(task)).count() >= count {
            return;
        }
        filch::task::yield_now().await;
    }
}

/// Polls a future once and drops it: what `select!` does with a branch that lost.
pub(crate) async fn poll_once<F: Future + Unpin>(mut future: F) -> Poll<F::Output> {
    std::future::poll_fn(|cx: &mut Context<'_>| {
        Poll::Ready(std::pin::Pin::new(&mut future).poll(cx))
    })
    .await
}

/// Bytes that show where they belong.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| {
            (at as u64)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .to_be_bytes()[1]
        })
        .collect()
}
