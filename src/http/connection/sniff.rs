//! The first bytes of a connection: do they speak HTTP/1 or HTTP/2?

use crate::http::limits::Limits;
use crate::http::listener::Transport;
use crate::time::{Instant, sleep};
use hyper::rt::ReadBuf;
use std::future::{Future, poll_fn};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

/// What a client with HTTP/2 says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// So much is read at first. Most heads are smaller.
const PIECE: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// Reads until it is known. `None` if the client has nothing to say, or too slowly, or the server stops before.
///
/// What is there is read before `stop` is asked: a client that has spoken is answered. One that has just connected is
/// about to speak, so it has until `soon`, which is over for the others; half a preface has come to nothing.
pub(super) async fn sniff<S: Transport>(
    stream: &mut S,
    received: &mut Vec<u8>,
    limits: &Limits,
    stop: impl Future<Output = ()>,
    soon: Instant,
) -> Option<Version> {
    let mut stop = pin!(stop);
    let mut limit = sleep(limits.first_byte);
    let mut stopping = false;
    poll_fn(|cx| {
        while let Poll::Ready(count) = poll_piece(stream, received, cx) {
            if count == 0 {
                return Poll::Ready(None);
            }
            if let Some(version) = version(received) {
                return Poll::Ready(Some(version));
            }
            if count == received.len() {
                limit = sleep(limits.head);
            }
        }
        if !stopping && stop.as_mut().poll(cx).is_ready() {
            stopping = true;
            let soonest = limit.deadline().min(soon);
            limit.reset(soonest);
        }
        if stopping && !received.is_empty() {
            return Poll::Ready(None);
        }
        Pin::new(&mut limit).poll(cx).map(|()| None)
    })
    .await
}

/// Adds what is there. 0 at the end, also by an error.
fn poll_piece<S: Transport>(
    stream: &mut S,
    received: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<usize> {
    let mut piece = [MaybeUninit::uninit(); PIECE];
    let mut buf = ReadBuf::uninit(&mut piece);
    if ready!(Pin::new(stream).poll_read(cx, buf.unfilled())).is_err() {
        return Poll::Ready(0);
    }
    received.extend_from_slice(buf.filled());
    Poll::Ready(buf.filled().len())
}

fn version(received: &[u8]) -> Option<Version> {
    if received.starts_with(PREFACE) {
        Some(Version::Two)
    } else if PREFACE.starts_with(received) {
        None
    } else {
        Some(Version::One)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_known_as_soon_as_the_preface_is_whole_or_broken() {
        assert_eq!(version(b""), None);
        assert_eq!(version(b"P"), None);
        assert_eq!(version(b"PO"), Some(Version::One));
        assert_eq!(version(&PREFACE[..23]), None);
        assert_eq!(version(PREFACE), Some(Version::Two));
        assert_eq!(version(b"GET / HTTP/1.1\r\n"), Some(Version::One));
        assert_eq!(version(&[PREFACE, b"more"].concat()), Some(Version::Two));
    }
}
