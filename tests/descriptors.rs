//! No descriptor outlives its use: counted before and after. One test, alone in its process.

#![cfg(target_os = "linux")]
#![allow(
    clippy::incompatible_msrv,
    reason = "tests are built with the stable compiler"
)]

mod net_support;

use filch::net::{Async, TcpListener, TcpStream, UdpSocket, UnixStream};
use net_support::{poll_once, run};

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

async fn use_and_drop_everything() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ignored = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for round in 0..50 {
        let client = TcpStream::connect(address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(b"ping").await.unwrap();
        server.read_exact(&mut [0; 4]).await.unwrap();
        assert!(poll_once(client.read(&mut [0; 4])).await.is_pending());
        match round % 3 {
            0 => drop(client.into_split()),
            1 => drop(client.into_std().unwrap()),
            _ => drop(client),
        }
        let _ = poll_once(TcpStream::connect(ignored.local_addr().unwrap())).await;
        assert!(poll_once(listener.accept()).await.is_pending());
        let (one, _other) = UnixStream::pair().unwrap();
        assert!(poll_once(one.read(&mut [0; 1])).await.is_pending());
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        assert!(poll_once(udp.recv(&mut [0; 1])).await.is_pending());
        let (reader, _writer) = std::io::pipe().unwrap();
        let reader = Async::new(reader).unwrap();
        reader.into_inner().unwrap();
    }
    drop(listener);
    let refused = TcpStream::connect([address, address]).await;
    assert!(refused.is_err());
}

#[test]
fn everything_that_was_opened_is_closed() {
    run(use_and_drop_everything());
    let before = open_descriptors();
    for _ in 0..5 {
        run(use_and_drop_everything());
    }
    assert_eq!(open_descriptors(), before);
}
