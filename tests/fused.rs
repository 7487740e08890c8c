//! Futures say when they are over, so that `select!` of the crate `futures` takes them and never polls one again.

use filch::io::{
    AsyncWriteExt, Interest, ReadBufExt, ReadLimitExt, ReadNumberExt, WriteNumberExt, copy,
    copy_bidirectional, duplex,
};
use filch::net::{Async, TcpListener, TcpSocket, TcpStream, UdpSocket, lookup_host};
use filch::sync::{
    Barrier, Condvar, Event, Mutex, Notify, OnceCell, Queue, RwLock, Semaphore, SetOnce, broadcast,
    mpsc, oneshot, watch,
};
use filch::time::{Duration, FutureExt, Instant, interval, sleep, timeout};
use futures::StreamExt;
use futures::future::FusedFuture;
use futures::stream::FusedStream;
use std::collections::BTreeSet;
use std::future::{pending, poll_fn, ready};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

const SHORT: Duration = Duration::from_millis(1);

/// Awaits a future and looks before and after whether it says that it is over.
async fn ended<F: FusedFuture>(future: F) -> F::Output {
    let mut future = pin!(future);
    assert!(!future.is_terminated(), "it was not polled yet");
    let output = poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        assert_eq!(
            polled.is_ready(),
            future.is_terminated(),
            "while it is polled"
        );
        polled
    })
    .await;
    assert!(future.is_terminated(), "it was ready");
    output
}

#[filch::test]
async fn futures_of_tasks_are_over_when_they_were_ready() {
    assert_eq!(ended(filch::spawn(async { 1 })).await.unwrap(), 1);
    ended(filch::task::yield_now()).await;
    ended(filch::task::consume_budget()).await;
    ended(filch::task::unconstrained(filch::task::consume_budget())).await;
    filch::task_local! { static KEY: u32; }
    assert_eq!(
        ended(KEY.scope(7, filch::spawn(async { 2 })))
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        ended(filch::gather([ready(Ok::<_, ()>(3))])).await,
        Ok(vec![3])
    );
    assert_eq!(ended(filch::gather([ready(Err::<(), _>(4))])).await, Err(4));
    assert_eq!(ended(filch::gather_results([ready(5)])).await.len(), 1);
    assert_eq!(ended(filch::race([ready(6)])).await, 6);
    let mut set: filch::task::JoinSet<_> = [ready(6), ready(7)].into_iter().collect();
    ended(set.join_next()).await.unwrap().unwrap();
    ended(set.join_next_with_id()).await.unwrap().unwrap();
    ended(set.shutdown()).await;
    ended(set.join_all()).await;
    let token = filch::CancelToken::new();
    assert_eq!(
        ended(Box::pin(token.run_until_cancelled(ready(8)))).await,
        Some(8)
    );
    let tasks = [filch::spawn(async { 7 })];
    assert_eq!(ended(filch::wait(tasks, filch::When::All)).await.0.len(), 1);
    let group = filch::TaskGroup::run(async |group| {
        let child = group.spawn_ok(ready(6));
        let other = group.spawn_ok(ready(7));
        Ok::<_, ()>(ended(child).await + ended(other.outcome()).await.unwrap())
    });
    assert_eq!(ended(Box::pin(group)).await.unwrap(), 13);
    assert_eq!(ended(filch::shield(ready(8))).await, 8);
    let token = filch::CancelToken::new();
    assert_eq!(ended(Box::pin(token.run(ready(9)))).await.unwrap(), 9);
    token.cancel();
    ended(Box::pin(token.cancelled())).await;
    assert_eq!(
        ended(filch::AbortOnDrop(filch::spawn(ready(10))))
            .await
            .unwrap(),
        10
    );
}

#[filch::test]
async fn futures_of_time_are_over_when_they_were_ready() {
    ended(sleep(SHORT)).await;
    ended(sleep(Duration::ZERO)).await;
    ended(filch::time::sleep_until(Instant::now())).await;
    ended(interval(SHORT).tick()).await;
    assert!(ended(timeout(SHORT, pending::<()>())).await.is_err());
    assert!(ended(async {}.timeout(SHORT)).await.is_ok());
    let late = filch::time::deadline(SHORT, |_| pending::<()>());
    assert!(ended(late).await.is_err());
    let ready = filch::time::deadline(None, |_| std::future::ready(()));
    assert!(ended(ready).await.is_ok());
}

#[filch::test]
async fn a_sleep_that_is_reset_is_not_over_any_more() {
    for mut nap in [sleep(SHORT), sleep(Duration::ZERO)] {
        ended(&mut nap).await;
        let deadline = nap.deadline();
        (&mut nap).await;
        assert_eq!(nap.deadline(), deadline);
        nap.reset(Instant::now() + SHORT);
        ended(&mut nap).await;
    }
}

#[filch::test]
async fn futures_of_locks_are_over_when_they_were_ready() {
    let (mutex, permits) = (Arc::new(Mutex::new(1)), Arc::new(Semaphore::new(1)));
    drop(ended(mutex.lock()).await);
    drop(ended(mutex.clone().lock_owned()).await);
    drop(ended(permits.acquire()).await);
    drop(ended(permits.clone().acquire_owned()).await);
    permits.close();
    assert!(ended(permits.acquire()).await.is_err());
    let lock = Arc::new(RwLock::new(1));
    drop(ended(lock.read()).await);
    drop(ended(lock.write()).await);
    drop(ended(lock.clone().read_owned()).await);
    drop(ended(lock.clone().write_owned()).await);
    let notify = Arc::new(Notify::new());
    notify.notify_one();
    ended(notify.notified()).await;
    notify.notify_one();
    ended(notify.clone().notified_owned()).await;
}

#[filch::test]
async fn futures_of_those_who_meet_are_over_when_they_were_ready() {
    ended(Barrier::new(1).wait()).await;
    ended(Barrier::new(1).wait_unless_broken()).await.unwrap();
    let event = Event::new();
    event.set();
    ended(event.wait()).await;
    let (mutex, condvar) = (Mutex::new(1), Condvar::new());
    drop(ended(condvar.wait_while(mutex.lock().await, |_| false)).await);
    let mut waits = pin!(condvar.wait(mutex.lock().await));
    let first = poll_fn(|cx| Poll::Ready(waits.as_mut().poll(cx).is_pending()));
    assert!(first.await && !waits.is_terminated());
    condvar.notify_one();
    drop(ended(waits).await);
    let cell = OnceCell::new();
    assert_eq!(ended(cell.get_or_try_init(|| ready(Err(5)))).await, Err(5));
    assert_eq!(*ended(cell.get_or_init(|| ready(1))).await, 1);
    assert_eq!(*ended(cell.get_or_init(|| ready(2))).await, 1);
    assert_eq!(*ended(SetOnce::from(3).wait()).await, 3);
}

#[filch::test]
async fn a_notification_that_was_enabled_is_not_over_before_it_was_polled() {
    let notify = Notify::new();
    notify.notify_one();
    let mut notified = pin!(notify.notified());
    assert!(notified.as_mut().enable());
    ended(notified).await;
}

#[filch::test]
async fn futures_of_channels_are_over_when_they_were_ready() {
    let (sender, receiver) = mpsc::channel(1);
    ended(sender.send(1)).await.unwrap();
    assert_eq!(ended(receiver.recv()).await, Some(1));
    receiver.close();
    ended(sender.closed()).await;
    assert!(ended(sender.send(2)).await.is_err());
    assert_eq!(ended(receiver.recv()).await, None);
    let (sender, receiver) = mpsc::channel(2);
    drop(ended(sender.reserve()).await.unwrap());
    drop(ended(sender.reserve_many(2)).await.unwrap());
    assert!(ended(sender.reserve_many(3)).await.is_err());
    drop(ended(sender.clone().reserve_owned()).await.unwrap());
    ended(sender.send_timeout(1, SHORT)).await.unwrap();
    ended(sender.send_timeout(2, SHORT)).await.unwrap();
    ended(sender.send_timeout(3, SHORT)).await.unwrap_err();
    assert_eq!(ended(receiver.recv_many(&mut Vec::new(), 3)).await, 2);
    let (sender, mut receiver) = broadcast::channel(1);
    sender.send(1).unwrap();
    assert_eq!(ended(receiver.recv()).await, Ok(1));
    drop(receiver);
    ended(sender.closed()).await;
    let (sender, mut receiver) = watch::channel(1);
    sender.send(2).unwrap();
    ended(receiver.changed()).await.unwrap();
    drop(receiver);
    ended(sender.closed()).await;
    let queue = Queue::bounded(1);
    ended(queue.put(1)).await.unwrap();
    assert_eq!(ended(queue.get()).await, Ok(1));
    queue.task_done();
    ended(queue.join()).await;
    let (sender, receiver) = oneshot::channel();
    sender.send(3).unwrap();
    assert_eq!(ended(receiver).await, Ok(3));
    let (mut sender, receiver) = oneshot::channel::<()>();
    drop(receiver);
    ended(sender.closed()).await;
}

#[filch::test]
async fn a_receiver_is_over_as_a_stream_when_that_has_ended() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.send(1).await.unwrap();
    drop(sender);
    assert_eq!(receiver.next().await, Some(1));
    assert!(!receiver.is_terminated());
    assert_eq!(receiver.next().await, None);
    assert!(receiver.is_terminated());
}

#[filch::test]
async fn futures_of_streams_are_over_when_they_were_ready() {
    let listener = ended(TcpListener::bind("127.0.0.1:0")).await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = ended(TcpStream::connect(address)).await.unwrap();
    let (server, _) = ended(listener.accept()).await.unwrap();
    ended(client.writable()).await.unwrap();
    ended(client.ready(Interest::WRITABLE)).await.unwrap();
    ended(client.async_io(Interest::WRITABLE, || Ok(())))
        .await
        .unwrap();
    let prepared = TcpSocket::new_v4().unwrap();
    drop(ended(prepared.connect(address)).await.unwrap());
    drop(ended(listener.accept()).await.unwrap());
    assert_eq!(ended(client.write(b"1")).await.unwrap(), 1);
    ended(client.write_all(b"234")).await.unwrap();
    ended(server.readable()).await.unwrap();
    let (mut two, mut more) = ([0; 2], Vec::new());
    ended(server.peek(&mut two)).await.unwrap();
    ended(server.read(&mut two[..1])).await.unwrap();
    ended(server.read_exact(&mut two)).await.unwrap();
    ended(server.read_buf(&mut more)).await.unwrap();
    assert_eq!(ended(lookup_host(address)).await.unwrap().len(), 1);
    drop(listener);
    assert!(ended(TcpStream::connect(address)).await.is_err());
    let object = Async::new(client.into_std().unwrap()).unwrap();
    ended(object.write_with(|_| Ok(()))).await.unwrap();
}

#[filch::test]
async fn futures_of_datagrams_are_over_when_they_were_ready() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    ended(socket.connect(address)).await.unwrap();
    let mut buf = [0; 8];
    for _ in 0..2 {
        ended(socket.send(b"1")).await.unwrap();
    }
    ended(socket.send_to(b"2", address)).await.unwrap();
    ended(socket.peek(&mut buf)).await.unwrap();
    ended(socket.peek_from(&mut buf)).await.unwrap();
    ended(socket.peek_sender()).await.unwrap();
    ended(socket.recv(&mut buf)).await.unwrap();
    ended(socket.recv_from(&mut buf)).await.unwrap();
    ended(socket.recv_buf(&mut Vec::new())).await.unwrap();
    ended(socket.send(b"3")).await.unwrap();
    ended(socket.recv_buf_from(&mut Vec::new())).await.unwrap();
}

#[cfg(unix)]
#[filch::test]
async fn futures_of_unix_sockets_are_over_when_they_were_ready() {
    use filch::net::{UnixDatagram, UnixListener, UnixStream};
    let folder = std::env::temp_dir().join(format!("filch-fused-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (path, nobody) = (folder.join("a"), folder.join("b"));
    let listener = UnixListener::bind(&path).unwrap();
    let _client = ended(UnixStream::connect(&path)).await.unwrap();
    ended(listener.accept()).await.unwrap();
    assert!(ended(UnixStream::connect(&nobody)).await.is_err());
    let path = folder.join("c");
    let socket = UnixDatagram::bind(&path).unwrap();
    ended(socket.send_to(b"1", &path)).await.unwrap();
    ended(socket.recv_from(&mut [0; 8])).await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[filch::test]
async fn futures_of_signals_are_over_when_they_were_ready() {
    use filch::signal::{SignalKind, Signals, ctrl_c};
    let mut signals = Signals::new([SignalKind::child(), SignalKind::interrupt()]).unwrap();
    let arrival = ctrl_c();
    for number in [libc::SIGCHLD, libc::SIGINT] {
        // SAFETY: it takes a number; both are waited for.
        assert_eq!(unsafe { libc::raise(number) }, 0);
    }
    ended(signals.recv()).await.unwrap();
    ended(arrival).await.unwrap();
}

#[filch::test]
async fn futures_of_files_are_over_when_they_were_ready() {
    use filch::fs::{self, File};
    let path = std::env::temp_dir().join(format!("filch-fused-file-{}", std::process::id()));
    ended(fs::write(&path, "1")).await.unwrap();
    ended(fs::read(&path)).await.unwrap();
    let mut file = ended(File::open(&path)).await.unwrap();
    ended(file.sync_all()).await.unwrap();
    ended(file.rewind()).await.unwrap();
    ended(file.into_std()).await.unwrap();
    ended(fs::remove_file(&path)).await.unwrap();
    let mut entries = ended(fs::read_dir(".")).await.unwrap();
    ended(entries.next_entry()).await.unwrap();
}

#[cfg(unix)]
#[filch::test]
async fn futures_of_children_are_over_when_they_were_ready() {
    use filch::process::Command;
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    ended(child.kill()).await.unwrap();
    ended(child.wait()).await.unwrap();
    ended(child.stop(SHORT)).await.unwrap();
    ended(Command::new("true").status()).await.unwrap();
    ended(Command::new("true").output()).await.unwrap();
    ended(Command::new("no-such-program").output())
        .await
        .unwrap_err();
}

#[filch::test]
async fn futures_of_io_are_over_when_they_were_ready() {
    let mut out = Vec::new();
    assert_eq!(ended(copy(&b"all"[..], &mut out)).await.unwrap(), 3);
    let (mut one, mut other) = duplex(8);
    let (mut peer, mut another) = duplex(8);
    for end in [&mut one, &mut another] {
        end.close().await.unwrap();
    }
    let both = ended(copy_bidirectional(&mut other, &mut peer)).await;
    assert_eq!(both.unwrap(), (0, 0));
    let mut reader = filch::io::Cursor::new(b"a line\nand more");
    ended(reader.read_until_limit(b' ', &mut out, 8))
        .await
        .unwrap();
    ended(reader.read_line_limit(&mut String::new(), 8))
        .await
        .unwrap();
    out.clear();
    ended(reader.read_until_any(&[" "], &mut out, 8))
        .await
        .unwrap();
    ended(reader.read_exactly(0, &mut out)).await.unwrap();
    ended(reader.read_u8()).await.unwrap();
    ended(reader.read_buf(&mut out)).await.unwrap();
    ended(filch::io::sink().write_u8(1)).await.unwrap();
    let mut sink = filch::io::sink();
    let copied = ended(filch::io::copy_buf(&mut &b"rest"[..], &mut sink)).await;
    assert_eq!(copied.unwrap(), 4);
}

/// What `select!` in a loop needs: futures that go on from round to round, and that it leaves out when they are over.
#[filch::test]
async fn select_of_the_crate_futures_takes_them_as_they_are() {
    let (sender, mut receiver) = mpsc::channel(4);
    let producer = filch::spawn(async move {
        for number in 0..3 {
            sender.send(number).await.unwrap();
            filch::task::yield_now().await;
        }
    });
    let (mut nap, mut producer) = (sleep(SHORT), producer);
    let (mut sum, mut ends) = (0, 0);
    loop {
        futures::select! {
            () = nap => ends += 1,
            joined = producer => { joined.unwrap(); ends += 1 }
            number = receiver.select_next_some() => sum += number,
            complete => break,
        }
    }
    assert_eq!((sum, ends), (3, 2));
}

#[cfg(feature = "tls")]
#[filch::test]
async fn a_handshake_is_over_when_it_was_ready() {
    let connector = filch::tls::TlsConnector::builder().roots(filch::tls::Roots::webpki());
    let connector = connector.build().unwrap();
    let handshake = connector.connect("no name", duplex(1).0);
    ended(handshake).await.unwrap_err();
}

/// Futures that users never hold, or that stand for others in a macro.
const INNER: [&str; 18] = [
    "Call",
    "Rest",
    "StreamTask",
    "Connection",
    "Branch",
    "$name",
    "Attempt",
    "Given",
    "Child",
    "Counted",
    "Drain",
    "Member",
    "Once",
    "Awaited",
    "Persistent",
    "Placed",
    "Tidy",
    "Watched",
];

/// The types that a file implements a trait for.
fn implementing(text: &str, of: &str, found: &mut BTreeSet<String>) {
    let marker = format!("{of} for ");
    for line in text
        .lines()
        .filter(|line| line.trim_start().starts_with("impl"))
    {
        if let Some(at) = line.find(&marker) {
            let name = &line[at + marker.len()..];
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '$' && c != '_');
            found.insert(name[..end.unwrap_or(name.len())].to_owned());
        }
    }
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("model") {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn every_named_future_says_when_it_is_over() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut files, mut futures, mut fused) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    sources(&root.join("src"), &mut files);
    sources(&root.join("executor/src"), &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        // Models and unit tests come last in a file.
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        implementing(text, " Future", &mut futures);
        implementing(text, "FusedFuture", &mut fused);
    }
    // Through a macro of their own.
    fused.extend(["Acquire", "AcquireOwned"].map(String::from));
    let left: Vec<&String> = futures
        .difference(&fused)
        .filter(|name| !INNER.contains(&name.as_str()))
        .collect();
    assert!(futures.len() > 25, "{futures:?}");
    assert!(left.is_empty(), "without FusedFuture: {left:?}");
}

/// A future that is polled by hand once, to see that Pending is not the end.
#[filch::test]
async fn a_future_that_waits_is_not_over() {
    let notify = Notify::new();
    let mut waiting: Pin<Box<_>> = Box::pin(notify.notified());
    poll_fn(|cx| {
        assert!(waiting.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    assert!(!waiting.is_terminated());
    notify.notify_one();
    waiting.as_mut().await;
    assert!(waiting.is_terminated());
}
