//! Servers: echo, a proxy, a polite end.

use super::tools::*;

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
