//! `echo`, `udp` and `unix`: servers that send back what they get, under closed and open loops.

use super::row::{Figure, Row};
use crate::harness::clock::ROUNDS_PER_MICRO;
use crate::load::{Load, Mode};
use crate::serve::{Protocol, Server};

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (size, bytes) in [
        ("64", 64),
        ("1k", 1024),
        ("10k", 10 * 1024),
        ("100k", 100 * 1024),
    ] {
        for connections in [1, 10, 100, 1000] {
            let name = format!("tcp_{size}_c{connections}");
            let what = format!("TCP echo of {bytes} B, {connections} connections, closed loop");
            rows.push(closed(
                "echo",
                name,
                what,
                Server::default(),
                connections,
                bytes,
            ));
        }
    }
    let two = "TCP echo of 64 B, 2 connections, closed loop".to_owned();
    let name = "tcp_64_c2".to_owned();
    rows.push(closed("echo", name, two, Server::default(), 2, 64));
    rows.push(connect(10));
    rows.push(connect(100));
    for connections in [10, 100] {
        let server = Server {
            timeout: true,
            ..Server::default()
        };
        let what = format!(
            "TCP echo of 64 B with a timeout around every request, {connections} connections"
        );
        rows.push(closed(
            "echo",
            format!("timeout_64_c{connections}"),
            what,
            server,
            connections,
            64,
        ));
    }
    rows.extend([5, 20, 100].map(computing));
    rows.push(open(1, 100));
    rows.push(open(10, 1_000));
    rows.push(open(10, 5_000));
    rows.push(open(100, 40_000));
    rows.extend(of_protocol(
        Protocol::Udp,
        "udp",
        &[(64, 1), (64, 10), (64, 100), (1024, 10)],
    ));
    rows.extend(of_protocol(
        Protocol::Unix,
        "unix",
        &[(64, 1), (64, 10), (64, 100), (1024, 10), (10_240, 10)],
    ));
    rows
}

fn closed(
    group: &'static str,
    name: String,
    what: String,
    server: Server,
    connections: usize,
    bytes: usize,
) -> Row {
    Row::server(
        group,
        name,
        what,
        server,
        Load {
            connections,
            bytes,
            mode: Mode::Closed,
        },
        Figure::Throughput,
    )
}

fn connect(connections: usize) -> Row {
    let what = format!("{connections} clients that each connect, echo 64 B, close and start over");
    let load = Load {
        connections,
        bytes: 64,
        mode: Mode::Connect,
    };
    Row::server(
        "echo",
        format!("connect_c{connections}"),
        what,
        Server::default(),
        load,
        Figure::Throughput,
    )
}

/// Whether the second worker gains anything where a request is more than a copy.
fn computing(micros: u32) -> Row {
    let server = Server {
        rounds: micros * ROUNDS_PER_MICRO,
        ..Server::default()
    };
    let what = format!(
        "TCP echo of 64 B with {micros} µs of computing per request, 10 connections, closed loop"
    );
    let name = format!("compute_{micros}us_c10");
    closed("echo", name, what, server, 10, 64)
}

fn open(connections: usize, rate: u32) -> Row {
    let what = format!(
        "TCP echo of 64 B at {rate} requests/s over {connections} connections, counted from the intended time"
    );
    let load = Load {
        connections,
        bytes: 64,
        mode: Mode::Open { rate },
    };
    let rate = match rate {
        1000.. => format!("{}k", rate / 1000),
        _ => rate.to_string(),
    };
    let name = format!("open_64_c{connections}_{rate}");
    Row::server("echo", name, what, Server::default(), load, Figure::P99)
}

fn of_protocol(protocol: Protocol, group: &'static str, sizes: &[(usize, usize)]) -> Vec<Row> {
    let row = |&(bytes, connections): &(usize, usize)| {
        let name = format!("{bytes}_c{connections}");
        let what = format!("{protocol} echo of {bytes} B, {connections} sockets, closed loop");
        closed(
            group,
            name,
            what,
            Server {
                protocol,
                ..Server::default()
            },
            connections,
            bytes,
        )
    };
    sizes.iter().map(row).collect()
}
