//! Addresses: how they are resolved, raced, and named in errors.

mod net_support;

use filch::io::ErrorKind;
use filch::net::{TcpListener, TcpStream, lookup_host};
use net_support::run;
use socket2::{Domain, Socket, Type};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// An address where connecting neither succeeds nor fails: a listener that never accepts and whose
/// queue is full.
struct Dead {
    address: SocketAddr,
    listener: Socket,
    _queued: Vec<Socket>,
}

fn dead() -> Dead {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    loop {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        if socket
            .connect_timeout(&address, Duration::from_millis(300))
            .is_err()
        {
            let address = address.as_socket().unwrap();
            return Dead {
                address,
                listener,
                _queued: queued,
            };
        }
        queued.push(socket);
    }
}

/// An address where nobody listens.
fn refusing() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn a_dead_first_address_delays_the_second_by_a_quarter_of_a_second() {
    let dead = dead();
    run(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = listener.local_addr().unwrap();
        let start = Instant::now();
        let stream = TcpStream::connect(&[dead.address, alive][..])
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
        assert!(
            start.elapsed() >= Duration::from_millis(250),
            "{:?}",
            start.elapsed()
        );
    });
}

#[test]
fn a_refusing_first_address_is_passed_over_and_order_is_kept() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = listener.local_addr().unwrap();
        let stream = TcpStream::connect([refusing(), alive, refusing()])
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
    });
}

#[test]
fn a_slow_first_address_still_wins_if_the_others_fail() {
    let dead = dead();
    run(async move {
        // The queue gets room while the race is on: the first attempt is repeated by the system.
        let first = dead.address;
        let connecting = filch::spawn(async move { TcpStream::connect([first, refusing()]).await });
        net_support::until_waiting("connect", 1).await;
        let accept = move || (dead.listener.accept().unwrap(), dead);
        let _open = filch::spawn_blocking(accept).await.unwrap();
        let stream = connecting.await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), first);
    });
}

#[test]
fn a_refused_connection_says_what_was_tried_and_keeps_its_kind_and_number() {
    run(async {
        let address = refusing();
        let error = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("connect to {address}: ")),
            "{text}"
        );
        let cause = std::error::Error::source(&error).unwrap();
        let cause = cause.downcast_ref::<std::io::Error>().unwrap();
        assert!(cause.raw_os_error().is_some());
        let both = [refusing(), refusing()];
        let text = TcpStream::connect(both).await.unwrap_err().to_string();
        assert!(
            text.starts_with(&format!("connect to {}, {}: ", both[0], both[1])),
            "{text}"
        );
    });
}

#[test]
fn an_attempt_that_is_given_up_closes_its_socket_and_can_be_repeated() {
    let dead = dead();
    run(async move {
        for _ in 0..10 {
            let connecting = filch::spawn(TcpStream::connect(dead.address));
            net_support::until_waiting("connect", 1).await;
            connecting.abort();
            assert!(connecting.await.unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn localhost_is_found_and_connected_to() {
    run(async {
        let found: Vec<_> = lookup_host("localhost:80").await.unwrap().collect();
        assert!(!found.is_empty());
        assert!(
            found
                .iter()
                .all(|it| it.ip().is_loopback() && it.port() == 80),
            "{found:?}"
        );
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("localhost", port)).await.unwrap();
        TcpStream::connect(format!("localhost:{port}"))
            .await
            .unwrap();
    });
}

#[test]
fn numeric_addresses_need_no_blocking_thread() {
    run(async {
        let found: Vec<_> = lookup_host("[::1]:80").await.unwrap().collect();
        assert_eq!(found, ["[::1]:80".parse().unwrap()]);
        let found: Vec<_> = lookup_host(("127.0.0.1", 80)).await.unwrap().collect();
        assert_eq!(found, ["127.0.0.1:80".parse().unwrap()]);
        let listener = TcpListener::bind(([127, 0, 0, 1], 0)).await.unwrap();
        TcpStream::connect(listener.local_addr().unwrap().to_string())
            .await
            .unwrap();
        let waits = filch::task::all().len();
        assert_eq!(waits, 1, "something was spawned for a numeric address");
    });
}

#[test]
fn malformed_addresses_are_explained() {
    run(async {
        for bad in [
            "localhost",
            "127.0.0.1",
            "localhost:http",
            "localhost:99999",
            ":80",
            "",
        ] {
            let error = TcpStream::connect(bad).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}: {error}");
            assert!(error.to_string().contains("host:port"), "{error}");
        }
        let none: [SocketAddr; 0] = [];
        let error = TcpStream::connect(none).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let error = lookup_host("does not exist:80")
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("look up host \"does not exist\""), "{error}");
    });
}

#[test]
fn a_taken_address_is_named_by_the_error_of_bind() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let error = TcpListener::bind(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(
            error
                .to_string()
                .starts_with(&format!("bind to {address}: ")),
            "{error}"
        );
        // Several addresses: the first that can be had.
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let second = TcpListener::bind([address, free]).await.unwrap();
        assert_ne!(second.local_addr().unwrap(), address);
    });
}

#[test]
fn an_address_can_be_bound_again_right_after_its_connections_have_ended() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).await.unwrap();
        // The side that ends first keeps the address in TIME_WAIT.
        drop(listener.accept().await.unwrap());
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
        drop((client, listener));
        TcpListener::bind(address).await.unwrap();
    });
}
