//! Keeps hyper going on one connection until it ends, a limit is over, or the server is.

use super::alarm::Alarm;
use super::meter::{Fate, Meter, Phase};
use crate::http::limits::Limits;
use crate::structure::CancelToken;
use crate::time::Instant;
use hyper::rt::{Read, Write};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

/// A connection of hyper's.
pub(super) trait Protocol: Future<Output = hyper::Result<()>> {
    /// It ends after what is being answered.
    fn wind_down(self: Pin<&mut Self>);
}

impl<T, S, B> Protocol for hyper::server::conn::http1::UpgradeableConnection<T, S>
where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T: Read + Write + Unpin + Send + 'static,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn wind_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<T, S, B, E> Protocol for hyper::server::conn::http2::Connection<T, S, E>
where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T: Read + Write + Unpin,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, B>,
{
    fn wind_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// hyper has closed it, or handed it over.
    Done,
    /// What came is no HTTP, and hyper has said so.
    Nonsense,
    /// A head did not come whole in time.
    SlowHead,
    /// A head has no end, and is large already.
    LargeHead,
    /// What was written is not taken.
    Stalled,
    /// There is nothing more to do, or to wait for.
    Idle,
}

/// Polls until the end. The caller drops the connection then.
pub(super) async fn drive<P: Protocol>(
    protocol: P,
    meter: &Meter,
    limits: &Limits,
    stop: &CancelToken,
) -> End {
    let mut protocol = pin!(protocol);
    let mut stopped = pin!(stop.cancelled());
    let mut watch = Watch::new(meter, limits);
    // After the protocol, so that it is dropped before: requests that are open then were cut off by the server.
    let cut_off = CutOff(meter);
    let end = poll_fn(|cx| {
        loop {
            watch.stopping = watch.stopping || stop.is_cancelled();
            if let Poll::Ready(ended) = protocol.as_mut().poll(cx) {
                let nonsense = ended.is_err_and(|error| error.is_parse());
                return Poll::Ready(if nonsense { End::Nonsense } else { End::Done });
            }
            // After the protocol, so that it is shown as waiting for what that waits for.
            if !watch.stopping && stopped.as_mut().poll(cx).is_ready() {
                continue;
            }
            match watch.poll(cx) {
                Next::Wait => return Poll::Pending,
                Next::WindDown => protocol.as_mut().wind_down(),
                Next::End(end) => return Poll::Ready(end),
            }
        }
    })
    .await;
    std::mem::forget(cut_off);
    if end == End::Stalled {
        meter.ends_by(Fate::Refused);
    }
    end
}

/// Dropped when the connection's task is, before its time.
struct CutOff<'a>(&'a Meter);

impl Drop for CutOff<'_> {
    fn drop(&mut self) {
        self.0.ends_by(Fate::Cancelled);
        self.0.cut();
    }
}

/// What is to be done with a connection that waits.
enum Next {
    Wait,
    /// Tell hyper that it ends, and poll it again.
    WindDown,
    End(End),
}

/// How long a connection has been doing what it does.
struct Watch<'a> {
    meter: &'a Meter,
    limits: &'a Limits,
    seen: (Phase, usize),
    since: Instant,
    /// Of this poll.
    now: Instant,
    alarm: Alarm,
    /// The server was told to stop.
    stopping: bool,
    /// From when on, as it was seen here.
    stopped: Option<Instant>,
    /// hyper was told to end it.
    winding_down: bool,
}

impl<'a> Watch<'a> {
    fn new(meter: &'a Meter, limits: &'a Limits) -> Watch<'a> {
        let now = Instant::now();
        Watch {
            meter,
            limits,
            seen: meter.seen(),
            since: now,
            now,
            alarm: Alarm::default(),
            stopping: false,
            stopped: None,
            winding_down: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Next {
        let seen = self.meter.seen();
        self.now = Instant::now();
        if seen != self.seen {
            self.seen = seen;
            let known = match seen.0 {
                Phase::Idle => self.meter.idle_since(),
                _ => None,
            };
            self.since = known.unwrap_or(self.now);
        }
        match self.stopping {
            true => self.poll_stopping(cx),
            false => self.poll_serving(cx),
        }
    }

    fn poll_serving(&mut self, cx: &mut Context<'_>) -> Next {
        let two = self.meter.multiplexed.load(Relaxed);
        let limits = self.limits;
        let limit = match self.seen.0 {
            // A stream's end is not seen here, so it is looked for.
            Phase::Busy if two => limits.idle,
            Phase::Busy => return Next::Wait,
            Phase::Head if self.meter.head_bytes() > limits.head_bytes => {
                return Next::End(End::LargeHead);
            }
            Phase::Head => limits.head,
            Phase::Blocked => limits.stall,
            Phase::Idle if self.winding_down => limits.linger,
            Phase::Idle => limits.idle,
        };
        if !self.is_over(self.since.saturating_add(limit), cx) {
            return Next::Wait;
        }
        match self.seen.0 {
            Phase::Head => Next::End(End::SlowHead),
            Phase::Blocked => Next::End(End::Stalled),
            Phase::Idle if self.winding_down => Next::End(End::Idle),
            Phase::Idle => self.wind_down(),
            Phase::Busy => {
                self.since = self.now;
                self.poll_serving(cx)
            }
        }
    }

    /// The server ends. What is being answered goes on, and half a head is nobody's request.
    fn poll_stopping(&mut self, cx: &mut Context<'_>) -> Next {
        let two = self.meter.multiplexed.load(Relaxed);
        let first = self.stopped.is_none();
        let stopped = *self.stopped.get_or_insert(self.now);
        match self.seen.0 {
            Phase::Busy | Phase::Blocked if !self.winding_down => self.wind_down(),
            Phase::Idle if two && !self.winding_down => self.wind_down(),
            Phase::Busy | Phase::Blocked => {
                if two && self.is_over(self.now.saturating_add(self.limits.linger), cx) {
                    return self.poll_stopping(cx);
                }
                Next::Wait
            }
            Phase::Head if first => Next::End(End::Idle),
            Phase::Idle | Phase::Head => {
                // A request may be on its way.
                match self.is_over(
                    self.since.max(stopped).saturating_add(self.limits.linger),
                    cx,
                ) {
                    true if self.winding_down => Next::End(End::Idle),
                    true => self.wind_down(),
                    false => Next::Wait,
                }
            }
        }
    }

    fn wind_down(&mut self) -> Next {
        self.winding_down = true;
        self.since = self.now;
        Next::WindDown
    }

    /// Is that time over? If not, the task is woken then, or before.
    fn is_over(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        self.alarm.is_over(deadline, self.now, cx)
    }
}
