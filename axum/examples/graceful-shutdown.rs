//! What axum's example of this name does: a server that ends politely, with a limit of time on its handlers.
//!
//! ```text
//! cargo run -p filch-axum --example graceful-shutdown [ADDR]
//! ```

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use filch::time::sleep;
use filch_axum::timeout::TimeoutLayer;
use std::future::pending;
use std::time::Duration;

#[filch::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/slow", get(|| sleep(Duration::from_secs(5))))
        .route("/forever", get(pending::<()>))
        // Without a limit a request that never ends would hold up the end until its deadline.
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            Duration::from_secs(10),
        ));
    let address = std::env::args()
        .nth(1)
        .unwrap_or("127.0.0.1:3000".to_owned());
    let listener = filch::net::TcpListener::bind(address.as_str()).await?;
    println!("listening on {}", listener.local_addr()?);
    filch_axum::serve(listener, app)
        .with_graceful_shutdown(shutdown_signal())
        .await
}

async fn shutdown_signal() {
    let ctrl_c = async {
        filch::signal::ctrl_c()
            .await
            .expect("Ctrl-C can be waited for");
    };
    let terminate = async {
        filch::signal::terminate()
            .await
            .expect("SIGTERM can be waited for");
    };
    filch::select! {
        _ = ctrl_c => {},
        _ = terminate => {},
    }
}
