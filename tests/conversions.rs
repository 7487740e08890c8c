//! What programs that are ported rely on: addresses of every kind, std's sockets, raw descriptors, and `Debug` for a
//! log.

#![cfg(unix)]

mod common;
mod net_support;

use filch::net::{Async, TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixStream};
use net_support::{run, tcp_pair, until_waiting};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};

#[test]
#[allow(
    clippy::needless_borrows_for_generic_args,
    reason = "programs that are ported do borrow"
)]
fn datagrams_go_to_whatever_stands_for_an_address() {
    run(async {
        let receiver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = receiver.local_addr().unwrap();
        let port = address.port();
        let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut buf = [0; 8];
        sender.send_to(b"1", address).await.unwrap();
        sender.send_to(b"2", &address).await.unwrap();
        sender.send_to(b"3", address.to_string()).await.unwrap();
        sender.send_to(b"4", &*address.to_string()).await.unwrap();
        sender.send_to(b"5", ("127.0.0.1", port)).await.unwrap();
        // The name has an address of the other family, too.
        sender.send_to(b"6", ("localhost", port)).await.unwrap();
        sender
            .send_to(b"7", format!("localhost:{port}"))
            .await
            .unwrap();
        sender.send_to(b"8", &[address][..]).await.unwrap();
        sender.connect(format!("127.0.0.1:{port}")).await.unwrap();
        sender.connect(&address).await.unwrap();
        sender.send(b"9").await.unwrap();
        for number in b"123456789" {
            assert_eq!(receiver.recv(&mut buf).await.unwrap(), 1);
            assert_eq!(buf[0], *number);
        }
        let error = sender.send_to(b"", "nonsense").await.unwrap_err();
        assert!(error.to_string().contains("host:port"), "{error}");
    });
}

#[test]
fn the_futures_of_datagrams_go_to_any_task() {
    run(async {
        let socket = std::sync::Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let address = socket.local_addr().unwrap();
        let sender = socket.clone();
        // The target need not outlive the call.
        let sending = filch::spawn(async move {
            let future = sender.send_to(
                b"one",
                String::from("localhost:") + &address.port().to_string(),
            );
            future.await
        });
        assert_eq!(socket.recv(&mut [0; 8]).await.unwrap(), 3);
        sending.await.unwrap().unwrap();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_begins_with_nul_is_an_abstract_name() {
    run(async {
        let name = format!("\0filch-{}", std::process::id());
        let listener = filch::net::UnixListener::bind(&name).unwrap();
        let (client, accepted) = filch::join!(UnixStream::connect(&name), listener.accept());
        client.unwrap().write_all(b"hi").await.unwrap();
        accepted.unwrap().0.read_exact(&mut [0; 2]).await.unwrap();
        let name = name + "-datagrams";
        let receiver = UnixDatagram::bind(&name).unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        sender.send_to(b"1", name.clone()).await.unwrap();
        sender.try_send_to(b"2", &name).unwrap();
        sender.connect(&name).unwrap();
        sender.send(b"3").await.unwrap();
        for _ in 0..3 {
            assert_eq!(receiver.recv(&mut [0; 8]).await.unwrap(), 1);
        }
        let error = UnixDatagram::bind(&name).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    });
}

#[test]
fn a_path_by_value_is_kept_until_the_datagram_is_sent() {
    let path = std::env::temp_dir().join(format!("filch-{}-by-value", std::process::id()));
    let file = path.clone();
    run(async move {
        let receiver = UnixDatagram::bind(&path).unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        while sender.try_send_to(b"one", &path).is_ok() {}
        let waiting = filch::spawn(async move { sender.send_to(b"last", path).await });
        until_waiting("write", 1).await;
        while receiver.recv(&mut [0; 8]).await.unwrap() != 4 {}
        assert_eq!(waiting.await.unwrap().unwrap(), 4);
        let error = UnixDatagram::unbound()
            .unwrap()
            .send_to(b"", "x".repeat(200))
            .await;
        assert_eq!(error.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    });
    let _ = std::fs::remove_file(file);
}

#[test]
fn sockets_of_std_are_taken_over_and_descriptors_given_away() {
    run(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listener = TcpListener::try_from(listener).unwrap();
        let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let peer = TcpStream::try_from(peer).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        assert!(
            net_support::poll_once(stream.read(&mut [0; 1]))
                .await
                .is_pending()
        );
        let number = stream.as_raw_fd();
        let raw = stream.into_raw_fd();
        assert_eq!(raw, number);
        // SAFETY: nobody else has it any more.
        let again = std::net::TcpStream::from(unsafe { OwnedFd::from_raw_fd(raw) });
        let again: TcpStream = again.try_into().unwrap();
        peer.write_all(b"x").await.unwrap();
        again.read_exact(&mut [0; 1]).await.unwrap();
        drop(OwnedFd::from(again));
        assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0);

        UdpSocket::try_from(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
        let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        UnixStream::try_from(one).unwrap();
        // SAFETY: `into_raw_fd` has given it away.
        drop(unsafe { OwnedFd::from_raw_fd(Async::new(other).unwrap().into_raw_fd()) });
        let (one, _) = std::os::unix::net::UnixDatagram::pair().unwrap();
        UnixDatagram::try_from(one).unwrap();
    });
    let outside = UdpSocket::try_from(std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    assert!(outside.unwrap_err().to_string().contains("runtime"));
}

#[test]
fn debug_fits_a_line_of_a_log() {
    run(async {
        let (client, server) = tcp_pair().await;
        let (local, peer, fd) = (
            client.local_addr().unwrap(),
            client.peer_addr().unwrap(),
            client.as_raw_fd(),
        );
        assert_eq!(
            format!("{client:?}"),
            format!("TcpStream {{ local: {local}, peer: {peer}, fd: {fd} }}")
        );
        drop(server);
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let local = udp.local_addr().unwrap();
        assert_eq!(
            format!("{udp:?}"),
            format!("UdpSocket {{ local: {local}, fd: {} }}", udp.as_raw_fd())
        );
        let (one, other) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (datagrams, _) = UnixDatagram::pair().unwrap();
        let pipe = Async::new(std::io::pipe().unwrap().0).unwrap();
        for text in [
            format!("{one:?}"),
            format!("{listener:?}"),
            format!("{datagrams:?}"),
            format!("{pipe:?}"),
            format!("{:?}", other.into_split().0),
        ] {
            assert!(text.len() < 120, "{text}");
            assert!(text.contains("fd: "), "{text}");
        }
    });
}
