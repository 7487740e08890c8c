//! Many tasks that wait for one socket: what comes for one wakes one, and nobody is forgotten.

mod common;
mod net_support;

use common::{Count, Limit, runtime};
use filch::net::{TcpListener, TcpStream, UdpSocket};
use net_support::until_waiting;
use std::sync::Arc;

const CROWD: usize = 300;

/// A future that counts its polls.
async fn counted<F: Future>(polls: Count, future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        polls.add();
        future.as_mut().poll(cx)
    })
    .await
}

/// More than one for each event, since who has taken something lets the next look whether there is more; never the
/// whole crowd.
fn is_few(polls: usize, events: usize) -> bool {
    polls <= CROWD + 3 * events
}

#[test]
fn a_connection_wakes_few_of_those_who_accept() {
    for workers in [1, 2] {
        let rt = runtime(workers);
        let _limit = Limit::on(&rt);
        rt.run(async {
            let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
            let address = listener.local_addr().unwrap();
            let polls = Count::new();
            let crowd: Vec<_> = (0..CROWD)
                .map(|_| {
                    let (listener, polls) = (listener.clone(), polls.clone());
                    filch::spawn(counted(
                        polls,
                        async move { listener.accept().await.unwrap() },
                    ))
                })
                .collect();
            until_waiting("accept", CROWD).await;
            let mut clients = Vec::new();
            for _ in 0..CROWD {
                clients.push(TcpStream::connect(address).await.unwrap());
            }
            for one in crowd {
                one.await.unwrap();
            }
            assert!(is_few(polls.get(), CROWD), "{} polls", polls.get());
        });
    }
}

#[test]
fn a_datagram_wakes_few_of_those_who_receive() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let address = socket.local_addr().unwrap();
        let polls = Count::new();
        let crowd: Vec<_> = (0..CROWD)
            .map(|_| {
                let (socket, polls) = (socket.clone(), polls.clone());
                let receive = async move { socket.recv_from(&mut [0; 8]).await.unwrap() };
                filch::spawn(counted(polls, receive))
            })
            .collect();
        until_waiting("read", CROWD).await;
        let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for number in 0..CROWD {
            sender.send_to(b"one", address).await.unwrap();
            // Not more at a time than the system keeps.
            while crowd.iter().filter(|one| one.is_finished()).count() + 20 < number {
                filch::task::yield_now().await;
            }
        }
        for one in crowd {
            assert_eq!(one.await.unwrap().0, 3);
        }
        assert!(is_few(polls.get(), CROWD), "{} polls", polls.get());
    });
}

#[test]
fn whoever_was_woken_and_leaves_wakes_another() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        for _ in 0..200 {
            let accept = || {
                let listener = listener.clone();
                filch::spawn(async move { listener.accept().await.map(drop) })
            };
            let crowd: Vec<_> = (0..8).map(|_| accept()).collect();
            until_waiting("accept", 8).await;
            // Some of those at the front are given up just when they are woken; one is left for the connection.
            let client = TcpStream::connect(address).await.unwrap();
            for one in &crowd[..7] {
                one.abort();
            }
            let mut accepted = 0;
            let mut crowd = crowd;
            let last = crowd.pop().unwrap();
            for one in crowd {
                accepted += usize::from(one.await.is_ok());
            }
            if accepted == 0 {
                last.await.unwrap().unwrap();
            } else {
                last.abort();
                let _ = last.await;
            }
            drop(client);
        }
    });
}

#[test]
fn everybody_in_line_learns_of_the_end() {
    let rt = runtime(2);
    let socket = rt.block_on(async { Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap()) });
    let crowd: Vec<_> = (0..20)
        .map(|_| {
            let socket = socket.clone();
            std::thread::spawn(move || {
                // Another runtime's tasks, which outlive the socket's.
                filch::run(async move { socket.recv(&mut [0; 8]).await.unwrap_err().to_string() })
            })
        })
        .collect();
    common::wait_until("all wait", || rt.metrics().io_sources == 1);
    drop(rt);
    for one in crowd {
        assert!(one.join().unwrap().contains("shut down"));
    }
}
