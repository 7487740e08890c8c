//! Who waits for a stream, who is woken, and who gives up.

use super::*;

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
