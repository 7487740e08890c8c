//! The `poll_*` methods, for futures that somebody writes by hand.

use crate::net_support::{pattern, run, tcp_pair};
use crate::readiness::Wakes;
use filch::io::ErrorKind;
use filch::net::{TcpListener, TcpStream, UdpSocket};
use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::task::{Context, Poll};

#[test]
fn connections_are_accepted_by_hand() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (wakes, waker) = Wakes::new();
        let first = listener.poll_accept(&mut Context::from_waker(&waker));
        assert!(first.is_pending());
        let client = TcpStream::connect(address).await.unwrap();
        wakes.until(1).await;
        let (server, peer) = poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert_eq!(server.peer_addr().unwrap(), peer);
    });
}

#[test]
fn a_read_by_hand_initialises_what_it_says() {
    run(async {
        let (client, mut server) = tcp_pair().await;
        let data = pattern(300_000);
        let sent = data.clone();
        let writer = filch::spawn(async move { client.write_all(&sent).await.unwrap() });
        let (half, _) = TcpStream::split(&mut server);
        let mut received = Vec::new();
        loop {
            let mut buf = [MaybeUninit::uninit(); 4096];
            let count = match received.len() % 2 {
                0 => poll_fn(|cx| half.poll_read_uninit(cx, &mut buf)).await,
                _ => poll_fn(|cx| half.as_ref().poll_read_uninit(cx, &mut buf)).await,
            };
            let count = count.unwrap();
            if count == 0 {
                break;
            }
            // SAFETY: so many bytes have been read into it.
            received.extend(
                buf[..count]
                    .iter()
                    .map(|byte| unsafe { byte.assume_init() }),
            );
        }
        assert!(received == data);
        writer.await.unwrap();
    });
}

#[test]
fn peeking_by_hand_leaves_what_is_there() {
    run(async {
        let (client, server) = tcp_pair().await;
        let mut buf = [0; 8];
        let nothing = poll_fn(|cx| Poll::Ready(server.poll_peek(cx, &mut buf))).await;
        assert!(nothing.is_pending());
        client.write_all(b"abc").await.unwrap();
        for _ in 0..2 {
            let count = poll_fn(|cx| server.poll_peek(cx, &mut buf)).await.unwrap();
            assert_eq!(&buf[..count], b"abc");
        }
        let mut all = Vec::new();
        server.readable().await.unwrap();
        assert_eq!(server.try_read_buf(&mut all).unwrap(), 3);
        let nothing = server.try_read_buf(&mut all).unwrap_err();
        assert_eq!(
            (nothing.kind(), &all[..]),
            (ErrorKind::WouldBlock, &b"abc"[..])
        );
    });
}

/// What a QUIC stack does: one task sends and one receives on the same socket.
#[test]
fn an_echo_of_datagrams_by_hand() {
    run(async {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let address = socket.local_addr().unwrap();
        let (sender, receiver) = filch::sync::mpsc::channel::<(Vec<u8>, _)>(100);
        let echo = Arc::clone(&socket);
        let answers = filch::spawn(async move {
            while let Some((bytes, to)) = receiver.recv().await {
                let count = poll_fn(|cx| echo.poll_send_to(cx, &bytes, to))
                    .await
                    .unwrap();
                assert_eq!(count, bytes.len());
            }
        });
        let questions = filch::spawn(async move {
            let mut buf = [0; 64];
            for _ in 0..50 {
                let (count, from) = poll_fn(|cx| socket.poll_recv_from(cx, &mut buf))
                    .await
                    .unwrap();
                sender.send((buf[..count].to_vec(), from)).await.unwrap();
            }
        });
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(address).await.unwrap();
        for round in 0..50u8 {
            poll_fn(|cx| client.poll_send(cx, &[round; 3]))
                .await
                .unwrap();
            let mut buf = [0; 64];
            let count = poll_fn(|cx| client.poll_recv(cx, &mut buf)).await.unwrap();
            assert_eq!(buf[..count], [round; 3]);
        }
        questions.await.unwrap();
        answers.await.unwrap();
    });
}

#[test]
fn the_sender_of_the_next_datagram_is_told_without_taking_it() {
    run(async {
        let one = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        assert_eq!(
            other.try_peek_sender().unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        one.send_to(b"a datagram", other.local_addr().unwrap())
            .await
            .unwrap();
        let from = one.local_addr().unwrap();
        assert_eq!(other.peek_sender().await.unwrap(), from);
        assert_eq!(
            poll_fn(|cx| other.poll_peek_sender(cx)).await.unwrap(),
            from
        );
        assert_eq!(other.try_peek_sender().unwrap(), from);
        let mut buf = [0; 4];
        let peeked = poll_fn(|cx| other.poll_peek_from(cx, &mut buf))
            .await
            .unwrap();
        assert_eq!((peeked.1, &buf), (from, b"a da"));
        let mut all = Vec::with_capacity(32);
        assert_eq!(other.recv_buf_from(&mut all).await.unwrap(), (10, from));
        assert_eq!(all, b"a datagram");
        assert_eq!(
            other.try_recv_buf(&mut all).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
    });
}

#[cfg(unix)]
#[test]
fn unix_sockets_by_hand() {
    use filch::net::{UnixDatagram, UnixListener, UnixStream};
    run(async {
        let folder = std::env::temp_dir().join(format!("filch-by-hand-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let listener = UnixListener::bind(folder.join("listener")).unwrap();
        assert_eq!(
            listener.try_accept().unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        let client = UnixStream::connect(folder.join("listener")).await.unwrap();
        let (server, _) = poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
        client.write_all(b"hi").await.unwrap();
        let mut buf = [MaybeUninit::uninit(); 8];
        assert_eq!(
            poll_fn(|cx| server.poll_read_uninit(cx, &mut buf))
                .await
                .unwrap(),
            2
        );
        let _second = UnixStream::connect(folder.join("listener")).await.unwrap();
        listener.try_accept().unwrap();

        let (one, other) = (folder.join("one"), folder.join("other"));
        let sender = UnixDatagram::bind(&one).unwrap();
        let receiver = UnixDatagram::bind(&other).unwrap();
        poll_fn(|cx| sender.poll_send_to(cx, b"x", &other))
            .await
            .unwrap();
        let mut buf = [0; 8];
        let (count, from) = poll_fn(|cx| receiver.poll_recv_from(cx, &mut buf))
            .await
            .unwrap();
        assert_eq!((count, from.as_pathname()), (1, Some(&*one)));
        std::fs::remove_dir_all(folder).unwrap();
    });
}

/// The system does not tell when the queue of a receiver has room again.
#[cfg(unix)]
#[test]
fn a_datagram_to_a_full_queue_is_sent_by_hand_when_there_is_room() {
    use filch::net::UnixDatagram;
    run(async {
        let folder = std::env::temp_dir().join(format!("filch-full-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let to = folder.join("to");
        let receiver = UnixDatagram::bind(&to).unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        let mut sent = 0_u32;
        while sender.try_send_to(&sent.to_be_bytes(), &to).is_ok() {
            sent += 1;
        }
        let last = filch::spawn(async move {
            poll_fn(|cx| sender.poll_send_to(cx, &u32::MAX.to_be_bytes(), &to)).await
        });
        crate::net_support::until_waiting("write", 1).await;
        for number in (0..sent).chain([u32::MAX]) {
            let mut buf = [0; 8];
            assert_eq!(receiver.recv(&mut buf).await.unwrap(), 4);
            assert_eq!(buf[..4], number.to_be_bytes());
        }
        assert_eq!(last.await.unwrap().unwrap(), 4);
        std::fs::remove_dir_all(folder).unwrap();
    });
}
