//! Who has connected, as an extractor: what axum has with its feature `tokio`.
//!
//! Programs take all of it: `use filch_axum::connect_info::*`. Then it does not matter whether axum's feature `tokio`
//! is on, which any other crate of the program may turn on. There are three cases:
//!
//! - It is off. The extractor and its trait are this crate's, and [`MakeServiceExt`] gives routers their method.
//! - This crate's feature `axum-tokio` is on, which turns it on. The extractor and its trait *are* axum's, so that
//!   middleware finds what it asks for, and the method is a router's own.
//! - It is on, and `axum-tokio` is not. The method is a router's own, the extractors of both crates find the peer's
//!   `SocketAddr`, and what is [`Connected`] besides needs `axum-tokio`, or the method called as the trait's:
//!   `MakeServiceExt::into_make_service_with_connect_info::<MyInfo>(app)`. Without either, the compiler says that
//!   `axum::extract::connect_info::Connected` is not implemented for it.

#[cfg(not(feature = "axum-tokio"))]
mod own;
#[cfg(not(feature = "axum-tokio"))]
mod theirs;

use crate::IncomingStream;
use axum::Extension;
use axum::Router;
use axum::handler::{Handler, HandlerService};
use axum::routing::MethodRouter;
use filch::http::Listener;
use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use tower_service::Service;

#[cfg(feature = "axum-tokio")]
pub use axum::extract::connect_info::{ConnectInfo, Connected, MockConnectInfo};
#[cfg(not(feature = "axum-tokio"))]
pub use own::{ConnectInfo, Connected, MockConnectInfo};

impl<L> Connected<IncomingStream<'_, L>> for SocketAddr
where
    L: Listener<Peer = SocketAddr>,
{
    fn connect_info(stream: IncomingStream<'_, L>) -> SocketAddr {
        *stream.remote_addr()
    }
}

/// Gives services what axum gives them with its feature `tokio`.
pub trait MakeServiceExt: Sized {
    /// A make service whose handlers find out by [`ConnectInfo<C>`](ConnectInfo) who has connected.
    ///
    /// ```no_run
    /// use axum::{Router, routing::get};
    /// use filch::net::TcpListener;
    /// use filch_axum::connect_info::*;
    /// use std::net::SocketAddr;
    ///
    /// # filch::run(async {
    /// let hello = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { format!("{peer}") };
    /// let app = Router::new().route("/", get(hello));
    /// let listener = TcpListener::bind("127.0.0.1:3000").await?;
    /// filch_axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
    /// # }).unwrap();
    /// ```
    fn into_make_service_with_connect_info<C>(self) -> IntoMakeServiceWithConnectInfo<Self, C> {
        IntoMakeServiceWithConnectInfo {
            service: self,
            info: PhantomData,
        }
    }
}

impl MakeServiceExt for Router<()> {}
impl MakeServiceExt for MethodRouter<(), Infallible> {}
impl<H: Handler<T, S>, T, S> MakeServiceExt for HandlerService<H, T, S> {}

/// What [`MakeServiceExt::into_make_service_with_connect_info`] gives.
pub struct IntoMakeServiceWithConnectInfo<S, C> {
    service: S,
    info: PhantomData<fn() -> C>,
}

impl<S, C, T> Service<T> for IntoMakeServiceWithConnectInfo<S, C>
where
    S: Clone,
    C: Connected<T>,
{
    type Response = WithInfo<S, C>;
    type Error = Infallible;
    type Future = Ready<Result<WithInfo<S, C>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: T) -> Self::Future {
        let info = Extension(ConnectInfo(C::connect_info(stream)));
        ready(Ok(WithInfo {
            service: self.service.clone(),
            info,
        }))
    }
}

impl<S: Clone, C> Clone for IntoMakeServiceWithConnectInfo<S, C> {
    fn clone(&self) -> Self {
        IntoMakeServiceWithConnectInfo {
            service: self.service.clone(),
            info: PhantomData,
        }
    }
}

impl<S, C> fmt::Debug for IntoMakeServiceWithConnectInfo<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoMakeServiceWithConnectInfo")
            .finish_non_exhaustive()
    }
}

/// A service whose requests say who has connected.
#[derive(Clone)]
pub struct WithInfo<S, C> {
    service: S,
    info: Extension<ConnectInfo<C>>,
}

impl<S, C, B> Service<http::Request<B>> for WithInfo<S, C>
where
    S: Service<http::Request<B>>,
    C: Clone + Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> S::Future {
        request.extensions_mut().insert(self.info.0.clone());
        self.service.call(request)
    }
}

impl<S, C> fmt::Debug for WithInfo<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithInfo").finish_non_exhaustive()
    }
}
