//! What users hold may cross a `catch_unwind`: by value, and by reference.

use filch::net::{
    Async, OwnedReadHalf, OwnedWriteHalf, ReadHalf, TcpListener, TcpSocket, TcpStream, UdpSocket,
    WriteHalf,
};
use filch::sync::{
    Barrier, Condvar, Event, LifoQueue, Mutex, Notify, OnceCell, OwnedSemaphorePermit,
    PriorityQueue, Queue, RwLock, Semaphore, SemaphorePermit, SetOnce, broadcast, mpsc, oneshot,
    watch,
};
use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};

fn safe<T: UnwindSafe + RefUnwindSafe>() {}

/// What is neither by itself.
type Value = Cell<Option<Box<dyn std::any::Any + Send>>>;

#[test]
fn runtimes_and_handles_are_unwind_safe() {
    safe::<filch::Runtime>();
    safe::<filch::LocalRuntime>();
    safe::<filch::Handle>();
    safe::<filch::JoinHandle<Value>>();
    safe::<filch::AbortHandle>();
    safe::<filch::JoinError>();
    safe::<filch::task::TaskInfo>();
    safe::<filch::Metrics>();
    safe::<filch::Builder>();
}

#[test]
fn what_tasks_share_is_unwind_safe() {
    safe::<Notify>();
    safe::<Semaphore>();
    safe::<SemaphorePermit<'static>>();
    safe::<OwnedSemaphorePermit>();
    safe::<Mutex<Value>>();
    safe::<RwLock<Value>>();
    safe::<Event>();
    safe::<Condvar>();
    safe::<Barrier>();
    safe::<OnceCell<String>>();
    safe::<SetOnce<String>>();
    safe::<mpsc::Sender<Value>>();
    safe::<mpsc::Receiver<Value>>();
    safe::<mpsc::UnboundedSender<Value>>();
    safe::<mpsc::WeakSender<Value>>();
    safe::<broadcast::Sender<String>>();
    safe::<broadcast::Receiver<String>>();
    safe::<watch::Sender<Value>>();
    safe::<watch::Receiver<Value>>();
    safe::<Queue<Value>>();
    safe::<LifoQueue<Value>>();
    safe::<PriorityQueue<String>>();
    safe::<oneshot::Sender<Value>>();
    safe::<oneshot::Receiver<Value>>();
}

#[test]
fn structures_are_unwind_safe() {
    safe::<filch::TaskGroup<Value>>();
    safe::<filch::LimitedGroup<Value>>();
    safe::<filch::GroupError<String>>();
    safe::<filch::GroupEnded>();
    safe::<filch::Child<Value>>();
    safe::<filch::future::Outcome<Value>>();
    safe::<filch::task::JoinSet<Value>>();
    safe::<filch::future::JoinAll<Value>>();
    safe::<filch::future::Gather<String, Value>>();
    safe::<filch::future::GatherResults<String>>();
    safe::<filch::CancelToken>();
    safe::<filch::future::DropGuard>();
    safe::<filch::Cancelled>();
    safe::<filch::CleanupError>();
    safe::<filch::AbortOnDrop<Value>>();
    safe::<filch::future::Shield<Value>>();
    safe::<filch::future::Cleanup<std::future::Ready<()>>>();
    safe::<filch::future::Finish<std::future::Ready<()>>>();
}

#[test]
fn sockets_and_streams_are_unwind_safe() {
    safe::<TcpListener>();
    safe::<TcpSocket>();
    safe::<TcpStream>();
    safe::<UdpSocket>();
    safe::<ReadHalf<'static>>();
    safe::<WriteHalf<'static>>();
    safe::<OwnedReadHalf>();
    safe::<OwnedWriteHalf>();
    safe::<Async<std::net::TcpStream>>();
    safe::<filch::io::DuplexStream>();
    #[cfg(feature = "tls")]
    safe::<filch::tls::TlsStream<TcpStream>>();
    safe::<filch::io::Stdin>();
    safe::<filch::io::Stdout>();
    safe::<filch::io::Stderr>();
}

#[cfg(unix)]
#[test]
fn unix_sockets_are_unwind_safe() {
    safe::<filch::net::unix::pipe::Receiver>();
    safe::<filch::net::unix::pipe::Sender>();
    safe::<filch::net::UnixListener>();
    safe::<filch::net::UnixStream>();
    safe::<filch::net::UnixDatagram>();
}

#[test]
fn what_waits_for_signals_is_unwind_safe() {
    safe::<filch::signal::Signals>();
}

#[test]
fn children_are_unwind_safe() {
    safe::<filch::process::Child>();
    safe::<filch::process::ChildStdin>();
    safe::<filch::process::ChildStdout>();
}

#[cfg(feature = "http")]
#[test]
fn http_is_unwind_safe() {
    use filch::http::{Body, future};
    safe::<future::NextFrame<'static>>();
    safe::<future::NextData<'static>>();
    safe::<future::ReadBytes>();
    safe::<future::ReadText>();
    safe::<future::Dial<'static>>();
    safe::<future::TestAnswer<Body>>();
}

#[cfg(feature = "http-client")]
#[test]
fn the_http_client_is_unwind_safe() {
    use filch::http::client::{Client, future};
    safe::<Client>();
    safe::<future::Answer<Value>>();
    safe::<future::Chunk<'static>>();
}

#[cfg(feature = "websocket")]
#[test]
fn websockets_are_unwind_safe() {
    use filch::http::websocket::{WebSocket, future};
    safe::<WebSocket>();
    safe::<future::Connect>();
    safe::<future::ConnectOver>();
    safe::<future::Open>();
}

#[test]
fn timers_are_unwind_safe() {
    safe::<filch::time::Sleep>();
    safe::<filch::time::Interval>();
    safe::<filch::time::Instant>();
    safe::<filch::time::future::Advance>();
    safe::<filch::time::future::Hold>();
    safe::<filch::time::Deadline>();
    safe::<filch::time::future::WithinDeadline<std::future::Ready<()>>>();
}

#[test]
fn a_mutex_that_crossed_a_panic_is_free_and_holds_what_was_left_there() {
    let mutex = Mutex::new(1);
    let caught = catch_unwind(|| {
        let mut guard = mutex.blocking_lock();
        *guard = 2;
        panic!("with the lock held");
    });
    assert!(caught.is_err());
    assert_eq!(*mutex.try_lock().unwrap(), 2);
}

#[test]
fn a_runtime_goes_on_after_a_panic_in_block_on() {
    let runtime = filch::Runtime::new().unwrap();
    let caught = catch_unwind(|| runtime.block_on(async { panic!("in the body") }));
    assert!(caught.is_err());
    assert_eq!(runtime.block_on(async { 1 }), 1);
}
