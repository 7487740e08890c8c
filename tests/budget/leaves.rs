//! Leaves that are driven a thousand times, and what they need for it.

use crate::executors::Work;
use filch::io::{AsyncReadExt, AsyncWriteExt};
use filch::net::{TcpListener, TcpStream, UdpSocket};
use filch::sync::{Mutex, Notify, Semaphore, mpsc, oneshot};
use filch::task::{consume_budget, yield_now};
use filch::time::{Instant, interval, sleep, sleep_until, timeout};
use std::future::{pending, ready};
use std::time::Duration;

/// Operations of each leaf.
const OPERATIONS: usize = 1000;

const SHORT: Duration = Duration::from_micros(10);

/// What a leaf needs where it is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needs {
    /// Nothing that it does not bring along.
    Nothing,
    /// That the runtime's threads do something meanwhile: its sockets, its tasks.
    Others,
    /// That, and a thread that has entered the runtime: its timers.
    Inside,
}

/// One kind of leaf.
pub(crate) struct Leaf {
    pub(crate) name: &'static str,
    pub(crate) needs: Needs,
    /// Makes what is driven, inside the runtime, of which it needs nothing but sockets.
    pub(crate) make: fn() -> Work,
}

/// One line per leaf: what it is called and needs, how it begins, and one operation.
macro_rules! leaves {
    ($($name:literal $needs:ident $before:block |$it:ident| $operation:block)*) => {
        pub(crate) const LEAVES: &[Leaf] = &[$(Leaf {
            name: $name,
            needs: Needs::$needs,
            make: || {
                #[allow(unused_mut, unused_variables, reason = "some have no state")]
                let mut $it = $before;
                Box::pin(async move {
                    for _ in 0..OPERATIONS $operation
                })
            },
        }),*];
    };
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let one = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let two = listener.accept().unwrap().0;
    let stream = |socket: std::net::TcpStream| {
        socket.set_nodelay(true).unwrap();
        socket.set_nonblocking(true).unwrap();
        TcpStream::from_std(socket).unwrap()
    };
    (stream(one), stream(two))
}

fn listener() -> TcpListener {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    TcpListener::from_std(listener).unwrap()
}

fn udp() -> UdpSocket {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(socket.local_addr().unwrap()).unwrap();
    socket.set_nonblocking(true).unwrap();
    UdpSocket::from_std(socket).unwrap()
}

leaves! {
    "consume_budget" Nothing {} |it| { consume_budget().await; }
    "yield_now" Nothing {} |it| { yield_now().await; }
    "sleep of no time" Nothing {} |it| { sleep(Duration::ZERO).await; }
    "sleep_until now" Nothing {} |it| { sleep_until(Instant::now()).await; }
    "timeout of what is ready" Nothing {} |it| { timeout(SHORT, ready(())).await.unwrap(); }
    "mpsc" Nothing { mpsc::channel(1) } |it| {
        it.0.send(1).await.unwrap();
        assert_eq!(it.1.recv().await, Some(1));
    }
    "poll_recv" Nothing { mpsc::channel(1) } |it| {
        it.0.send(1).await.unwrap();
        let received = std::future::poll_fn(|cx| it.1.poll_recv(cx)).await;
        assert_eq!(received, Some(1));
    }
    "oneshot" Nothing {} |it| {
        let (sender, receiver) = oneshot::channel();
        sender.send(1).unwrap();
        assert_eq!(receiver.await, Ok(1));
    }
    "a oneshot that is closed" Nothing {} |it| {
        let (mut sender, receiver) = oneshot::channel::<()>();
        drop(receiver);
        sender.closed().await;
    }
    "Notify" Nothing { Notify::new() } |it| {
        it.notify_one();
        it.notified().await;
    }
    "Mutex" Nothing { Mutex::new(0) } |it| { *it.lock().await += 1; }
    "Semaphore" Nothing { Semaphore::new(1) } |it| { drop(it.acquire().await.unwrap()); }
    "duplex" Nothing { filch::io::duplex(1) } |it| {
        it.0.write_all(b"x").await.unwrap();
        it.1.read_exact(&mut [0]).await.unwrap();
    }
    "copy" Nothing {} |it| {
        let (mut one, other) = filch::io::duplex(8);
        one.write_all(b"x").await.unwrap();
        drop(one);
        assert_eq!(filch::io::copy(other, &mut filch::io::sink()).await.unwrap(), 1);
    }
    "tasks that talk" Others { talk() } |it| {
        it.0.send(1).await.unwrap();
        assert_eq!(it.1.recv().await, Some(1));
    }
    "TcpStream" Others { tcp() } |it| {
        it.0.write_all(b"x").await.unwrap();
        it.1.read_exact(&mut [0]).await.unwrap();
    }
    "UdpSocket" Others { udp() } |it| {
        it.send(b"x").await.unwrap();
        it.recv(&mut [0]).await.unwrap();
    }
    "accept" Others { listener() } |it| {
        let other = std::net::TcpStream::connect(it.local_addr().unwrap()).unwrap();
        it.accept().await.unwrap();
        drop(other);
    }
    "sleep" Inside {} |it| { sleep(SHORT).await; }
    "interval" Inside { interval(SHORT) } |it| { it.tick().await; }
    "timeout" Inside {} |it| { timeout(SHORT, pending::<()>()).await.unwrap_err(); }
    "spawn" Inside {} |it| { filch::spawn(ready(())).await.unwrap(); }
    "spawn_blocking" Inside {} |it| { filch::spawn_blocking(|| ()).await.unwrap(); }
    "gather" Inside {} |it| {
        filch::gather([1, 2].map(|i| async move { Ok::<_, ()>(i) })).await.unwrap();
    }
    "bind" Inside {} |it| { UdpSocket::bind("127.0.0.1:0").await.unwrap(); }
}

#[cfg(unix)]
pub(crate) mod unix {
    use super::*;
    use filch::net::UnixStream;

    leaves! {
        "UnixStream" Others { UnixStream::pair().unwrap() } |it| {
            it.0.write_all(b"x").await.unwrap();
            it.1.read_exact(&mut [0]).await.unwrap();
        }
        "connect that fails" Inside {} |it| { UnixStream::connect("no-such-socket").await.unwrap_err(); }
    }
}

/// A task that sends back what it gets.
fn talk() -> (mpsc::Sender<u8>, mpsc::Receiver<u8>) {
    let (to, from_us) = mpsc::channel(1);
    let (to_us, from) = mpsc::channel(1);
    filch::spawn(async move {
        while let Some(value) = from_us.recv().await {
            if to_us.send(value).await.is_err() {
                return;
            }
        }
    });
    (to, from)
}
