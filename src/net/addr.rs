//! From what a user calls an address to socket addresses.
//!
//! Numeric addresses and `localhost` are known at once, without leaving the thread; host names go to the system's
//! resolver, on threads of its own (`lookup`). [`Resolve`] is the one future of all, inside of `bind`, `connect`
//! and [`lookup_host`]. There is no cache: that is the system's business.

use crate::net::error::{context, invalid_input};
use crate::net::localhost;
use crate::net::lookup::Lookup;
use crate::net::stream::At;
use filch_executor::Handle;
use filch_executor::leaf::{self, Said, Wait, WaitKind};
use futures_core::FusedFuture;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

/// What can be used as an address: as `std::net::ToSocketAddrs`, but a host name never blocks.
///
/// It is implemented for socket addresses and slices of them, pairs of an IP address or a host name
/// and a port, and strings like `"127.0.0.1:80"` or `"example.org:80"`. The trait is sealed.
///
/// ```
/// fn takes(_: impl filch::net::ToSocketAddrs) {}
/// takes("localhost:8080");
/// takes(("localhost", 8080));
/// takes(([127, 0, 0, 1], 8080));
/// takes(std::net::SocketAddr::from(([127, 0, 0, 1], 8080)));
/// ```
pub trait ToSocketAddrs: sealed::Target {}

impl<T: sealed::Target + ?Sized> ToSocketAddrs for T {}

/// Looks up the addresses of a host. The port is the one that was given.
///
/// A numeric address is known at once. So is `localhost`: it is 127.0.0.1 and ::1, as RFC 6761 has it, and nobody is
/// asked. They come in the order in which the system's resolver would give them: ::1 first, unless the machine has no
/// such address, or its file of hosts (`/etc/hosts`) calls 127.0.0.1 by that name and ::1 not.
///
/// For any other name the system's resolver is asked (`getaddrinfo`, so `/etc/nsswitch.conf`, `/etc/hosts` and so on
/// count), and the addresses come in its order. Nothing can call it off, so it has threads of its own, which belong to
/// the process: no runtime's end waits for them, and they take nothing from [`spawn_blocking`](crate::spawn_blocking).
/// Four are usual. When all of them have been busy for a second, there are twice as many, as far as they are wanted, up
/// to 64; one without work ends after 5 seconds. No runtime is needed.
///
/// # Errors
/// `InvalidInput` if `host` has no port or is otherwise malformed; the resolver's error, with the name in its text, if
/// the lookup fails; `ResourceBusy` if all 64 threads have been waiting for the resolver for a second.
///
/// # Cancel safety
/// Cancel safe: dropping the future gives the result up. A lookup that has started on its thread keeps that thread
/// until the resolver gives up.
///
/// ```no_run
/// # filch::run(async {
/// for address in filch::net::lookup_host("localhost:80").await? {
///     println!("{address}");
/// }
/// # std::io::Result::Ok(()) });
/// ```
#[track_caller]
pub fn lookup_host<A: ToSocketAddrs>(host: A) -> LookupHost {
    LookupHost {
        resolve: Resolve::new(&host),
        over: false,
    }
}

/// The future of [`lookup_host`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct LookupHost {
    resolve: Resolve,
    over: bool,
}

impl Future for LookupHost {
    type Output = io::Result<vec::IntoIter<SocketAddr>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.resolve.poll(cx);
        self.over = polled.is_ready();
        polled.map_ok(Vec::into_iter)
    }
}

impl FusedFuture for LookupHost {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

/// An address on its way from words to numbers.
#[derive(Debug)]
pub(crate) struct Resolve {
    state: State,
    wait: Wait,
    said: Said,
}

#[derive(Debug)]
enum State {
    Found(io::Result<Vec<SocketAddr>>),
    Name { host: String, port: u16 },
    Asked { host: String, lookup: Lookup },
    Done,
}

impl Resolve {
    /// The address itself, if that is what `target` is, without any work.
    pub(crate) fn single<A: ToSocketAddrs + ?Sized>(target: &A) -> Option<SocketAddr> {
        target.single()
    }

    #[track_caller]
    pub(crate) fn new<A: ToSocketAddrs + ?Sized>(target: &A) -> Resolve {
        let state = match target.target() {
            Ok(sealed::Addresses::Known(known)) => State::Found(Ok(known)),
            Ok(sealed::Addresses::Name(host, port)) => State::Name { host, port },
            Err(error) => State::Found(Err(error)),
        };
        Resolve {
            state,
            wait: Wait::here(WaitKind::Lookup),
            said: Said::new(),
        }
    }

    /// At least one address, or why there is none. Not to be polled again after that.
    ///
    /// Spends budget, also for what is known at once: so does whatever begins with an address, however it ends.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<SocketAddr>>> {
        ready!(leaf::poll_budget_of(self, cx));
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Found(found) => return Poll::Ready(found.and_then(not_empty)),
                State::Name { host, port } => self.ask(host, port),
                State::Asked { host, lookup } => match lookup.poll(cx) {
                    Poll::Ready(found) => self.state = State::Found(found.map_err(of(&host))),
                    Poll::Pending => {
                        self.said.record(self.wait);
                        self.state = State::Asked { host, lookup };
                        return Poll::Pending;
                    }
                },
                State::Done => panic!("an address was polled after it had been resolved"),
            }
        }
    }

    /// Gives the name to the resolver, unless it needs none.
    fn ask(&mut self, host: String, port: u16) {
        self.state = match localhost::addresses(&host, port) {
            Some(found) => State::Found(Ok(found)),
            None => match Lookup::new(&host, port) {
                Ok(lookup) => State::Asked { host, lookup },
                Err(error) => State::Found(Err(of(&host)(error))),
            },
        };
    }
}

/// What a lookup's error says of the host.
fn of(host: &str) -> impl FnOnce(io::Error) -> io::Error {
    move |error| context(error, format_args!("look up host {host:?}"))
}

/// The future of the `bind` functions: resolves the address, then tries each one in turn.
///
/// Cancel safe: nothing is left behind by a dropped one.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Bind<S> {
    resolve: Resolve,
    one: fn(&Handle, SocketAddr, At) -> io::Result<S>,
    over: bool,
}

impl<S> Bind<S> {
    #[track_caller]
    pub(crate) fn new<A: ToSocketAddrs>(
        target: A,
        one: fn(&Handle, SocketAddr, At) -> io::Result<S>,
    ) -> Bind<S> {
        Bind {
            resolve: Resolve::new(&target),
            one,
            over: false,
        }
    }

    fn poll_bind(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<S>> {
        let handle = Handle::try_current()?;
        let addresses = ready!(self.resolve.poll(cx))?;
        let (one, at) = (self.one, self.resolve.wait.at);
        Poll::Ready(each(&addresses, "bind to", |address| {
            one(&handle, address, at)
        }))
    }
}

impl<S> Future for Bind<S> {
    type Output = io::Result<S>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<S>> {
        let polled = self.poll_bind(cx);
        self.over = polled.is_ready();
        polled
    }
}

impl<S> FusedFuture for Bind<S> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

/// The first address that `attempt` succeeds with, or the last error, which then names them all.
pub(crate) fn each<R>(
    addresses: &[SocketAddr],
    what: &str,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<R>,
) -> io::Result<R> {
    let mut last = None;
    for address in addresses {
        match attempt(*address) {
            Ok(done) => return Ok(done),
            Err(error) => last = Some(error),
        }
    }
    let last = last.unwrap_or_else(|| invalid_input("no address was given"));
    Err(context(last, format_args!("{what} {}", list(addresses))))
}

/// Addresses in an error's text.
pub(crate) fn list(addresses: &[SocketAddr]) -> String {
    let names: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    names.join(", ")
}

fn not_empty(addresses: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    match addresses.is_empty() {
        true => Err(invalid_input(
            "the list of addresses is empty: give at least one",
        )),
        false => Ok(addresses),
    }
}

mod sealed {
    use super::*;

    /// What is known of an address before anybody is asked.
    #[derive(Debug)]
    pub enum Addresses {
        Known(Vec<SocketAddr>),
        Name(String, u16),
    }

    /// What hides behind `ToSocketAddrs`.
    pub trait Target {
        fn target(&self) -> io::Result<Addresses>;

        /// The address itself, if it is just one: for who is asked for each datagram.
        fn single(&self) -> Option<SocketAddr> {
            None
        }
    }

    impl Target for SocketAddr {
        fn single(&self) -> Option<SocketAddr> {
            Some(*self)
        }

        fn target(&self) -> io::Result<Addresses> {
            Ok(Addresses::Known(vec![*self]))
        }
    }

    impl Target for SocketAddrV4 {
        fn single(&self) -> Option<SocketAddr> {
            Some((*self).into())
        }

        fn target(&self) -> io::Result<Addresses> {
            SocketAddr::from(*self).target()
        }
    }

    impl Target for SocketAddrV6 {
        fn single(&self) -> Option<SocketAddr> {
            Some((*self).into())
        }

        fn target(&self) -> io::Result<Addresses> {
            SocketAddr::from(*self).target()
        }
    }

    impl Target for (IpAddr, u16) {
        fn target(&self) -> io::Result<Addresses> {
            SocketAddr::from(*self).target()
        }
    }

    impl Target for (Ipv4Addr, u16) {
        fn target(&self) -> io::Result<Addresses> {
            SocketAddr::from(*self).target()
        }
    }

    impl Target for (Ipv6Addr, u16) {
        fn target(&self) -> io::Result<Addresses> {
            SocketAddr::from(*self).target()
        }
    }

    impl Target for ([u8; 4], u16) {
        fn target(&self) -> io::Result<Addresses> {
            SocketAddr::from(*self).target()
        }
    }

    impl Target for [SocketAddr] {
        fn target(&self) -> io::Result<Addresses> {
            Ok(Addresses::Known(self.to_vec()))
        }
    }

    impl<const N: usize> Target for [SocketAddr; N] {
        fn target(&self) -> io::Result<Addresses> {
            self[..].target()
        }
    }

    impl Target for Vec<SocketAddr> {
        fn target(&self) -> io::Result<Addresses> {
            self[..].target()
        }
    }

    impl Target for (&str, u16) {
        fn target(&self) -> io::Result<Addresses> {
            Ok(match self.0.parse::<IpAddr>() {
                Ok(ip) => Addresses::Known(vec![SocketAddr::new(ip, self.1)]),
                Err(_) => Addresses::Name(self.0.to_owned(), self.1),
            })
        }
    }

    impl Target for (String, u16) {
        fn target(&self) -> io::Result<Addresses> {
            (self.0.as_str(), self.1).target()
        }
    }

    impl Target for str {
        fn target(&self) -> io::Result<Addresses> {
            if let Ok(known) = self.parse::<SocketAddr>() {
                return known.target();
            }
            let parts = self.rsplit_once(':').filter(|(host, _)| !host.is_empty());
            let parts = parts.and_then(|(host, port)| Some((host, port.parse().ok()?)));
            let (host, port): (&str, u16) = parts.ok_or_else(|| {
                invalid_input(format_args!(
                    "invalid address {self:?}: expected host:port, like \"127.0.0.1:80\""
                ))
            })?;
            (host, port).target()
        }
    }

    impl Target for String {
        fn target(&self) -> io::Result<Addresses> {
            self.as_str().target()
        }
    }

    impl<T: Target + ?Sized> Target for &T {
        fn single(&self) -> Option<SocketAddr> {
            (**self).single()
        }

        fn target(&self) -> io::Result<Addresses> {
            (**self).target()
        }
    }
}
