//! A Unix stream.

use crate::net::error::context;
use crate::net::stream::{At, Endpoint, Stream};
use crate::net::surface::stream_surface;
use crate::net::unix::{UCred, address};
use crate::sys;
use crate::sys::recv::StreamKind;
use filch_executor::leaf::{self, Said, Wait, WaitKind};
use filch_executor::{Handle, Timer};
use filch_reactor::{Io, Source};
use futures_core::FusedFuture;
use socket2::Socket;
use std::future::Future;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::{self, SocketAddr};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A connected Unix stream; its transfers are those of [`TcpStream`](crate::net::TcpStream).
///
/// ```no_run
/// use filch::net::UnixStream;
///
/// # filch::run(async {
/// let (ours, theirs) = UnixStream::pair()?;
/// ours.write_all(b"over here").await?;
/// let mut buf = [0; 9];
/// theirs.read_exact(&mut buf).await?;
/// # std::io::Result::Ok(()) });
/// ```
pub struct UnixStream {
    stream: Stream<net::UnixStream>,
}

stream_surface!(UnixStream);

impl UnixStream {
    /// Connects to the socket at `path`. If its listener's queue is full, this waits for room, as long as the caller
    /// does: the system does not tell when there is any, so it tries again after 1 ms, then 2, 4, and so on up to every
    /// 20 ms. On Linux a path that begins with NUL is a name in the abstract namespace, which has no file.
    ///
    /// # Errors
    /// The system's with the path in its text, such as `NotFound` or `ConnectionRefused`; an error that
    /// says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future leaves no connection behind, in the listener's queue neither.
    #[track_caller]
    pub fn connect<P: AsRef<Path>>(path: P) -> UnixConnect {
        UnixConnect::new(Target::Path(path.as_ref().to_owned()))
    }

    /// Connects to an address of the standard library, for the abstract namespace among others.
    ///
    /// # Errors
    /// As [`connect`](UnixStream::connect).
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn connect_addr(address: &SocketAddr) -> UnixConnect {
        UnixConnect::new(Target::Address(address.clone()))
    }

    /// Two streams connected with each other, without a name.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let at = Location::caller();
        let handle = Handle::try_current()?;
        let (one, other) = net::UnixStream::pair()?;
        Ok((
            UnixStream::adopt(&handle, one, at)?,
            UnixStream::adopt(&handle, other, at)?,
        ))
    }

    /// Takes over a stream of the standard library and puts it into non-blocking mode.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn from_std(stream: net::UnixStream) -> io::Result<UnixStream> {
        UnixStream::adopt(&Handle::try_current()?, stream, Location::caller())
    }

    fn adopt(handle: &Handle, stream: net::UnixStream, at: At) -> io::Result<UnixStream> {
        stream.set_nonblocking(true)?;
        Ok(UnixStream::new(
            Io::new(handle.reactor().clone(), stream),
            at,
        ))
    }

    pub(super) fn new(io: Io<net::UnixStream>, at: At) -> UnixStream {
        UnixStream {
            stream: Stream::new(io, at, StreamKind::Local),
        }
    }

    /// Gives the stream to the standard library, still in non-blocking mode.
    ///
    /// # Errors
    /// The system's, if the socket cannot be taken from the reactor.
    pub fn into_std(self) -> io::Result<net::UnixStream> {
        self.stream.into_inner()
    }

    /// The other side's address.
    ///
    /// # Errors
    /// The system's.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().peer_addr()
    }

    /// This side's address.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().local_addr()
    }

    /// Who connected, or who listens. On Linux a socket that was never connected has a peer without a process, whose
    /// user and group are `u32::MAX`.
    ///
    /// # Errors
    /// The system's.
    pub fn peer_cred(&self) -> io::Result<UCred> {
        sys::local::peer_cred(self.get_ref())
    }

    /// The socket's pending error, which is cleared by that.
    ///
    /// # Errors
    /// The system's, if it cannot be asked.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.get_ref().take_error()
    }

    pub(crate) fn source(&self) -> &Source {
        self.stream.source()
    }

    fn endpoint(&self) -> Endpoint<'_> {
        self.stream.endpoint()
    }

    pub(crate) fn into_object(self) -> net::UnixStream {
        self.stream.into_object()
    }

    pub(crate) fn get_ref(&self) -> &net::UnixStream {
        self.stream.get_ref()
    }
}

/// What is connected to.
#[derive(Clone, Debug)]
enum Target {
    Path(PathBuf),
    Address(SocketAddr),
}

impl Target {
    fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Target::Path(path) => address::of(path),
            Target::Address(address) => Ok(address.clone()),
        }
    }

    fn explain(&self, error: io::Error) -> io::Error {
        match self {
            Target::Path(path) => context(error, format_args!("connect to {path:?}")),
            Target::Address(address) => context(error, format_args!("connect to {address:?}")),
        }
    }
}

/// The pause after the first attempt that found no room, and the longest one: short enough for a person, and 50
/// attempts a second cost nothing.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// The future of [`UnixStream::connect`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct UnixConnect {
    target: Target,
    /// While the listener's queue is full.
    full: Option<Full>,
    wait: Wait,
    said: Said,
    over: bool,
}

/// What there is between two attempts.
#[derive(Debug)]
struct Full {
    socket: Socket,
    pause: Duration,
    timer: Timer,
}

impl UnixConnect {
    #[track_caller]
    fn new(target: Target) -> UnixConnect {
        UnixConnect {
            target,
            full: None,
            wait: Wait::here(WaitKind::Connect),
            said: Said::new(),
            over: false,
        }
    }

    fn poll_connect(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        let handle = Handle::try_current()?;
        ready!(leaf::poll_budget_of(self, cx));
        let address = self.target.address()?;
        loop {
            if let Some(full) = &mut self.full {
                // Before the timer says so: a poll's first record stays, and this is not a sleep.
                if handle.clock().now() < full.timer.deadline() {
                    let descriptor = full.socket.as_raw_fd().unsigned_abs();
                    leaf::record(self.wait.with_resource(descriptor.into()));
                }
                ready!(full.timer.poll_as_limit(cx));
            }
            let (socket, pause) = match self.full.take() {
                Some(full) => (full.socket, (full.pause * 2).min(LONGEST_PAUSE)),
                None => (sys::local::stream_socket()?, FIRST_PAUSE),
            };
            match sys::local::connect(&socket, &address) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let due = handle.clock().now().saturating_add(pause);
                    let timer = Timer::new(due, self.wait.at);
                    self.full = Some(Full {
                        socket,
                        pause,
                        timer,
                    });
                }
                connected => {
                    let io = Io::new(handle.reactor().clone(), socket.into());
                    return Poll::Ready(connected.map(|()| UnixStream::new(io, self.wait.at)));
                }
            }
        }
    }
}

impl Future for UnixConnect {
    type Output = io::Result<UnixStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.poll_connect(cx);
        let wait = self.wait;
        self.said.keep(wait, &polled);
        self.over = polled.is_ready();
        polled.map_err(|error| self.target.explain(error))
    }
}

impl FusedFuture for UnixConnect {
    fn is_terminated(&self) -> bool {
        self.over
    }
}
