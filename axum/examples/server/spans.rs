//! A span of `tracing` around each request: what handlers log says which request it belongs to.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, info, info_span};

/// Prints what is logged, on standard error.
pub(crate) fn print() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
}

/// Around each request.
pub(crate) async fn spans(request: Request, next: Next) -> Response {
    let span = info_span!("request", method = %request.method(), path = request.uri().path());
    async {
        let response = next.run(request).await;
        info!(status = response.status().as_u16(), "answered");
        response
    }
    .instrument(span)
    .await
}
