//! Futures and objects of the public interface can be moved to and shared with other threads.
//!
//! Nothing runs here: it is enough that it compiles.

use filch::io::{BufReader, copy, copy_bidirectional, duplex};
use filch::net::future::{
    Accept, Bind, Connect, LookupHost, Peek, PeekFrom, PeekSender, Perform, PerformIo, Read,
    ReadBuf, ReadExact, Readable, Recv, RecvBuf, RecvBufFrom, RecvFrom, SendTo, SocketConnect,
    UdpConnect, UdpPeek, WaitReady, Writable, Write, WriteAll,
};
#[cfg(unix)]
use filch::net::future::{UnixAccept, UnixConnect, UnixRecvFrom, UnixSendTo};
use filch::net::*;
use std::fmt::Debug;

fn ok<T: Send + Sync + Debug>() {}
fn future<F: Future + Send + Sync + Debug + Unpin>(_: F) {}

#[cfg(feature = "http")]
#[test]
fn http() {
    use filch::http::{future::*, *};
    ok::<TestClient>();
    ok::<Dialer>();
    ok::<Dial<'static>>();
    ok::<NextFrame<'static>>();
    ok::<NextData<'static>>();
    future(Body::empty().bytes(1));
    future(Body::empty().text(1));
    fn answer<T: Debug>(_: fn(&TestClient) -> TestAnswer<T>) {
        ok::<TestAnswer<T>>();
    }
    answer(|client| client.get("/"));
}

#[cfg(feature = "http-client")]
#[test]
fn http_client() {
    use filch::http::client::{future::*, *};
    ok::<Client>();
    ok::<Response>();
    ok::<Incoming>();
    ok::<Chunk<'static>>();
    // What is read need not be `Sync`.
    ok::<Answer<std::cell::Cell<u32>>>();
    future(Client::new().get("http://127.0.0.1:1/").send());
}

#[cfg(feature = "websocket")]
#[test]
fn websockets() {
    use filch::http::websocket::{future::*, *};
    ok::<WebSocket>();
    ok::<Config>();
    ok::<Error>();
    ok::<Upgrade>();
    ok::<Upgrading>();
    ok::<Recv<'static>>();
    ok::<SendMessage<'static>>();
    ok::<Close<'static>>();
    ok::<ConnectOver>();
    ok::<Open>();
    future(connect("ws://127.0.0.1:1"));
}

#[cfg(feature = "tls")]
fn tls_objects() {
    ok::<filch::tls::TlsAcceptor>();
    ok::<filch::tls::TlsConnector>();
    ok::<filch::tls::TlsStream<TcpStream>>();
    ok::<filch::tls::TlsError>();
    ok::<filch::tls::Identity>();
    ok::<filch::tls::Roots>();
    ok::<filch::tls::TicketKeys>();
    ok::<filch::tls::future::Handshake<TcpStream>>();
}

#[test]
fn objects() {
    ok::<TcpListener>();
    ok::<TcpSocket>();
    ok::<TcpStream>();
    ok::<UdpSocket>();
    ok::<Async<std::net::TcpStream>>();
    ok::<ReadHalf<'static>>();
    ok::<WriteHalf<'static>>();
    ok::<OwnedReadHalf>();
    ok::<OwnedWriteHalf>();
    ok::<ReuniteError>();
    ok::<Incoming<'static>>();
    ok::<Keepalive>();
    ok::<filch::io::DuplexStream>();
    #[cfg(feature = "tls")]
    tls_objects();
    ok::<filch::io::Stdin>();
    ok::<filch::io::Stdout>();
    ok::<filch::io::Stderr>();
    ok::<filch::io::ReadLimit>();
    ok::<filch::io::Interest>();
    ok::<filch::io::Ready>();
    ok::<filch::net::future::SendFile<'static>>();
    ok::<filch::io::SimplexReader>();
    ok::<filch::io::SimplexWriter>();
    ok::<filch::net::Served>();
    ok::<filch::stream::wrappers::WatchStream<u8>>();
    ok::<filch::stream::wrappers::BroadcastStream<u8>>();
}

#[cfg(unix)]
#[test]
fn unix_objects() {
    ok::<unix::pipe::Receiver>();
    ok::<unix::pipe::Sender>();
    ok::<unix::pipe::OpenOptions>();
    ok::<UnixListener>();
    ok::<UnixStream>();
    ok::<UnixDatagram>();
    ok::<UnixIncoming<'static>>();
    ok::<UCred>();
    ok::<OwnedReadHalf<UnixStream>>();
    ok::<OwnedWriteHalf<UnixStream>>();
    ok::<UnixConnect>();
    ok::<UnixAccept<'static>>();
    ok::<UnixRecvFrom<'static>>();
    ok::<UnixSendTo<'static>>();
}

#[test]
fn futures_of_sockets() {
    ok::<Bind<TcpListener>>();
    ok::<Bind<UdpSocket>>();
    ok::<Connect>();
    ok::<SocketConnect>();
    ok::<WaitReady<'static>>();
    ok::<PerformIo<'static, fn() -> std::io::Result<()>>>();
    ok::<RecvBufFrom<'static>>();
    ok::<PeekSender<'static>>();
    ok::<LookupHost>();
    ok::<Accept<'static>>();
    ok::<Read<'static>>();
    ok::<ReadExact<'static>>();
    ok::<ReadBuf<'static>>();
    ok::<Peek<'static>>();
    ok::<Write<'static>>();
    ok::<WriteAll<'static>>();
    ok::<Readable<'static>>();
    ok::<Writable<'static>>();
    ok::<Recv<'static>>();
    ok::<RecvBuf<'static>>();
    ok::<RecvFrom<'static>>();
    ok::<filch::net::future::Send<'static>>();
    ok::<SendTo<'static>>();
    ok::<PeekFrom<'static>>();
    ok::<UdpPeek<'static>>();
    ok::<UdpConnect<'static>>();
    ok::<Perform<'static, std::net::TcpStream, fn(&std::net::TcpStream) -> std::io::Result<()>>>();
    future(TcpStream::connect("127.0.0.1:1"));
    future(TcpListener::bind("127.0.0.1:1"));
    future(lookup_host("127.0.0.1:1"));
}

#[test]
fn futures_of_io() {
    use filch::io::ReadLimitExt;
    let (mut one, mut other) = duplex(1);
    future(copy_bidirectional(&mut one, &mut other));
    future(copy(&b""[..], &mut one));
    let (mut bytes, mut line) = (Vec::new(), String::new());
    let mut reader = BufReader::new(other);
    future(reader.read_until_limit(b'\n', &mut bytes, 1));
    future(reader.read_line_limit(&mut line, 1));
}

#[test]
fn signals() {
    use filch::signal::{SignalKind, Signals, ctrl_c, future::Recv, terminate};
    ok::<SignalKind>();
    ok::<Signals>();
    ok::<Recv<'static>>();
    future(ctrl_c());
    future(terminate());
}

#[test]
fn files() {
    use filch::fs::future::{Exclusively, IntoStd, NextEntry, Operation, Rewind};
    ok::<filch::fs::File>();
    ok::<filch::fs::ReadDir>();
    ok::<filch::fs::DirEntry>();
    ok::<filch::fs::OpenOptions>();
    ok::<Operation<Vec<u8>>>();
    ok::<Exclusively<'static>>();
    ok::<Rewind<'static>>();
    ok::<filch::fs::DirBuilder>();
    ok::<IntoStd>();
    ok::<NextEntry<'static>>();
    future(filch::fs::read("a"));
}

#[test]
fn processes() {
    use filch::process::future::{Kill, Status, Stop, Wait, WaitWithOutput};
    use filch::process::*;
    ok::<Command>();
    ok::<Child>();
    ok::<ChildStdin>();
    ok::<ChildStdout>();
    ok::<ChildStderr>();
    ok::<Wait<'static>>();
    ok::<Kill<'static>>();
    ok::<Stop<'static>>();
    ok::<Status>();
    ok::<WaitWithOutput>();
}

#[test]
fn tasks() {
    ok::<filch::JoinHandle<u32>>();
    ok::<filch::AbortHandle>();
    ok::<filch::JoinError>();
    ok::<filch::Handle>();
    ok::<filch::Runtime>();
    ok::<filch::task::TaskInfo>();
    future(filch::task::yield_now());
    future(filch::task::consume_budget());
    future(filch::task::unconstrained(filch::task::consume_budget()));
}

#[test]
fn structure() {
    use filch::future::*;
    use filch::task::JoinSet;
    use filch::*;
    use std::future::Ready;
    // What tasks give, and fail with, need not be `Sync`.
    type Value = std::cell::Cell<u32>;
    ok::<TaskGroup<Value>>();
    ok::<LimitedGroup<Value>>();
    ok::<Limit<Value>>();
    ok::<GroupEnded>();
    ok::<GroupError<u32>>();
    ok::<GroupRun<Ready<Result<u32, u32>>, u32, u32>>();
    ok::<SpawnLimited<Ready<Result<u32, u32>>, Value>>();
    ok::<UntilCancelled<TaskGroup<Value>>>();
    ok::<Child<Value>>();
    ok::<Outcome<Value>>();
    ok::<JoinSet<Value>>();
    ok::<CancelToken>();
    ok::<DropGuard>();
    ok::<RunUntil<Ready<u32>>>();
    ok::<RunUntilCancelled<Ready<u32>>>();
    ok::<JoinNext<'static, Value>>();
    ok::<JoinNextWithId<'static, Value>>();
    ok::<JoinAll<Value>>();
    ok::<Shutdown<'static, Value>>();
    ok::<Cancelled>();
    ok::<AbortOnDrop<Value>>();
    ok::<Shield<Value>>();
    ok::<Cleanup<Ready<()>>>();
    ok::<CleanupWith<u32, fn(u32) -> Ready<()>, Ready<()>>>();
    ok::<Finish<Ready<()>>>();
    ok::<CleanupError>();
    ok::<Gather<u32, Value>>();
    ok::<GatherResults<u32>>();
    ok::<Race<Ready<u32>>>();
    ok::<WaitFor<JoinHandle<u32>>>();
    ok::<When>();
}

#[test]
fn time() {
    use filch::time::future::{Advance, Hold, Tick, WithinDeadline};
    use filch::time::{Deadline, Elapsed, Instant, Interval, MissedTick, Sleep, Timeout};
    ok::<Instant>();
    ok::<Elapsed>();
    ok::<Interval>();
    ok::<MissedTick>();
    ok::<Sleep>();
    ok::<Advance>();
    ok::<Hold>();
    ok::<Tick<'static>>();
    ok::<Timeout<std::future::Ready<()>>>();
    ok::<Deadline>();
    ok::<WithinDeadline<std::future::Ready<()>>>();
}

#[test]
fn sync() {
    use filch::sync::future::*;
    use filch::sync::*;
    ok::<Closed>();
    ok::<SendError<u32>>();
    ok::<TrySendError<u32>>();
    ok::<TryRecvError>();
    ok::<TryAcquireError>();
    ok::<TryLockError>();
    // What is sent need not be `Sync`, nor what is locked.
    type Value = std::cell::Cell<u32>;
    ok::<mpsc::Sender<Value>>();
    ok::<mpsc::Receiver<Value>>();
    ok::<mpsc::future::Send<'static, u32>>();
    ok::<mpsc::future::Recv<'static, Value>>();
    ok::<mpsc::future::WaitClosed<'static, Value>>();
    ok::<mpsc::UnboundedSender<Value>>();
    ok::<mpsc::WeakSender<Value>>();
    ok::<mpsc::WeakUnboundedSender<Value>>();
    ok::<mpsc::Permit<'static, Value>>();
    ok::<mpsc::PermitIterator<'static, Value>>();
    ok::<mpsc::OwnedPermit<Value>>();
    ok::<mpsc::SendTimeoutError<u32>>();
    ok::<mpsc::future::Reserve<'static, Value>>();
    ok::<mpsc::future::ReserveMany<'static, Value>>();
    ok::<mpsc::future::ReserveOwned<Value>>();
    ok::<mpsc::future::RecvMany<'static, u32>>();
    ok::<mpsc::future::SendTimeout<'static, u32>>();
    ok::<broadcast::Sender<u32>>();
    ok::<broadcast::WeakSender<u32>>();
    ok::<broadcast::Receiver<u32>>();
    ok::<broadcast::RecvError>();
    ok::<broadcast::TryRecvError>();
    ok::<broadcast::future::Recv<'static, u32>>();
    ok::<broadcast::future::WaitClosed<'static, u32>>();
    ok::<watch::Sender<u32>>();
    ok::<watch::Receiver<u32>>();
    ok::<watch::future::Changed<'static, u32>>();
    ok::<watch::future::WaitFor<'static, u32, fn(&u32) -> bool>>();
    ok::<watch::future::WaitClosed<'static, u32>>();
    ok::<Queue<Value>>();
    ok::<LifoQueue<Value>>();
    ok::<PriorityQueue<u32>>();
    ok::<DelayQueue<u32>>();
    ok::<DelayKey>();
    ok::<Expired<u32>>();
    ok::<oneshot::Sender<Value>>();
    ok::<oneshot::Receiver<Value>>();
    ok::<oneshot::future::WaitClosed<'static, Value>>();
    ok::<Mutex<Value>>();
    ok::<Lock<'static, Value>>();
    ok::<LockOwned<Value>>();
    ok::<MutexGuard<'static, u32>>();
    ok::<OwnedMutexGuard<u32>>();
    ok::<MappedMutexGuard<'static, u32>>();
    ok::<OwnedMappedMutexGuard<u32, u32>>();
    ok::<RwLock<u32>>();
    ok::<Read<'static, u32>>();
    ok::<Write<'static, u32>>();
    ok::<ReadOwned<u32>>();
    ok::<WriteOwned<u32>>();
    ok::<RwLockReadGuard<'static, u32>>();
    ok::<RwLockWriteGuard<'static, u32>>();
    ok::<RwLockMappedWriteGuard<'static, u32>>();
    ok::<OwnedRwLockReadGuard<u32, u32>>();
    ok::<OwnedRwLockWriteGuard<u32>>();
    ok::<OwnedRwLockMappedWriteGuard<u32, u32>>();
    ok::<Event>();
    ok::<WaitSet<'static>>();
    ok::<Condvar>();
    ok::<WaitNotified<'static, 'static, u32>>();
    ok::<WaitWhile<'static, 'static, u32, fn(&mut u32) -> bool>>();
    ok::<Barrier>();
    ok::<BarrierWaitResult>();
    ok::<WaitAll<'static>>();
    ok::<WaitUnlessBroken<'static>>();
    ok::<OnceCell<u32>>();
    ok::<GetOrInit<'static, u32, fn(), std::future::Ready<u32>>>();
    ok::<GetOrTryInit<'static, u32, fn(), std::future::Ready<Result<u32, u32>>>>();
    ok::<SetError<u32>>();
    ok::<SetOnce<u32>>();
    ok::<SetOnceError<u32>>();
    ok::<WaitValue<'static, u32>>();
    ok::<Notify>();
    ok::<Notified<'static>>();
    ok::<OwnedNotified>();
    ok::<Semaphore>();
    ok::<Acquire<'static>>();
    ok::<AcquireOwned>();
    ok::<SemaphorePermit<'static>>();
    ok::<OwnedSemaphorePermit>();
}

#[test]
fn debug_asks_nothing_of_what_is_carried() {
    /// Neither `Debug` nor anything else.
    struct Opaque;
    fn shown(object: impl Debug) -> String {
        format!("{object:?}")
    }
    let (sender, receiver) = filch::sync::mpsc::channel::<Opaque>(1);
    assert!(shown(&sender).starts_with("Sender"));
    assert!(shown(sender.send(Opaque)).starts_with("Send"));
    assert!(shown(sender.closed()).starts_with("WaitClosed"));
    assert!(shown(receiver.recv()).starts_with("Recv"));
    assert!(shown(&receiver).starts_with("Receiver"));
    assert!(sender.try_send(Opaque).is_ok());
    assert_eq!(shown(sender.try_send(Opaque).unwrap_err()), "Full(..)");
    let (sender, receiver) = filch::sync::watch::channel(Opaque);
    assert!(shown(&sender).starts_with("Sender") && shown(&receiver).starts_with("Receiver"));
    let (sender, receiver) = filch::sync::broadcast::channel::<Opaque>(1);
    assert!(shown(&sender).starts_with("Sender") && shown(&receiver).starts_with("Receiver"));
    let queue = filch::sync::Queue::unbounded();
    assert!(
        shown(queue.put(Opaque)).starts_with("PutInto") && shown(queue.get()).starts_with("Get")
    );
    let (mut sender, receiver) = filch::sync::oneshot::channel::<Opaque>();
    assert!(shown(sender.closed()).starts_with("WaitClosed"));
    assert!(shown(&receiver).starts_with("Receiver"));
    assert!(shown(&sender).starts_with("Sender"));
    let limited = filch::time::timeout(std::time::Duration::MAX, async { Opaque });
    assert!(shown(&limited).starts_with("Timeout"));
    assert!(shown(filch::sync::Mutex::new(Opaque).lock()).starts_with("Lock"));
}
