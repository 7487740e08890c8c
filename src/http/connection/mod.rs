//! One connection, from the accept to its end: its handshake, its first bytes, and hyper on it.
//!
//! `meter` is what is seen of it, `watched` its stream, `sniff` its first bytes. `request` is what hyper calls, under
//! `rules`, and `answer` what it sends; `line` is what all requests have in common, `streams` are the tasks of HTTP/2.
//! `drive` watches the limits by an `alarm`, and `farewell` ends a connection whose client does not know that yet.

mod alarm;
mod answer;
mod drive;
mod farewell;
mod line;
mod log;
mod meter;
mod request;
mod rest;
mod rules;
mod sniff;
mod streams;
mod watched;

use super::info::{ConnInfo, Facts};
use super::listener::{Listener, Open, Transport};
use super::rt::Timer;
use super::service::{HttpService, MakeService};
use crate::structure::{Apart, CancelToken};
use crate::time::{Instant, sleep_until};
use drive::{End, drive};
use farewell::farewell;
use hyper::StatusCode;
use hyper::server::conn::{http1, http2};
use line::Line;
pub(super) use meter::Tally;
use parking_lot::Mutex;
use request::Adapter;
pub(super) use rules::Rules;
use sniff::{Version, sniff};
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use streams::{Begun, Streams};
use watched::{Back, Watched};

/// What all connections of a server share.
pub(super) struct Server<M> {
    pub(super) make: M,
    pub(super) rules: Arc<Rules>,
    pub(super) half_close: bool,
    pub(super) stop: CancelToken,
    pub(super) tally: Tally,
    pub(super) at: &'static Location<'static>,
}

/// Serves one connection to its end.
pub(super) async fn serve<L, M>(server: Arc<Server<M>>, io: L::Io, peer: L::Peer)
where
    L: Listener,
    M: MakeService<<L::Io as Open>::Stream, L::Peer>,
{
    let limits = &server.rules.limits;
    let came = Instant::now();
    let soon = came.saturating_add(limits.linger / NEW);
    let late = async {
        server.stop.cancelled().await;
        // A handshake that is under way.
        sleep_until(came.saturating_add(limits.linger)).await;
    };
    let Some(Ok((mut stream, facts))) = before(io.open(), late).await else {
        // It has never asked for anything.
        return;
    };
    let Facts { peer: other, tls } = facts;
    let two = tls
        .as_ref()
        .is_some_and(|tls| tls.alpn_protocol() == Some(b"h2"));
    let info = ConnInfo::new(
        other.unwrap_or_else(|| peer.clone().into()),
        tls,
        server.stop.clone(),
    );
    let mut received = Vec::new();
    let stop = server.stop.cancelled();
    let Some(version) = sniff(&mut stream, &mut received, limits, stop, soon).await else {
        return;
    };
    let service = server.make.make(&stream, &peer, &info).await;
    let connection = Connection {
        server: &server,
        line: Line::new(info, Arc::clone(&server.rules)),
        back: Arc::new(Mutex::new(None)),
    };
    let version = if two { Version::Two } else { version };
    connection.serve(stream, received, service, version).await;
}

/// What `future` gives, unless `stop` is ready while it waits.
async fn before<F: Future>(future: F, stop: impl Future<Output = ()>) -> Option<F::Output> {
    let (mut future, mut stop) = (pin!(future), pin!(stop));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => stop.as_mut().poll(cx).map(|()| None),
    })
    .await
}

struct Connection<'a, M, S> {
    server: &'a Server<M>,
    line: Arc<Line>,
    back: Back<S>,
}

impl<M, S: Transport> Connection<'_, M, S> {
    async fn serve<H: HttpService>(
        &self,
        stream: S,
        received: Vec<u8>,
        service: H,
        version: Version,
    ) {
        let line = Arc::clone(&self.line);
        let stream = Watched::new(stream, received, line.clone(), Arc::clone(&self.back));
        let adapter = Adapter::new(service, line);
        let end = match version {
            Version::One => self.serve_one(stream, adapter).await,
            Version::Two => self.serve_two(stream, adapter).await,
        };
        // An upgraded connection is still one of the server's.
        self.line.meter.gone.wait().await;
        let back = self.back.lock().take();
        if let Some(stream) = back {
            self.part(end, stream).await;
        }
    }

    /// Closes what hyper has given back.
    async fn part(&self, end: End, stream: S) {
        let status = match end {
            End::SlowHead => Some(StatusCode::REQUEST_TIMEOUT),
            End::LargeHead => Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
            End::Done if self.line.meter.has_unread() => None,
            End::Nonsense => None,
            End::Done | End::Idle | End::Stalled => return,
        };
        farewell(stream, status, &self.server.rules.limits).await;
    }

    async fn serve_one<H: HttpService>(&self, stream: Watched<S>, adapter: Adapter<H>) -> End {
        let limits = &self.server.rules.limits;
        let mut builder = http1::Builder::new();
        builder.timer(Timer).header_read_timeout(None);
        builder.half_close(self.server.half_close);
        builder.max_header_size(limits.head_bytes);
        // Saying hyper's own number would cost an allocation for each request.
        if limits.headers != HYPERS_HEADERS {
            builder.max_headers(limits.headers);
        }
        let protocol = builder.serve_connection(stream, adapter).with_upgrades();
        drive(protocol, &self.line.meter, limits, &self.server.stop).await
    }

    /// Streams have tasks of their own, in a group that ends with the connection.
    async fn serve_two<H: HttpService>(&self, stream: Watched<S>, mut adapter: Adapter<H>) -> End {
        self.line.meter.multiplexed.store(true, Relaxed);
        let limits = &self.server.rules.limits;
        let begun = Begun::default();
        adapter.begun = Some(begun.clone());
        let line = Arc::clone(&self.line);
        let ended = Apart::run(self.server.at, |group| async move {
            let mut builder = http2::Builder::new(Streams {
                group,
                begun,
                line,
                stall: limits.stall,
                linger: limits.linger,
            });
            builder.timer(Timer).enable_connect_protocol();
            builder.max_concurrent_streams(limits.streams);
            builder.max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX));
            builder.max_pending_accept_reset_streams(limits.resets);
            let protocol = builder.serve_connection(stream, adapter);
            Ok(drive(protocol, &self.line.meter, limits, &self.server.stop).await)
        });
        ended.await.unwrap_or(End::Done)
    }
}

/// The part of `linger` that a new connection has to say something when the server ends. Whoever has just connected is
/// about to speak, and would see a failure; whoever has not spoken for longer has nothing to say.
const NEW: u32 = 10;

/// What hyper allows by itself.
const HYPERS_HEADERS: usize = 100;

/// At the end, whatever it is: the sums, and nobody keeps an upgraded connection beyond its server.
impl<M, S> Drop for Connection<'_, M, S> {
    fn drop(&mut self) {
        self.line.meter.cut();
        self.server.tally.add(&self.line.meter.tally);
    }
}
