//! axum's own extractor, if it is there though nobody has told this crate.
//!
//! Another crate of the program may have turned on axum's feature `tokio`. Then a `Router` has its own
//! `into_make_service_with_connect_info`, which comes before [`MakeServiceExt`](super::MakeServiceExt)'s, and keeps what
//! axum's extractor looks for. So a `SocketAddr` is made for it here, and [`ConnectInfo`](super::ConnectInfo) finds it.
//!
//! Cargo does not say which features a dependency has. Its names do: a glob import in a block hides names from outside
//! of the block, and leaves alone what it does not bring. So `connect_info` is axum's module below if axum has one, and
//! otherwise the one here, which nobody uses.

use crate::IncomingStream;
use filch::http::Listener;
use http::Extensions;
use std::net::SocketAddr;

#[allow(dead_code, reason = "it is a stand-in")]
mod connect_info {
    pub(super) trait Connected<T> {
        fn connect_info(stream: T) -> Self;
    }

    #[derive(Clone)]
    pub(super) struct ConnectInfo<T>(pub(super) T);

    #[derive(Clone)]
    pub(super) struct MockConnectInfo<T>(pub(super) T);
}

/// What axum's make service has kept of a connection.
pub(super) fn kept<T: Clone + Send + Sync + 'static>(extensions: &Extensions) -> Option<T> {
    #[allow(unused_imports, reason = "it may bring nothing")]
    use axum::extract::*;
    let info = extensions.get::<connect_info::ConnectInfo<T>>()?;
    Some(info.0.clone())
}

/// What axum's layer for tests says instead.
pub(super) fn mock<T: Clone + Send + Sync + 'static>(extensions: &Extensions) -> Option<T> {
    #[allow(unused_imports, reason = "it may bring nothing")]
    use axum::extract::*;
    let mock = extensions.get::<connect_info::MockConnectInfo<T>>()?;
    Some(mock.0.clone())
}

const _: () = {
    #[allow(unused_imports, reason = "it may bring nothing")]
    use axum::extract::*;

    impl<L> connect_info::Connected<IncomingStream<'_, L>> for SocketAddr
    where
        L: Listener<Peer = SocketAddr>,
    {
        fn connect_info(stream: IncomingStream<'_, L>) -> SocketAddr {
            *stream.remote_addr()
        }
    }
};
