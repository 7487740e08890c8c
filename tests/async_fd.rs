//! `Async<T>`: waiting for any descriptor, by any number of tasks.

#![cfg(unix)]
#![allow(
    clippy::incompatible_msrv,
    reason = "tests are built with the stable compiler"
)]

mod net_support;

use filch::io::{AsyncReadExt, AsyncWriteExt, ErrorKind};
use filch::net::Async;
use net_support::{poll_once, run, until_waiting};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::task::Poll;

fn pipe() -> (Async<io::PipeReader>, Async<io::PipeWriter>) {
    let (reader, writer) = io::pipe().unwrap();
    (Async::new(reader).unwrap(), Async::new(writer).unwrap())
}

#[test]
fn every_one_of_many_waiters_is_woken() {
    run(async {
        let (reader, writer) = pipe();
        let reader = Arc::new(reader);
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let reader = reader.clone();
                filch::spawn(async move {
                    let mut byte = [0];
                    reader
                        .read_with(|mut pipe| pipe.read(&mut byte))
                        .await
                        .unwrap()
                })
            })
            .collect();
        until_waiting("read", 50).await;
        writer.get_ref().write_all(&[1; 20]).unwrap();
        drop(writer);
        let mut read = 0;
        for task in tasks {
            read += task.await.unwrap();
        }
        assert_eq!(read, 20);
    });
}

#[test]
fn readable_waits_after_a_read_would_have_blocked() {
    run(async {
        let (reader, writer) = pipe();
        let read = |mut pipe: &io::PipeReader| pipe.read(&mut [0; 8]);
        assert_eq!(
            reader.try_read_with(read).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        assert!(poll_once(reader.readable()).await.is_pending());
        writer.get_ref().write_all(b"x").unwrap();
        reader.readable().await.unwrap();
        assert_eq!(reader.try_read_with(read).unwrap(), 1);
    });
}

#[test]
fn a_full_pipe_makes_writers_wait() {
    run(async {
        let (reader, writer) = pipe();
        let task = filch::spawn(async move {
            let mut written = 0;
            while written < 1 << 20 {
                written += writer
                    .write_with(|mut pipe| pipe.write(&[5; 1 << 16]))
                    .await
                    .unwrap();
            }
            written
        });
        until_waiting("write", 1).await;
        let mut received = Vec::new();
        (&reader).read_to_end(&mut received).await.unwrap();
        assert_eq!(received.len(), task.await.unwrap());
    });
}

#[test]
fn the_traits_work_by_value_and_by_reference() {
    run(async {
        let (mut reader, mut writer) = pipe();
        writer.write_all(b"by value").await.unwrap();
        (&writer).write_all(b", by reference").await.unwrap();
        writer.close().await.unwrap();
        let mut buf = [0; 8];
        reader.read_exact(&mut buf).await.unwrap();
        drop(writer);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).await.unwrap();
        assert_eq!((&buf[..], &*rest), (&b"by value"[..], ", by reference"));
    });
}

#[test]
fn hand_written_futures_poll_for_readiness() {
    run(async {
        let (reader, writer) = pipe();
        let reader = Arc::new(reader);
        let waiting = reader.clone();
        let task = filch::spawn(std::future::poll_fn(move |cx| {
            loop {
                let ready = waiting.poll_readable(cx);
                let Poll::Ready(ready) = ready else {
                    return Poll::Pending;
                };
                ready.unwrap();
                match waiting.try_read_with(|mut pipe| pipe.read(&mut [0; 8])) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    read => return Poll::Ready(read),
                }
            }
        }));
        until_waiting("readable", 1).await;
        std::future::poll_fn(|cx| writer.poll_writable(cx))
            .await
            .unwrap();
        writer.get_ref().write_all(b"four").unwrap();
        assert_eq!(task.await.unwrap().unwrap(), 4);
    });
}

#[test]
fn the_object_comes_back() {
    run(async {
        let (reader, writer) = pipe();
        assert!(
            poll_once(reader.read_with(|mut pipe| pipe.read(&mut [0; 8])))
                .await
                .is_pending()
        );
        let number = reader.as_raw_fd();
        let mut reader = reader.into_inner().unwrap();
        assert_eq!(reader.as_raw_fd(), number);
        writer.get_ref().write_all(b"on its own").unwrap();
        assert_eq!(reader.read(&mut [0; 64]).unwrap(), 10);
        let again = Async::new_nonblocking(reader).unwrap();
        assert!(
            poll_once(again.read_with(|mut pipe| pipe.read(&mut [0; 8])))
                .await
                .is_pending()
        );
        assert_eq!(again.as_fd().as_raw_fd(), number);
    });
}

#[test]
fn a_regular_file_cannot_be_waited_for() {
    run(async {
        let file = Async::new(std::fs::File::open("/proc/self/exe").unwrap()).unwrap();
        let blocks = |_: &std::fs::File| -> io::Result<()> { Err(ErrorKind::WouldBlock.into()) };
        assert!(file.read_with(blocks).await.is_err());
    });
}

#[test]
fn what_outlives_its_runtime_fails_with_the_reason() {
    let (reader, _writer) = run(async { pipe() });
    run(async move {
        let waiting = reader.read_with(|mut pipe| pipe.read(&mut [0; 8]));
        let error = waiting.await.unwrap_err().to_string();
        assert!(error.contains("shut down"), "{error}");
    });
}

#[test]
fn closing_a_socket_passes_the_end_of_the_stream_on() {
    use std::os::unix::net::UnixStream;
    run(async {
        let (near, far) = UnixStream::pair().unwrap();
        let (mut near, mut far) = (Async::new(near).unwrap(), Async::new(far).unwrap());
        let peer = filch::spawn(async move {
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.unwrap();
            far.write_all(&all).await.unwrap();
        });
        near.write_all(b"there and back").await.unwrap();
        near.close().await.unwrap();
        near.close().await.unwrap();
        let mut all = Vec::new();
        near.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"there and back");
        peer.await.unwrap();
        // Its peer is gone: there is nothing left to end.
        near.close().await.unwrap();
    });
}

#[test]
fn copying_both_ways_between_sockets_ends() {
    use std::os::unix::net::UnixStream;
    run(async {
        let pair = || {
            let (one, other) = UnixStream::pair().unwrap();
            (Async::new(one).unwrap(), Async::new(other).unwrap())
        };
        let ((mut client, mut left), (mut right, mut server)) = (pair(), pair());
        let proxy =
            filch::spawn(async move { filch::io::copy_bidirectional(&mut left, &mut right).await });
        let server = filch::spawn(async move {
            let mut all = Vec::new();
            server.read_to_end(&mut all).await.unwrap();
            server.write_all(b"answer").await.unwrap();
        });
        client.write_all(b"question").await.unwrap();
        client.close().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "answer");
        server.await.unwrap();
        assert_eq!(proxy.await.unwrap().unwrap(), (8, 6));
    });
}

#[test]
fn a_stream_that_was_never_full_is_not_writable_after_the_end() {
    let (reader, writer) = run(async { pipe() });
    let (stream, _peer) = run(async { filch::net::UnixStream::pair().unwrap() });
    run(async move {
        let mut errors = vec![
            writer.writable().await.unwrap_err(),
            reader.readable().await.unwrap_err(),
            stream.writable().await.unwrap_err(),
            stream.readable().await.unwrap_err(),
        ];
        let polled = std::future::poll_fn(|cx| writer.poll_writable(cx)).await;
        errors.push(polled.unwrap_err());
        for error in errors {
            assert!(error.to_string().contains("shut down"), "{error}");
        }
    });
}
