//! Futures of [`WebSocket`]'s methods.

use super::error::Error;
use super::message::Message;
use super::socket::WebSocket;
use futures_core::Stream;
use futures_util::Sink;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Future of [`WebSocket::recv`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<'a>(pub(super) &'a mut WebSocket);

impl Future for Recv<'_> {
    type Output = Option<Result<Message, Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.0).poll_next(cx)
    }
}

/// Future of [`WebSocket::send`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct SendMessage<'a> {
    socket: &'a mut WebSocket,
    /// Until the stream's buffer has it.
    message: Option<Message>,
}

impl SendMessage<'_> {
    pub(super) fn new(socket: &mut WebSocket, message: Message) -> SendMessage<'_> {
        let message = Some(message);
        SendMessage { socket, message }
    }
}

impl Future for SendMessage<'_> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.message.is_some() {
            ready!(Pin::new(&mut *self.socket).poll_ready(cx))?;
            if let Some(message) = self.message.take() {
                Pin::new(&mut *self.socket).start_send(message)?;
            }
        }
        Pin::new(&mut *self.socket).poll_flush(cx)
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
