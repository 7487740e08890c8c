//! UDP sockets.

mod net_support;

use filch::io::ErrorKind;
use filch::net::UdpSocket;
use net_support::{poll_once, run, until_waiting};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

async fn pair() -> (UdpSocket, UdpSocket) {
    let one = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    one.connect(other.local_addr().unwrap()).await.unwrap();
    other.connect(one.local_addr().unwrap()).await.unwrap();
    (one, other)
}

#[test]
fn datagrams_come_with_their_senders_address() {
    run(async {
        let server = UdpSocket::bind("localhost:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let echo = filch::spawn(async move {
            let mut buf = [0; 64];
            for _ in 0..100 {
                let (count, peer) = server.recv_from(&mut buf).await.unwrap();
                server.send_to(&buf[..count], peer).await.unwrap();
            }
        });
        let client = UdpSocket::bind((address.ip(), 0)).await.unwrap();
        for round in 0..100u32 {
            client.send_to(&round.to_be_bytes(), address).await.unwrap();
            let mut buf = [0; 64];
            let (count, peer) = client.recv_from(&mut buf).await.unwrap();
            assert_eq!((&buf[..count], peer), (&round.to_be_bytes()[..], address));
        }
        echo.await.unwrap();
    });
}

#[test]
fn every_datagram_is_received_although_each_is_shorter_than_the_buffer() {
    run(async {
        let (one, other) = pair().await;
        for number in 0..50 {
            one.send(&[number]).await.unwrap();
        }
        for number in 0..50 {
            let mut buf = [0; 64];
            assert_eq!(other.recv(&mut buf).await.unwrap(), 1);
            assert_eq!(buf[0], number);
        }
    });
}

#[test]
fn peeking_leaves_the_datagram() {
    run(async {
        let (one, other) = pair().await;
        one.send(b"look").await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(other.peek(&mut buf).await.unwrap(), 4);
        assert_eq!(
            other.peek_from(&mut buf).await.unwrap(),
            (4, one.local_addr().unwrap())
        );
        assert_eq!(other.try_peek(&mut buf).unwrap(), 4);
        assert_eq!(
            other.try_peek_from(&mut buf).unwrap(),
            (4, one.local_addr().unwrap())
        );
        let mut whole = Vec::new();
        assert_eq!(other.recv_buf(&mut whole).await.unwrap(), 4);
        assert_eq!(whole, b"look");
        assert!(poll_once(other.recv(&mut buf)).await.is_pending());
    });
}

#[test]
fn readable_and_try_recv_make_a_loop() {
    run(async {
        let (one, other) = pair().await;
        let receiver = filch::spawn(async move {
            let mut received = Vec::new();
            while received.len() < 20 {
                other.readable().await.unwrap();
                let mut buf = [0; 16];
                match other.try_recv(&mut buf) {
                    Ok(count) => received.push(buf[..count].to_vec()),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
            }
            received
        });
        for number in 0..20 {
            until_waiting("readable", 1).await;
            one.writable().await.unwrap();
            assert_eq!(one.try_send(&[number]).unwrap(), 1);
        }
        let expected: Vec<_> = (0..20).map(|number| vec![number]).collect();
        assert_eq!(receiver.await.unwrap(), expected);
    });
}

#[test]
fn several_tasks_receive_from_one_socket() {
    run(async {
        let (one, other) = pair().await;
        let other = Arc::new(other);
        let receivers: Vec<_> = (0..8)
            .map(|_| {
                let other = other.clone();
                filch::spawn(async move { other.recv(&mut [0; 8]).await.unwrap() })
            })
            .collect();
        until_waiting("read", 8).await;
        for _ in 0..8 {
            one.send(b"one").await.unwrap();
        }
        for receiver in receivers {
            assert_eq!(receiver.await.unwrap(), 3);
        }
    });
}

#[test]
fn nobody_at_the_peers_address_is_an_error() {
    run(async {
        let (one, other) = pair().await;
        drop(other);
        one.send(b"anybody?").await.unwrap();
        let error = one.recv(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn options_are_read_back_as_they_were_set() {
    run(async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.set_broadcast(true).unwrap();
        assert!(socket.broadcast().unwrap());
        socket.set_multicast_loop_v4(false).unwrap();
        assert!(!socket.multicast_loop_v4().unwrap());
        socket.set_multicast_ttl_v4(7).unwrap();
        assert_eq!(socket.multicast_ttl_v4().unwrap(), 7);
        let group = Ipv4Addr::new(239, 255, 0, 17);
        socket
            .join_multicast_v4(group, Ipv4Addr::LOCALHOST)
            .unwrap();
        socket
            .leave_multicast_v4(group, Ipv4Addr::LOCALHOST)
            .unwrap();
        let socket = UdpSocket::from_std(socket.into_std().unwrap()).unwrap();
        assert!(socket.peer_addr().is_err());
    });
}

#[test]
fn a_socket_that_is_never_short_of_datagrams_lets_others_run_often() {
    // An operation here makes a system call, so fewer of them are a turn than of others.
    const AT_MOST: usize = 32;
    // One thread, so that two tasks take turns.
    let runtime = filch::LocalRuntime::new().unwrap();
    let most = runtime.block_on(async {
        let (one, other) = pair().await;
        let done = Arc::new(AtomicUsize::new(0));
        let busy = filch::spawn_local({
            let done = done.clone();
            async move {
                let mut buf = [0; 8];
                loop {
                    one.send(b"ping").await.unwrap();
                    done.fetch_add(1, Relaxed);
                    other.recv(&mut buf).await.unwrap();
                    done.fetch_add(1, Relaxed);
                }
            }
        });
        let counting = filch::spawn_local(async move {
            let (mut most, mut last) = (0, done.load(Relaxed));
            while last < 2000 {
                filch::task::yield_now().await;
                let now = done.load(Relaxed);
                most = most.max(now - last);
                last = now;
            }
            most
        });
        let most = counting.await.unwrap();
        busy.abort();
        most
    });
    assert!(
        (1..=AT_MOST).contains(&most),
        "{most} operations in one turn"
    );
}
