//! What `run` is asked for, and how any part of the harness fails.

use std::path::PathBuf;
use std::time::Duration;

use crate::runtimes::Peer;
use crate::sys::limits;

/// Any failure of the harness, with a sentence for whoever runs it.
pub(crate) type Error = Box<dyn std::error::Error>;

/// The options of `run`.
#[derive(Clone, Debug)]
pub(crate) struct RunOptions {
    /// Rows and groups; none means all.
    pub(crate) names: Vec<String>,
    /// filch and its peers.
    pub(crate) peers: Vec<Peer>,
    /// Worker threads.
    pub(crate) workers: usize,
    /// Runs of each peer and row.
    pub(crate) runs: usize,
    /// How long a micro run measures.
    pub(crate) time: Duration,
    /// `--json`.
    pub(crate) json: Option<PathBuf>,
    /// `--plot`.
    pub(crate) plot: Option<PathBuf>,
    /// `--compare`.
    pub(crate) compare: Option<PathBuf>,
    /// `--against`.
    pub(crate) against: Option<PathBuf>,
    /// `--syscalls`.
    pub(crate) syscalls: bool,
    /// `--pin`.
    pub(crate) pin: bool,
    /// `--smoke`.
    pub(crate) smoke: bool,
}

impl Default for RunOptions {
    fn default() -> RunOptions {
        RunOptions {
            names: Vec::new(),
            peers: vec![Peer::Filch, Peer::Tokio, Peer::Smol, Peer::Epoll],
            workers: limits::cpus(),
            runs: 5,
            time: Duration::from_millis(60),
            json: None,
            plot: None,
            compare: None,
            against: None,
            syscalls: false,
            pin: false,
            smoke: false,
        }
    }
}
