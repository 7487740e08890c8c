//! The end of a connection whose client may still be sending.

use crate::http::limits::Limits;
use crate::http::listener::Transport;
use crate::time::timeout;
use hyper::StatusCode;
use hyper::rt::ReadBuf;
use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};

/// So much is read at a time of what nobody wants.
const PIECE: usize = 1024;

/// Says a last word, if there is one, and reads on for a moment.
///
/// A connection that is closed with bytes unread is reset, and the client may lose the answer that it has not read yet.
pub(super) async fn farewell<S: Transport>(
    mut stream: S,
    status: Option<StatusCode>,
    limits: &Limits,
) {
    let words = status.map_or(String::new(), |status| {
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    });
    // Whether it was heard is the client's matter.
    let _ = timeout(limits.linger, say(&mut stream, words.as_bytes())).await;
    let _ = timeout(limits.linger, read_on(&mut stream)).await;
}

async fn say<S: Transport>(stream: &mut S, mut words: &[u8]) -> std::io::Result<()> {
    poll_fn(|cx| {
        while !words.is_empty() {
            let count = ready!(Pin::new(&mut *stream).poll_write(cx, words))?;
            if count == 0 {
                break;
            }
            words = &words[count..];
        }
        ready!(Pin::new(&mut *stream).poll_flush(cx))?;
        Pin::new(&mut *stream).poll_shutdown(cx)
    })
    .await
}

async fn read_on<S: Transport>(stream: &mut S) {
    poll_fn(|cx| {
        loop {
            let mut piece = [MaybeUninit::uninit(); PIECE];
            let mut buf = ReadBuf::uninit(&mut piece);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, buf.unfilled()));
            if read.is_err() || buf.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    })
    .await;
}
