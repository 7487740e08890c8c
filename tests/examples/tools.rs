//! Examples as processes, and what speaks to them.

use std::env::consts::EXE_SUFFIX;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long anything may take before the test counts as failed: much longer than it does.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn path(example: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let target = test
        .ancestors()
        .nth(2)
        .expect("a test is in target/<profile>/deps");
    let path = target
        .join("examples")
        .join(format!("{example}{EXE_SUFFIX}"));
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --examples`",
        path.display()
    );
    path
}

/// An example that ends by itself.
pub(super) fn output(example: &str, arguments: &[&str]) -> Output {
    Command::new(path(example))
        .args(arguments)
        .output()
        .expect("the example starts")
}

pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("examples print UTF-8")
}

/// A server that runs until it is dropped.
pub(super) struct Server {
    pub(super) process: Child,
    pub(super) lines: Receiver<String>,
    pub(super) addr: SocketAddr,
}

impl Server {
    pub(super) fn start(example: &str, arguments: &[&str]) -> Server {
        let mut command = Command::new(path(example));
        let mut process = command
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let lines = lines(process.stdout.take().expect("its output is a pipe"));
        let mut server = Server {
            process,
            lines,
            addr: SocketAddr::from(([0, 0, 0, 0], 0)),
        };
        let first = server
            .lines
            .recv_timeout(PATIENCE)
            .expect("it says where it listens");
        let addr = first
            .strip_prefix("listening on ")
            .expect("it says where it listens");
        server.addr = addr.parse().expect("it listens on an address");
        server
    }

    pub(super) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.addr).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Client {
            reader: BufReader::new(stream),
        }
    }
}

impl Server {
    /// What `kill` sends.
    #[cfg(unix)]
    pub(super) fn terminate(&self) {
        let process = rustix::process::Pid::from_child(&self.process);
        let asked = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        asked.expect("the process is there");
    }

    /// What it prints next.
    #[cfg(unix)]
    pub(super) fn next_line(&self) -> String {
        self.lines
            .recv_timeout(PATIENCE)
            .expect("it says something")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // If it has ended by itself, something else has failed already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A pipe's lines, so that one can be waited for with a limit.
pub(super) fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(pipe).lines();
        while let Some(Ok(line)) = lines.next() {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

pub(super) struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    pub(super) fn send(&mut self, text: &str) {
        self.reader
            .get_mut()
            .write_all(text.as_bytes())
            .expect("the server reads");
    }

    /// The next line; empty at the end of the connection.
    pub(super) fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader
            .read_line(&mut line)
            .expect("the server answers");
        line
    }

    pub(super) fn expect(&mut self, line: &str) {
        assert_eq!(self.line().trim_end(), line);
    }

    /// Everything up to the end of the connection.
    pub(super) fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.reader
            .read_to_string(&mut rest)
            .expect("the server ends the connection");
        rest
    }

    pub(super) fn end_writing(&self) {
        self.reader
            .get_ref()
            .shutdown(std::net::Shutdown::Write)
            .expect("still connected");
    }
}

/// An example that gets this on its standard input, and its end; what it printed.
pub(super) fn output_for(example: &str, arguments: &[&str], input: &str) -> String {
    let mut process = Command::new(path(example))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let mut pipe = process.stdin.take().expect("its input is a pipe");
    pipe.write_all(input.as_bytes()).expect("it reads");
    drop(pipe);
    let output = process.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout).to_owned()
}
