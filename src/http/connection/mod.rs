//! One connection, from the accept to its end: its handshake, its first bytes, and hyper on it.
//!
//! `meter` is what is seen of it, `watched` its stream, `sniff` its first bytes, `request` what hyper calls, and
//! `drive` the watch over its limits.

mod drive;
mod meter;
mod request;
mod sniff;
mod watched;

use super::info::ConnInfo;
use super::limits::Limits;
use super::listener::{Listener, Open, Transport};
use super::rt::Timer;
use super::service::{HttpService, MakeService};
use crate::structure::{Apart, CancelToken};
use drive::{End, drive};
use hyper::server::conn::{http1, http2};
use meter::Meter;
pub(super) use meter::Tally;
use parking_lot::Mutex;
use request::Adapter;
use sniff::{Version, sniff};
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use watched::{Back, Watched};

/// What all connections of a server share.
pub(super) struct Server<M> {
    pub(super) make: M,
    pub(super) limits: Limits,
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
    let opened = server.stop.run(io.open()).await;
    let Ok(Ok((mut stream, tls))) = opened else {
        // It has never asked for anything.
        return;
    };
    let two = tls
        .as_ref()
        .is_some_and(|tls| tls.alpn_protocol() == Some(b"h2"));
    let info = ConnInfo::new(peer.clone().into(), tls, server.stop.clone());
    let mut received = Vec::new();
    let stop = server.stop.cancelled();
    let Some(version) = sniff(&mut stream, &mut received, &server.limits, stop).await else {
        return;
    };
    let service = server.make.make(&stream, &peer, &info).await;
    let connection = Connection {
        server: &server,
        meter: Arc::new(Meter::default()),
        back: Arc::new(Mutex::new(None)),
    };
    let version = if two { Version::Two } else { version };
    connection
        .serve(stream, received, service, info, version)
        .await;
}

struct Connection<'a, M, S> {
    server: &'a Server<M>,
    meter: Arc<Meter>,
    back: Back<S>,
}

impl<M, S: Transport> Connection<'_, M, S> {
    async fn serve<H: HttpService>(
        &self,
        stream: S,
        received: Vec<u8>,
        service: H,
        info: ConnInfo,
        version: Version,
    ) {
        let meter = Arc::clone(&self.meter);
        let stream = Watched::new(stream, received, meter.clone(), Arc::clone(&self.back));
        let adapter = Adapter {
            service,
            info,
            meter,
            limits: self.server.limits.clone(),
        };
        let end = match version {
            Version::One => self.serve_one(stream, adapter).await,
            Version::Two => self.serve_two(stream, adapter).await,
        };
        // An upgraded connection is still one of the server's.
        self.meter.gone.wait().await;
        let back = self.back.lock().take();
        if let (End::SlowHead, Some(_stream)) = (end, back) {}
    }

    async fn serve_one<H: HttpService>(&self, stream: Watched<S>, adapter: Adapter<H>) -> End {
        let protocol = http1::Builder::new()
            .timer(Timer)
            .header_read_timeout(None)
            .serve_connection(stream, adapter)
            .with_upgrades();
        let Server { limits, stop, .. } = self.server;
        drive(protocol, &self.meter, limits, stop.cancelled()).await
    }

    /// Streams have tasks of their own, in a group that ends with the connection.
    async fn serve_two<H: HttpService>(&self, stream: Watched<S>, adapter: Adapter<H>) -> End {
        self.meter.multiplexed.store(true, Relaxed);
        let Server { limits, stop, .. } = self.server;
        let ended = Apart::run(self.server.at, |group| async move {
            let mut builder = http2::Builder::new(Streams(group));
            builder.timer(Timer).enable_connect_protocol();
            let protocol = builder.serve_connection(stream, adapter);
            Ok(drive(protocol, &self.meter, limits, stop.cancelled()).await)
        });
        ended.await.unwrap_or(End::Done)
    }
}

/// At the end, whatever it is: the sums, and nobody keeps an upgraded connection beyond its server.
impl<M, S> Drop for Connection<'_, M, S> {
    fn drop(&mut self) {
        self.meter.cut();
        self.server.tally.add(&self.meter.tally);
    }
}

/// Spawns the tasks of HTTP/2's streams.
#[derive(Clone)]
struct Streams(Apart);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, future: F) {
        self.0.spawn(None, future);
    }
}
