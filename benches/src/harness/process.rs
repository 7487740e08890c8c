//! Child processes: run to their end with a deadline, or kept as a server until dropped.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::options::Error;
use crate::load::Target;
use crate::runtimes::Peer;
use crate::runtimes::peer::Found;
use crate::serve::Server;
use crate::sys::limits;
use crate::sys::progress::Board;

/// How long a child may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a server may take until it listens.
const UNTIL_READY: Duration = Duration::from_secs(20);

/// The binary of this harness that has the code of `peer`, set up for it, without arguments yet.
///
/// # Errors
/// When this binary has no path, or the peer is in none.
pub(crate) fn harness(peer: Peer, found: &Found, workers: usize) -> Result<Command, Error> {
    let mut command = match found {
        Found::Linked => Command::new(std::env::current_exe()?),
        Found::Build(binary) => Command::new(binary),
        Found::Program(_) => return Err(format!("{peer} has a program of its own").into()),
        Found::Missing(why) => return Err(why.clone().into()),
    };
    // A child's failure is reported by its last lines, which should be the panic message.
    command.env("RUST_BACKTRACE", "0");
    if peer == Peer::Smol {
        // How many threads smol's global executor has is decided by its environment.
        command.env("SMOL_THREADS", workers.to_string());
    }
    Ok(command)
}

/// Runs `command` to its end and returns what it printed.
///
/// # Errors
/// When it fails, with the last of what it said; when it hangs, after it was killed.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    let mut child = Killed(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?,
    );
    let out = read_aside(child.0.stdout.take());
    let err = read_aside(child.0.stderr.take());
    let Ok(printed) = out.recv_timeout(PATIENCE) else {
        return Err(format!("hung: no end after {PATIENCE:?}").into());
    };
    let status = child.0.wait()?;
    if status.success() {
        return Ok(printed);
    }
    let said = err.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    Err(format!("{status}: {}", last_lines(&said, 4)).into())
}

/// Reads a pipe to its end on a thread of its own, so that neither pipe nor parent can get stuck.
fn read_aside(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut pipe) = pipe {
            // What was read until an error is all there is to show.
            let _ = pipe.read_to_string(&mut text);
        }
        // Nobody waits any more if the parent gave up on the child.
        let _ = sender.send(text);
    });
    receiver
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(count)..].join(" | ")
}

/// A child that does not outlive its owner.
#[derive(Debug)]
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running server.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Killed,
    /// Where it listens.
    pub(crate) target: Target,
    /// How far its hogs have got.
    pub(crate) board: Board,
    path: PathBuf,
}

impl ServerProcess {
    /// Starts `peer`'s server and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started, or says nothing for 20 s.
    pub(crate) fn start(
        peer: Peer,
        found: &Found,
        server: Server,
        workers: usize,
        pin: bool,
    ) -> Result<ServerProcess, Error> {
        let path =
            std::env::temp_dir().join(format!("filch-bench-{}-{peer}.sock", std::process::id()));
        // A file that an earlier server left would be in the way of the new one; there usually is none.
        let _ = std::fs::remove_file(&path);
        let board = Board::create()?;
        let mut command = command(peer, found, workers)?;
        command
            .args(server.arguments(
                workers,
                &path.to_string_lossy(),
                &board.path().to_string_lossy(),
            ))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = Killed(spawn(command, pin)?);
        let address = address(&mut child.0)?;
        let target = Target::parse(server, workers, &address)?;
        Ok(ServerProcess {
            child,
            target,
            board,
            path,
        })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.0.id()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // There is a file only if the server was a Unix one.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn command(peer: Peer, found: &Found, workers: usize) -> Result<Command, Error> {
    match found {
        Found::Program(words) => {
            let [program, arguments @ ..] = words.as_slice() else {
                return Err("an empty command".into());
            };
            let mut command = Command::new(program);
            command.args(arguments);
            Ok(command)
        }
        _ => {
            let mut command = harness(peer, found, workers)?;
            command.args(["serve", peer.name()]);
            Ok(command)
        }
    }
}

/// Spawns from a thread that is pinned first, since children inherit the CPUs of the thread that starts them.
fn spawn(mut command: Command, pin: bool) -> Result<Child, Error> {
    let spawned = std::thread::spawn(move || {
        if pin {
            limits::pin(&limits::split_cpus()?.0)?;
        }
        command.spawn()
    });
    Ok(spawned
        .join()
        .map_err(|_| "starting the server panicked")??)
}

pub(super) fn address(child: &mut Child) -> Result<String, Error> {
    let (sender, receiver) = mpsc::channel();
    let out = child.stdout.take();
    std::thread::spawn(move || {
        let mut line = String::new();
        if let Some(out) = out {
            // A server that fails before it listens ends its output; the empty line says so below.
            let _ = BufReader::new(out).read_line(&mut line);
        }
        // Nobody waits any more after the deadline below.
        let _ = sender.send(line);
    });
    let line = receiver
        .recv_timeout(UNTIL_READY)
        .map_err(|_| format!("did not listen within {UNTIL_READY:?}"))?;
    let address = line
        .trim()
        .strip_prefix("ready ")
        .ok_or("ended before it listened")?;
    Ok(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_child_is_an_error_with_what_it_said() {
        let error = output(Command::new("sh").args(["-c", "echo first; echo why >&2; exit 3"]))
            .unwrap_err();
        assert!(error.to_string().contains("why"), "{error}");
    }

    #[test]
    fn a_child_that_succeeds_returns_what_it_printed() {
        assert_eq!(output(Command::new("echo").arg("yes")).unwrap(), "yes\n");
    }

    #[test]
    fn a_missing_peer_is_an_error_that_says_why() {
        let found = Found::Missing("no go here".to_owned());
        let error =
            ServerProcess::start(Peer::Go, &found, Server::default(), 1, false).unwrap_err();
        assert!(error.to_string().contains("no go here"));
    }

    #[test]
    fn a_server_that_ends_at_once_is_an_error() {
        let found = Found::Program(vec!["true".into()]);
        let error =
            ServerProcess::start(Peer::Go, &found, Server::default(), 1, false).unwrap_err();
        assert!(error.to_string().contains("before it listened"), "{error}");
    }
}
