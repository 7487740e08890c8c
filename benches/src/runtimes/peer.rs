//! The peers by name, and which of them are there.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Everyone who can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// This repository's runtime: always measured.
    Filch,
    /// The same with its monitor switched off, to see what that costs.
    FilchUnwatched,
    /// The same, sleeping at once when there is nothing to do, to see what looking around before that costs and brings.
    FilchUnlooking,
    /// tokio's multi-thread runtime with its defaults.
    Tokio,
    /// smol's global executor on `SMOL_THREADS` threads.
    Smol,
    /// Go, server rows only.
    Go,
    /// Python's asyncio, server rows only, one thread.
    Asyncio,
    /// asyncio on uvloop, server rows only, one thread.
    Uvloop,
    /// No runtime: an epoll thread that echoes beside a thread for every hog, TCP servers only.
    Threads,
    /// No runtime: the loop by hand, a thread with an epoll per worker, which does nothing but echo. Server rows only.
    Epoll,
}

/// Where a peer's servers come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// In this binary.
    Linked,
    /// In the binary of another commit, which takes the same arguments.
    Build(PathBuf),
    /// A program and its first arguments.
    Program(Vec<PathBuf>),
    /// Not on this machine, and why.
    Missing(String),
}

impl Peer {
    /// All, in the order they are reported.
    pub(crate) const ALL: [Peer; 10] = [
        Peer::Filch,
        Peer::FilchUnwatched,
        Peer::FilchUnlooking,
        Peer::Tokio,
        Peer::Smol,
        Peer::Go,
        Peer::Asyncio,
        Peer::Uvloop,
        Peer::Threads,
        Peer::Epoll,
    ];

    /// The name on the command line and in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Filch => "filch",
            Peer::FilchUnwatched => "filch-unwatched",
            Peer::FilchUnlooking => "filch-unlooking",
            Peer::Tokio => "tokio",
            Peer::Smol => "smol",
            Peer::Go => "go",
            Peer::Asyncio => "asyncio",
            Peer::Uvloop => "uvloop",
            Peer::Threads => "threads",
            Peer::Epoll => "epoll",
        }
    }

    /// The peer of that name.
    ///
    /// # Errors
    /// Names those that exist.
    pub(crate) fn parse(name: &str) -> Result<Peer, String> {
        Peer::ALL
            .into_iter()
            .find(|peer| peer.name() == name)
            .ok_or_else(|| {
                let names = Peer::ALL.map(Peer::name).join(", ");
                format!("there is no peer \"{name}\"; the peers are {names}")
            })
    }

    /// Whether it is a runtime that is linked into this binary, and so takes part in all rows; the others only have
    /// servers.
    pub(crate) fn is_linked(self) -> bool {
        matches!(
            self,
            Peer::Filch | Peer::FilchUnwatched | Peer::FilchUnlooking | Peer::Tokio | Peer::Smol
        )
    }

    /// Whether it shows what there is to reach, and so is nobody's best peer.
    pub(crate) fn is_floor(self) -> bool {
        self == Peer::Epoll
    }

    /// Looks for the peer, building the Go server if need be.
    pub(crate) fn find(self) -> Found {
        match self {
            Peer::Filch
            | Peer::FilchUnwatched
            | Peer::FilchUnlooking
            | Peer::Tokio
            | Peer::Smol
            | Peer::Threads
            | Peer::Epoll => Found::Linked,
            Peer::Go => find_go(),
            Peer::Asyncio => find_python("asyncio", "import asyncio"),
            Peer::Uvloop => find_python("uvloop", "import uvloop"),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn source(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("peers")
        .join(name)
}

fn find_go() -> Found {
    // The program lies beside this binary, in the target directory.
    let Ok(own) = std::env::current_exe() else {
        return Found::Missing("this binary has no path".to_owned());
    };
    let program = own.with_file_name("filch-bench-peer-go");
    let build = Command::new("go")
        .arg("build")
        .arg("-o")
        .arg(&program)
        .arg(source("echo.go"))
        .output();
    match build {
        Ok(output) if output.status.success() => Found::Program(vec![program]),
        Ok(output) => Found::Missing(format!(
            "go build failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Found::Missing(format!("`go` cannot be run: {error}")),
    }
}

fn find_python(event_loop: &str, import: &str) -> Found {
    let tried = Command::new("python3")
        .args(["-c", import])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match tried {
        Ok(status) if status.success() => {
            let arguments = [
                "python3".into(),
                source("echo.py"),
                "--loop".into(),
                event_loop.into(),
            ];
            Found::Program(arguments.into())
        }
        Ok(_) => Found::Missing(format!("python3 cannot `{import}`")),
        Err(error) => Found::Missing(format!("`python3` cannot be run: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_to_its_peer() {
        for peer in Peer::ALL {
            assert_eq!(Peer::parse(peer.name()), Ok(peer));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        assert!(Peer::parse("gevent").unwrap_err().contains("uvloop"));
    }
}
