//! The WebSocket itself, over any stream.

use super::Config;
use super::error::Error;
use super::future::{Close, Recv, SendMessage};
use super::message::{CloseFrame, Message};
use crate::exclusive::Exclusive;
use crate::time::{Instant, Sleep, sleep};
use async_tungstenite::tungstenite::protocol::Role;
use async_tungstenite::tungstenite::{self as ts, Error as Protocol};
use async_tungstenite::{WebSocketStream, client_async_with_config};
use bytes::Bytes;
use filch_executor::leaf;
use futures_core::Stream;
use futures_core::stream::FusedStream;
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::{FutureExt, Sink};
use http::HeaderValue;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A WebSocket, the server's side or the client's. It is a `Stream` of messages and a `Sink` for them.
///
/// Pings of the other side are answered when this side reads or sends. Its own pings go out while somebody waits in
/// [`recv`](Self::recv): see [`Config::ping`]. Dropped without [`close`](Self::close), it cuts the connection off.
pub struct WebSocket {
    inner: Exclusive<WebSocketStream<Box<dyn Duplex>>>,
    beat: Option<Beat>,
    protocol: Option<HeaderValue>,
    is_over: bool,
}

/// Asks a silent peer whether it is there.
struct Beat {
    every: Duration,
    timer: Sleep,
    /// It was asked, and nothing has come since.
    is_asked: bool,
}

impl WebSocket {
    /// On a stream over which both sides have agreed on the protocol: for handshakes of one's own. It does not
    /// wait.
    pub fn from_stream<S>(stream: S, side: Side, config: Config) -> WebSocket
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let role = match side {
            Side::Server => Role::Server,
            Side::Client => Role::Client,
        };
        let stream: Box<dyn Duplex> = Box::new(stream);
        let made = WebSocketStream::from_raw_socket(stream, role, Some(config.protocol));
        let inner = made.now_or_never().expect("it only asks for a waker");
        WebSocket::new(inner, config.ping, None)
    }

    /// Asks the server at the stream's other end.
    pub(super) async fn ask<S>(
        request: http::Request<()>,
        stream: S,
        config: Config,
    ) -> Result<WebSocket, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let stream: Box<dyn Duplex> = Box::new(stream);
        let (inner, answer) =
            client_async_with_config(request, stream, Some(config.protocol)).await?;
        let protocol = answer.headers().get(http::header::SEC_WEBSOCKET_PROTOCOL);
        Ok(WebSocket::new(inner, config.ping, protocol.cloned()))
    }

    fn new(
        inner: WebSocketStream<Box<dyn Duplex>>,
        ping: Option<Duration>,
        protocol: Option<HeaderValue>,
    ) -> WebSocket {
        let beat = ping.map(Beat::new);
        WebSocket {
            inner: Exclusive::new(inner),
            beat,
            protocol,
            is_over: false,
        }
    }

    pub(super) fn set_protocol(&mut self, protocol: Option<HeaderValue>) {
        self.protocol = protocol;
    }

    /// The protocol within the WebSocket that both sides have agreed on.
    pub fn protocol(&self) -> Option<&HeaderValue> {
        self.protocol.as_ref()
    }

    /// The next message; `None` when the WebSocket has ended.
    ///
    /// # Errors
    /// What the other side did against the protocol or a limit: it is told so by a close frame. That it does not answer
    /// pings. The stream's own. After an error it is over.
    ///
    /// # Cancel safety
    /// Cancel safe: no message is lost.
    pub fn recv(&mut self) -> Recv<'_> {
        Recv::new(self)
    }

    /// Sends a message, and waits until the stream has taken it.
    ///
    /// # Errors
    /// If the WebSocket is over, or the stream's.
    ///
    /// # Cancel safety
    /// Dropped, it may have sent the message or not; never a part of it that another message would break.
    pub fn send(&mut self, message: impl Into<Message>) -> SendMessage<'_> {
        SendMessage::new(self, message.into())
    }

    /// Says that it ends, and why. Read on until `None` to hear the other side agree.
    ///
    /// # Errors
    /// As [`send`](Self::send); none if it had ended already.
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub fn close(&mut self, frame: Option<CloseFrame>) -> Close<'_> {
        Close(SendMessage::new(self, Message::Close(frame)))
    }

    fn inner(&mut self) -> Pin<&mut WebSocketStream<Box<dyn Duplex>>> {
        Pin::new(self.inner.get_mut())
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        loop {
            let Poll::Ready(read) = self.inner().poll_next(cx) else {
                break;
            };
            if let Some(beat) = &mut self.beat {
                beat.is_heard();
            }
            match read {
                None => {
                    self.is_over = true;
                    return Poll::Ready(None);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(self.fail(error.into(), cx)))),
                Some(Ok(message)) => {
                    if message.is_close() {
                        // The answer goes out, though nobody may read on.
                        let _ = self.inner().poll_flush(cx);
                    }
                    if let Some(message) = Message::from_protocol(message) {
                        return Poll::Ready(Some(Ok(message)));
                    }
                }
            }
        }
        match self.poll_beat(cx) {
            Poll::Ready(error) => Poll::Ready(Some(Err(self.fail(error, cx)))),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Pings in time. Ready if that was in vain.
    fn poll_beat(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(beat) = &mut self.beat else {
            return Poll::Pending;
        };
        while Pin::new(&mut beat.timer).poll(cx).is_ready() {
            if beat.is_asked {
                return Poll::Ready(Error::silent(beat.every));
            }
            beat.ask();
            let mut inner = Pin::new(self.inner.get_mut());
            // A stream that takes nothing is not asked: that nothing comes either is what counts.
            if inner.as_mut().poll_ready(cx).is_ready() {
                let _ = inner.as_mut().start_send(ts::Message::Ping(Bytes::new()));
            }
            let _ = inner.poll_flush(cx);
        }
        Poll::Pending
    }

    /// It is over. The other side is told, if its socket takes it.
    fn fail(&mut self, error: Error, cx: &mut Context<'_>) -> Error {
        self.is_over = true;
        if let Some(code) = error.close_code() {
            let reason = Default::default();
            let frame = ts::protocol::CloseFrame {
                code: code.into(),
                reason,
            };
            let mut inner = self.inner();
            if inner.as_mut().poll_ready(cx).is_ready()
                && inner
                    .as_mut()
                    .start_send(ts::Message::Close(Some(frame)))
                    .is_ok()
            {
                let _ = inner.poll_flush(cx);
            }
        }
        error
    }
}

/// Which side of a WebSocket this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that was asked.
    Server,
    /// The one that asked, and masks what it sends.
    Client,
}

impl Beat {
    fn new(every: Duration) -> Beat {
        Beat {
            every,
            timer: sleep(every),
            is_asked: false,
        }
    }

    fn is_heard(&mut self) {
        self.is_asked = false;
        self.timer.reset(Instant::now().saturating_add(self.every));
    }

    fn ask(&mut self) {
        self.is_heard();
        self.is_asked = true;
    }
}

impl Stream for WebSocket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        self.poll_message(cx)
    }
}

impl FusedStream for WebSocket {
    fn is_terminated(&self) -> bool {
        self.is_over
    }
}

impl Sink<Message> for WebSocket {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        self.inner().poll_ready(cx).map_err(Error::from)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let sent = self.inner().start_send(message.into_protocol());
        sent.map_err(Error::from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner().poll_flush(cx).map_err(Error::from)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match ready!(self.inner().poll_close(cx)) {
            Err(Protocol::ConnectionClosed | Protocol::AlreadyClosed) | Ok(()) => {
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
