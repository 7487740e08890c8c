//! TCP streams and listeners: transfers, ends, resets, and futures that are given up.

mod net_support;

use filch::io::{AsyncReadExt, AsyncWriteExt, ErrorKind};
use filch::net::{TcpListener, TcpStream};
use net_support::{pattern, poll_once, run, tcp_pair, until_waiting};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut buf = vec![0; 4096];
    loop {
        match stream.read(&mut buf).await? {
            0 => return Ok(()),
            count => stream.write_all(&buf[..count]).await?,
        }
    }
}

#[test]
fn an_echo_returns_what_was_sent_over_many_connections() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = filch::spawn(async move {
            for _ in 0..64 {
                let (stream, _) = listener.accept().await.unwrap();
                filch::spawn(echo(stream));
            }
        });
        let clients: Vec<_> = (0..64u32)
            .map(|client| {
                filch::spawn(async move {
                    let stream = TcpStream::connect(address).await.unwrap();
                    for round in 0..50 {
                        let sent = (client * 1000 + round).to_be_bytes();
                        stream.write_all(&sent).await.unwrap();
                        let mut received = [0; 4];
                        stream.read_exact(&mut received).await.unwrap();
                        assert_eq!(sent, received);
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        server.await.unwrap();
    });
}

#[test]
fn large_transfers_go_both_ways_through_the_traits_and_the_methods() {
    run(async {
        const SIZE: usize = 8 << 20;
        let (one, other) = tcp_pair().await;
        one.set_send_buffer_size(16 * 1024).unwrap();
        let (one, other) = (Arc::new(one), Arc::new(other));
        let data = Arc::new(pattern(SIZE));
        let mut tasks = Vec::new();
        for stream in [one.clone(), other.clone()] {
            let data = data.clone();
            tasks.push(filch::spawn(async move {
                stream.write_all(&data).await.unwrap()
            }));
        }
        let data1 = data.clone();
        tasks.push(filch::spawn(async move {
            let mut received = vec![0; SIZE];
            one.read_exact(&mut received).await.unwrap();
            assert!(received == *data1);
        }));
        tasks.push(filch::spawn(async move {
            let mut received = vec![0; SIZE];
            AsyncReadExt::read_exact(&mut &*other, &mut received)
                .await
                .unwrap();
            assert!(received == *data);
        }));
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_half_closed_stream_still_carries_the_other_direction() {
    run(async {
        let (one, other) = tcp_pair().await;
        one.write_all(b"question").await.unwrap();
        one.shutdown(Shutdown::Write).unwrap();
        let mut question = String::new();
        AsyncReadExt::read_to_string(&mut &other, &mut question)
            .await
            .unwrap();
        assert_eq!(question, "question");
        other.write_all(b"answer").await.unwrap();
        drop(other);
        let mut answer = Vec::new();
        while one.read_buf(&mut answer).await.unwrap() > 0 {}
        assert_eq!(answer, b"answer");
    });
}

#[test]
fn a_reset_by_the_peer_ends_a_waiting_read_with_an_error() {
    run(async {
        let (one, other) = tcp_pair().await;
        let reader = filch::spawn(async move { one.read(&mut [0; 8]).await });
        until_waiting("read", 1).await;
        other.set_linger(Some(Duration::ZERO)).unwrap();
        drop(other);
        let error = reader.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_reset_by_the_peer_ends_a_waiting_write_with_an_error() {
    run(async {
        let (one, other) = tcp_pair().await;
        let writer = filch::spawn(async move {
            let block = vec![7; 1 << 16];
            loop {
                one.write_all(&block).await?;
            }
            #[allow(unreachable_code)]
            io::Result::Ok(())
        });
        until_waiting("write", 1).await;
        other.set_linger(Some(Duration::ZERO)).unwrap();
        drop(other);
        let kind = writer.await.unwrap().unwrap_err().kind();
        assert!(
            matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
            "{kind}"
        );
    });
}

#[test]
fn a_peer_that_sends_nothing_holds_up_nobody() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        filch::spawn(async move {
            loop {
                filch::spawn(echo(listener.accept().await.unwrap().0));
            }
        });
        let mut silent = Vec::new();
        for _ in 0..8 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        until_waiting("read", 8).await;
        let talker = TcpStream::connect(address).await.unwrap();
        for _ in 0..100 {
            talker.write_all(b"hello").await.unwrap();
            talker.read_exact(&mut [0; 5]).await.unwrap();
        }
    });
}

#[test]
fn futures_that_are_given_up_take_nothing() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for _ in 0..3 {
            assert!(poll_once(listener.accept()).await.is_pending());
        }
        let one = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (other, _) = listener.accept().await.unwrap();
        let mut buf = [0; 16];
        for _ in 0..3 {
            assert!(poll_once(one.read(&mut buf)).await.is_pending());
            assert!(poll_once(one.peek(&mut buf)).await.is_pending());
        }
        other.write_all(b"all of it").await.unwrap();
        one.read_exact(&mut buf[..9]).await.unwrap();
        assert_eq!(&buf[..9], b"all of it");
        let refused = listener.local_addr().unwrap();
        drop(listener);
        let _ = poll_once(TcpStream::connect(refused)).await;
    });
}

#[test]
fn every_one_of_many_readers_of_a_stream_is_woken() {
    run(async {
        let (one, other) = tcp_pair().await;
        let one = Arc::new(one);
        let readers: Vec<_> = (0..10)
            .map(|_| {
                let one = one.clone();
                filch::spawn(async move {
                    let mut byte = [0];
                    assert_eq!(one.read(&mut byte).await.unwrap(), 1);
                    u32::from(byte[0])
                })
            })
            .collect();
        until_waiting("read", 10).await;
        other.write_all(&[1; 10]).await.unwrap();
        let mut sum = 0;
        for reader in readers {
            sum += reader.await.unwrap();
        }
        assert_eq!(sum, 10);
    });
}

#[test]
fn readable_and_try_read_make_a_loop_that_waits() {
    run(async {
        let (one, other) = tcp_pair().await;
        let data = pattern(300_000);
        let expected = data.clone();
        let writer = filch::spawn(async move {
            for part in data.chunks(7001) {
                other.write_all(part).await.unwrap();
                filch::task::yield_now().await;
            }
        });
        let mut received = Vec::new();
        let mut waited = 0;
        loop {
            one.readable().await.unwrap();
            let mut buf = [0; 1024];
            match one.try_read(&mut buf) {
                Ok(0) => break,
                Ok(count) => received.extend_from_slice(&buf[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => waited += 1,
                Err(error) => panic!("{error}"),
            }
        }
        writer.await.unwrap();
        assert!(received == expected);
        assert!(
            waited < 1000,
            "readable() came back {waited} times for nothing"
        );
    });
}

#[test]
fn writable_and_try_write_make_a_loop_that_waits() {
    run(async {
        let (one, other) = tcp_pair().await;
        let data = Arc::new(pattern(4 << 20));
        let expected = data.clone();
        let reader = filch::spawn(async move {
            let mut received = vec![0; expected.len()];
            other.read_exact(&mut received).await.unwrap();
            assert!(received == *expected);
        });
        let mut rest = &data[..];
        while !rest.is_empty() {
            one.writable().await.unwrap();
            match one.try_write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
        reader.await.unwrap();
    });
}

#[test]
fn vectored_transfers_keep_the_order_of_the_buffers() {
    run(async {
        let (mut one, mut other) = tcp_pair().await;
        let sent = [
            IoSlice::new(b"one "),
            IoSlice::new(b""),
            IoSlice::new(b"two"),
        ];
        assert_eq!(one.write_vectored(&sent).await.unwrap(), 7);
        assert_eq!(one.try_write_vectored(&sent).unwrap(), 7);
        let (mut first, mut second) = ([0; 5], [0; 64]);
        other.peek(&mut first).await.unwrap();
        let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        let mut count = other.read_vectored(&mut bufs).await.unwrap();
        while count < 14 {
            other.readable().await.unwrap();
            let mut rest = [0; 64];
            let more = other
                .try_read_vectored(&mut [IoSliceMut::new(&mut rest)])
                .unwrap_or(0);
            second[count - 5..][..more].copy_from_slice(&rest[..more]);
            count += more;
        }
        assert_eq!([&first[..], &second[..9]].concat(), b"one twoone two");
    });
}

/// Std's `Read` and `Write` promise 0 for an empty buffer. Neither data nor room is needed for that.
#[test]
fn an_empty_buffer_waits_for_nothing() {
    run(async {
        let (mut quiet, _peer) = tcp_pair().await;
        assert!(poll_once(quiet.read(&mut [0])).await.is_pending());
        let mut empty = [];
        assert_eq!(quiet.read(&mut empty).await.unwrap(), 0);
        assert_eq!(quiet.peek(&mut empty).await.unwrap(), 0);
        quiet.read_exact(&mut empty).await.unwrap();
        let read = AsyncReadExt::read(&mut quiet, &mut empty);
        assert_eq!(read.await.unwrap(), 0);
        let mut bufs = [IoSliceMut::new(&mut empty)];
        assert_eq!(quiet.read_vectored(&mut bufs).await.unwrap(), 0);

        let mut full = quiet;
        while full.try_write(&[0; 4096]).is_ok() {}
        assert_eq!(full.write(b"").await.unwrap(), 0);
        full.write_all(b"").await.unwrap();
        assert_eq!(AsyncWriteExt::write(&mut full, b"").await.unwrap(), 0);
        let bufs = [IoSlice::new(b"")];
        assert_eq!(full.write_vectored(&bufs).await.unwrap(), 0);
        full.shutdown(Shutdown::Write).unwrap();
        let error = full.write(b"").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn reads_go_into_memory_that_nobody_initialised() {
    run(async {
        let (one, other) = tcp_pair().await;
        other.write_all(b"first").await.unwrap();
        let mut buf = Vec::from(*b"the ");
        while buf.len() < 9 {
            one.read_buf(&mut buf).await.unwrap();
        }
        assert_eq!(buf, b"the first");
        let mut room = [std::mem::MaybeUninit::uninit(); 32];
        assert_eq!(
            one.try_read_uninit(&mut room).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        other.write_all(b"x").await.unwrap();
        one.readable().await.unwrap();
        assert_eq!(one.try_read_uninit(&mut room).unwrap(), b"x");
    });
}

#[test]
fn owned_halves_work_apart_reunite_and_end_writing_when_dropped() {
    run(async {
        let (one, other) = tcp_pair().await;
        let (read, mut write) = one.into_split();
        let (mut other_read, other_write) = other.into_split();
        let (read, other_write) = match read.reunite(other_write) {
            Ok(_) => panic!("halves of two streams were reunited"),
            Err(error) => (error.0, error.1),
        };
        AsyncWriteExt::write_all(&mut write, b"over").await.unwrap();
        drop(write);
        let mut all = Vec::new();
        AsyncReadExt::read_to_end(&mut other_read, &mut all)
            .await
            .unwrap();
        assert_eq!(all, b"over");
        let other = other_read.reunite(other_write).unwrap();
        other.write_all(b"back").await.unwrap();
        let mut back = [0; 4];
        read.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"back");
    });
}

#[test]
fn borrowed_halves_serve_two_futures_of_one_task() {
    run(async {
        let (mut one, other) = tcp_pair().await;
        let server = filch::spawn(echo(other));
        let data = pattern(1 << 20);
        let mut received = vec![0; data.len()];
        let (read, write) = TcpStream::split(&mut one);
        let (done, _) = futures_util::future::join(read.read_exact(&mut received), async {
            write.write_all(&data).await.unwrap();
        })
        .await;
        done.unwrap();
        assert!(received == data);
        drop(one);
        server.await.unwrap().unwrap();
    });
}

#[test]
fn closing_through_the_trait_ends_writing_and_can_be_repeated() {
    run(async {
        let (mut one, other) = tcp_pair().await;
        one.close().await.unwrap();
        assert_eq!(other.read(&mut [0; 4]).await.unwrap(), 0);
        drop(other);
        one.close().await.unwrap();
    });
}

#[test]
fn streams_move_to_the_standard_library_and_back() {
    run(async {
        let (one, other) = tcp_pair().await;
        assert!(poll_once(one.read(&mut [0; 1])).await.is_pending());
        let one = TcpStream::from_std(one.into_std().unwrap()).unwrap();
        other.write_all(b"still there").await.unwrap();
        one.read_exact(&mut [0; 11]).await.unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(
            listener.try_accept().unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        let connected = filch::spawn(TcpStream::connect(address));
        listener.accept().await.unwrap();
        connected.await.unwrap().unwrap();
        listener.into_std().unwrap();
    });
}

#[test]
fn incoming_yields_connections() {
    run(async {
        use futures_util::StreamExt;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let clients = filch::spawn(async move {
            for _ in 0..5 {
                TcpStream::connect(address).await.unwrap();
            }
        });
        let streams: Vec<_> = listener.incoming().take(5).collect().await;
        assert!(streams.iter().all(Result::is_ok));
        clients.await.unwrap();
    });
}

#[test]
fn options_are_read_back_as_they_were_set() {
    run(async {
        let (one, _other) = tcp_pair().await;
        one.set_nodelay(true).unwrap();
        assert!(one.nodelay().unwrap());
        one.set_ttl(42).unwrap();
        assert_eq!(one.ttl().unwrap(), 42);
        one.set_linger(Some(Duration::from_secs(3))).unwrap();
        assert_eq!(one.linger().unwrap(), Some(Duration::from_secs(3)));
        one.set_linger(None).unwrap();
        let probes = filch::net::Keepalive::new()
            .idle(Duration::from_secs(60))
            .retries(3);
        one.set_keepalive_with(&probes).unwrap();
        assert!(one.keepalive().unwrap());
        one.set_recv_buffer_size(64 * 1024).unwrap();
        assert!(one.recv_buffer_size().unwrap() >= 64 * 1024);
        #[cfg(target_os = "linux")]
        one.set_quickack(true).unwrap();
    });
}

#[test]
fn a_wait_record_names_the_line_that_reads() {
    run(async {
        let (one, _other) = tcp_pair().await;
        let line = line!() + 1;
        let reader = filch::spawn(async move { one.read(&mut [0; 1]).await });
        until_waiting("read", 1).await;
        let tasks = filch::task::all();
        let wait = tasks
            .iter()
            .find(|task| task.id() == reader.id())
            .unwrap()
            .wait()
            .unwrap();
        assert_eq!((wait.at().file(), wait.at().line()), (file!(), line));
        assert_ne!(wait.resource(), u64::MAX);
        reader.abort();
    });
}

#[test]
fn outside_of_a_runtime_there_are_errors_that_say_what_to_do() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = TcpListener::from_std(listener).unwrap_err().to_string();
    assert!(error.contains("filch::main"), "{error}");
    let mut connect = Box::pin(TcpStream::connect("127.0.0.1:1"));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match connect.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(Err(error)) => assert!(error.to_string().contains("filch::main")),
        other => panic!("{other:?}"),
    }
}
