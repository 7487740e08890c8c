//! Descriptors that were duplicated: a stream that is dropped leaves nothing behind with the reactor, whoever still has
//! its open file.

#![cfg(target_os = "linux")]

mod net_support;

use filch::net::{Async, TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream};
use net_support::{poll_once, run, tcp_pair, until_waiting};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// These tests look at the numbers and epolls of their whole process: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the stream wait, so that it is registered.
async fn register(stream: &TcpStream) {
    assert!(poll_once(stream.read(&mut [0; 8])).await.is_pending());
}

#[test]
fn the_duplicate_can_have_the_number_of_the_stream_that_was_dropped() {
    let _alone = alone();
    run(async {
        let (peer, stream) = tcp_pair().await;
        register(&stream).await;
        let kept = stream.as_fd().try_clone_to_owned().unwrap();
        let number = stream.as_raw_fd();
        drop(stream);
        let again = kept.try_clone().unwrap();
        assert_eq!(again.as_raw_fd(), number);
        let again = TcpStream::from_std(again.into()).unwrap();
        let reader = filch::spawn(async move { again.read(&mut [0; 8]).await });
        until_waiting("read", 1).await;
        peer.write_all(b"hello").await.unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), 5);
    });
}

/// How often anybody has been in the poller.
fn turns(metrics: &filch::Metrics) -> u64 {
    let workers = metrics.workers.iter().map(|worker| worker.turns);
    workers.sum::<u64>() + metrics.spare.turns + metrics.backstop_turns
}

/// Traffic on a duplicate in a plain thread, after its stream has been dropped.
fn traffic(kept: OwnedFd, peer: OwnedFd) {
    let (mut ours, mut theirs) = (
        std::net::TcpStream::from(kept),
        std::net::TcpStream::from(peer),
    );
    ours.set_nonblocking(false).unwrap();
    theirs.set_nonblocking(false).unwrap();
    for _ in 0..1000 {
        theirs.write_all(b"x").unwrap();
        ours.read_exact(&mut [0]).unwrap();
        ours.write_all(b"y").unwrap();
        theirs.read_exact(&mut [0]).unwrap();
    }
}

#[test]
fn traffic_on_a_duplicate_wakes_nobody() {
    let _alone = alone();
    let runtime = filch::Runtime::builder().workers(2).build().unwrap();
    let (kept, peer) = runtime.block_on(async {
        let (peer, stream) = tcp_pair().await;
        register(&stream).await;
        let kept = stream.as_fd().try_clone_to_owned().unwrap();
        drop(stream);
        (kept, OwnedFd::from(peer.into_std().unwrap()))
    });
    assert_eq!(runtime.metrics().io_sources, 0);
    let before = runtime.metrics();
    traffic(kept, peer);
    let after = runtime.metrics();
    // Each event of a dead registration would end a wait; an idle runtime has a few of its own.
    let waits = turns(&after) - turns(&before);
    assert!(waits < 100, "{waits} waits ended during 2000 packets");
}

#[test]
fn every_kind_of_object_leaves_nothing_behind() {
    let _alone = alone();
    let path = std::env::temp_dir().join(format!("filch-{}-duplicates", std::process::id()));
    let file = path.clone();
    run(async move {
        let handle = filch::Handle::current();
        let own = registrations();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let local = UnixListener::bind(&file).unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (stream, _peer) = UnixStream::pair().unwrap();
        let (reader, _writer) = std::io::pipe().unwrap();
        let reader = Async::new(reader).unwrap();
        assert!(poll_once(listener.accept()).await.is_pending());
        assert!(poll_once(local.accept()).await.is_pending());
        assert!(poll_once(udp.recv(&mut [0; 8])).await.is_pending());
        assert!(poll_once(stream.read(&mut [0; 8])).await.is_pending());
        let read = reader.read_with(|mut pipe| pipe.read(&mut [0; 8]));
        assert!(poll_once(read).await.is_pending());
        assert_eq!(handle.metrics().io_sources, 5);
        let kept = [
            listener.as_fd(),
            local.as_fd(),
            udp.as_fd(),
            stream.as_fd(),
            reader.as_fd(),
        ]
        .map(|object| object.try_clone_to_owned().unwrap());
        drop((listener, local, udp, stream, reader));
        assert_eq!(handle.metrics().io_sources, 0);
        assert_eq!(registrations(), own);
        drop(kept);
    });
    let _ = std::fs::remove_file(path);
}

/// How many descriptors this process's epoll watches, those of the reactor's own among them.
fn registrations() -> usize {
    let files = std::fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
    let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
    let count = |text: String| text.lines().filter(|line| line.starts_with("tfd:")).count();
    texts.map(count).sum()
}
