//! HTTP by other crates: what they ask of a runtime is in [`rt`], and with the feature `http` there is a server.
//!
//! Protocols are hyper's, services tower's, types those of the crate `http`. What a server owes its operator is here:
//! limits, deadlines, a graceful end, and numbers.
#![cfg_attr(feature = "http", doc = "")]
#![cfg_attr(
    feature = "http",
    doc = "Begin with [`serve`], and a service by [`service_fn`] or an axum `Router`."
)]
#![cfg_attr(
    feature = "http",
    doc = "[`Limits`] has what a client may do, [`Serve::graceful`] the end,"
)]
#![cfg_attr(
    feature = "http",
    doc = "[`test_client`] a client for tests, without a socket."
)]
#![cfg_attr(feature = "http-client", doc = "[`Client`] asks others.")]
//!
//! In the guide, the chapter "Serving HTTP" goes through it.

pub mod rt;

#[cfg(any(feature = "http", feature = "http-client"))]
mod waiting;

#[cfg(feature = "http")]
mod error;
#[cfg(feature = "http")]
mod exchange;
#[cfg(feature = "http")]
mod limits;
#[cfg(feature = "http")]
mod reading;

#[cfg(feature = "http")]
mod body;
#[cfg(feature = "http")]
pub mod future;

#[cfg(feature = "http")]
mod detached;
#[cfg(feature = "http")]
mod done;
#[cfg(feature = "http")]
mod grpc;
#[cfg(feature = "http")]
mod info;
#[cfg(feature = "http")]
mod listener;
#[cfg(feature = "http")]
mod service;

#[cfg(feature = "http")]
mod connection;

#[cfg(feature = "http")]
mod serve;

#[cfg(feature = "http")]
pub use server::*;

/// What the feature `http` adds of a server.
#[cfg(feature = "http")]
mod server {
    pub use super::body::Body;
    pub use super::detached::{Detach, Detached, Running, detached};
    pub use super::done::{RequestDone, RequestEnd, Route};
    pub use super::error::BodyError;
    pub use super::grpc::{DeadlineBody, DeadlineCall, GrpcTimeout, WithDeadline, grpc_timeout};
    pub use super::info::{ConnInfo, Facts, Peer, TlsInfo};
    pub use super::limits::Limits;
    pub use super::listener::{
        AnyStream, Dialer, Listener, MemoryListener, Open, Proxied, ProxyListener, Several,
        SeveralStream, Transport, memory,
    };
    #[cfg(feature = "tls")]
    pub use super::listener::{Handshaking, TlsListener};
    pub use super::serve::{Serve, Served, Serving, StopSignal, serve, serve_with};
    pub use super::service::{
        HttpService, MakeService, PerConnection, ServiceFn, Shared, per_connection, service_fn,
    };
    pub use super::testing::{TestClient, test_client};
    pub use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
    pub use hyper::http::{
        Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri,
        Version, header, uri,
    };
    /// Gets what a client and a handler agreed to go on with, after an answer of 101.
    pub use hyper::upgrade;
    pub use tower_layer::Layer;
    pub use tower_service::Service;
}

#[cfg(feature = "http")]
pub mod sse;

#[cfg(feature = "http-client")]
pub mod client;
#[cfg(feature = "http-client")]
pub use client::{Client, get};

#[cfg(feature = "websocket")]
pub mod websocket;

#[cfg(feature = "http")]
mod testing;
