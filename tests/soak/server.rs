//! The echo server, as a process: its own body, and the end by which a test speaks to it.

use crate::common::*;
use filch::net::{TcpListener, TcpStream};
use filch::time::{sleep, timeout};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long accepting pauses when there is no descriptor.
const PAUSE: Duration = Duration::from_millis(10);

/// What the server has, and has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) tasks: usize,
    pub(crate) timers: usize,
    pub(crate) sources: usize,
    /// `usize::MAX` when there are too many to count them.
    pub(crate) descriptors: usize,
    /// In kB.
    pub(crate) resident: usize,
    pub(crate) paused: usize,
}

impl Figures {
    /// One task waits for one listener.
    pub(crate) fn is_at_rest(&self) -> bool {
        (self.tasks, self.timers, self.sources) == (1, 0, 1)
    }
}

static PAUSED: AtomicUsize = AtomicUsize::new(0);

/// The body of the server's process: it obeys what it reads from standard input.
pub(crate) fn serve() {
    let before = process::descriptors();
    let rt = filch::Runtime::new().expect("a runtime");
    let listener = rt.block_on(TcpListener::bind("0.0.0.0:0")).expect("bind");
    println!("port {}", listener.local_addr().expect("address").port());
    rt.spawn(accept_all(listener));
    for line in std::io::stdin().lock().lines() {
        match line.expect("standard input").as_str() {
            "figures" => tell(&rt),
            _ => break,
        }
    }
    drop(rt);
    wait_until("threads have ended", || {
        process::threads("filch").is_empty()
    });
    println!("ended {}", process::descriptors().saturating_sub(before));
}

fn tell(rt: &filch::Runtime) {
    let metrics = rt.metrics();
    let timers = metrics.foreign_timers
        + metrics
            .workers
            .iter()
            .map(|worker| worker.timers)
            .sum::<usize>();
    let (descriptors, paused) = (process::descriptors(), PAUSED.load(Ordering::Relaxed));
    let resident = process::status(std::process::id(), "VmRSS");
    println!(
        "figures {} {timers} {} {descriptors} {resident} {paused}",
        metrics.tasks, metrics.io_sources
    );
}

async fn accept_all(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(filch::spawn(echo(stream))),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(_) => {
                PAUSED.fetch_add(1, Ordering::Relaxed);
                sleep(PAUSE).await;
            }
        }
    }
}

/// Every read has a deadline, so that there are as many timers as connections.
async fn echo(stream: TcpStream) {
    let mut buffer = vec![0; 4096];
    while let Ok(Ok(length)) = timeout(HOUR, stream.read(&mut buffer)).await {
        if length == 0 || stream.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// A running server process.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    pub(crate) fn start(files: Option<usize>) -> Server {
        let mut child = process::again("child", "server", files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let (input, output) = (
            child.stdin.take().expect("piped"),
            child.stdout.take().expect("piped"),
        );
        let mut server = Server {
            child,
            input,
            output: BufReader::new(output),
            port: 0,
        };
        server.port = server.line("port ").trim().parse().expect("a port");
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The rest of the next line that has `mark` in it; the test harness writes lines of its own.
    fn line(&mut self, mark: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.output
                    .read_line(&mut line)
                    .expect("the server's output"),
                0,
                "the server has ended"
            );
            if let Some((_, rest)) = line.split_once(mark) {
                return rest.to_owned();
            }
        }
    }

    pub(crate) fn figures(&mut self) -> Figures {
        writeln!(self.input, "figures").expect("the server listens");
        let line = self.line("figures ");
        let figures: Vec<usize> = line
            .split_whitespace()
            .map(|figure| figure.parse().expect("a number"))
            .collect();
        let [tasks, timers, sources, descriptors, resident, paused] = figures[..] else {
            panic!("{line}")
        };
        Figures {
            tasks,
            timers,
            sources,
            descriptors,
            resident,
            paused,
        }
    }

    /// Waits until it only waits for connections.
    pub(crate) fn at_rest(&mut self) -> Figures {
        self.until("it is at rest", Figures::is_at_rest)
    }

    /// Waits for figures that are as they should be.
    pub(crate) fn until(&mut self, what: &str, right: impl Fn(&Figures) -> bool) -> Figures {
        let start = std::time::Instant::now();
        loop {
            let now = self.figures();
            if right(&now) {
                return now;
            }
            assert!(
                start.elapsed() < LIMIT,
                "not after {LIMIT:?}: {what}: {now:?}"
            );
            std::thread::sleep(PAUSE);
        }
    }

    /// Ends it; it must come to its end by itself.
    pub(crate) fn end(mut self) {
        writeln!(self.input, "end").expect("the server listens");
        let descriptors: usize = self.line("ended ").trim().parse().expect("a number");
        assert_eq!(
            descriptors, 0,
            "descriptors are open after the runtime's end"
        );
        assert!(self.child.wait().expect("the server ends").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
