//! The futures that receive and send.

use super::error::Error;
use super::message::Message;
use super::socket::WebSocket;
use futures_core::{FusedFuture, Stream};
use futures_util::Sink;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Future of [`WebSocket::recv`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<'a> {
    /// Until the message is there.
    socket: Option<&'a mut WebSocket>,
}

impl Recv<'_> {
    pub(super) fn new(socket: &mut WebSocket) -> Recv<'_> {
        let socket = Some(socket);
        Recv { socket }
    }
}

impl Future for Recv<'_> {
    type Output = Option<Result<Message, Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let socket = self.socket.as_mut().expect("it is polled after its end");
        let received = ready!(Pin::new(&mut **socket).poll_next(cx));
        self.socket = None;
        Poll::Ready(received)
    }
}

impl FusedFuture for Recv<'_> {
    fn is_terminated(&self) -> bool {
        self.socket.is_none()
    }
}

/// Future of [`WebSocket::send`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct SendMessage<'a> {
    socket: &'a mut WebSocket,
    /// Until the stream's buffer has it.
    message: Option<Message>,
    is_over: bool,
}

impl SendMessage<'_> {
    pub(super) fn new(socket: &mut WebSocket, message: Message) -> SendMessage<'_> {
        let message = Some(message);
        SendMessage {
            socket,
            message,
            is_over: false,
        }
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.message.is_some() {
            ready!(Pin::new(&mut *self.socket).poll_ready(cx))?;
            if let Some(message) = self.message.take() {
                Pin::new(&mut *self.socket).start_send(message)?;
            }
        }
        Pin::new(&mut *self.socket).poll_flush(cx)
    }
}

impl Future for SendMessage<'_> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let sent = ready!(self.poll_sent(cx));
        self.is_over = true;
        Poll::Ready(sent)
    }
}

impl FusedFuture for SendMessage<'_> {
    fn is_terminated(&self) -> bool {
        self.is_over
    }
}

/// Future of [`WebSocket::close`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Close<'a>(pub(super) SendMessage<'a>);

impl Future for Close<'_> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match ready!(Pin::new(&mut self.0).poll(cx)) {
            Err(error) if error.is_end() => Poll::Ready(Ok(())),
            ended => Poll::Ready(ended),
        }
    }
}

impl FusedFuture for Close<'_> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}
