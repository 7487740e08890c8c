//! What is measured: the table of rows, one file per group.
//!
//! A micro row is a function over [`crate::runtimes::Runtime`] that runs inside a child process; a server row says what
//! server to start and what load to put on it. Names do not change: saved runs are compared by them.

mod blockers;
mod blocking;
mod countdown;
mod echo;
mod foreign;
mod locks;
mod memory;
mod mixed;
mod spawn;
mod start;
mod timer;
mod wake;

use crate::harness::plan::Plan;
use crate::harness::sample::{Better, Sample};
use crate::load::Load;
use crate::runtimes::Peer;
use crate::serve::{Protocol, Server};

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// The group, e.g. `spawn`.
    pub(crate) group: &'static str,
    /// The name within the group.
    pub(crate) name: String,
    /// What the figure counts.
    pub(crate) unit: &'static str,
    /// Which way it is good.
    pub(crate) better: Better,
    /// What is done, in a sentence.
    pub(crate) what: String,
    /// How it is done.
    pub(crate) work: Work,
}

/// How a row is measured.
#[derive(Debug)]
pub(crate) enum Work {
    /// Inside a child process, by a linked peer.
    Micro(Micro),
    /// A server process under load.
    Server(Server, Load, Figure),
}

/// Runs a workload on a linked peer.
pub(crate) type Micro = fn(Peer, &Plan) -> Sample;

/// Which figure of a load's result is the row's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Requests per second.
    Throughput,
    /// The 99th percentile, in microseconds.
    P99,
    /// The 99th percentile of how late ticks are, in nanoseconds.
    Lateness,
    /// Bytes that the server grew by, per connection.
    Memory,
}

impl Row {
    /// A micro row in nanoseconds.
    fn micro(group: &'static str, name: &str, unit: &'static str, what: &str, work: Micro) -> Row {
        let (name, what) = (name.to_owned(), what.to_owned());
        Row {
            group,
            name,
            unit,
            better: Better::Lower,
            what,
            work: Work::Micro(work),
        }
    }

    /// A server row.
    fn server(
        group: &'static str,
        name: String,
        what: String,
        server: Server,
        load: Load,
        figure: Figure,
    ) -> Row {
        let (unit, better) = match figure {
            Figure::Throughput => ("requests/s", Better::Higher),
            Figure::P99 => ("µs p99", Better::Lower),
            Figure::Lateness => ("ns late p99", Better::Lower),
            Figure::Memory => ("B/connection", Better::Lower),
        };
        Row {
            group,
            name,
            unit,
            better,
            what,
            work: Work::Server(server, load, figure),
        }
    }

    /// `group/name`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }

    /// Whether the peer can take part: rows inside a process need one that is linked in, and plain threads only echo.
    pub(crate) fn includes(&self, peer: Peer) -> bool {
        match self.work {
            Work::Micro(_) => peer.is_linked(),
            Work::Server(server, _, figure) => {
                peer != Peer::Threads
                    || figure != Figure::Memory
                        && !server.timeout
                        && matches!(server.protocol, Protocol::Tcp | Protocol::Ticks)
            }
        }
    }
}

/// All rows, in the order they are measured and reported.
pub(crate) fn all() -> Vec<Row> {
    [
        spawn::rows(),
        foreign::rows(),
        wake::rows(),
        locks::rows(),
        timer::rows(),
        blocking::rows(),
        echo::rows(),
        mixed::rows(),
        blockers::rows(),
        memory::rows(),
        start::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The rows that any of `names` picks: a group, `group/name`, or the start of one that ends in `*`. No name picks all.
///
/// # Errors
/// Names what picks nothing.
pub(crate) fn select(names: &[String]) -> Result<Vec<Row>, String> {
    let rows = all();
    if let Some(name) = names
        .iter()
        .find(|name| !rows.iter().any(|row| picks(name, row)))
    {
        return Err(format!(
            "no row or group is named \"{name}\"; `list` shows them all"
        ));
    }
    Ok(rows
        .into_iter()
        .filter(|row| names.is_empty() || names.iter().any(|name| picks(name, row)))
        .collect())
}

fn picks(name: &str, row: &Row) -> bool {
    let full = row.full_name();
    match name.strip_suffix('*') {
        Some(start) => full.starts_with(start),
        None => name == row.group || name == full,
    }
}

/// A [`Micro`] out of a function that is generic over the runtime. `own` adds the runtime's own kit as the second type,
/// `same` the neutral one, and anything else in brackets is a constant.
macro_rules! on_each {
    ($work:ident) => { $crate::rows::on_each!(@ $work, [], []) };
    ($work:ident [$constant:expr]) => { $crate::rows::on_each!(@ $work, [], [, { $constant }]) };
    ($work:ident same) => { $crate::rows::on_each!(@ $work, [], [, $crate::runtimes::kit::Neutral]) };
    ($work:ident own) => {
        |peer, plan| match peer {
            $crate::runtimes::Peer::Filch | $crate::runtimes::Peer::FilchUnwatched => $work::<
                $crate::runtimes::filch::Filch,
                <$crate::runtimes::filch::Filch as $crate::runtimes::Runtime>::Kit,
            >(plan),
            $crate::runtimes::Peer::Tokio => $work::<$crate::runtimes::tokio::Tokio, $crate::runtimes::tokio::Own>(plan),
            $crate::runtimes::Peer::Smol => $work::<$crate::runtimes::smol::Smol, $crate::runtimes::kit::Neutral>(plan),
            other => unreachable!("{other} is not linked in"),
        }
    };
    (@ $work:ident, [], [$($more:tt)*]) => {
        |peer, plan| match peer {
            $crate::runtimes::Peer::Filch | $crate::runtimes::Peer::FilchUnwatched => $work::<$crate::runtimes::filch::Filch $($more)*>(plan),
            $crate::runtimes::Peer::Tokio => $work::<$crate::runtimes::tokio::Tokio $($more)*>(plan),
            $crate::runtimes::Peer::Smol => $work::<$crate::runtimes::smol::Smol $($more)*>(plan),
            other => unreachable!("{other} is not linked in"),
        }
    };
}
use on_each;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_rows_share_a_name() {
        let rows = all();
        let names: HashSet<String> = rows.iter().map(Row::full_name).collect();
        assert_eq!(names.len(), rows.len());
    }

    #[test]
    fn a_group_a_row_and_a_prefix_select() {
        let names = |picked: &[&str]| {
            let picked: Vec<String> = picked.iter().map(|&name| name.to_owned()).collect();
            select(&picked)
                .unwrap()
                .iter()
                .map(Row::full_name)
                .collect::<Vec<_>>()
        };
        assert!(names(&["wake"]).contains(&"wake/yield".to_owned()));
        assert_eq!(names(&["wake/yield"]), ["wake/yield"]);
        assert!(names(&["wake/mpsc*"]).len() >= 4);
        assert_eq!(names(&[]).len(), all().len());
    }

    #[test]
    fn threads_take_part_where_they_only_echo() {
        let threads: Vec<String> = all()
            .iter()
            .filter(|row| row.includes(Peer::Threads))
            .map(Row::full_name)
            .collect();
        let takes_part = |name: &str| threads.iter().any(|row| row == name);
        assert!(takes_part("mixed/compute_20") && takes_part("mixed/interval_compute_20"));
        assert!(!takes_part("wake/yield") && !takes_part("udp/64_c1"));
        assert!(!takes_part("echo/timeout_64_c10"));
    }

    #[test]
    fn a_name_that_picks_nothing_is_an_error() {
        assert!(
            select(&["nonsense".to_owned()])
                .unwrap_err()
                .contains("nonsense")
        );
    }
}
