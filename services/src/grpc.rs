//! gRPC: tonic without its transport, over hyper on filch.
//!
//! tonic's generated servers are a tower service, [`Routes`], and its clients ask for one: [`Channel`]. hyper speaks
//! HTTP/2 below both, with the executor and the timer of [`filch::http::rt`] (feature `hyper`).

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use filch::CancelToken;
use filch::http::rt::{Executor, Timer};
use filch::net::{Served, TcpListener, TcpStream};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::server::conn::http2;
use hyper_util::service::TowerToHyperService;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::service::Routes;

/// Serves until the token is cancelled. Then nobody is accepted, clients are told to go (GOAWAY), and calls that have
/// begun are finished, for as long as the grace time lasts.
///
/// # Errors
///
/// The listener's, if nothing can be accepted any more.
pub async fn serve(
    listener: TcpListener,
    routes: Routes,
    stop: CancelToken,
    grace: Duration,
) -> io::Result<Served> {
    let stopped = stop.clone();
    filch::net::serve(listener, move |stream, _peer| {
        connection(stream, routes.clone(), stopped.clone())
    })
    .graceful(stop, grace)
    .await
    .map_err(io::Error::other)
}

async fn connection(stream: TcpStream, routes: Routes, stop: CancelToken) -> hyper::Result<()> {
    let mut builder = http2::Builder::new(Executor);
    builder.timer(Timer);
    let service = TowerToHyperService::new(routes);
    let mut connection = pin!(builder.serve_connection(stream, service));
    filch::select! {
        done = connection.as_mut() => return done,
        _ = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// One connection to a server; clones share it, each call is a stream of its own.
#[derive(Clone, Debug)]
pub struct Channel(SendRequest<Body>);

impl Channel {
    /// Speaks HTTP/2 over the stream; a task drives the connection, and ends when the last clone is dropped.
    ///
    /// # Errors
    ///
    /// hyper's, if the beginning cannot be sent.
    pub async fn new(stream: TcpStream) -> hyper::Result<Channel> {
        let (requests, connection) = hyper::client::conn::http2::Builder::new(Executor)
            .timer(Timer)
            .handshake(stream)
            .await?;
        filch::spawn(connection);
        Ok(Channel(requests))
    }

    /// Waits until the connection is closed or takes calls again.
    ///
    /// # Errors
    ///
    /// hyper's, if it is closed.
    pub async fn ready(&mut self) -> hyper::Result<()> {
        poll_fn(|cx| self.0.poll_ready(cx)).await
    }
}

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = hyper::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
