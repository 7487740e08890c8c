//! Servers that follow one another in processes of their own, each told by SIGTERM to end, and clients of all kinds
//! that notice nothing: HTTP/1.1 and HTTP/2 on kept connections, WebSockets, streams of events.
//!
//! The listening socket is this process's, and each server inherits it as its standard input. So whoever connects
//! between two servers waits in the system's queue. No client retries: the first failure fails the test.

#![cfg(all(unix, feature = "ws"))]

mod clients;
mod server;
mod two;

use clients::{Crowd, Kind};
use filch::net::TcpStream;
use server::{Numbers, Server};
use std::net::TcpListener;

/// This test's name, which each server's process runs too.
const TEST: &str = "no_client_sees_a_failure_over_twenty_restarts";
const RESTARTS: usize = 20;
/// So many answers has each client of each server, at least.
const ANSWERS: usize = 5;

#[filch::test]
async fn no_client_sees_a_failure_over_twenty_restarts() {
    if server::is_one() {
        return server::serve().await;
    }
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let crowd = Crowd::start(address);
    let (mut sum, mut others) = (Numbers::default(), 0);
    let mut server = Server::start(&socket).await;
    for _ in 0..RESTARTS {
        crowd.each_is_answered(ANSWERS).await;
        // Neither holds up the end, whose deadline is far away.
        let half = TcpStream::connect(address).await.unwrap();
        half.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        let silent = TcpStream::connect(address).await.unwrap();
        others += 2;
        sum.add(server.end().await);
        for stream in [half, silent] {
            let read = stream.read(&mut [0]).await;
            assert!(!matches!(read, Ok(1..)), "{read:?}");
        }
        server = Server::start(&socket).await;
    }
    crowd.each_is_answered(ANSWERS).await;
    let seen = crowd.end(async { sum.add(server.end().await) }).await;
    let answers = |kind: Kind| seen[kind as usize].answers;
    let dialled = seen.iter().map(|seen| seen.dialled).sum::<u64>();
    assert_eq!(
        sum.finished,
        seen.iter().map(|seen| seen.requests).sum::<u64>()
    );
    assert_eq!(sum.connections, dialled + others);
    assert_eq!(sum.upgraded, seen[Kind::Socket as usize].dialled);
    assert_eq!(sum.failed, 0, "refused, left, cancelled or panicked");
    for kind in [Kind::One, Kind::Slow, Kind::Two, Kind::Socket, Kind::Events] {
        assert!(answers(kind) >= (RESTARTS * ANSWERS) as u64, "{kind:?}");
    }
}
