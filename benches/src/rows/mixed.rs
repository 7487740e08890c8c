//! `mixed`: echo servers whose other tasks hold every worker: they compute or block in each of their polls.

use std::time::Duration;

use super::row::{Figure, Row};
use crate::load::{Load, Mode};
use crate::serve::{Hog, Protocol, Server};

/// What holds the workers in a row.
struct Held {
    name: &'static str,
    hog: Hog,
    hogs: Option<usize>,
    does: &'static str,
}

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for held in helds() {
        rows.push(row(&held, "", Mode::Closed));
        // The first rows of this group had an open loop of 2000/s, and saved runs are compared by name.
        if held.is_of_the_first() {
            rows.push(row(&held, "_open", Mode::Open { rate: 2000 }));
        }
        rows.push(row(&held, "_open_5k", Mode::Open { rate: 5000 }));
    }
    rows.push(connect());
    rows.push(interval());
    rows
}

fn helds() -> Vec<Held> {
    let ms = Duration::from_millis;
    let each = |name, hog, does| Held {
        name,
        hog,
        hogs: None,
        does,
    };
    vec![
        each(
            "compute_1",
            Hog::Compute(ms(1)),
            "one task per worker computes for 1 ms per poll",
        ),
        each(
            "compute_20",
            Hog::Compute(ms(20)),
            "one task per worker computes for 20 ms per poll",
        ),
        each(
            "compute_50",
            Hog::Compute(ms(50)),
            "one task per worker computes for 50 ms per poll",
        ),
        each(
            "block_20",
            Hog::Block(ms(20)),
            "one task per worker blocks its thread in sleep for 20 ms per poll",
        ),
        Held {
            hogs: Some(4),
            ..each(
                "compute_20_x4",
                Hog::Compute(ms(20)),
                "4 tasks compute for 20 ms per poll",
            )
        },
        each(
            "block_50",
            Hog::Block(ms(50)),
            "one task per worker blocks its thread in sleep for 50 ms per poll",
        ),
        each(
            "pipe_50",
            Hog::Pipe(ms(50)),
            "one task per worker reads with a blocking call from a pipe into which a byte comes every 50 ms",
        ),
    ]
}

impl Held {
    fn is_of_the_first(&self) -> bool {
        ["compute_1", "compute_20", "compute_50", "block_20"].contains(&self.name)
    }

    fn server(&self, protocol: Protocol) -> Server {
        Server {
            protocol,
            hog: self.hog,
            hogs: self.hogs,
            ..Server::default()
        }
    }
}

fn row(held: &Held, suffix: &str, mode: Mode) -> Row {
    let (how, figure) = match mode {
        Mode::Open { rate } => (format!("at {rate} requests/s"), Figure::P99),
        _ => ("closed loop".to_owned(), Figure::Throughput),
    };
    Row::server(
        "mixed",
        format!("{}{suffix}", held.name),
        format!(
            "TCP echo of 64 B, 10 connections, {how}, while {}",
            held.does
        ),
        held.server(Protocol::Tcp),
        Load {
            connections: 10,
            bytes: 64,
            mode,
        },
        figure,
    )
}

/// The hogs of the rows that are about something else than echo.
fn two_that_compute() -> Held {
    Held {
        name: "",
        hog: Hog::Compute(Duration::from_millis(20)),
        hogs: Some(2),
        does: "2 tasks compute for 20 ms per poll",
    }
}

fn connect() -> Row {
    let held = two_that_compute();
    Row::server(
        "mixed",
        "connect_compute_20".to_owned(),
        format!(
            "10 clients that each connect, echo 64 B, close and start over, while {}; the root future accepts",
            held.does
        ),
        held.server(Protocol::Tcp),
        Load {
            connections: 10,
            bytes: 64,
            mode: Mode::Connect,
        },
        Figure::P99,
    )
}

fn interval() -> Row {
    let held = two_that_compute();
    Row::server(
        "mixed",
        "interval_compute_20".to_owned(),
        format!(
            "how late the ticks of an interval of 1 ms are, while {}",
            held.does
        ),
        held.server(Protocol::Ticks),
        Load {
            connections: 1,
            bytes: 8,
            mode: Mode::Ticks,
        },
        Figure::Lateness,
    )
}
