//! Files, child processes and signals as the workloads use them: filch's, tokio's, and async-fs, async-process and
//! async-signal for smol.

use std::future::Future;
use std::io;
use std::path::Path;
use std::process::ExitStatus;

use futures_util::StreamExt;

use super::{filch, smol, tokio};

/// What a runtime has of the system.
pub(crate) trait System: super::Runtime {
    /// Says when `SIGUSR1` has come.
    type Signals: Send + 'static;

    /// All of a file.
    fn read(path: &Path) -> impl Future<Output = io::Result<Vec<u8>>> + Send;
    /// Makes these bytes all of a file.
    fn write(path: &Path, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
    /// Runs a program to its end.
    fn run_program(path: &Path) -> impl Future<Output = io::Result<ExitStatus>> + Send;
    /// Listens.
    fn signals() -> io::Result<Self::Signals>;
    /// Waits for the next one.
    fn next_signal(signals: &mut Self::Signals) -> impl Future<Output = io::Result<()>> + Send;
}

impl System for filch::Filch {
    type Signals = ::filch::signal::Signals;

    async fn read(path: &Path) -> io::Result<Vec<u8>> {
        ::filch::fs::read(path).await
    }

    async fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
        ::filch::fs::write(path, bytes).await
    }

    async fn run_program(path: &Path) -> io::Result<ExitStatus> {
        ::filch::process::Command::new(path).status().await
    }

    fn signals() -> io::Result<Self::Signals> {
        let kind = ::filch::signal::SignalKind::user_defined1();
        ::filch::signal::Signals::new([kind])
    }

    async fn next_signal(signals: &mut Self::Signals) -> io::Result<()> {
        signals.recv().await.map(drop)
    }
}

impl System for tokio::Tokio {
    type Signals = ::tokio::signal::unix::Signal;

    async fn read(path: &Path) -> io::Result<Vec<u8>> {
        ::tokio::fs::read(path).await
    }

    async fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
        ::tokio::fs::write(path, bytes).await
    }

    async fn run_program(path: &Path) -> io::Result<ExitStatus> {
        ::tokio::process::Command::new(path).status().await
    }

    fn signals() -> io::Result<Self::Signals> {
        let kind = ::tokio::signal::unix::SignalKind::user_defined1();
        ::tokio::signal::unix::signal(kind)
    }

    async fn next_signal(signals: &mut Self::Signals) -> io::Result<()> {
        let ended = || io::Error::other("no signal comes any more");
        signals.recv().await.ok_or_else(ended)
    }
}

impl System for smol::Smol {
    type Signals = async_signal::Signals;

    async fn read(path: &Path) -> io::Result<Vec<u8>> {
        async_fs::read(path).await
    }

    async fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
        async_fs::write(path, bytes).await
    }

    async fn run_program(path: &Path) -> io::Result<ExitStatus> {
        async_process::Command::new(path).status().await
    }

    fn signals() -> io::Result<Self::Signals> {
        async_signal::Signals::new([async_signal::Signal::Usr1])
    }

    async fn next_signal(signals: &mut Self::Signals) -> io::Result<()> {
        let ended = || io::Error::other("no signal comes any more");
        signals.next().await.ok_or_else(ended)?.map(drop)
    }
}
