//! `mixed`: echo servers whose other tasks hold every worker: one computing or blocking task per worker.

use std::time::Duration;

use super::{Figure, Row};
use crate::load::{Load, Mode};
use crate::serve::{Hog, Server};

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let ms = Duration::from_millis;
    let hogs = [
        (
            "compute_1",
            Hog::Compute(ms(1)),
            "computes for 1 ms per poll",
        ),
        (
            "compute_20",
            Hog::Compute(ms(20)),
            "computes for 20 ms per poll",
        ),
        (
            "compute_50",
            Hog::Compute(ms(50)),
            "computes for 50 ms per poll",
        ),
        (
            "block_20",
            Hog::Block(ms(20)),
            "blocks its thread in sleep for 20 ms per poll",
        ),
    ];
    let mut rows = Vec::new();
    for (name, hog, does) in hogs {
        let server = Server {
            hog,
            ..Server::default()
        };
        let tasks = format!("while one task per worker {}", does);
        let closed = Load {
            connections: 10,
            bytes: 64,
            mode: Mode::Closed,
        };
        let what = format!("TCP echo of 64 B, 10 connections, {tasks}");
        rows.push(Row::server(
            "mixed",
            name.to_owned(),
            what,
            server,
            closed,
            Figure::Throughput,
        ));
        let open = Load {
            connections: 10,
            bytes: 64,
            mode: Mode::Open { rate: 2000 },
        };
        let what = format!("the same at 2000 requests/s, {tasks}");
        rows.push(Row::server(
            "mixed",
            format!("{name}_open"),
            what,
            server,
            open,
            Figure::P99,
        ));
    }
    rows
}
