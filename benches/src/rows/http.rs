//! `http`: axum on filch, by filch-axum, and on tokio.

use std::time::Duration;

use super::row::{Figure, Row};
use crate::load::{Load, Mode};
use crate::serve::{Hog, Protocol, Server};

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    vec![
        plaintext(16, "plaintext"),
        plaintext(1, "plaintext_c1"),
        mixed(),
    ]
}

fn plaintext(connections: usize, name: &str) -> Row {
    let server = Server {
        protocol: Protocol::Http,
        ..Server::default()
    };
    let load = Load {
        connections,
        bytes: 0,
        mode: Mode::Closed,
    };
    let what = format!(
        "axum answers GET with 13 bytes of text, HTTP/1.1, {connections} kept connections, closed loop"
    );
    Row::server(
        "http",
        name.to_owned(),
        what,
        server,
        load,
        Figure::Throughput,
    )
}

fn mixed() -> Row {
    let server = Server {
        protocol: Protocol::Http,
        hog: Hog::Compute(Duration::from_millis(20)),
        hogs: Some(2),
        ..Server::default()
    };
    let load = Load {
        connections: 16,
        bytes: 0,
        mode: Mode::Open { rate: 2000 },
    };
    let what = "the same at 2000 requests/s, while 2 more connections ask without a pause for a route whose handler \
                computes for 20 ms";
    Row::server(
        "http",
        "mixed".to_owned(),
        what.to_owned(),
        server,
        load,
        Figure::P99,
    )
}
