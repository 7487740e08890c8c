//! TCP streams and listeners: transfers, ends, resets, and futures that are given up.

#[path = "../net_support/mod.rs"]
mod net_support;

mod ends;
mod transfers;
mod waiting;

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
