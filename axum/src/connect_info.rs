//! Who has connected, as an extractor: what axum has with its feature `tokio`.
//!
//! With the feature `axum-tokio` the extractor and its trait *are* axum's, so that middleware finds what it asks for,
//! and axum's own `into_make_service_with_connect_info`, which then is there too, gives the same.

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

#[cfg(not(feature = "axum-tokio"))]
mod own {
    use axum::Extension;
    use axum::extract::FromRequestParts;
    use http::StatusCode;
    use http::request::Parts;
    use std::ops::{Deref, DerefMut};
    use tower_layer::Layer;

    /// What a handler wants to know of a connection: made once for each, from the stream.
    ///
    /// `SocketAddr` is one for TCP and for TLS over it. For a Unix socket see the example `unix-domain-socket`.
    pub trait Connected<T>: Clone + Send + Sync + 'static {
        /// What is known of `stream`.
        fn connect_info(stream: T) -> Self;
    }

    /// Extracts what `into_make_service_with_connect_info` has kept of the connection.
    ///
    /// # Errors
    /// An answer of 500, if the service was made without that.
    #[derive(Clone, Copy, Debug)]
    pub struct ConnectInfo<T>(pub T);

    impl<S, T> FromRequestParts<S> for ConnectInfo<T>
    where
        S: Send + Sync,
        T: Clone + Send + Sync + 'static,
    {
        type Rejection = (StatusCode, &'static str);

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
            const MISSING: &str =
                "there is no ConnectInfo: use `into_make_service_with_connect_info`";
            let info = parts.extensions.get::<ConnectInfo<T>>().cloned();
            let mock = || parts.extensions.get::<MockConnectInfo<T>>().cloned();
            info.or_else(|| mock().map(|mock| ConnectInfo(mock.0)))
                .ok_or((StatusCode::INTERNAL_SERVER_ERROR, MISSING))
        }
    }

    impl<T> Deref for ConnectInfo<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }

    impl<T> DerefMut for ConnectInfo<T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.0
        }
    }

    /// A layer for tests: what [`ConnectInfo`] extracts where nobody has connected.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use filch_axum::connect_info::{ConnectInfo, MockConnectInfo};
    /// use std::net::SocketAddr;
    ///
    /// # filch::run(async {
    /// let hello = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
    /// let app = Router::new().route("/", get(hello));
    /// let peer = SocketAddr::from(([192, 0, 2, 7], 1337));
    /// let client = filch::http::test_client(app.layer(MockConnectInfo(peer)));
    /// let answer = client.get("/").await?;
    /// assert_eq!(answer.into_body().text(100).await.unwrap(), "192.0.2.7:1337");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    #[derive(Clone, Copy, Debug)]
    pub struct MockConnectInfo<T>(pub T);

    impl<S, T> Layer<S> for MockConnectInfo<T>
    where
        T: Clone + Send + Sync + 'static,
    {
        type Service = <Extension<Self> as Layer<S>>::Service;

        fn layer(&self, service: S) -> Self::Service {
            Extension(self.clone()).layer(service)
        }
    }
}

/// Gives services what axum gives them with its feature `tokio`.
pub trait MakeServiceExt: Sized {
    /// A make service whose handlers find out by [`ConnectInfo<C>`](ConnectInfo) who has connected.
    ///
    /// ```no_run
    /// use axum::{Router, routing::get};
    /// use filch::net::TcpListener;
    /// use filch_axum::{ConnectInfo, MakeServiceExt};
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
