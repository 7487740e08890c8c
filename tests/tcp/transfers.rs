//! Bytes in both directions, by traits, methods and halves.

use super::*;

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
