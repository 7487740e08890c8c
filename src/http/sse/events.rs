//! The other side of events: an answer's body, read as its events.

use crate::http::body::Body;
use futures_core::Stream;
use hyper::body::Body as _;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// An event as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// Its kind: `message` unless it says another.
    pub event: String,
    /// What it tells, its lines put together again.
    pub data: String,
    /// The last id that was sent, by this event or one before it; empty if there was none.
    pub id: String,
    /// How long to wait before connecting again, if this event says so.
    pub retry: Option<Duration>,
}

/// The events of a body, as a `Stream`: what [`TestClient::events`](crate::http::TestClient::events) gives.
///
/// Comments are passed over. An event that its body's end cuts off is none.
#[derive(Debug)]
pub struct Events {
    body: Body,
    lines: Lines,
    ready: VecDeque<Received>,
    is_over: bool,
}

impl Events {
    /// Reads the events of an answer's body.
    pub fn new(body: Body) -> Events {
        Events {
            body,
            lines: Lines::default(),
            ready: VecDeque::new(),
            is_over: false,
        }
    }
}

impl Stream for Events {
    type Item = io::Result<Received>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            if self.is_over {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let this = &mut *self;
                    let data = frame.into_data().unwrap_or_default();
                    this.lines.read(&data, &mut this.ready);
                }
                Some(Err(error)) => {
                    self.is_over = true;
                    return Poll::Ready(Some(Err(io::Error::other(error))));
                }
                None => self.is_over = true,
            }
        }
    }
}

/// Lines, and the event that they have come to so far.
#[derive(Debug, Default)]
struct Lines {
    line: Vec<u8>,
    /// The last byte was `\r`, so a `\n` that comes now belongs to the same end.
    was_return: bool,
    event: String,
    data: Option<String>,
    id: String,
    retry: Option<Duration>,
}

impl Lines {
    fn read(&mut self, bytes: &[u8], events: &mut VecDeque<Received>) {
        for &byte in bytes {
            let is_second = byte == b'\n' && self.was_return;
            self.was_return = byte == b'\r';
            match byte {
                b'\n' if is_second => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    match line.is_empty() {
                        true => events.extend(self.end()),
                        false => self.field(&String::from_utf8_lossy(&line)),
                    }
                }
                byte => self.line.push(byte),
            }
        }
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => self.event = value.to_owned(),
            "id" if !value.contains('\0') => self.id = value.to_owned(),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis),
            "data" => match &mut self.data {
                None => self.data = Some(value.to_owned()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
            },
            _ => {}
        }
    }

    /// At an empty line. What has no data is no event.
    fn end(&mut self) -> Option<Received> {
        let event = std::mem::take(&mut self.event);
        let retry = self.retry.take();
        let data = self.data.take()?;
        let event = match event.is_empty() {
            true => "message".to_owned(),
            false => event,
        };
        let id = self.id.clone();
        Some(Received {
            event,
            data,
            id,
            retry,
        })
    }
}
