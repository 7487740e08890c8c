//! The examples, run as their users run them: as processes, spoken to over loopback.
//!
//! `cargo test` builds the examples next to the tests; after `cargo test --test examples` alone they may be missing
//! or old.

use std::env::consts::EXE_SUFFIX;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long anything may take before the test counts as failed: much longer than it does.
const PATIENCE: Duration = Duration::from_secs(60);

fn path(example: &str) -> PathBuf {
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
fn output(example: &str, arguments: &[&str]) -> Output {
    Command::new(path(example))
        .args(arguments)
        .output()
        .expect("the example starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("examples print UTF-8")
}

/// A server that runs until it is dropped.
struct Server {
    process: Child,
    lines: Receiver<String>,
    addr: SocketAddr,
}

impl Server {
    fn start(example: &str, arguments: &[&str]) -> Server {
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

    fn connect(&self) -> Client {
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
    fn terminate(&self) {
        let process = rustix::process::Pid::from_child(&self.process);
        let asked = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        asked.expect("the process is there");
    }

    /// What it prints next.
    #[cfg(unix)]
    fn next_line(&self) -> String {
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
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
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

struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn send(&mut self, text: &str) {
        self.reader
            .get_mut()
            .write_all(text.as_bytes())
            .expect("the server reads");
    }

    /// The next line; empty at the end of the connection.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader
            .read_line(&mut line)
            .expect("the server answers");
        line
    }

    fn expect(&mut self, line: &str) {
        assert_eq!(self.line().trim_end(), line);
    }

    /// Everything up to the end of the connection.
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.reader
            .read_to_string(&mut rest)
            .expect("the server ends the connection");
        rest
    }

    fn end_writing(&self) {
        self.reader
            .get_ref()
            .shutdown(std::net::Shutdown::Write)
            .expect("still connected");
    }
}

/// Enters a chat as `name`; the greeting that comes back names those present.
fn enter(chat: &Server, name: &str) -> (Client, String) {
    let mut client = chat.connect();
    client.expect("What is your name?");
    client.send(&format!("{name}\n"));
    let greeting = client.line();
    (client, greeting)
}

#[test]
fn echo_returns_everything_to_every_client() {
    let echo = Server::start("echo", &["--addr", "127.0.0.1:0", "--workers", "2"]);
    let mut clients: Vec<Client> = (0..20).map(|_| echo.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(&format!("hello from {number}\n"));
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.expect(&format!("hello from {number}"));
        client.end_writing();
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn echo_answers_beside_tasks_that_compute() {
    let hogs = [
        "--addr",
        "127.0.0.1:0",
        "--workers",
        "2",
        "--hogs",
        "2",
        "--hog-ms",
        "5",
    ];
    let echo = Server::start("echo", &hogs);
    let mut client = echo.connect();
    for round in 0..20 {
        client.send(&format!("{round}\n"));
        client.expect(&round.to_string());
    }
}

#[test]
fn the_proxy_passes_both_directions_and_their_ends() {
    let echo = Server::start("echo", &["--addr", "127.0.0.1:0"]);
    let to = echo.addr.to_string();
    let proxy = Server::start("proxy", &["--listen", "127.0.0.1:0", "--to", &to]);
    let (mut one, mut other) = (proxy.connect(), proxy.connect());
    one.send("one\n");
    other.send("other\n");
    one.expect("one");
    one.send("last words");
    one.end_writing();
    assert_eq!(one.rest(), "last words");
    other.expect("other");
}

#[test]
fn a_proxy_to_nowhere_ends_the_connection_and_goes_on() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").and_then(|unused| unused.local_addr());
    let to = unused.expect("a port").to_string();
    let proxy = Server::start("proxy", &["--listen", "127.0.0.1:0", "--to", &to]);
    for _ in 0..2 {
        assert_eq!(proxy.connect().rest(), "");
    }
}

#[test]
fn a_chat_carries_lines_to_everybody_else() {
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let (mut anna, greeting) = enter(&chat, "anna");
    assert_eq!(greeting, "* here: \n");
    let (mut ben, greeting) = enter(&chat, "ben");
    assert_eq!(greeting, "* here: anna\n");
    anna.expect("* ben came in");
    anna.send("hello ben\n");
    ben.expect("anna: hello ben");
    ben.send("hello anna\n");
    anna.expect("ben: hello anna");
    drop(ben);
    anna.expect("* ben left");
}

#[test]
fn a_chat_refuses_a_name_that_is_taken_or_missing() {
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let (_anna, _) = enter(&chat, "anna");
    let (mut client, refusal) = enter(&chat, "anna");
    assert_eq!(refusal, "The name anna is taken. What is your name?\n");
    client.send("\n");
    client.expect("A name has 1 to 32 bytes. What is your name?");
    client.send("other anna\n");
    client.expect("* here: anna");
}

#[test]
fn a_chat_throws_out_who_is_silent() {
    // Long enough for this test to say a name in time.
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0", "--silence", "3"]);
    let mut nameless = chat.connect();
    let (mut silent, _) = enter(&chat, "silent");
    assert!(
        silent
            .line()
            .starts_with("* you had to leave: the time limit has passed")
    );
    assert_eq!(silent.rest(), "");
    assert_eq!(nameless.rest(), "What is your name?\n");
}

#[test]
fn a_chat_throws_out_who_sends_an_endless_line_and_nobody_else() {
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let (mut anna, _) = enter(&chat, "anna");
    let (mut endless, _) = enter(&chat, "endless");
    anna.expect("* endless came in");
    endless.send(&"x".repeat(1025));
    let reason = "had to leave: no delimiter within the limit of 1024 bytes";
    endless.expect(&format!("* you {reason}"));
    assert_eq!(endless.rest(), "");
    anna.expect(&format!("* endless {reason}"));
}

#[test]
fn a_chat_has_rooms_that_hear_nothing_of_each_other() {
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let (mut anna, _) = enter(&chat, "anna");
    let (mut ben, _) = enter(&chat, "ben");
    anna.expect("* ben came in");
    let (mut carl, _) = enter(&chat, "carl");
    anna.expect("* carl came in");
    ben.expect("* carl came in");
    carl.send("/join kitchen\n");
    carl.expect("* here:");
    anna.expect("* carl went to kitchen");
    ben.expect("* carl went to kitchen");
    carl.send("is anybody here?\n");
    ben.send("hello anna\n");
    anna.expect("ben: hello anna");
    anna.send("/join kitchen\n");
    anna.expect("* here: carl");
    ben.expect("* anna went to kitchen");
    // Of what ben has said, carl has heard nothing.
    carl.expect("* anna came in");
    carl.send("hello\n");
    anna.expect("carl: hello");
}

#[test]
fn a_chat_goes_on_beside_a_client_that_does_not_read_and_tells_it_what_it_missed() {
    let chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let (mut slow, _) = enter(&chat, "slow");
    let (mut ben, _) = enter(&chat, "ben");
    let (mut anna, _) = enter(&chat, "anna");
    ben.expect("* anna came in");
    // Much more than the slow client's socket and the room hold.
    let line = "x".repeat(1000);
    const LINES: usize = 10_000;
    for _ in 0..LINES {
        anna.send(&format!("{line}\n"));
        ben.expect(&format!("anna: {line}"));
    }
    anna.send("the end\n");
    let (mut heard, mut missed) = (0, 0);
    loop {
        let said = slow.line();
        match said.trim_end() {
            "anna: the end" => break,
            said if said.starts_with("* you missed ") => {
                let count = said.split(' ').nth(3).expect("a number");
                missed += count.parse::<usize>().expect("a number");
            }
            said if said.starts_with("anna: ") => heard += 1,
            _ => {}
        }
    }
    assert!(missed > 0);
    assert_eq!(heard + missed, LINES);
}

#[cfg(unix)]
#[test]
fn a_chat_that_ends_tells_everybody() {
    let mut chat = Server::start("chat", &["--addr", "127.0.0.1:0"]);
    let mut nameless = chat.connect();
    nameless.expect("What is your name?");
    let (mut anna, _) = enter(&chat, "anna");
    let (mut ben, _) = enter(&chat, "ben");
    anna.expect("* ben came in");
    ben.send("/join kitchen\n");
    ben.expect("* here:");
    anna.expect("* ben went to kitchen");
    chat.terminate();
    for client in [&mut nameless, &mut anna, &mut ben] {
        client.expect("* the server ends");
        assert_eq!(client.rest(), "");
    }
    assert_eq!(chat.next_line(), "3 visits, 0 of them cut off");
    assert!(chat.process.wait().expect("it ends").success());
}

#[cfg(unix)]
#[test]
fn a_server_that_ends_answers_what_has_come_and_cuts_off_the_rest() {
    let mut server = Server::start("graceful", &["--addr", "127.0.0.1:0", "--grace", "5"]);
    let (mut idle, mut busy, mut stuck) = (server.connect(), server.connect(), server.connect());
    idle.send("hello\n");
    idle.expect("5");
    busy.send("sleep 1000\n");
    busy.expect("sleeping");
    stuck.send("sleep 1000000\n");
    stuck.expect("sleeping");
    server.terminate();
    assert_eq!(server.next_line(), "ending");
    idle.expect("goodbye");
    assert_eq!(idle.rest(), "");
    busy.expect("10");
    busy.expect("goodbye");
    assert_eq!(
        server.next_line(),
        "3 connections: 2 ended, 0 failed, 1 cut off"
    );
    assert!(server.process.wait().expect("it ends").success());
}

#[cfg(unix)]
#[test]
fn a_server_with_a_limit_lets_the_next_one_in_when_one_has_gone() {
    let server = Server::start("graceful", &["--addr", "127.0.0.1:0", "--limit", "1"]);
    let (mut first, mut second) = (server.connect(), server.connect());
    second.send("second\n");
    first.send("first\n");
    first.expect("5");
    first.end_writing();
    assert_eq!(first.rest(), "");
    second.expect("6");
}

#[test]
fn the_tour_prints_what_the_python_programs_print() {
    let tour = output("tour", &[]);
    assert!(tour.status.success(), "{}", text(&tour.stderr));
    let expected = [
        ("hello", "hello, world"),
        ("one after the other", "hello, world"),
        ("together", "hello, world"),
        (
            "results of several",
            "2 6 24, Task A: factorial(2) = 2, Task B: factorial(3) = 6, Task C: factorial(4) = 24",
        ),
        ("an error caught", "that was not a number"),
        ("every outcome", "1, 3, no number"),
        ("a timeout", "timeout!"),
        ("a cancelled task", "cancelled"),
        (
            "a blocking call",
            "blocking complete, both are done, start blocking",
        ),
        ("a group", "Both tasks have completed now., hello, world"),
        ("a group that fails", "out of order"),
        ("a group that ends early", "terminated"),
        ("a shield", "saved, took too long"),
        (
            "a limit that moves",
            "Looks like we haven't finished on time.",
        ),
        ("the first of several", "done: 1, pending: 1"),
        ("as they complete", "1, 2, 3"),
        ("from another thread", "7"),
        ("who is there", "forever"),
        ("an event", "... got it!, waiting for it ..."),
        ("a lock", "10"),
        ("a condition", "took bread"),
        ("a semaphore", "at most 2"),
        ("a barrier", "End of *preparation phase*, barrier passed"),
        ("workers and a queue", "3 workers, cancelled: True"),
        (
            "an echo server and its client",
            "Close the connection, Close the connection, Received 'Hello World!\\n', \
             Received: 'Hello World!\\n', Send: 'Hello World!', Send: 'Hello World!\\n'",
        ),
        ("a program's output", "hello from a program"),
        (
            "trio: a nursery",
            "  child1: exiting!,   child1: started! sleeping now...,   child2: exiting!, \
             \x20 child2: started! sleeping now..., parent: all done!, parent: spawning child1..., \
             parent: spawning child2..., parent: started!, parent: waiting for children to finish...",
        ),
        ("trio: move on", "gave up: True"),
        (
            "trio: channels",
            "got value 'message 0', got value 'message 1', got value 'message 2'",
        ),
        ("trio: several producers and consumers", "6 values"),
    ];
    let printed = text(&tour.stdout).split("\n-- ").skip(1).map(section);
    let expected = expected.map(|(title, lines)| (title, lines.to_owned()));
    assert_eq!(printed.collect::<Vec<_>>(), expected);
}

/// What the Python program of a page prints; nothing where there is no Python.
#[cfg(unix)]
fn python(page: &str) -> Option<String> {
    let path = format!("{}/docs/guide/{page}.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).expect("a page");
    let program = page.split("```python\n").nth(1).expect("a program");
    let program = program.split("```").next().expect("its end");
    let ran = Command::new("python3").args(["-c", program]).output();
    let ran = ran.ok()?;
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    Some(text(&ran.stdout).to_owned())
}

/// The example prints this, and so does its twin on the page.
#[cfg(unix)]
fn twins(example: &str, page: &str, expected: &str) {
    let printed = output(example, &[]);
    assert!(printed.status.success(), "{}", text(&printed.stderr));
    assert_eq!(text(&printed.stdout), expected);
    if let Some(printed) = python(page) {
        assert_eq!(printed, expected);
    }
}

#[cfg(unix)]
#[test]
fn a_childs_output_is_streamed_as_in_python() {
    let expected = "child: line 1\nchild: line 2\nchild: line 3\nexit code 3\n";
    twins("child-output", "running-programs", expected);
}

#[cfg(unix)]
#[test]
fn a_rollback_is_awaited_as_in_python() {
    twins("rollback", "cancellation", "begin\nrollback\ntimeout\n");
}

/// A section's title and its lines in alphabetical order: tasks that sleep for 100 and 200 ms need not wake up in that
/// order on a busy machine, nor in time.
fn section(text: &str) -> (&str, String) {
    let (title, rest) = text.split_once('\n').expect("a title");
    let is_certain = |line: &&str| !line.is_empty() && !line.contains(" moments: ");
    let mut lines: Vec<&str> = rest.lines().filter(is_certain).collect();
    lines.sort_unstable();
    (title, lines.join(", "))
}

#[test]
fn the_demo_measures_the_server_alone_and_beside_a_task() {
    let demo = output("server-demo", &[]);
    assert!(demo.status.success(), "{}", text(&demo.stderr));
    let printed = text(&demo.stdout);
    for who in ["alone ", "beside a task "] {
        let line = printed
            .lines()
            .find(|line| line.starts_with(who))
            .expect("a line of figures");
        let rate: f64 = line[who.len()..]
            .split_whitespace()
            .next()
            .expect("a figure")
            .parse()
            .expect("a rate");
        assert!(rate > 0.0, "{line}");
        assert!(
            line.contains("p50") && line.contains("p99.9") && line.contains("max"),
            "{line}"
        );
    }
    assert!(
        !printed.contains("computed 0 times") && printed.contains("computed "),
        "{printed}"
    );
}

#[test]
fn every_server_explains_itself() {
    for example in ["echo", "proxy", "chat"] {
        let help = output(example, &["--help"]);
        assert!(
            help.status.success() && text(&help.stdout).contains("ADDR"),
            "{example}"
        );
        for wrong in [["--nonsense", "1"], ["--help-me", ""]] {
            let refused = output(example, &wrong);
            assert_eq!(refused.status.code(), Some(2), "{example}");
            assert!(text(&refused.stderr).contains(&format!("there is no option {}", wrong[0])));
        }
    }
    let refused = output("echo", &["--workers", "many"]);
    assert!(text(&refused.stderr).contains("--workers takes a number, not 'many'"));
    let refused = output("proxy", &[]);
    assert!(text(&refused.stderr).contains("--to ADDR"));
}

/// An example that gets this on its standard input, and its end; what it printed.
fn output_for(example: &str, arguments: &[&str], input: &str) -> String {
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

#[test]
fn a_crawler_gets_each_page_once_and_gives_up_where_there_is_no_hope() {
    let output = output("crawler", &["--pages", "40", "--limit", "4"]);
    assert!(output.status.success(), "{output:?}");
    let text = text(&output.stdout);
    let mut lines = text.lines();
    // 39 links down the tree, 40 back to its root, one to nowhere and one to what is broken. Of the retries 16 are of
    // busy pages, 4 of others that end in the middle, 1 of the one that does not answer, 8 of the broken one; a loaded
    // machine may add some.
    let first = lines.next().expect("a summary");
    let retries = first.strip_prefix("40 pages, 81 links, ");
    let retries = retries.and_then(|rest| rest.strip_suffix(" retries"));
    let retries: u32 = retries.expect(first).parse().expect("a number");
    assert!(retries >= 29, "{text}");
    assert_eq!(lines.next(), Some("gave up on /broken: status 500"));
    assert_eq!(lines.next(), Some("gave up on /nowhere: status 404"));
    let most = lines
        .next()
        .and_then(|line| line.strip_prefix("the site saw at most "));
    let most = most.and_then(|line| line.strip_suffix(" at a time"));
    let most: usize = most.expect("what the site saw").parse().expect("a number");
    assert!((1..=4).contains(&most), "{text}");
    assert_eq!(lines.next(), None);
}

#[test]
fn jobs_are_done_by_priority_and_among_equals_in_order() {
    let input = "5 0 0 report\n1 0 0 login\n5 0 0 mail\n0 0 0 alarm\n";
    let printed = output_for("jobs", &["--workers", "1"], input);
    let expected = "done alarm\ndone login\ndone report\ndone mail\ndrained: 4 done\n";
    assert_eq!(printed, expected);
}

#[test]
fn a_delayed_job_comes_when_its_time_has_come_though_it_is_more_urgent() {
    let input = "0 2000 0 later\ngo\n9 0 0 now\n5 10 0 soon\n";
    let printed = output_for("jobs", &["--workers", "1"], input);
    assert_eq!(
        printed,
        "done now\ndone soon\ndone later\ndrained: 3 done\n"
    );
}

#[test]
fn a_drain_does_all_that_was_taken_in_and_a_line_that_is_no_job_is_refused() {
    let jobs: String = (0..100)
        .map(|number| format!("{} {} 1 job-{number}\n", number % 3, number % 20))
        .collect();
    let printed = output_for("jobs", &["--workers", "8"], &format!("1 soon\n{jobs}"));
    let refused = printed
        .lines()
        .filter(|line| line.starts_with("refused "))
        .count();
    assert_eq!(refused, 1, "{printed}");
    let mut done: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("done "))
        .collect();
    done.sort_unstable();
    done.dedup();
    assert_eq!(done.len(), 100, "{printed}");
    assert!(printed.ends_with("drained: 100 done\n"), "{printed}");
}
