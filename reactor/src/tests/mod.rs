//! The reactor over the real kernel: every test runs on each selector that is compiled, on epoll also as it waits
//! before Linux 5.11, and on the polling one also as it behaves on systems without edges.
//!
//! Nothing here sleeps. A test waits for its condition in the selector, and gives up after `PATIENCE`, which no passing
//! test needs.

mod close;
mod edges;
mod ends;
mod notify;
mod registration;
mod waiters;

use crate::reactor::Reactor;
use crate::selector::{Engine, Selector};
use crate::{AsSource, Direction, Io, Ready};
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test once for each way in which a reactor can come to its events.
fn each(test: impl Fn(&Arc<Reactor>)) {
    for (name, engine) in [
        #[cfg(target_os = "linux")]
        ("epoll", Engine::new(Selector::Epoll)),
        #[cfg(target_os = "linux")]
        ("epoll in two steps", Engine::in_two_steps()),
        #[cfg(any(feature = "polling", not(target_os = "linux")))]
        ("polling", Engine::new(Selector::Polling)),
        #[cfg(any(feature = "polling", not(target_os = "linux")))]
        ("polling without edges", Engine::oneshot()),
    ] {
        println!("with {name}");
        test(&Arc::new(Reactor::with_engine(
            engine.expect("a selector can be made"),
        )));
    }
}

/// Counts how often it is woken.
#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A pair of connected Unix sockets, our end in a source.
fn unix(reactor: &Arc<Reactor>) -> (Io<UnixStream>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    ours.set_nonblocking(true).expect("non-blocking");
    (Io::new(Arc::clone(reactor), ours), theirs)
}

/// A TCP connection over loopback, our end in a source.
fn tcp(reactor: &Arc<Reactor>) -> (Io<TcpStream>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let theirs =
        TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let (ours, _) = listener.accept().expect("it is accepted");
    ours.set_nonblocking(true).expect("non-blocking");
    ours.set_nodelay(true).expect("no delay");
    theirs.set_nodelay(true).expect("no delay");
    (Io::new(Arc::clone(reactor), ours), theirs)
}

/// Waits once and wakes. Returns the number of events.
fn turn(reactor: &Reactor, timeout: Option<Duration>) -> usize {
    let mut woken = Vec::new();
    let events = reactor
        .try_lock()
        .expect("nobody else polls")
        .wait(timeout, &mut woken)
        .expect("the reactor is open");
    woken.drain(..).for_each(Waker::wake);
    events
}

/// Looks without waiting.
fn glance(reactor: &Reactor) -> usize {
    turn(reactor, Some(Duration::ZERO))
}

fn poll<T: AsSource>(io: &Io<T>, direction: Direction, waker: &Waker) -> Poll<io::Result<Ready>> {
    io.source()
        .poll_ready(direction, None, &mut Context::from_waker(waker))
}

/// Polls until that direction would wait, forgetting whatever readiness there is. Returns nothing: it is Pending, with
/// `waker` left.
fn park<T: AsSource>(io: &Io<T>, direction: Direction, waker: &Waker) {
    while let Poll::Ready(ready) = poll(io, direction, waker) {
        io.source().clear(ready.expect("open"));
    }
}

/// What a leaf future and an executor would do together: tries, and waits in the selector in between.
fn complete<T: AsSource, R>(
    io: &Io<T>,
    direction: Direction,
    mut operation: impl FnMut(&T) -> io::Result<R>,
) -> io::Result<R> {
    let start = now();
    loop {
        let woken = Arc::new(Count::default());
        match poll(io, direction, &Waker::from(Arc::clone(&woken))) {
            Poll::Ready(ready) => {
                let ready = ready?;
                match operation(io.get_ref()) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        io.source().clear(ready)
                    }
                    result => return result,
                }
            }
            Poll::Pending => {
                while woken.get() == 0 {
                    turn(io.source().reactor(), Some(Duration::from_secs(5)));
                    assert!(
                        now() - start < PATIENCE,
                        "no event came for {:?}",
                        io.source()
                    );
                }
            }
        }
        assert!(
            now() - start < PATIENCE,
            "ready for ever, but never able: {:?}",
            io.source()
        );
    }
}

/// One read as a stream does it: a short one clears.
fn receive<T: AsSource>(io: &Io<T>, buffer: &mut [u8]) -> io::Result<usize>
where
    for<'a> &'a T: Read,
{
    let mut seen = None;
    let count = complete(io, Direction::Read, |mut stream| {
        seen = io.source().ready(Direction::Read);
        stream.read(buffer)
    })?;
    if let (true, Some(ready)) = (0 < count && count < buffer.len(), seen) {
        io.source().clear_short(ready);
    }
    Ok(count)
}

/// A clock for what a test measures; the project's own belongs to another crate.
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(time).expect("monotonic time is positive")
}
