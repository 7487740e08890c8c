//! Copying, pairs in memory, limits, and the process's own streams.

mod net_support;

use filch::io::{
    self, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter, ErrorKind, IoSlice,
    IoSliceMut, ReadLimit, ReadLimitExt, copy, copy_bidirectional, duplex,
};
use net_support::{pattern, poll_once, run, tcp_pair, until_waiting};
use proptest::prelude::*;
use std::pin::Pin;
use std::task::{Context, Poll};

#[test]
fn copying_moves_everything_and_counts_it() {
    run(async {
        let data = pattern(1_000_000);
        let mut out = Vec::new();
        assert_eq!(copy(&data[..], &mut out).await.unwrap(), 1_000_000);
        assert!(out == data);
    });
}

#[test]
fn copying_flushes_while_the_reader_is_idle() {
    run(async {
        let (mut source, reader) = duplex(1024);
        let (writer, mut sink) = duplex(1024);
        let copying = filch::spawn(async move { copy(reader, &mut BufWriter::new(writer)).await });
        for _ in 0..3 {
            source.write_all(b"line\n").await.unwrap();
            let mut buf = [0; 5];
            sink.read_exact(&mut buf).await.unwrap();
            assert_eq!(&buf, b"line\n");
        }
        drop(source);
        assert_eq!(copying.await.unwrap().unwrap(), 15);
    });
}

/// A writer that takes nothing.
struct Stuck;

impl AsyncWrite for Stuck {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(0))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_writer_that_takes_nothing_ends_copying_with_an_error() {
    run(async {
        let error = copy(&b"data"[..], &mut Stuck).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
    });
}

#[test]
fn a_proxy_passes_half_closes_on_in_both_directions() {
    run(async {
        let (client, mut left) = tcp_pair().await;
        let (mut right, server) = tcp_pair().await;
        let proxy = filch::spawn(async move { copy_bidirectional(&mut left, &mut right).await });
        let data = pattern(3 << 20);
        let question = data.clone();
        let server = filch::spawn(async move {
            let mut received = Vec::new();
            (&server).read_to_end(&mut received).await.unwrap();
            assert!(received == question);
            server.write_all(b"the answer").await.unwrap();
        });
        client.write_all(&data).await.unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        (&client).read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "the answer");
        server.await.unwrap();
        assert_eq!(proxy.await.unwrap().unwrap(), (3 << 20, 10));
    });
}

#[test]
fn a_proxy_carries_both_directions_at_once() {
    run(async {
        let (client, mut left) = duplex(100);
        let (mut right, server) = duplex(77);
        let proxy = filch::spawn(async move { copy_bidirectional(&mut left, &mut right).await });
        let sides = [client, server].map(|side| {
            filch::spawn(async move {
                let (mut read, mut write) = io::split(side);
                let data = pattern(200_000);
                let writing = filch::spawn(async move {
                    write.write_all(&data).await.unwrap();
                    write.close().await.unwrap();
                });
                let mut received = Vec::new();
                read.read_to_end(&mut received).await.unwrap();
                writing.await.unwrap();
                assert!(received == pattern(200_000));
            })
        });
        for side in sides {
            side.await.unwrap();
        }
        assert_eq!(proxy.await.unwrap().unwrap(), (200_000, 200_000));
    });
}

#[test]
fn an_error_on_one_side_ends_a_proxy() {
    run(async {
        let (client, mut left) = duplex(64);
        let (mut right, server) = duplex(64);
        let proxy = filch::spawn(async move { copy_bidirectional(&mut left, &mut right).await });
        drop(server);
        let mut client = client;
        client.write_all(b"to nobody").await.unwrap();
        assert_eq!(
            proxy.await.unwrap().unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
    });
}

#[test]
fn a_duplex_writer_waits_for_room_and_a_given_up_write_writes_nothing() {
    run(async {
        let (mut one, mut other) = duplex(4);
        assert_eq!(one.write(b"123456").await.unwrap(), 4);
        assert!(poll_once(one.write(b"56")).await.is_pending());
        let writer = filch::spawn(async move {
            one.write_all(b"5678").await.unwrap();
            one
        });
        until_waiting("duplex pipe", 1).await;
        let mut buf = [0; 8];
        other.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"12345678");
        assert!(poll_once(other.read(&mut buf)).await.is_pending());
        drop(writer.await.unwrap());
        assert_eq!(other.read(&mut buf).await.unwrap(), 0);
        assert_eq!(
            other.write(b"x").await.unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
    });
}

#[test]
fn dropping_one_end_wakes_whoever_waits_at_the_other() {
    run(async {
        let (one, mut other) = duplex(4);
        let reader = filch::spawn(async move { other.read(&mut [0; 4]).await });
        until_waiting("duplex pipe", 1).await;
        drop(one);
        assert_eq!(reader.await.unwrap().unwrap(), 0);
        let (one, mut other) = duplex(4);
        let writer = filch::spawn(async move { other.write_all(b"12345").await });
        until_waiting("duplex pipe", 1).await;
        drop(one);
        assert_eq!(
            writer.await.unwrap().unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
    });
}

/// One step of a duplex pair's user.
#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Vec<u8>>),
    Read(Vec<usize>),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        10 => proptest::collection::vec(bytes, 0..4).prop_map(Step::Write),
        10 => proptest::collection::vec(0..20usize, 0..4).prop_map(Step::Read),
        1 => Just(Step::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Against a model: bytes come out as they went in, never more than the capacity wait, and Pending means
    /// exactly full or empty.
    #[test]
    fn a_duplex_pair_is_a_bounded_queue(
        capacity in 1..64usize,
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let (mut one, mut other) = duplex(capacity);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut model = std::collections::VecDeque::new();
        let mut closed = false;
        for step in steps {
            match step {
                Step::Write(bufs) => {
                    let slices: Vec<_> = bufs.iter().map(|buf| IoSlice::new(buf)).collect();
                    let all = bufs.concat();
                    match Pin::new(&mut one).poll_write_vectored(&mut cx, &slices) {
                        Poll::Pending => prop_assert!(model.len() == capacity && !all.is_empty() && !closed),
                        Poll::Ready(Err(error)) => {
                            prop_assert!(closed);
                            prop_assert_eq!(error.kind(), ErrorKind::BrokenPipe);
                        }
                        Poll::Ready(Ok(count)) => {
                            prop_assert_eq!(count, all.len().min(capacity - model.len()));
                            model.extend(&all[..count]);
                        }
                    }
                }
                Step::Read(sizes) => {
                    let mut bufs: Vec<_> = sizes.iter().map(|&size| vec![0; size]).collect();
                    let mut slices: Vec<_> =
                        bufs.iter_mut().map(|buf| IoSliceMut::new(buf)).collect();
                    use filch::io::AsyncRead;
                    match Pin::new(&mut other).poll_read_vectored(&mut cx, &mut slices) {
                        Poll::Pending => prop_assert!(model.is_empty() && !closed),
                        Poll::Ready(count) => {
                            let count = count.unwrap();
                            let room = sizes.iter().sum::<usize>();
                            prop_assert_eq!(count, room.min(model.len()));
                            let expected: Vec<u8> = model.drain(..count).collect();
                            prop_assert_eq!(&bufs.concat()[..count], &expected[..]);
                        }
                    }
                }
                Step::Close => {
                    prop_assert!(Pin::new(&mut one).poll_close(&mut cx).is_ready());
                    closed = true;
                }
            }
        }
    }

    /// Whatever the pieces in which data come, lines end where they end, or at the limit.
    #[test]
    fn limited_reads_agree_with_a_search(
        data in proptest::collection::vec(prop_oneof![4 => 97..100u8, 1 => Just(b'\n')], 0..80),
        piece in 1..9usize,
        limit in 1..20usize,
    ) {
        run(async move {
            let mut reader = BufReader::with_capacity(piece, &data[..]);
            let mut rest = &data[..];
            loop {
                let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
                let mut line = Vec::new();
                match reader.read_until_limit(b'\n', &mut line, limit).await {
                    Ok(count) => assert_eq!((count, &line[..]), (end, &rest[..end])),
                    Err(error) => {
                        assert!(end > limit);
                        assert!(error.get_ref().unwrap().is::<ReadLimit>());
                        assert_eq!(&line[..], &rest[..limit]);
                    }
                }
                rest = &rest[line.len()..];
                if line.is_empty() {
                    assert!(rest.is_empty());
                    break;
                }
            }
        });
    }
}

#[test]
fn limited_lines_are_text() {
    run(async {
        let mut reader = &b"one\ntwo\r\n\xff\nrest"[..];
        let mut line = String::new();
        assert_eq!(reader.read_line_limit(&mut line, 4).await.unwrap(), 4);
        assert_eq!(reader.read_line_limit(&mut line, 80).await.unwrap(), 5);
        let error = reader.read_line_limit(&mut line, 80).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let error = reader.read_line_limit(&mut line, 3).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no delimiter within the limit of 3 bytes"
        );
        assert_eq!(reader.read_line_limit(&mut line, 3).await.unwrap(), 1);
        assert_eq!(reader.read_line_limit(&mut line, 3).await.unwrap(), 0);
        assert_eq!(line, "one\ntwo\r\nt");
    });
}
