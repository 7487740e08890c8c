//! What a row is, and the macro that makes one out of a function which is generic over the runtime.

use crate::harness::plan::Plan;
use crate::harness::sample::{Better, Sample};
use crate::load::Load;
use crate::runtimes::Peer;
use crate::serve::{Hog, Protocol, Server};

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
    /// Who takes part in a micro row.
    takes: Takes,
}

/// Who takes part in a micro row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// Every runtime that is linked in.
    Linked,
    /// All but smol, whose crates have no counterpart.
    NotSmol,
    /// Plain threads too.
    Threads,
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
    pub(super) fn micro(
        group: &'static str,
        name: &str,
        unit: &'static str,
        what: &str,
        work: Micro,
    ) -> Row {
        let (name, what) = (name.to_owned(), what.to_owned());
        Row {
            group,
            name,
            unit,
            better: Better::Lower,
            what,
            work: Work::Micro(work),
            takes: Takes::Linked,
        }
    }

    /// The same without smol.
    pub(super) fn without_smol(mut self) -> Row {
        self.takes = Takes::NotSmol;
        self
    }

    /// The same, and plain threads take part.
    pub(super) fn with_threads(mut self) -> Row {
        self.takes = Takes::Threads;
        self
    }

    /// A server row.
    pub(super) fn server(
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
            takes: Takes::Linked,
        }
    }

    /// `group/name`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }

    /// Whether the peer can take part: rows inside a process need one that is linked in, plain threads mostly echo,
    /// and programs of their own do not compute per request. HTTP is axum's, on the runtimes that it runs on.
    /// The loop by hand has neither timers nor hogs.
    pub(crate) fn includes(&self, peer: Peer) -> bool {
        match self.work {
            Work::Micro(_) => match self.takes {
                Takes::Linked => peer.is_linked(),
                Takes::NotSmol => peer.is_linked() && peer != Peer::Smol,
                Takes::Threads => peer.is_linked() || peer == Peer::Threads,
            },
            Work::Server(server, _, figure) => {
                if server.protocol == Protocol::Http {
                    return peer.is_linked() && peer != Peer::Smol;
                }
                if peer == Peer::Epoll {
                    return figure != Figure::Memory
                        && server.hog == Hog::None
                        && server.protocol != Protocol::Ticks;
                }
                if server.rounds > 0 && !peer.is_linked() {
                    return false;
                }
                peer != Peer::Threads
                    || figure != Figure::Memory
                        && !server.timeout
                        && matches!(server.protocol, Protocol::Tcp | Protocol::Ticks)
            }
        }
    }
}

/// A [`Micro`] out of a function that is generic over the runtime. `own` adds the runtime's own kit as the second type,
/// `same` the neutral one, and anything in brackets is a constant. `local` stands before a function over the runtimes
/// of one thread.
macro_rules! on_each {
    ($work:ident) => {
        $crate::rows::row::on_each!(@ $work, [], [], [])
    };
    ($work:ident [$constant:expr]) => {
        $crate::rows::row::on_each!(@ $work, [, { $constant }], [, { $constant }], [, { $constant }])
    };
    ($work:ident same) => {
        $crate::rows::row::on_each!(
            @ $work,
            [, $crate::runtimes::kit::Neutral],
            [, $crate::runtimes::kit::Neutral],
            [, $crate::runtimes::kit::Neutral]
        )
    };
    ($work:ident own) => {
        $crate::rows::row::on_each!(
            @ $work,
            [, $crate::runtimes::filch::Own],
            [, $crate::runtimes::tokio::Own],
            [, $crate::runtimes::kit::Neutral]
        )
    };
    (local $work:ident) => {
        $crate::rows::row::on_each!(
            = $work::<$crate::runtimes::local::Filch>,
            $work::<$crate::runtimes::local::Tokio>,
            $work::<$crate::runtimes::local::Smol>
        )
    };
    (@ $work:ident, [$($filch:tt)*], [$($tokio:tt)*], [$($smol:tt)*]) => {
        $crate::rows::row::on_each!(
            = $work::<$crate::runtimes::filch::Filch $($filch)*>,
            $work::<$crate::runtimes::tokio::Tokio $($tokio)*>,
            $work::<$crate::runtimes::smol::Smol $($smol)*>
        )
    };
    (= $filch:expr, $tokio:expr, $smol:expr) => {
        |peer, plan| match peer {
            $crate::runtimes::Peer::Filch
            | $crate::runtimes::Peer::FilchUnwatched
            | $crate::runtimes::Peer::FilchUnlooking => $filch(plan),
            $crate::runtimes::Peer::Tokio => $tokio(plan),
            $crate::runtimes::Peer::Smol => $smol(plan),
            other => unreachable!("{other} is not linked in"),
        }
    };
}
pub(super) use on_each;
