//! Unix domain sockets.

#![cfg(unix)]

mod common;
mod net_support;

use filch::io::{AsyncReadExt, ErrorKind};
use filch::net::{UnixDatagram, UnixListener, UnixStream};
use net_support::{pattern, poll_once, run, until_waiting};
use std::path::PathBuf;
use std::sync::Arc;

/// A directory of one test, removed at its end.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("filch-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_listener_accepts_and_both_sides_transfer() {
    let directory = Directory::new("listener");
    run(async move {
        let path = directory.path("socket");
        let listener = UnixListener::bind(&path).unwrap();
        assert!(poll_once(listener.accept()).await.is_pending());
        let server = filch::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut data = vec![0; 1 << 20];
            stream.read_exact(&mut data).await.unwrap();
            stream.write_all(&data).await.unwrap();
        });
        let stream = UnixStream::connect(&path).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap().as_pathname(), Some(&*path));
        let (mut read, write) = stream.into_split();
        let data = Arc::new(pattern(1 << 20));
        let sent = data.clone();
        let writer = filch::spawn(async move { write.write_all(&sent).await.unwrap() });
        let mut received = Vec::new();
        AsyncReadExt::read_to_end(&mut read, &mut received)
            .await
            .unwrap();
        assert!(received == *data);
        writer.await.unwrap();
        server.await.unwrap();
    });
}

/// As with std and tokio: whoever made it knows whether it is still its own. It may be another one's by now.
#[test]
fn the_file_of_a_listener_stays_until_somebody_removes_it() {
    let directory = Directory::new("file");
    run(async move {
        let path = directory.path("socket");
        drop(UnixListener::bind(&path).unwrap());
        let refused = UnixStream::connect(&path).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let taken = UnixListener::bind(&path).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        assert!(taken.to_string().contains("socket"), "{taken}");
        std::fs::remove_file(&path).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        let (connected, accepted) = filch::join!(UnixStream::connect(&path), listener.accept());
        assert!(connected.is_ok() && accepted.is_ok());
    });
}

#[test]
fn connecting_says_what_was_tried() {
    let directory = Directory::new("nobody");
    run(async move {
        let path = directory.path("nobody");
        let error = UnixStream::connect(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(
            error
                .to_string()
                .starts_with(&format!("connect to {path:?}: ")),
            "{error}"
        );
        drop(UnixListener::bind(&path).unwrap());
        let error = UnixStream::connect(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let error = UnixListener::bind(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(
            error
                .to_string()
                .starts_with(&format!("bind to {path:?}: ")),
            "{error}"
        );
    });
}

#[test]
fn connecting_to_a_full_queue_waits_for_room() {
    let directory = Directory::new("full");
    run(async move {
        let path = directory.path("socket");
        let socket =
            socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        socket
            .bind(&socket2::SockAddr::unix(&path).unwrap())
            .unwrap();
        socket.listen(0).unwrap();
        let listener = UnixListener::from_std(socket.into()).unwrap();
        let clients: Vec<_> = (0..4)
            .map(|_| filch::spawn(UnixStream::connect(path.clone())))
            .collect();
        until_waiting("connect", 3).await;
        for _ in 0..4 {
            listener.accept().await.unwrap();
        }
        for client in clients {
            client.await.unwrap().unwrap();
        }
    });
}

#[test]
fn pairs_know_who_is_at_the_other_end() {
    run(async {
        let (one, other) = UnixStream::pair().unwrap();
        one.write_all(b"hi").await.unwrap();
        other.read_exact(&mut [0; 2]).await.unwrap();
        let who = one.peer_cred().unwrap();
        assert_eq!(who, other.peer_cred().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(who.pid(), Some(std::process::id() as i32));
        drop(other);
        assert_eq!(one.read(&mut [0; 2]).await.unwrap(), 0);
        assert_eq!(
            one.write(b"x").await.unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
    });
}

#[cfg(target_os = "linux")]
#[test]
fn names_can_be_abstract() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;
    run(async {
        let name = format!("filch-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let stream = UnixStream::connect_addr(&address).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        stream.write_all(b"x").await.unwrap();
        accepted.read_exact(&mut [0; 1]).await.unwrap();
        let stream = stream.into_std().unwrap();
        assert_eq!(
            stream.peer_addr().unwrap().as_abstract_name(),
            address.as_abstract_name()
        );
    });
}

#[test]
fn datagrams_keep_their_borders() {
    let directory = Directory::new("datagrams");
    run(async move {
        let path = directory.path("socket");
        let server = UnixDatagram::bind(&path).unwrap();
        let client = UnixDatagram::unbound().unwrap();
        client.send_to(b"first", &path).await.unwrap();
        client.connect(&path).unwrap();
        client.send(b"second one").await.unwrap();
        let mut buf = [0; 64];
        assert_eq!(server.recv_from(&mut buf).await.unwrap().0, 5);
        assert_eq!(server.recv(&mut buf).await.unwrap(), 10);
        assert_eq!(
            server.try_recv(&mut buf).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        let error = client.connect(directory.path("nobody")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let (one, other) = UnixDatagram::pair().unwrap();
        let receiver = filch::spawn(async move { other.recv(&mut [0; 8]).await.unwrap() });
        until_waiting("read", 1).await;
        one.send(b"three").await.unwrap();
        assert_eq!(receiver.await.unwrap(), 5);
    });
}

#[test]
fn a_sender_waits_while_the_receiver_is_full() {
    run(async {
        let (one, other) = UnixDatagram::pair().unwrap();
        let sender = filch::spawn(async move {
            for number in 0..2000u32 {
                one.send(&number.to_be_bytes()).await.unwrap();
            }
        });
        until_waiting("write", 1).await;
        let mut buf = [0; 4];
        for number in 0..2000u32 {
            other.recv(&mut buf).await.unwrap();
            assert_eq!(u32::from_be_bytes(buf), number);
        }
        sender.await.unwrap();
    });
}

/// Sends `bytes` and, along with them, a descriptor.
fn send_with_descriptor(stream: &UnixStream, bytes: &[u8]) {
    use std::os::fd::AsFd;
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = rustix::net::SendAncillaryBuffer::new(&mut space);
    let descriptors = [stream.as_fd()];
    assert!(control.push(rustix::net::SendAncillaryMessage::ScmRights(&descriptors)));
    let bytes = [std::io::IoSlice::new(bytes)];
    rustix::net::sendmsg(
        stream,
        &bytes,
        &mut control,
        rustix::net::SendFlags::empty(),
    )
    .unwrap();
}

/// The ways to read from a stream.
#[derive(Clone, Copy, Debug)]
enum Way {
    Read,
    ReadBuf,
    Trait,
    Vectored,
    Try,
}

const WAYS: [Way; 5] = [Way::Read, Way::ReadBuf, Way::Trait, Way::Vectored, Way::Try];

impl Way {
    /// What a reader says that it waits for.
    fn waits_to(self) -> &'static str {
        match self {
            Way::Try => "readable",
            _ => "read",
        }
    }
}

/// Reads what there is, at most 64 bytes.
async fn read_in_that_way(way: Way, stream: &mut UnixStream) -> Vec<u8> {
    use futures_util::AsyncReadExt;
    let mut buf = [0; 64];
    let count = match way {
        Way::Read => stream.read(&mut buf).await.unwrap(),
        Way::ReadBuf => {
            let mut received = Vec::with_capacity(64);
            stream.read_buf(&mut received).await.unwrap();
            return received;
        }
        Way::Trait => AsyncReadExt::read(stream, &mut buf).await.unwrap(),
        Way::Vectored => {
            let (one, other) = buf.split_at_mut(32);
            let mut bufs = [one, other].map(std::io::IoSliceMut::new);
            stream.read_vectored(&mut bufs).await.unwrap()
        }
        Way::Try => loop {
            stream.readable().await.unwrap();
            match stream.try_read(&mut buf) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                count => break count.unwrap(),
            }
        },
    };
    buf[..count].to_vec()
}

#[test]
fn reads_that_end_early_for_a_descriptor_lose_no_wakeup() {
    // With one worker the reader is polled when both messages have arrived.
    let runtime = filch::Runtime::builder().workers(1).build().unwrap();
    for way in WAYS {
        runtime.run(async move {
            let (one, mut other) = UnixStream::pair().unwrap();
            // A read stops behind the bytes that came with a descriptor, although more are there.
            let reader = filch::spawn(async move {
                let first = read_in_that_way(way, &mut other).await;
                (first, read_in_that_way(way, &mut other).await)
            });
            until_waiting(way.waits_to(), 1).await;
            send_with_descriptor(&one, b"with");
            assert_eq!(one.try_write(b"more").unwrap(), 4);
            let (first, second) = reader.await.unwrap();
            assert_eq!((&*first, &*second), (&b"with"[..], &b"more"[..]), "{way:?}");
        });
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_short_read_is_the_last_one_unless_something_else_came_with_it() {
    // Where a short read proves something.
    let runtime = filch::Runtime::builder()
        .selector(filch::Selector::Epoll)
        .build();
    runtime.unwrap().run(async {
        for way in WAYS {
            let (one, mut other) = UnixStream::pair().unwrap();
            for (number, is_alone) in [(0, true), (1, false), (2, true), (3, true)] {
                let reader = filch::spawn(async move {
                    let received = read_in_that_way(way, &mut other).await;
                    (received, other)
                });
                until_waiting(way.waits_to(), 1).await;
                match is_alone {
                    true => one.write_all(b"some").await.unwrap(),
                    false => send_with_descriptor(&one, b"some"),
                }
                let received;
                (received, other) = reader.await.unwrap();
                assert_eq!(received, b"some");
                let readable = futures_util::poll!(other.readable());
                assert_eq!(readable.is_pending(), is_alone, "{way:?}, {number}");
            }
            // Who asks for credentials gets them with every message.
            rustix::net::sockopt::set_socket_passcred(&other, true).unwrap();
            one.write_all(b"some").await.unwrap();
            other.readable().await.unwrap();
            assert_eq!(read_in_that_way(way, &mut other).await, b"some");
            assert!(futures_util::poll!(other.readable()).is_ready(), "{way:?}");
        }
    });
}

#[test]
fn more_buffers_than_the_system_takes_are_used_in_turn() {
    use futures_util::{AsyncReadExt, AsyncWriteExt};
    use std::io::{IoSlice, IoSliceMut};
    run(async {
        let (mut one, mut other) = UnixStream::pair().unwrap();
        let sent = pattern(3000);
        let slices: Vec<IoSlice<'_>> = sent.chunks(2).map(IoSlice::new).collect();
        let written = one.write_vectored(&slices).await.unwrap();
        assert!(written <= 2048, "1024 slices are the most");
        AsyncWriteExt::write_all(&mut one, &sent[written..])
            .await
            .unwrap();
        let mut received = Vec::new();
        while received.len() < sent.len() {
            let mut buf = [0; 2050];
            let mut bufs: Vec<IoSliceMut<'_>> = buf.chunks_mut(2).map(IoSliceMut::new).collect();
            let count = AsyncReadExt::read_vectored(&mut other, &mut bufs)
                .await
                .unwrap();
            received.extend_from_slice(&buf[..count]);
        }
        assert_eq!(received, sent);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_without_a_peer_has_credentials_without_a_process() {
    run(async {
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None);
        let stream = UnixStream::from_std(socket.unwrap().into()).unwrap();
        let who = stream.peer_cred().unwrap();
        assert_eq!(
            (who.uid(), who.gid(), who.pid()),
            (u32::MAX, u32::MAX, None)
        );
    });
}

/// The server cannot see the client's process, but its user: that is what it asks for.
#[cfg(target_os = "linux")]
#[test]
fn child_serves_in_a_namespace() {
    let Some(path) = common::process::part() else {
        return;
    };
    run(async move {
        let listener = UnixListener::bind(&path).unwrap();
        std::fs::write(format!("{path}.ready"), "").unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        println!("peer: {:?}", stream.peer_cred());
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_peer_in_another_pid_namespace_has_a_user_and_no_process() {
    let directory = Directory::new("namespace");
    std::fs::create_dir_all(&directory.0).unwrap();
    let path = directory.path("socket");
    let part = path.to_str().unwrap();
    let server = common::process::again("child_serves_in_a_namespace", part, None);
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--pid", "--fork"]);
    unshare.arg(server.get_program()).args(server.get_args());
    for (key, value) in server.get_envs() {
        unshare.env(key, value.unwrap());
    }
    unshare.stdout(std::process::Stdio::piped());
    let Ok(mut server) = unshare.spawn() else {
        return eprintln!("skipped: there is no `unshare` here");
    };
    while !path.with_extension("ready").exists() {
        if server.try_wait().unwrap().is_some() {
            return eprintln!("skipped: no pid namespace of its own is allowed here");
        }
        std::thread::yield_now();
    }
    let _stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let output = server.wait_with_output().unwrap();
    let text = common::process::text_of(&output);
    assert!(
        text.contains("peer: Ok(UCred { uid: 0, gid: 0, pid: None })"),
        "{text}"
    );
}

/// How often a datagram to a full queue is tried: each poll of its future is an attempt.
#[cfg(target_os = "linux")]
#[test]
fn a_sender_to_a_full_queue_does_not_spin() {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::time::Duration;

    let directory = Directory::new("no-spin");
    let path = directory.path("socket");
    run(async move {
        let receiver = UnixDatagram::bind(&path).unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        let mut queued = 0;
        while sender.try_send_to(b"one", &path).is_ok() {
            queued += 1;
        }
        let polls = Arc::new(AtomicU32::new(0));
        let (counted, start) = (polls.clone(), filch::time::Instant::now());
        let sending = filch::spawn(async move {
            let mut sending = std::pin::pin!(sender.send_to(b"last", &path));
            std::future::poll_fn(|cx| {
                counted.fetch_add(1, Relaxed);
                sending.as_mut().poll(cx)
            })
            .await
        });
        until_waiting("write", 1).await;
        while polls.load(Relaxed) < 100 {
            filch::time::sleep(Duration::from_millis(1)).await;
        }
        // Once at the start, and once in each millisecond.
        let (tried, most) = (polls.load(Relaxed), start.elapsed().as_millis() + 2);
        assert!(
            u128::from(tried) <= most,
            "{tried} attempts, {most} allowed"
        );
        for _ in 0..queued {
            assert_eq!(receiver.recv(&mut [0; 8]).await.unwrap(), 3);
        }
        assert_eq!(receiver.recv(&mut [0; 8]).await.unwrap(), 4);
        assert_eq!(sending.await.unwrap().unwrap(), 4);
    });
}
