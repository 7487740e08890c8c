//! Servers that follow one another on one socket, and clients that notice nothing.

use super::raw::{Client, LONG, echo};
use filch::CancelToken;
use filch::http::{self, Limits};
use filch::io::BufReader;
use filch::net::{TcpListener, TcpStream};
use std::net::SocketAddr;

/// Asks over connections that it keeps, until it is told to stop; never again what has failed. Returns how often it was
/// answered.
async fn ask(address: SocketAddr, stop: CancelToken) -> usize {
    let (mut client, mut answered) = (None, 0);
    while !stop.is_cancelled() {
        let mut used = match client.take() {
            Some(kept) => kept,
            None => Client(BufReader::new(TcpStream::connect(address).await.unwrap())),
        };
        let answer = used.get("/").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "GET / "));
        answered += 1;
        if !answer.has("connection: close") {
            client = Some(used);
        }
    }
    answered
}

#[filch::test]
async fn no_request_fails_over_twenty_restarts() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let over = CancelToken::new();
    let clients: Vec<_> = (0..8)
        .map(|_| filch::spawn(ask(address, over.clone())))
        .collect();
    let mut finished = 0;
    for _ in 0..20 {
        let listener = TcpListener::from_std(socket.try_clone().unwrap()).unwrap();
        let (stop, served) = (CancelToken::new(), CancelToken::new());
        let (count, enough) = (std::sync::atomic::AtomicUsize::new(0), served.clone());
        let server = http::serve(listener, http::service_fn(echo))
            // Whoever has connected last may be slow to speak.
            .limits(Limits::default().linger(LONG))
            .graceful(stop.clone(), LONG)
            .on_request(move |_| {
                if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 50 {
                    enough.cancel();
                }
            });
        let server = filch::spawn(server.into_future());
        served.cancelled().await;
        stop.cancel();
        let served = server.await.unwrap().unwrap();
        assert_eq!((served.refused, served.left, served.cancelled), (0, 0, 0));
        finished += served.finished;
    }
    // The last of them are answered by one more.
    over.cancel();
    let listener = TcpListener::from_std(socket).unwrap();
    let last = CancelToken::new();
    let server = http::serve(listener, http::service_fn(echo))
        .limits(Limits::default().linger(LONG))
        .graceful(last.clone(), LONG);
    let server = filch::spawn(server.into_future());
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap() as u64;
    }
    last.cancel();
    finished += server.await.unwrap().unwrap().finished;
    assert_eq!(answered, finished);
}
