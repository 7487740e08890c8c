//! Sockets: no byte and no connection is lost.

use super::common::sockets::{Stream, pair};
use super::system::Scratch;
use super::{Row, SOON, begun, each, later, ready, row};
use filch::CancelToken;
use filch::io::Interest;
use filch::net::{Async, TcpListener, TcpSocket, TcpStream, UdpSocket};
use filch::net::{UnixDatagram, UnixListener, UnixStream};
use filch::task::WaitKind;
use filch::testing::Report;
use filch::time::sleep;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const HERE: &str = "127.0.0.1:0";
const BYTES: &[u8] = b"filch";

/// A stream on which `BYTES` arrive soon. None of them is lost to a read that was cancelled.
fn read(run: impl AsyncFn(Arc<Stream>) + Clone + 'static) -> Report {
    each(
        || {
            let (near, far) = pair();
            (Arc::new(near), Arc::new(far))
        },
        move |(near, far)| {
            let run = run.clone();
            async move {
                later(move || assert_eq!(far.try_write(BYTES).unwrap(), BYTES.len()));
                run(near).await;
            }
        },
        async |(near, _far), cut| {
            if begun(&cut) && !cut.is_finished() {
                let mut bytes = [0; BYTES.len()];
                near.read_exact(&mut bytes).await.unwrap();
                assert_eq!(bytes, BYTES);
            }
            assert!(near.try_read(&mut [0]).is_err());
        },
    )
}

/// A stream that is full, and has room soon. It can be written to afterwards.
fn write(run: impl AsyncFn(Arc<Stream>) + Clone + 'static) -> Report {
    each(
        || {
            let (near, far) = pair();
            (Arc::new(near), Arc::new(far))
        },
        move |(near, far)| {
            let run = run.clone();
            async move {
                while near.try_write(&[1; 4096]).is_ok() {}
                later(move || while far.try_read(&mut [0; 65536]).is_ok() {});
                run(near).await;
            }
        },
        async |(near, _far), _| {
            near.write_all(&[2]).await.unwrap();
        },
    )
}

/// Two sockets for datagrams, of which one gets `BYTES` soon.
fn receive(run: impl AsyncFn(Arc<UdpSocket>) + Clone + 'static) -> Report {
    each(
        || [udp(), udp()],
        move |[near, far]| {
            let run = run.clone();
            let address = near.local_addr().unwrap();
            async move {
                later(move || assert_eq!(far.try_send_to(BYTES, address).unwrap(), BYTES.len()));
                run(near).await;
            }
        },
        async |[near, far], cut| {
            let mut bytes = [0; 99];
            if begun(&cut) && !cut.is_finished() {
                let (length, from) = near.recv_from(&mut bytes).await.unwrap();
                assert_eq!((&bytes[..length], from), (BYTES, far.local_addr().unwrap()));
            }
        },
    )
}

/// As `later`, where whoever waits tries again each millisecond.
fn soon(act: impl FnOnce() + Send + 'static) {
    filch::spawn(async {
        sleep(SOON / 200).await;
        act();
    });
}

fn udp() -> Arc<UdpSocket> {
    let socket = std::net::UdpSocket::bind(HERE).unwrap();
    socket.set_nonblocking(true).unwrap();
    Arc::new(UdpSocket::from_std(socket).unwrap())
}

fn listener() -> (Arc<TcpListener>, SocketAddr) {
    let listener = std::net::TcpListener::bind(HERE).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (Arc::new(TcpListener::from_std(listener).unwrap()), address)
}

pub(super) const ROWS: &[Row] = &[
    row("net::future::Read", WaitKind::Read, || {
        read(async |near| assert_eq!(near.read(&mut [0; 99]).await.unwrap(), 5))
    }),
    row("net::future::ReadBuf", WaitKind::Read, || {
        read(async |near| {
            let mut bytes = Vec::with_capacity(99);
            assert_eq!(near.read_buf(&mut bytes).await.unwrap(), 5);
        })
    }),
    row("net::future::ReadExact", WaitKind::Read, || {
        // All arrives at once: nothing is half read.
        read(async |near| near.read_exact(&mut [0; 5]).await.unwrap())
    }),
    row("net::future::Peek", WaitKind::Read, || {
        read(async |near| {
            assert_eq!(near.peek(&mut [0; 99]).await.unwrap(), 5);
            near.read(&mut [0; 99]).await.unwrap();
        })
    }),
    row("net::future::Readable", WaitKind::Readable, || {
        read(async |near| {
            near.readable().await.unwrap();
            near.try_read(&mut [0; 99]).unwrap();
        })
    }),
    row("net::future::WaitReady", WaitKind::Readable, || {
        read(async |near| {
            assert!(near.ready(Interest::READABLE).await.unwrap().is_readable());
            near.try_read(&mut [0; 99]).unwrap();
        })
    }),
    row("net::future::PerformIo", WaitKind::Readable, || {
        read(async |near| {
            let taken = near.async_io(Interest::READABLE, || near.try_read(&mut [0; 99]));
            assert_eq!(taken.await.unwrap(), 5);
        })
    }),
    row("net::future::Perform", WaitKind::Read, || {
        each(
            || (),
            async |()| {
                let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
                later(move || _ = std::io::Write::write(&mut &far, BYTES).unwrap());
                let near = Async::new(near).unwrap();
                let taken = near.read_with(|mut near| std::io::Read::read(&mut near, &mut [0; 9]));
                assert_eq!(taken.await.unwrap(), 5);
            },
            async |(), _| (),
        )
    }),
    row("net::future::Write", WaitKind::Write, || {
        write(async |near| assert!(near.write(&[1]).await.unwrap() > 0))
    }),
    row("net::future::WriteAll", WaitKind::Write, || {
        write(async |near| near.write_all(&[1; 99]).await.unwrap())
    }),
    row("net::future::Writable", WaitKind::Writable, || {
        write(async |near| near.writable().await.unwrap())
    }),
    row("net::future::Accept", WaitKind::Accept, || {
        each(
            listener,
            async |(listener, address)| {
                later(move || drop(std::net::TcpStream::connect(address).unwrap()));
                listener.accept().await.unwrap();
            },
            async |(listener, _), cut| {
                if begun(&cut) && !cut.is_finished() {
                    listener.accept().await.unwrap();
                }
            },
        )
    }),
    row("net::future::UnixAccept", WaitKind::Accept, || {
        each(
            || {
                let scratch = Scratch::new();
                std::fs::remove_file(&*scratch.0).unwrap();
                let listener = UnixListener::bind(&*scratch.0).unwrap();
                (scratch, Arc::new(listener))
            },
            async |(scratch, listener)| {
                let path = scratch.0.to_path_buf();
                later(move || drop(std::os::unix::net::UnixStream::connect(path).unwrap()));
                listener.accept().await.unwrap();
            },
            async |(_, listener), cut| {
                if begun(&cut) && !cut.is_finished() {
                    listener.accept().await.unwrap();
                }
            },
        )
    }),
    row("net::future::Connect", WaitKind::Connect, || {
        each(
            listener,
            async |(_, address)| drop(TcpStream::connect(address).await.unwrap()),
            async |(_, address), _| drop(TcpStream::connect(address).await.unwrap()),
        )
    }),
    row("net::future::SocketConnect", WaitKind::Connect, || {
        each(
            listener,
            async |(_, address)| {
                let socket = TcpSocket::new_v4().unwrap();
                drop(socket.connect(address).await.unwrap());
            },
            async |(_, address), _| drop(TcpStream::connect(address).await.unwrap()),
        )
    }),
    ready("net::future::UnixConnect", || {
        each(
            || {
                let scratch = Scratch::new();
                std::fs::remove_file(&*scratch.0).unwrap();
                let listener = UnixListener::bind(&*scratch.0).unwrap();
                (scratch, Arc::new(listener))
            },
            async |(scratch, _)| drop(UnixStream::connect(&*scratch.0).await.unwrap()),
            async |(scratch, _), _| drop(UnixStream::connect(&*scratch.0).await.unwrap()),
        )
    }),
    // Numbers, and this host, need no lookup.
    ready("net::future::Bind", || {
        each(
            || (),
            async |()| drop(TcpListener::bind("localhost:0").await.unwrap()),
            async |(), _| (),
        )
    }),
    // Numbers, and this host, need no lookup.
    ready("net::future::LookupHost", || {
        each(
            || (),
            async |()| {
                assert!(
                    filch::net::lookup_host("localhost:1")
                        .await
                        .unwrap()
                        .count()
                        > 0
                )
            },
            async |(), _| (),
        )
    }),
    // Numbers, and this host, need no lookup.
    ready("net::future::UdpConnect", || {
        each(
            udp,
            async |socket| socket.connect("localhost:9").await.unwrap(),
            async |socket, cut| assert!(!cut.is_finished() || socket.peer_addr().is_ok()),
        )
    }),
    row("net::future::RecvFrom", WaitKind::Read, || {
        receive(async |near| _ = near.recv_from(&mut [0; 99]).await.unwrap())
    }),
    row("net::future::Recv", WaitKind::Read, || {
        receive(async |near| assert_eq!(near.recv(&mut [0; 99]).await.unwrap(), 5))
    }),
    row("net::future::RecvBuf", WaitKind::Read, || {
        receive(async |near| {
            let mut bytes = Vec::with_capacity(99);
            assert_eq!(near.recv_buf(&mut bytes).await.unwrap(), 5);
        })
    }),
    row("net::future::RecvBufFrom", WaitKind::Read, || {
        receive(async |near| {
            let mut bytes = Vec::with_capacity(99);
            near.recv_buf_from(&mut bytes).await.unwrap();
        })
    }),
    row("net::future::PeekFrom", WaitKind::Read, || {
        receive(async |near| {
            near.peek_from(&mut [0; 99]).await.unwrap();
            near.recv(&mut [0; 99]).await.unwrap();
        })
    }),
    row("net::future::UdpPeek", WaitKind::Read, || {
        receive(async |near| {
            near.peek(&mut [0; 99]).await.unwrap();
            near.recv(&mut [0; 99]).await.unwrap();
        })
    }),
    row("net::future::PeekSender", WaitKind::Read, || {
        receive(async |near| {
            near.peek_sender().await.unwrap();
            near.recv(&mut [0; 99]).await.unwrap();
        })
    }),
    // Numbers, and this host, need no lookup.
    ready("net::future::SendTo", || {
        each(
            udp,
            async |socket| {
                let port = socket.local_addr().unwrap().port();
                socket
                    .send_to(BYTES, format!("localhost:{port}"))
                    .await
                    .ok();
            },
            async |_, _| (),
        )
    }),
    row("net::future::Send", WaitKind::Write, || {
        each(
            || {
                let (near, far) = UnixDatagram::pair().unwrap();
                (Arc::new(near), Arc::new(far))
            },
            async |(near, far)| {
                while near.try_send(BYTES).is_ok() {}
                soon(move || while far.try_recv(&mut [0; 9]).is_ok() {});
                assert_eq!(near.send(BYTES).await.unwrap(), 5);
            },
            async |(near, _far), _| assert_eq!(near.send(BYTES).await.unwrap(), 5),
        )
    }),
    row("net::future::UnixSendTo", WaitKind::Write, || {
        each(
            || {
                let scratch = Scratch::new();
                std::fs::remove_file(&*scratch.0).unwrap();
                let near = UnixDatagram::bind(&*scratch.0).unwrap();
                (
                    scratch,
                    Arc::new(near),
                    Arc::new(UnixDatagram::unbound().unwrap()),
                )
            },
            async |(scratch, near, far)| {
                while far.try_send_to(BYTES, &*scratch.0).is_ok() {}
                soon(move || while near.try_recv(&mut [0; 9]).is_ok() {});
                assert_eq!(far.send_to(BYTES, &*scratch.0).await.unwrap(), 5);
            },
            async |(scratch, _near, far), _| {
                assert_eq!(far.send_to(BYTES, &*scratch.0).await.unwrap(), 5);
            },
        )
    }),
    row("net::future::UnixRecvFrom", WaitKind::Read, || {
        each(
            || {
                let (near, far) = UnixDatagram::pair().unwrap();
                (Arc::new(near), Arc::new(far))
            },
            async |(near, far)| {
                later(move || _ = far.try_send(BYTES).unwrap());
                assert_eq!(near.recv_from(&mut [0; 9]).await.unwrap().0, 5);
            },
            async |(near, _far), cut| {
                if begun(&cut) && !cut.is_finished() {
                    assert_eq!(near.recv(&mut [0; 9]).await.unwrap(), 5);
                }
            },
        )
    }),
    row("net::future::Serving", WaitKind::Accept, || {
        each(
            || (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))),
            async |(begun, gone)| {
                let listener = TcpListener::bind(HERE).await.unwrap();
                let address = listener.local_addr().unwrap();
                let token = CancelToken::new();
                let theirs = token.clone();
                later(move || drop(std::net::TcpStream::connect(address).unwrap()));
                filch::spawn(async move {
                    sleep(3 * SOON).await;
                    theirs.cancel();
                });
                let handler = move |_stream, _peer| {
                    begun.fetch_add(1, Ordering::Relaxed);
                    let gone = gone.clone();
                    let held =
                        super::common::OnDrop(move || _ = gone.fetch_add(1, Ordering::Relaxed));
                    async move {
                        let _held = held;
                        sleep(SOON).await;
                    }
                };
                let served = filch::net::serve(listener, handler)
                    .graceful(token, SOON)
                    .await;
                served.unwrap();
            },
            async |(begun, gone), _| {
                assert_eq!(begun.load(Ordering::Relaxed), gone.load(Ordering::Relaxed));
            },
        )
    }),
];
