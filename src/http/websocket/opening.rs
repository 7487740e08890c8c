//! The futures that end in a WebSocket.

use super::Config;
use super::client::Plan;
use super::error::Error;
use super::socket::{Side, WebSocket};
use crate::http::rt::FromHyper;
use crate::http::waiting::Waiting;
use async_tungstenite::tungstenite::Error as Protocol;
use filch_executor::leaf::{self, Said, Wait};
use futures_core::FusedFuture;
use http::{HeaderName, HeaderValue, header};
use hyper::upgrade::OnUpgrade;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

type Opened = Result<WebSocket, Error>;

/// Future of [`connect`](super::connect) and [`Client::websocket`](crate::http::Client::websocket). Its methods are
/// options, for before it is polled for the first time; afterwards they change nothing.
#[must_use = "futures do nothing unless awaited"]
pub struct Connect {
    /// Until the first poll.
    plan: Option<Box<Plan>>,
    wait: Wait,
    /// From then on.
    waiting: Option<Waiting<'static, Opened>>,
}

// The plan is only taken, never looked at by reference.
impl UnwindSafe for Connect {}
impl RefUnwindSafe for Connect {}

impl Connect {
    pub(super) fn new(plan: Plan, wait: Wait) -> Connect {
        Connect {
            plan: Some(Box::new(plan)),
            wait,
            waiting: None,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Plan)) -> Connect {
        if let Some(plan) = &mut self.plan {
            change(plan);
        }
        self
    }

    /// How long it may take until the WebSocket is open: name, TCP, proxy, TLS, and the server's answer together. From
    /// the first poll on. By default the client's
    /// [`connect_timeout`](crate::http::client::ClientBuilder::connect_timeout), which is 10 seconds; `None` for none.
    pub fn timeout(self, limit: impl Into<Option<Duration>>) -> Connect {
        self.with(|plan| plan.limit = limit.into())
    }

    /// Limits of the WebSocket.
    pub fn config(self, config: Config) -> Connect {
        self.with(|plan| plan.config = config)
    }

    /// Adds a header to the handshake, such as `origin`, `cookie` or `authorization`.
    pub fn header<N, V>(self, name: N, value: V) -> Connect
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        self.with(|plan| plan.header(name.try_into().ok(), value.try_into().ok()))
    }

    /// Offers protocols within the WebSocket, the favourite first. [`WebSocket::protocol`] says which one the server
    /// took; that it takes none is an error.
    pub fn protocols<P: AsRef<str>>(self, names: impl IntoIterator<Item = P>) -> Connect {
        let names: Vec<_> = names.into_iter().collect();
        let names: Vec<_> = names.iter().map(AsRef::as_ref).collect();
        match names.is_empty() {
            true => self,
            false => self.header(header::SEC_WEBSOCKET_PROTOCOL, names.join(", ")),
        }
    }
}

impl Future for Connect {
    type Output = Opened;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Opened> {
        let this = &mut *self;
        if let Some(plan) = this.plan.take() {
            this.waiting = Some(Waiting::new(this.wait, plan.carry_out()));
        }
        let waiting = this.waiting.as_mut();
        Pin::new(waiting.expect("the plan was carried out above")).poll(cx)
    }
}

impl FusedFuture for Connect {
    fn is_terminated(&self) -> bool {
        self.waiting.as_ref().is_some_and(Waiting::is_terminated)
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").finish_non_exhaustive()
    }
}

/// Future of [`connect_over`](super::connect_over).
#[must_use = "futures do nothing unless awaited"]
pub struct ConnectOver(Waiting<'static, Opened>);

impl ConnectOver {
    pub(super) fn new(
        wait: Wait,
        asking: impl Future<Output = Opened> + Send + 'static,
    ) -> ConnectOver {
        ConnectOver(Waiting::new(wait, asking))
    }
}

impl Future for ConnectOver {
    type Output = Opened;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Opened> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl FusedFuture for ConnectOver {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

impl fmt::Debug for ConnectOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOver").finish_non_exhaustive()
    }
}

/// Future of [`Upgrading::open`](super::Upgrading::open).
#[must_use = "futures do nothing unless awaited"]
pub struct Open {
    upgrade: OnUpgrade,
    protocol: Option<HeaderValue>,
    /// Until it has ended.
    config: Option<Config>,
    wait: Wait,
    said: Said,
}

impl Open {
    pub(super) fn new(
        upgrade: OnUpgrade,
        protocol: Option<HeaderValue>,
        config: Config,
        wait: Wait,
    ) -> Open {
        Open {
            upgrade,
            protocol,
            config: Some(config),
            wait,
            said: Said::new(),
        }
    }
}

impl Future for Open {
    type Output = Opened;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Opened> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = &mut *self;
        this.said.record(this.wait);
        let upgraded = ready!(Pin::new(&mut this.upgrade).poll(cx));
        this.said = Said::new();
        let config = this.config.take().expect("it is polled after its end");
        Poll::Ready(match upgraded {
            Ok(upgraded) => {
                let stream = FromHyper::new(upgraded);
                let mut socket = WebSocket::from_stream(stream, Side::Server, config);
                socket.set_protocol(this.protocol.take());
                Ok(socket)
            }
            Err(error) => {
                let error = io::Error::new(io::ErrorKind::ConnectionAborted, error);
                Err(Protocol::from(error).into())
            }
        })
    }
}

impl FusedFuture for Open {
    fn is_terminated(&self) -> bool {
        self.config.is_none()
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").finish_non_exhaustive()
    }
}
