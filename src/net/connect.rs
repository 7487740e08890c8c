//! Connecting to the first of several addresses that answers (RFC 8305, "happy eyeballs").
//!
//! A [`Connecting`] resolves its address, then runs a race: one attempt is started, and another one whenever
//! 250 ms have passed or an attempt has failed, IPv6 and IPv4 in turn. The first connection wins;
//! the other sockets are closed with the race. One address alone needs no timer.
//!
//! Where nobody listens at a local address, a socket can connect *to itself*: the system gives it the very port that it
//! is to connect to, and TCP allows both sides to begin at once. Such a connection is closed, and another attempt made.

use crate::net::addr::{Resolve, ToSocketAddrs, list};
use crate::net::error::context;
use crate::net::stream::At;
use crate::sys;
use filch_executor::leaf::{self, Wait, WaitKind};
use filch_executor::{Handle, Timer};
use filch_reactor::{Direction, Io, Waiter};
use socket2::{Domain, SockRef, Socket};
use std::collections::VecDeque;
use std::io;
use std::net::{self, SocketAddr};
use std::panic::Location;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How long an attempt has the field for itself (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// So many times in a row the system may choose the port of the target itself: a second time is unlikely already.
const SELF_CONNECTS: u8 = 3;

/// The future of [`TcpStream::connect`].
#[derive(Debug)]
pub(crate) struct Connecting {
    state: State,
    pub(crate) at: At,
}

#[derive(Debug)]
enum State {
    Resolving(Resolve),
    Racing(Race),
}

impl Connecting {
    #[track_caller]
    pub(crate) fn new<A: ToSocketAddrs>(target: &A) -> Connecting {
        Connecting {
            state: State::Resolving(Resolve::new(target)),
            at: Location::caller(),
        }
    }

    /// The connection. Not to be polled again after that.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Io<net::TcpStream>>> {
        let at = self.at;
        if let State::Resolving(resolve) = &mut self.state {
            let handle = Handle::try_current()?;
            let addresses = ready!(resolve.poll(cx))?;
            self.state = State::Racing(Race::new(handle, addresses, at));
        }
        let State::Racing(race) = &mut self.state else {
            unreachable!("an address was found")
        };
        race.poll(cx)
    }
}

/// The attempts at one target's addresses.
#[derive(Debug)]
struct Race {
    handle: Handle,
    addresses: Vec<SocketAddr>,
    waiting: VecDeque<SocketAddr>,
    running: Vec<Attempt>,
    /// Until the next attempt is due. Only while addresses are waiting.
    pause: Option<Timer>,
    last: Option<io::Error>,
    /// How many more connections of a socket with itself are taken for an accident.
    accidents: u8,
    at: At,
}

impl Race {
    fn new(handle: Handle, addresses: Vec<SocketAddr>, at: At) -> Race {
        let waiting = interleave(&addresses);
        Race {
            handle,
            addresses,
            waiting,
            running: Vec::new(),
            pause: None,
            last: None,
            accidents: SELF_CONNECTS,
            at,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Io<net::TcpStream>>> {
        loop {
            if let Some(winner) = self.poll_running(cx) {
                return Poll::Ready(Ok(winner));
            }
            let due = self
                .pause
                .as_mut()
                .is_none_or(|pause| pause.poll(cx).is_ready());
            if self.running.is_empty() || due && !self.waiting.is_empty() {
                let Some(address) = self.waiting.pop_front() else {
                    return Poll::Ready(Err(self.failure()));
                };
                self.start(address);
            } else {
                return Poll::Pending;
            }
        }
    }

    /// The first of the running attempts that has a connection; failed ones leave the race, and the
    /// next address need not wait for its time then.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> Option<Io<net::TcpStream>> {
        let mut index = 0;
        while index < self.running.len() {
            match self.running[index].poll(self.at, cx) {
                Poll::Pending => index += 1,
                Poll::Ready(Ok(())) => return self.running.swap_remove(index).io.take(),
                Poll::Ready(Err(error)) => {
                    let attempt = self.running.remove(index);
                    if attempt.is_with_itself && self.accidents > 0 {
                        self.accidents -= 1;
                        self.waiting.push_front(attempt.address);
                    }
                    self.last = Some(error);
                    self.pause = None;
                }
            }
        }
        None
    }

    fn start(&mut self, address: SocketAddr) {
        match Attempt::start(&self.handle, address) {
            Ok(attempt) => {
                self.running.push(attempt);
                let due = self.handle.clock().now().saturating_add(ATTEMPT_DELAY);
                let more = !self.waiting.is_empty();
                self.pause = more.then(|| Timer::new(due, self.at));
            }
            Err(error) => {
                self.last = Some(error);
                self.pause = None;
            }
        }
    }

    fn failure(&mut self) -> io::Error {
        let last = self
            .last
            .take()
            .unwrap_or_else(|| io::ErrorKind::NotConnected.into());
        context(last, format_args!("connect to {}", list(&self.addresses)))
    }
}

/// One socket on its way to one address.
#[derive(Debug)]
struct Attempt {
    address: SocketAddr,
    /// There until it has won.
    io: Option<Io<net::TcpStream>>,
    /// Whether the system still had to be waited for when `connect` returned.
    in_progress: bool,
    /// It has failed because it was connected with itself.
    is_with_itself: bool,
    waiter: Waiter,
}

impl Attempt {
    fn start(handle: &Handle, address: SocketAddr) -> io::Result<Attempt> {
        let socket = sys::stream_socket(Domain::for_address(address))?;
        Attempt::of(handle, socket, address)
    }

    fn of(handle: &Handle, socket: Socket, address: SocketAddr) -> io::Result<Attempt> {
        let in_progress = begin(&socket, address)?;
        let io = Some(Io::new(
            handle.reactor().clone(),
            net::TcpStream::from(socket),
        ));
        Ok(Attempt {
            address,
            io,
            in_progress,
            is_with_itself: false,
            waiter: Waiter::default(),
        })
    }

    fn poll(&mut self, at: At, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(io) = &self.io else {
            return Poll::Pending;
        };
        let source = io.source();
        let wait = Wait {
            kind: WaitKind::Connect,
            resource: 0,
            at,
        };
        let (in_progress, with_itself) = (&mut self.in_progress, &mut self.is_with_itself);
        let check = || match std::mem::take(in_progress) {
            // A fresh source counts as ready: this says that it is not.
            true => Err(io::ErrorKind::WouldBlock.into()),
            false => outcome(io.get_ref(), with_itself),
        };
        leaf::poll_io(
            source,
            Direction::Write,
            Some(&mut self.waiter),
            wait,
            cx,
            check,
        )
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(io) = &self.io {
            io.source().forget(&mut self.waiter);
        }
    }
}

/// Connecting a socket that somebody has prepared, to one address.
#[derive(Debug)]
pub(crate) struct ConnectingOne {
    /// Not before the first poll, and not after the end.
    prepared: Option<Socket>,
    running: Option<Attempt>,
    address: SocketAddr,
    pub(crate) at: At,
}

impl ConnectingOne {
    #[track_caller]
    pub(crate) fn new(socket: Socket, address: SocketAddr) -> ConnectingOne {
        ConnectingOne {
            prepared: Some(socket),
            running: None,
            address,
            at: Location::caller(),
        }
    }

    /// The connection. Not to be polled again after that.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Io<net::TcpStream>>> {
        ready!(leaf::poll_budget_of(self, cx));
        let connected = ready!(self.poll_attempt(cx));
        let address = self.address;
        let explain = |error| context(error, format_args!("connect to {address}"));
        Poll::Ready(connected.map_err(explain))
    }

    fn poll_attempt(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Io<net::TcpStream>>> {
        if let Some(socket) = self.prepared.take() {
            let handle = Handle::try_current()?;
            self.running = Some(Attempt::of(&handle, socket, self.address)?);
        }
        let attempt = self.running.as_mut().expect("a socket that connects");
        ready!(attempt.poll(self.at, cx))?;
        let io = attempt.io.take();
        Poll::Ready(Ok(io.expect("it was connected once")))
    }
}

/// Starts to connect. Returns whether that goes on in the background.
fn begin(socket: &Socket, address: SocketAddr) -> io::Result<bool> {
    match socket.connect(&address.into()) {
        Ok(()) => Ok(false),
        Err(error) if sys::is_in_progress(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

/// How connecting ended; `WouldBlock` if it has not.
fn outcome(stream: &net::TcpStream, with_itself: &mut bool) -> io::Result<()> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    let peer = match stream.peer_addr() {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        peer => peer?,
    };
    *with_itself = stream.local_addr()? == peer;
    if !*with_itself {
        return Ok(());
    }
    // Reset it: or the port, which is somebody's that does not listen yet, would be in use for a minute.
    SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
    let what = "nobody listens there: the socket was connected with itself";
    Err(io::Error::new(io::ErrorKind::ConnectionRefused, what))
}

/// The resolver's order, but with the families in turn, beginning with the first address's.
fn interleave(addresses: &[SocketAddr]) -> VecDeque<SocketAddr> {
    let leads = |address: &&SocketAddr| address.is_ipv4() == addresses[0].is_ipv4();
    let mut first = addresses.iter().filter(leads);
    let mut second = addresses.iter().filter(|address| !leads(address));
    let mut order = VecDeque::with_capacity(addresses.len());
    while order.len() < addresses.len() {
        order.extend(first.next());
        order.extend(second.next());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn families_take_turns_and_the_first_stays_first() {
        let all = [
            "[::1]:1",
            "[::1]:2",
            "[::1]:3",
            "127.0.0.1:4",
            "127.0.0.1:5",
        ]
        .map(address);
        let order: Vec<u16> = interleave(&all).iter().map(SocketAddr::port).collect();
        assert_eq!(order, [1, 4, 2, 5, 3]);
        let order: Vec<u16> = interleave(&all[3..]).iter().map(SocketAddr::port).collect();
        assert_eq!(order, [4, 5]);
        assert!(interleave(&[]).is_empty());
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no such sockets")]
    fn a_socket_that_is_connected_with_itself_counts_as_refused() {
        let socket = Socket::new(Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        socket.bind(&address("127.0.0.1:0").into()).expect("a port");
        let own = socket.local_addr().expect("an address");
        socket.connect(&own).expect("it connects with itself");
        let mut with_itself = false;
        let error = outcome(&socket.into(), &mut with_itself).expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(with_itself);
    }
}
