//! `TcpSocket`: options before a socket listens or connects.

use crate::net_support::run;
use filch::io::ErrorKind;
use filch::net::{Keepalive, TcpSocket};
use std::net::SocketAddr;
use std::time::Duration;

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Whether this machine has the address ::1.
fn has_v6() -> bool {
    std::net::TcpListener::bind("[::1]:0").is_ok()
}

#[test]
fn a_socket_listens_and_another_connects() {
    run(async {
        let mut addresses: Vec<SocketAddr> = vec![any()];
        if has_v6() {
            addresses.push("[::1]:0".parse().unwrap());
        }
        for any in addresses {
            let socket = |any: SocketAddr| match any.is_ipv4() {
                true => TcpSocket::new_v4().unwrap(),
                false => TcpSocket::new_v6().unwrap(),
            };
            let server = socket(any);
            server.bind(any).unwrap();
            let address = server.local_addr().unwrap();
            let listener = server.listen(128).unwrap();
            assert_eq!(listener.local_addr().unwrap(), address);
            let client = socket(any);
            client.bind(any).unwrap();
            let own = client.local_addr().unwrap();
            let stream = client.connect(address).await.unwrap();
            let (accepted, peer) = listener.accept().await.unwrap();
            assert_eq!((peer, stream.local_addr().unwrap()), (own, own));
            accepted.write_all(b"x").await.unwrap();
            stream.read_exact(&mut [0]).await.unwrap();
        }
    });
}

#[test]
fn a_refused_connection_names_the_address() {
    run(async {
        let taken = TcpSocket::new_v4().unwrap();
        taken.bind(any()).unwrap();
        let address = taken.local_addr().unwrap();
        let error = TcpSocket::new_v4().unwrap().bind(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        let error = TcpSocket::new_v4()
            .unwrap()
            .connect(address)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    });
}

#[test]
fn outside_of_a_runtime_it_is_prepared_but_neither_listens_nor_connects() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(any()).unwrap();
    let address = socket.local_addr().unwrap();
    let error = socket.listen(1).unwrap_err();
    assert!(error.to_string().contains("no filch runtime"), "{error}");
    let socket = TcpSocket::new_v4().unwrap();
    let error = futures::executor::block_on(socket.connect(address)).unwrap_err();
    assert!(error.to_string().contains("no filch runtime"), "{error}");
}

#[test]
fn a_socket_of_stds_is_taken_over() {
    run(async {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = TcpSocket::from_std_stream(socket.unwrap().into()).unwrap();
        socket.bind(any()).unwrap();
        let address = socket.local_addr().unwrap();
        let listener = socket.listen(8).unwrap();
        let client = TcpSocket::new_v4().unwrap().connect(address).await.unwrap();
        assert_eq!(
            listener.accept().await.unwrap().1,
            client.local_addr().unwrap()
        );
    });
}

/// Sets an option to another value and asks for it.
macro_rules! option {
    ($socket:expr, $get:ident, $set:ident, $value:expr) => {
        option!($socket, $get, $set, $value, $value)
    };
    ($socket:expr, $get:ident, $set:ident, $value:expr, $seen:expr) => {{
        let (socket, value) = ($socket.unwrap(), $value);
        let before = socket.$get().unwrap();
        assert_ne!(before, value, concat!(stringify!($get), " is that already"));
        socket.$set(value).unwrap();
        assert_eq!(socket.$get().unwrap(), $seen, stringify!($get));
    }};
}

#[test]
fn options_are_set() {
    let doubled = if cfg!(any(target_os = "linux", target_os = "android")) {
        8192
    } else {
        4096
    };
    for new in [TcpSocket::new_v4, TcpSocket::new_v6] {
        option!(new(), reuseaddr, set_reuseaddr, true);
        option!(new(), nodelay, set_nodelay, true);
        option!(new(), keepalive, set_keepalive, true);
        option!(new(), linger, set_linger, Some(Duration::from_secs(10)));
        option!(new(), send_buffer_size, set_send_buffer_size, 4096, doubled);
        option!(new(), recv_buffer_size, set_recv_buffer_size, 4096, doubled);
        #[cfg(unix)]
        option!(new(), reuseport, set_reuseport, true);
        let socket = new().unwrap();
        socket.set_zero_linger().unwrap();
        assert_eq!(socket.linger().unwrap(), Some(Duration::ZERO));
        let probes = Keepalive::new().idle(Duration::from_secs(60));
        socket.set_keepalive_with(&probes).unwrap();
        assert!(socket.keepalive().unwrap());
        assert!(socket.take_error().unwrap().is_none());
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        option!(TcpSocket::new_v4(), tos_v4, set_tos_v4, 96);
        option!(TcpSocket::new_v6(), tclass_v6, set_tclass_v6, 96);
        assert_eq!(TcpSocket::new_v4().unwrap().device().unwrap(), None);
    }
}

#[cfg(unix)]
#[test]
fn two_listeners_share_a_port() {
    run(async {
        let listener = |address| {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_reuseport(true).unwrap();
            socket.bind(address).unwrap();
            socket.listen(64).unwrap()
        };
        let one = listener(any());
        let other = listener(one.local_addr().unwrap());
        assert_eq!(one.local_addr().unwrap(), other.local_addr().unwrap());
    });
}
