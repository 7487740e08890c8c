//! `ready`, `try_io`, `async_io` and `poll_*_ready`.

use crate::net_support::{poll_once, run, tcp_pair};
use filch::Selector;
use filch::io::{ErrorKind, Interest, Ready};
use filch::net::{TcpStream, UdpSocket};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

/// Counts wakes.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Wakes {
    pub(crate) fn new() -> (Arc<Wakes>, Waker) {
        let wakes = Arc::new(Wakes::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }

    pub(crate) async fn until(&self, count: usize) {
        while self.count() < count {
            filch::task::yield_now().await;
        }
    }
}

fn drain(stream: &TcpStream) -> usize {
    let mut total = 0;
    let mut buf = vec![0; 1 << 20];
    loop {
        match stream.try_read(&mut buf) {
            Ok(count) => total += count,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return total;
            }
        }
    }
}

/// Writes until there is no room.
fn fill(stream: &TcpStream) -> usize {
    let mut total = 0;
    let buf = vec![0; 1 << 20];
    loop {
        match stream.try_write(&buf) {
            Ok(count) => total += count,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return total;
            }
        }
    }
}

/// In a turn of its own: a poll that has had its turn is Pending whatever is there, and wakes whom it refuses.
async fn is_read_ready(stream: &TcpStream) -> bool {
    filch::task::yield_now().await;
    poll_fn(|cx| Poll::Ready(stream.poll_read_ready(cx).is_ready())).await
}

#[test]
fn a_stream_that_was_never_read_is_not_readable_before_something_comes() {
    run(async {
        let (client, server) = tcp_pair().await;
        assert!(!is_read_ready(&server).await);
        assert!(poll_once(server.readable()).await.is_pending());
        assert!(
            poll_once(server.ready(Interest::READABLE))
                .await
                .is_pending()
        );
        client.write_all(b"ping").await.unwrap();
        server.readable().await.unwrap();
        assert!(is_read_ready(&server).await);
        server.read_exact(&mut [0; 4]).await.unwrap();
        assert_eq!(drain(&server), 0);
        assert!(!is_read_ready(&server).await);
        drop(client);
        poll_fn(|cx| server.poll_read_ready(cx)).await.unwrap();
    });
}

/// Only epoll says that one side of a stream has ended. Elsewhere a read finds out.
fn is_told_of_half_closes() -> bool {
    let selector = std::env::var("FILCH_SELECTOR").map(|it| it.parse::<Selector>().expect("one"));
    selector.unwrap_or_default() == Selector::Epoll
}

#[test]
fn a_fresh_stream_tells_of_the_peers_end_though_nobody_reads() {
    run(async {
        let (client, server) = tcp_pair().await;
        drop(client);
        loop {
            let ready = server.ready(Interest::READABLE).await.unwrap();
            assert!(ready.is_readable() && !ready.is_writable(), "{ready:?}");
            if ready.is_read_closed() || !is_told_of_half_closes() {
                break;
            }
            filch::task::yield_now().await;
        }
        assert_eq!(server.try_read(&mut [0; 1]).unwrap(), 0);
    });
}

#[test]
fn a_stream_without_room_is_not_writable_before_there_is_some() {
    run(async {
        let (client, server) = tcp_pair().await;
        poll_fn(|cx| client.poll_write_ready(cx)).await.unwrap();
        let written = fill(&client);
        let mut waiting = client.ready(Interest::WRITABLE);
        assert!(poll_once(&mut waiting).await.is_pending());
        let full = poll_fn(|cx| Poll::Ready(client.poll_write_ready(cx))).await;
        assert!(full.is_pending());
        let mut read = 0;
        while read < written {
            server.readable().await.unwrap();
            read += drain(&server);
        }
        let ready = waiting.await.unwrap();
        assert!(ready.is_writable() && !ready.is_write_closed() && !ready.is_readable());
        drop(server);
        poll_fn(|cx| client.poll_write_ready(cx)).await.unwrap();
    });
}

#[test]
fn either_direction_ends_a_wait_for_both() {
    run(async {
        let (client, server) = tcp_pair().await;
        let both = Interest::READABLE | Interest::WRITABLE;
        let ready = client.ready(both).await.unwrap();
        assert_eq!(ready, Ready::WRITABLE);
        let written = fill(&client);
        let mut waiting = client.ready(both);
        assert!(poll_once(&mut waiting).await.is_pending());
        server.write_all(b"over here").await.unwrap();
        let ready = waiting.await.unwrap();
        assert!(ready.is_readable());
        let mut read = 0;
        while read < written {
            server.readable().await.unwrap();
            read += drain(&server);
        }
        while client.ready(both).await.unwrap() != Ready::READABLE | Ready::WRITABLE {
            filch::task::yield_now().await;
        }
    });
}

#[test]
fn an_operation_of_ones_own_is_tried_once_and_a_would_block_makes_the_next_wait_wait() {
    run(async {
        let (client, server) = tcp_pair().await;
        client.write_all(b"x").await.unwrap();
        server.readable().await.unwrap();
        let mut called = 0;
        let refused = server.try_io(Interest::READABLE, || {
            called += 1;
            Err::<(), _>(ErrorKind::WouldBlock.into())
        });
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(
            poll_once(server.readable()).await.is_pending(),
            "it was said to be over"
        );
        let interrupted = server.try_io(Interest::READABLE, || {
            called += 1;
            Err::<(), _>(ErrorKind::Interrupted.into())
        });
        assert_eq!(interrupted.unwrap_err().kind(), ErrorKind::Interrupted);
        assert_eq!(called, 2);
        client.write_all(b"y").await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(server.try_io(Interest::READABLE, || Ok(7)).unwrap(), 7);
    });
}

#[test]
fn an_operation_of_ones_own_waits_between_its_attempts() {
    run(async {
        let (client, server) = tcp_pair().await;
        let reader = filch::spawn(async move {
            let mut calls = 0;
            let read = server
                .async_io(Interest::READABLE, || {
                    calls += 1;
                    match calls {
                        1 => Err(ErrorKind::WouldBlock.into()),
                        2 => Err(ErrorKind::Interrupted.into()),
                        _ => Ok("done"),
                    }
                })
                .await;
            (read.unwrap(), calls)
        });
        crate::net_support::until_waiting("readable", 1).await;
        client.write_all(b"x").await.unwrap();
        assert_eq!(reader.await.unwrap(), ("done", 3));
    });
}

#[test]
fn each_direction_of_poll_keeps_the_waker_of_its_own() {
    run(async {
        let (client, server) = tcp_pair().await;
        fill(&client);
        // A turn is over after that, on a slow machine: a refused poll would wake its waker and wait for nothing.
        filch::task::yield_now().await;
        let (reads, reader) = Wakes::new();
        let (writes, writer) = Wakes::new();
        let poll = |waker: &Waker, reading: bool| {
            let mut cx = Context::from_waker(waker);
            match reading {
                true => client.poll_read_ready(&mut cx),
                false => client.poll_write_ready(&mut cx),
            }
        };
        let (replaced, other) = Wakes::new();
        assert!(poll(&other, true).is_pending());
        assert!(poll(&reader, true).is_pending());
        assert!(poll(&writer, false).is_pending());
        server.write_all(b"x").await.unwrap();
        reads.until(1).await;
        filch::task::yield_now().await;
        assert_eq!(replaced.count(), 0, "the last one of a direction is woken");
        assert!(poll(&reader, true).is_ready());
        while writes.count() == 0 {
            drain(&server);
            filch::task::yield_now().await;
        }
        filch::task::yield_now().await;
        assert!(poll(&writer, false).is_ready());
    });
}

#[test]
fn datagrams_by_readiness() {
    run(async {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        for _ in 0..5 {
            poll_fn(|cx| client.poll_send_ready(cx)).await.unwrap();
            while let Err(error) = client.try_send_to(b"hello", address) {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                poll_fn(|cx| client.poll_send_ready(cx)).await.unwrap();
            }
            let mut buf = Vec::with_capacity(16);
            let (count, from) = loop {
                poll_fn(|cx| server.poll_recv_ready(cx)).await.unwrap();
                match server.try_recv_buf_from(&mut buf) {
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                    Ok(received) => break received,
                }
            };
            assert_eq!((count, from), (5, client.local_addr().unwrap()));
            assert_eq!(buf, b"hello");
        }
    });
}

#[test]
fn a_wait_for_readiness_ends_with_the_runtime() {
    let runtime = filch::Runtime::new().unwrap();
    let socket = runtime.block_on(UdpSocket::bind("127.0.0.1:0")).unwrap();
    drop(runtime);
    let other = filch::Runtime::new().unwrap();
    let error = other
        .block_on(socket.ready(Interest::READABLE))
        .unwrap_err();
    assert!(error.to_string().contains("has shut down"), "{error}");
}

#[test]
fn interest_and_readiness_are_sets() {
    let both = Interest::READABLE.add(Interest::WRITABLE);
    assert_eq!(format!("{both:?}"), "READABLE | WRITABLE");
    assert_eq!(both.remove(both), None);
    assert_eq!(both.remove(Interest::WRITABLE), Some(Interest::READABLE));
    let closed = Ready::READ_CLOSED | Ready::WRITE_CLOSED;
    assert!(closed.is_readable() && closed.is_writable() && closed.is_write_closed());
    assert_eq!(Ready::ALL - closed, Ready::READABLE | Ready::WRITABLE);
    assert!((closed - closed).is_empty());
    assert_eq!(format!("{:?}", Ready::EMPTY), "EMPTY");
}
