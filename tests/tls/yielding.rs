//! What is ready at once counts: no loop over a TLS stream keeps its worker to itself.

use super::common::poll_once;
use super::{acceptor, connector, pair};
use filch::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use filch::tls::TlsStream;
use std::future::{Future, poll_fn};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::Poll;

type Stream = TlsStream<filch::io::DuplexStream>;

/// So many rounds that a budget of any size is used up.
const ROUNDS: usize = 4_000;

/// How often a future has to be polled.
async fn polls_of(future: impl Future<Output = ()>) -> usize {
    let (mut future, mut polls) = (pin!(future), 0);
    poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx)
    })
    .await;
    polls
}

/// Runs a loop over a stream that has 16 KiB to read, and an end that reads nothing.
async fn yields(name: &str, mut round: impl AsyncFnMut(&mut Stream)) {
    let (mut stream, mut peer) = pair(&connector(), &acceptor(), 64 * 1024).await;
    peer.write_all(&[0; 16 * 1024]).await.unwrap();
    peer.flush().await.unwrap();
    let polls = polls_of(async {
        for _ in 0..ROUNDS {
            round(&mut stream).await;
        }
    });
    assert!(polls.await > 4, "{name} keeps the worker");
}

#[filch::test]
async fn loops_over_what_is_ready_yield() {
    yields("reading what is decrypted", async |stream| {
        stream.read_exact(&mut [0]).await.unwrap();
    })
    .await;
    yields("reading into nothing", async |stream| {
        assert_eq!(stream.read(&mut []).await.unwrap(), 0);
    })
    .await;
    yields("looking into the buffer", async |stream| {
        assert!(!stream.fill_buf().await.unwrap().is_empty());
    })
    .await;
    yields("reading into uninitialised memory", async |stream| {
        let mut buf = [MaybeUninit::uninit()];
        let read = poll_fn(|cx| Pin::new(&mut *stream).poll_read_uninit(cx, &mut buf));
        assert_eq!(read.await.unwrap(), 1);
    })
    .await;
    yields("writing nothing", async |stream| {
        assert_eq!(stream.write(&[]).await.unwrap(), 0);
    })
    .await;
    yields("flushing", async |stream| stream.flush().await.unwrap()).await;
    yields("closing", async |stream| stream.close().await.unwrap()).await;
}

#[filch::test]
async fn a_loop_over_handshakes_that_cannot_begin_yields() {
    let connector = connector();
    let polls = polls_of(async {
        for _ in 0..ROUNDS {
            let (near, _) = filch::io::duplex(1);
            connector.connect("no name", near).await.unwrap_err();
        }
    });
    assert!(polls.await > 4);
}

#[filch::test]
async fn a_stream_that_waits_is_pending() {
    let (mut stream, _peer) = pair(&connector(), &acceptor(), 4096).await;
    let mut buf = [0];
    assert!(matches!(
        poll_once(&mut stream.read(&mut buf)).await,
        Poll::Pending
    ));
}
