//! One endless loop for each kind of leaf, over operations that never wait.

use filch::io::{
    AllowStdIo, AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt, BufReader,
    Cursor, Interest, ReadBufExt, ReadLimitExt, ReadNumberExt, WriteNumberExt, copy,
    copy_bidirectional, copy_buf, duplex, empty, repeat, simplex, sink,
};
use filch::net::unix::pipe::pipe;
use filch::net::{
    Async, TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixStream, lookup_host,
};
use filch::process::{Child, Command, Stdio};
use filch::signal::{SignalKind, Signals, ctrl_c};
use filch::sync::{
    Barrier, Condvar, DelayQueue, Event, Mutex, Notify, OnceCell, Queue, RwLock, Semaphore,
    SetOnce, broadcast, mpsc, oneshot, watch,
};
use filch::task::{JoinSet, consume_budget, yield_now};
use filch::time::{Instant, deadline, interval_at, sleep, sleep_until, timeout, timeout_at};
use filch::{AbortOnDrop, CancelToken, TaskGroup};
use futures_util::StreamExt;
use std::fs::File;
use std::future::{pending, poll_fn, ready};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

pub(crate) type Endless = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One line per loop: its name, and what it does again and again.
macro_rules! loops {
    ($($name:literal => $before:block |$state:ident| $body:block)*) => {
        pub(crate) fn all() -> Vec<(&'static str, fn() -> Endless)> {
            vec![$(($name, || Box::pin(async {
                #[allow(unused_mut, unused_variables, reason = "some have no state")]
                let mut $state = $before;
                loop {
                    $body
                }
            }))),*]
        }
    };
}

fn file(name: &str) -> AllowStdIo<File> {
    AllowStdIo::new(File::options().read(true).write(true).open(name).unwrap())
}

/// A Unix stream whose other end is gone, so that it is always readable.
fn ended() -> Async<std::os::unix::net::UnixStream> {
    Async::new(std::os::unix::net::UnixStream::pair().unwrap().0).unwrap()
}

/// Where nobody ever connects.
struct Nobody;

impl filch::net::Listener for Nobody {
    type Stream = ();
    type Peer = ();

    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<((), ())>> {
        Poll::Pending
    }
}

/// Signals that do nothing when nobody waits for them.
fn signals() -> Signals {
    Signals::new([SignalKind::window_change()]).unwrap()
}

async fn no_more_entries() -> filch::fs::ReadDir {
    let mut entries = filch::fs::read_dir("tests").await.unwrap();
    while entries.next_entry().await.unwrap().is_some() {}
    entries
}

/// A child that ends at once, and writes nothing.
fn child() -> Child {
    let mut command = Command::new("true");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn send(number: i32) {
    // SAFETY: it takes a number, of a signal that is waited for.
    assert_eq!(unsafe { libc::raise(number) }, 0);
}

/// An interrupt that has come. Each is for all who wait for one, and the next would end the process if nobody had begun
/// to wait since: so tests that run at once send theirs one after the other.
fn interrupted() -> impl Future<Output = std::io::Result<()>> {
    static SENDING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = SENDING.lock().unwrap();
    let arrival = ctrl_c();
    send(libc::SIGINT);
    arrival
}

loops! {
    "a signal that is waited for, and comes" => {} |it| {
        interrupted().await.unwrap();
    }
    "read a file" => {} |it| { filch::fs::read("Cargo.toml").await.unwrap(); }
    "entries behind the last" => { no_more_entries().await } |it| {
        assert!(it.next_entry().await.unwrap().is_none());
    }
    "entries behind the last, streamed" => { no_more_entries().await } |it| {
        assert!(it.next().await.is_none());
    }
    "read and rewind a file" => { filch::fs::File::open("Cargo.toml").await.unwrap() } |it| {
        assert_eq!(it.read(&mut [0; 8]).await.unwrap(), 8);
        it.seek(std::io::SeekFrom::Start(8)).await.unwrap();
        it.rewind().await.unwrap();
    }
    "write nothing to a file" => { filch::fs::File::open("Cargo.toml").await.unwrap() } |it| {
        assert_eq!(it.write(b"").await.unwrap(), 0);
        assert_eq!(it.write_vectored(&[IoSlice::new(b"")]).await.unwrap(), 0);
    }
    "flush and close a file" => { filch::fs::File::open("Cargo.toml").await.unwrap() } |it| {
        it.flush().await.unwrap();
        it.close().await.unwrap();
    }
    "wait for a child that has ended" => { child() } |it| { it.wait().await.unwrap(); }
    "wait for a child that has ended, polled" => { child() } |it| {
        poll_fn(|cx| it.poll_wait(cx)).await.unwrap();
    }
    "kill a child that has ended" => { child() } |it| { it.kill().await.unwrap(); }
    "stop a child that has ended" => { child() } |it| { it.stop(Duration::ZERO).await.unwrap(); }
    "the output of no program" => { Command::new("no-such-program") } |it| {
        it.output().await.unwrap_err();
    }
    "the status of no program" => { Command::new("no-such-program") } |it| {
        it.status().await.unwrap_err();
    }
    "write nothing to a child" => { child().stdin.take().unwrap() } |it| {
        let _ = it.write(b"").await;
        let _ = it.write_vectored(&[IoSlice::new(b"")]).await;
    }
    "flush to a child" => { child().stdin.take().unwrap() } |it| { it.flush().await.unwrap(); }
    "close a child's input" => { child().stdin.take().unwrap() } |it| {
        it.close().await.unwrap();
    }
    "read behind the end of a child" => { child().stdout.take().unwrap() } |it| {
        assert_eq!(it.read(&mut [0; 8]).await.unwrap(), 0);
        let mut buf = [0; 8];
        assert_eq!(it.read_vectored(&mut [IoSliceMut::new(&mut buf)]).await.unwrap(), 0);
    }
    "signals" => { signals() } |it| {
        send(libc::SIGWINCH);
        it.recv().await.unwrap();
    }
    "signals, streamed" => { signals() } |it| {
        send(libc::SIGWINCH);
        it.next().await.unwrap().unwrap();
    }
    "select" => { mpsc::channel::<()>(1).1 } |it| {
        filch::select! { _ = it.recv() => {} _ = consume_budget() => {} _ = ready(()) => {} }
    }
    "race" => {} |it| { filch::race([ready(1), ready(2)]).await; }
    "wait for tasks" => {} |it| { filch::wait([ready(Ok::<_, ()>(1))], filch::When::All).await; }
    "wait for nothing" => {} |it| {
        filch::wait(Vec::<std::future::Ready<Result<(), ()>>>::new(), filch::When::All).await;
    }
    "wait for no time" => {} |it| {
        let never = pending::<Result<(), ()>>();
        filch::wait([never], filch::When::All).within(Duration::ZERO).await;
    }
    "go through a set" => { filch::stream::FuturesUnordered::new() } |it| {
        it.push(ready(()));
        it.next().await;
    }
    "go through an empty set" => { filch::stream::FuturesUnordered::<std::future::Ready<()>>::new() } |it| {
        assert!(it.next().await.is_none());
    }
    "run an empty group" => {} |it| { TaskGroup::run(async |_| Ok::<_, ()>(())).await.unwrap(); }
    "await a child" => {} |it| {
        TaskGroup::run(async |group| Ok::<_, ()>(group.spawn_ok(async { 1 }).await)).await.unwrap();
    }
    "await a child with a limit" => {} |it| {
        let run = TaskGroup::limit(1).run(async |group| {
            group.spawn(async { Ok::<_, ()>(()) }).await.await;
            Ok(())
        });
        run.await.unwrap();
    }
    "wait for a cancelled token" => { CancelToken::new() } |it| { it.cancel(); it.cancelled().await; }
    "run what is ready under a token" => { CancelToken::new() } |it| { it.run(ready(1)).await.unwrap(); }
    "join an empty set" => { JoinSet::<()>::new() } |it| { assert!(it.join_next().await.is_none()); }
    "join a set of one" => { JoinSet::new() } |it| {
        it.spawn(async {});
        it.join_next().await.unwrap().unwrap();
    }
    "join all of a set of one" => {} |it| {
        let set: JoinSet<_> = [ready(1)].into_iter().collect();
        assert_eq!(set.join_all().await, [1]);
    }
    "shut an empty set down" => { JoinSet::<()>::new() } |it| { it.shutdown().await; }
    "join an empty set, with numbers" => { JoinSet::<()>::new() } |it| {
        assert!(it.join_next_with_id().await.is_none());
    }
    "run what is ready until a token is cancelled" => { CancelToken::new() } |it| {
        it.run_until_cancelled(ready(1)).await.unwrap();
    }
    "await a handle that aborts" => {} |it| { AbortOnDrop(filch::spawn(async {})).await.unwrap(); }
    "shield what is ready" => {} |it| { filch::shield(async {}).await; }
    "serve nobody" => { CancelToken::new() } |it| {
        it.cancel();
        let served = filch::net::serve(Nobody, async |(), ()| {});
        served.graceful(it.clone(), Duration::ZERO).await.unwrap();
    }
    "bind TCP" => {} |it| { TcpListener::bind("127.0.0.1:0").await.unwrap(); }
    "bind TCP to a taken address" => { TcpListener::bind("127.0.0.1:0").await.unwrap() } |it| {
        TcpListener::bind(it.local_addr().unwrap()).await.unwrap_err();
    }
    "bind UDP" => {} |it| { UdpSocket::bind("127.0.0.1:0").await.unwrap(); }
    "connect UDP" => { UdpSocket::bind("127.0.0.1:0").await.unwrap() } |it| {
        it.connect("127.0.0.1:9").await.unwrap();
    }
    "connect TCP where nobody is" => {} |it| { TcpStream::connect("127.0.0.1:1").await.unwrap_err(); }
    "connect TCP to no address" => {} |it| { TcpStream::connect("nonsense").await.unwrap_err(); }
    "connect TCP to an impossible address" => {} |it| {
        TcpStream::connect("255.255.255.255:1").await.unwrap_err();
    }
    "connect Unix to no file" => {} |it| { UnixStream::connect("no-such-socket").await.unwrap_err(); }
    "connect Unix where nobody listens" => {} |it| { UnixStream::connect("/dev/null").await.unwrap_err(); }
    "connect Unix to a path that is none" => {} |it| {
        UnixStream::connect("x".repeat(200)).await.unwrap_err();
    }
    "look up a numeric address" => {} |it| { lookup_host("127.0.0.1:80").await.unwrap(); }
    "look up localhost" => {} |it| { lookup_host("localhost:80").await.unwrap(); }
    "look up nonsense" => {} |it| { lookup_host("nonsense").await.unwrap_err(); }
    "copy between files, without end" => {} |it| {
        copy(file("/dev/zero"), &mut file("/dev/null")).await.unwrap();
    }
    "copy in memory, without end" => {} |it| { copy(repeat(1), &mut sink()).await.unwrap(); }
    "copy a little" => {} |it| { copy(&b"a little"[..], &mut sink()).await.unwrap(); }
    "copy nothing" => {} |it| { copy(empty(), &mut sink()).await.unwrap(); }
    "copy both ways, without end" => { (file("/dev/zero"), file("/dev/zero")) } |it| {
        copy_bidirectional(&mut it.0, &mut it.1).await.unwrap();
    }
    "copy both ways, a little" => {} |it| {
        let (mut one, mut other) = (Cursor::new(vec![1; 8]), Cursor::new(vec![2; 8]));
        copy_bidirectional(&mut one, &mut other).await.unwrap();
    }
    "a map of streams" => {
        filch::stream::StreamMap::from_iter([((), futures_util::stream::repeat(1))])
    } |it| { it.next().await.unwrap(); }
    "lines as a stream" => {} |it| {
        let lines = filch::io::AsyncBufReadExt::lines(&b"one"[..]);
        filch::stream::wrappers::LinesStream::new(lines).next().await.unwrap().unwrap();
    }
    "split what is read" => {} |it| {
        let mut pieces = filch::stream::wrappers::SplitStream::new(&b"one"[..], b',');
        pieces.next().await.unwrap().unwrap();
    }
    "a stream of a broadcast" => {
        let (sender, receiver) = broadcast::channel(2);
        (sender, filch::stream::wrappers::BroadcastStream::new(receiver))
    } |it| {
        it.0.send(1).unwrap();
        it.1.next().await.unwrap().unwrap();
    }
    "a stream of a watched value" => {
        let (sender, receiver) = watch::channel(1);
        (sender, filch::stream::wrappers::WatchStream::new(receiver))
    } |it| {
        it.0.send(1).unwrap();
        it.1.next().await.unwrap();
    }
    "read until any" => { Vec::new() } |it| {
        it.clear();
        Cursor::new(b"a;b").read_until_any(&[";"], &mut it, 8).await.unwrap();
    }
    "read exactly nothing" => { Vec::new() } |it| {
        Cursor::new(b"").read_exactly(0, &mut it).await.unwrap();
    }
    "read a number" => {} |it| { (&[1, 2][..]).read_u16().await.unwrap(); }
    "write a number" => {} |it| { sink().write_u64(7).await.unwrap(); }
    "read behind a buffer" => { Vec::new() } |it| {
        it.clear();
        (&b"some"[..]).read_buf(&mut it).await.unwrap();
    }
    "copy out of a buffer" => {} |it| {
        copy_buf(&mut BufReader::new(repeat(1).take(9)), &mut sink()).await.unwrap();
        copy_buf(&mut empty(), &mut sink()).await.unwrap();
    }
    "seek in nothing" => {} |it| { empty().seek(std::io::SeekFrom::Start(1)).await.unwrap(); }
    "read and write what has no end" => { (repeat(1), sink()) } |it| {
        both(&mut it.1, &mut it.0).await;
    }
    "flush a sink" => {} |it| { sink().flush().await.unwrap(); }
    "close a sink" => {} |it| { sink().close().await.unwrap(); }
    "simplex" => { simplex(1) } |it| { both(&mut it.1, &mut it.0).await; }
    "flush a simplex stream" => { simplex(1) } |it| { it.1.flush().await.unwrap(); }
    "close a simplex stream" => { simplex(1) } |it| { it.1.close().await.unwrap(); }
    "read until a limit" => {} |it| {
        let mut from = Cursor::new(b"a line\n");
        from.read_until_limit(b'\n', &mut Vec::new(), 99).await.unwrap();
    }
    "read a line with a limit" => {} |it| {
        Cursor::new(b"a line\n").read_line_limit(&mut String::new(), 99).await.unwrap();
    }
    "poll for readiness" => { ended() } |it| { poll_fn(|cx| it.poll_readable(cx)).await.unwrap(); }
    "wait for readiness" => { ended() } |it| { it.readable().await.unwrap(); }
    "poll for room" => { open() } |it| { poll_fn(|cx| it.0.poll_writable(cx)).await.unwrap(); }
    "read with an operation" => { open() } |it| { it.0.read_with(|_| Ok(())).await.unwrap(); }
    "read and write an Async" => { open() } |it| { both(&mut it.0, &mut it.1).await; }
    "flush an Async" => { open() } |it| { it.0.flush().await.unwrap(); }
    "close an Async" => { open() } |it| { it.0.close().await.unwrap(); }
    "read and write" => { UnixStream::pair().unwrap() } |it| {
        it.0.write_all(b"x").await.unwrap();
        it.1.read_exact(&mut [0]).await.unwrap();
    }
    "read and write by the traits" => { UnixStream::pair().unwrap() } |it| {
        both(&mut it.0, &mut it.1).await;
    }
    "read and write through halves" => { UnixStream::pair().unwrap() } |it| {
        let (mut reader, mut writer) = (UnixStream::split(&mut it.0).0, UnixStream::split(&mut it.1).1);
        both(&mut writer, &mut reader).await;
    }
    "a stream of an iterator" => { filch::stream::iter(std::iter::repeat(1)) } |it| {
        it.next().await.unwrap();
    }
    "wait for either" => { UnixStream::pair().unwrap() } |it| {
        it.0.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
    }
    "an operation of one's own" => { UnixStream::pair().unwrap() } |it| {
        it.0.async_io(Interest::WRITABLE, || Ok(())).await.unwrap();
    }
    "poll a stream for readiness" => { UnixStream::pair().unwrap().0 } |it| {
        poll_fn(|cx| it.poll_read_ready(cx)).await.unwrap();
        poll_fn(|cx| it.poll_write_ready(cx)).await.unwrap();
    }
    "connect a socket where nobody is" => {} |it| {
        let nobody = "127.0.0.1:1".parse().unwrap();
        TcpSocket::new_v4().unwrap().connect(nobody).await.unwrap_err();
    }
    "read by hand, without initialising" => { UnixStream::pair().unwrap().0 } |it| {
        let mut byte = [MaybeUninit::uninit()];
        assert_eq!(poll_fn(|cx| it.poll_read_uninit(cx, &mut byte)).await.unwrap(), 0);
        let half = UnixStream::split(&mut it).0;
        assert_eq!(poll_fn(|cx| half.poll_read_uninit(cx, &mut byte)).await.unwrap(), 0);
    }
    "peek by hand" => { UnixStream::pair().unwrap().0 } |it| {
        assert_eq!(poll_fn(|cx| it.poll_peek(cx, &mut [0])).await.unwrap(), 0);
        let half = UnixStream::split(&mut it).0;
        assert_eq!(poll_fn(|cx| half.poll_peek(cx, &mut [0])).await.unwrap(), 0);
    }
    "accept by hand" => { (TcpListener::bind("127.0.0.1:0").await.unwrap(), listen()) } |it| {
        drop(std::net::TcpStream::connect(it.0.local_addr().unwrap()).unwrap());
        poll_fn(|cx| it.0.poll_accept(cx)).await.unwrap();
        drop(std::os::unix::net::UnixStream::connect_addr(&it.1.local_addr().unwrap()).unwrap());
        poll_fn(|cx| it.1.poll_accept(cx)).await.unwrap();
    }
    "datagrams by hand" => { UdpSocket::bind("127.0.0.1:0").await.unwrap() } |it| {
        let own = it.local_addr().unwrap();
        poll_fn(|cx| it.poll_send_to(cx, b"x", own)).await.unwrap();
        poll_fn(|cx| it.poll_recv_from(cx, &mut [0])).await.unwrap();
        it.connect(own).await.unwrap();
        poll_fn(|cx| it.poll_send(cx, b"x")).await.unwrap();
        poll_fn(|cx| it.poll_recv(cx, &mut [0])).await.unwrap();
    }
    "peek at datagrams by hand" => { UdpSocket::bind("127.0.0.1:0").await.unwrap() } |it| {
        it.try_send_to(b"x", it.local_addr().unwrap()).unwrap();
        poll_fn(|cx| it.poll_peek_sender(cx)).await.unwrap();
        poll_fn(|cx| it.poll_peek_from(cx, &mut [0])).await.unwrap();
        it.try_recv(&mut [0]).unwrap();
    }
    "Unix datagrams by hand" => { UnixDatagram::pair().unwrap() } |it| {
        let nobody = poll_fn(|cx| it.0.poll_send_to(cx, b"x", "no-such-socket")).await;
        nobody.unwrap_err();
        it.0.try_send(b"x").unwrap();
        poll_fn(|cx| it.1.poll_recv_from(cx, &mut [0])).await.unwrap();
    }
    "a pipe" => { pipe().unwrap() } |it| { both(&mut it.0, &mut it.1).await; }
    "flush a pipe" => { pipe().unwrap() } |it| {
        it.0.flush().await.unwrap();
        it.0.close().await.unwrap();
    }
    "write nothing" => { UnixStream::pair().unwrap() } |it| {
        assert_eq!(it.0.write(b"").await.unwrap(), 0);
    }
    "send nothing of a file" => {
        let file = filch::fs::File::open("Cargo.toml").await.unwrap();
        (UnixStream::pair().unwrap(), file)
    } |it| {
        it.0.0.send_file(&it.1, 0..0).await.unwrap();
        it.0.0.send_file(&it.1, 1 << 40..).await.unwrap();
    }
    "write all of nothing" => { UnixStream::pair().unwrap() } |it| { it.0.write_all(b"").await.unwrap(); }
    "read nothing" => { UnixStream::pair().unwrap() } |it| {
        assert_eq!(it.0.read(&mut []).await.unwrap(), 0);
    }
    "read exactly nothing" => { UnixStream::pair().unwrap() } |it| {
        it.0.read_exact(&mut []).await.unwrap();
    }
    "peek at nothing" => { UnixStream::pair().unwrap() } |it| {
        assert_eq!(it.0.peek(&mut []).await.unwrap(), 0);
    }
    "read and write nothing by the traits" => { UnixStream::pair().unwrap() } |it| {
        assert_eq!(AsyncReadExt::read(&mut it.0, &mut []).await.unwrap(), 0);
        assert_eq!(it.0.read_vectored(&mut []).await.unwrap(), 0);
        assert_eq!(AsyncWriteExt::write(&mut it.0, b"").await.unwrap(), 0);
        assert_eq!(it.0.write_vectored(&[]).await.unwrap(), 0);
    }
    "read past the end" => { UnixStream::pair().unwrap().0 } |it| {
        assert_eq!(it.read(&mut [0]).await.unwrap(), 0);
    }
    "flush a stream" => { UnixStream::pair().unwrap() } |it| {
        AsyncWriteExt::flush(&mut it.0).await.unwrap();
    }
    "flush half a stream" => { UnixStream::pair().unwrap() } |it| {
        UnixStream::split(&mut it.0).1.flush().await.unwrap();
    }
    "close a stream" => { UnixStream::pair().unwrap() } |it| { it.0.close().await.unwrap(); }
    "close half a stream" => { UnixStream::pair().unwrap() } |it| {
        UnixStream::split(&mut it.0).1.close().await.unwrap();
    }
    "accept" => { TcpListener::bind("127.0.0.1:0").await.unwrap() } |it| {
        drop(std::net::TcpStream::connect(it.local_addr().unwrap()).unwrap());
        it.accept().await.unwrap();
    }
    "the next connection" => { TcpListener::bind("127.0.0.1:0").await.unwrap() } |it| {
        drop(std::net::TcpStream::connect(it.local_addr().unwrap()).unwrap());
        it.incoming().next().await.unwrap().unwrap();
    }
    "connect Unix" => { listen() } |it| {
        drop(UnixStream::connect_addr(&it.local_addr().unwrap()).await.unwrap());
        it.accept().await.unwrap();
    }
    "the next Unix connection" => { listen() } |it| {
        drop(std::os::unix::net::UnixStream::connect_addr(&it.local_addr().unwrap()).unwrap());
        it.incoming().next().await.unwrap().unwrap();
    }
    "datagrams" => { UdpSocket::bind("127.0.0.1:0").await.unwrap() } |it| {
        it.send_to(b"x", it.local_addr().unwrap()).await.unwrap();
        it.recv_from(&mut [0]).await.unwrap();
    }
    "channel" => { mpsc::channel(1) } |it| {
        it.0.send(1).await.unwrap();
        it.1.recv().await.unwrap();
    }
    "channel, polled" => { mpsc::channel(1) } |it| {
        it.0.send(1).await.unwrap();
        poll_fn(|cx| it.1.poll_recv(cx)).await.unwrap();
    }
    "channel, streamed" => { mpsc::channel(1) } |it| {
        it.0.send(1).await.unwrap();
        it.1.next().await.unwrap();
    }
    "a channel that is closed" => { mpsc::channel::<()>(1).0 } |it| {
        it.closed().await;
        it.send(()).await.unwrap_err();
    }
    "channel, unbounded" => { mpsc::unbounded_channel() } |it| {
        it.0.send(1).unwrap();
        it.1.recv().await.unwrap();
    }
    "channel, many at a time" => { mpsc::channel(2) } |it| {
        for permit in it.0.reserve_many(2).await.unwrap() {
            permit.send(1);
        }
        assert_eq!(it.1.recv_many(&mut Vec::new(), 3).await, 2);
    }
    "permits of a channel" => { mpsc::channel::<()>(1) } |it| {
        drop(it.0.reserve().await.unwrap());
        drop(it.0.clone().reserve_owned().await.unwrap());
    }
    "a channel within a time" => { mpsc::channel(1) } |it| {
        it.0.send_timeout(1, Duration::MAX).await.unwrap();
        it.1.try_recv().unwrap();
    }
    "broadcast" => { broadcast::channel(1) } |it| {
        it.0.send(1).unwrap();
        it.1.recv().await.unwrap();
    }
    "a broadcast without receivers" => { broadcast::channel::<()>(1).0 } |it| { it.closed().await; }
    "watch" => { watch::channel(1) } |it| {
        it.0.send(1).unwrap();
        it.1.changed().await.unwrap();
    }
    "a watch for a condition" => { watch::channel(1) } |it| {
        it.1.wait_for(|_| true).await.map(drop).unwrap();
    }
    "a watch without receivers" => { watch::channel(1).0 } |it| { it.closed().await; }
    "queue" => { Queue::bounded(1) } |it| {
        it.put(1).await.unwrap();
        it.get().await.unwrap();
        it.task_done();
        it.join().await;
    }
    "delayed queue" => { DelayQueue::new() } |it| {
        it.insert(1, Duration::ZERO);
        poll_fn(|cx| it.poll_expired(cx)).await.unwrap();
    }
    "delayed queue of nothing" => { DelayQueue::<()>::new() } |it| {
        assert!(it.next().await.is_none());
    }
    "oneshot" => {} |it| {
        let (sender, receiver) = oneshot::channel();
        sender.send(1).unwrap();
        receiver.await.unwrap();
    }
    "a oneshot that is closed" => { oneshot::channel::<()>().0 } |it| { it.closed().await; }
    "a oneshot that is closed, polled" => { oneshot::channel::<()>().0 } |it| {
        poll_fn(|cx| it.poll_closed(cx)).await;
    }
    "notification" => { Notify::new() } |it| {
        it.notify_one();
        it.notified().await;
    }
    "owned notification" => { Arc::new(Notify::new()) } |it| {
        it.notify_one();
        it.clone().notified_owned().await;
    }
    "lock" => { Mutex::new(()) } |it| { drop(it.lock().await); }
    "owned lock" => { Arc::new(Mutex::new(())) } |it| { drop(it.clone().lock_owned().await); }
    "permit" => { Semaphore::new(1) } |it| { drop(it.acquire().await.unwrap()); }
    "owned permit" => { Arc::new(Semaphore::new(1)) } |it| {
        drop(it.clone().acquire_owned().await.unwrap());
    }
    "read lock" => { RwLock::new(()) } |it| { drop(it.read().await); }
    "owned read lock" => { Arc::new(RwLock::new(())) } |it| { drop(it.clone().read_owned().await); }
    "write lock" => { RwLock::new(()) } |it| { drop(it.write().await); }
    "owned write lock" => { Arc::new(RwLock::new(())) } |it| {
        drop(it.clone().write_owned().await);
    }
    "event" => { Event::new() } |it| {
        it.set();
        it.wait().await;
    }
    "a condition that does not hold" => { (Mutex::new(()), Condvar::new()) } |it| {
        drop(it.1.wait_while(it.0.lock().await, |()| false).await);
    }
    "barrier of one" => { Barrier::new(1) } |it| { it.wait().await; }
    "a cell that is filled" => { OnceCell::from(1) } |it| { it.get_or_init(|| ready(2)).await; }
    "a cell that is filled, tried" => { OnceCell::from(1) } |it| {
        it.get_or_try_init(|| ready(Err::<i32, ()>(()))).await.unwrap();
    }
    "a cell that is never filled" => { OnceCell::<i32>::new() } |it| {
        it.get_or_try_init(|| ready(Err::<i32, ()>(()))).await.unwrap_err();
    }
    "a value that is set once" => { SetOnce::from(1) } |it| { it.wait().await; }
    "duplex" => { duplex(1) } |it| { both(&mut it.0, &mut it.1).await; }
    "flush a duplex" => { duplex(1) } |it| { it.0.flush().await.unwrap(); }
    "close a duplex" => { duplex(1) } |it| { it.0.close().await.unwrap(); }
    "write nothing to standard output" => { filch::io::stdout() } |it| {
        assert_eq!(it.write(b"").await.unwrap(), 0);
        it.flush().await.unwrap();
        it.close().await.unwrap();
    }
    "sleep of no time" => {} |it| { sleep(Duration::ZERO).await; }
    "sleep until now" => {} |it| { sleep_until(Instant::now()).await; }
    "sleep that is reset to now" => { sleep_until(Instant::now()) } |it| {
        it.reset(Instant::now());
        (&mut it).await;
    }
    "ticks that are late" => { late() } |it| { it.tick().await; }
    "ticks that are late, polled" => { late() } |it| { poll_fn(|cx| it.poll_tick(cx)).await; }
    "timeout of what is ready" => {} |it| { timeout(Duration::MAX, ready(())).await.unwrap(); }
    "deadline of what is ready" => {} |it| {
        deadline(Duration::MAX, |_| ready(())).await.unwrap();
    }
    "timeout at once" => {} |it| {
        timeout_at(Instant::now(), pending::<()>()).await.unwrap_err();
    }
    "timeout at an instant of what is ready" => {} |it| {
        timeout_at(Instant::FAR_FUTURE, ready(())).await.unwrap();
    }
    "join what has ended" => {} |it| { filch::spawn(ready(())).await.unwrap(); }
    "blocking closure" => {} |it| { filch::spawn_blocking(|| ()).await.unwrap(); }
    "gather nothing" => {} |it| {
        filch::gather(std::iter::empty::<std::future::Ready<Result<(), ()>>>()).await.unwrap();
    }
    "gather results of nothing" => {} |it| {
        filch::gather_results(std::iter::empty::<std::future::Ready<()>>()).await;
    }
    "gather! nothing" => {} |it| { let _: Result<(), ()> = filch::gather!(); }
    "gather" => {} |it| { filch::gather([ready(Ok::<_, ()>(1))]).await.unwrap(); }
    "gather results" => {} |it| { filch::gather_results([ready(1)]).await; }
    "gather!" => {} |it| {
        let _: Result<(i32,), ()> = filch::gather!(ready(Ok(1)));
    }
    "yield_now" => {} |it| { yield_now().await; }
    "consume_budget" => {} |it| { consume_budget().await; }
}

/// Two ends of a Unix stream.
fn open() -> (
    Async<std::os::unix::net::UnixStream>,
    Async<std::os::unix::net::UnixStream>,
) {
    let (one, two) = std::os::unix::net::UnixStream::pair().unwrap();
    (Async::new(one).unwrap(), Async::new(two).unwrap())
}

/// A byte to and fro, through whole buffers and parts.
async fn both(writer: &mut (impl AsyncWrite + Unpin), reader: &mut (impl AsyncRead + Unpin)) {
    assert_eq!(writer.write(b"x").await.unwrap(), 1);
    assert_eq!(reader.read(&mut [0]).await.unwrap(), 1);
    assert_eq!(
        writer.write_vectored(&[IoSlice::new(b"x")]).await.unwrap(),
        1
    );
    let mut byte = [0];
    assert_eq!(
        reader
            .read_vectored(&mut [IoSliceMut::new(&mut byte)])
            .await
            .unwrap(),
        1
    );
}

/// A listener without a name in the file system.
fn listen() -> filch::net::UnixListener {
    let directory = std::env::temp_dir();
    let name = format!(
        "filch-yielding-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    );
    let path = directory.join(name.replace(['(', ')'], "-"));
    let _ = std::fs::remove_file(&path);
    filch::net::UnixListener::bind(&path).unwrap()
}

/// An interval that is behind by an hour of ticks.
fn late() -> filch::time::Interval {
    let start = Instant::now() - Duration::from_secs(3600);
    interval_at(start, Duration::from_nanos(1))
}
