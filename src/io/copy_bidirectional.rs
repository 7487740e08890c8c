//! Copying between two streams in both directions at once.

use crate::io::copy::Transfer;
use futures_core::FusedFuture;
use futures_io::{AsyncRead, AsyncWrite};
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Copies from `a` to `b` and from `b` to `a` until both have ended. Returns the bytes copied from
/// `a` to `b` and from `b` to `a`.
///
/// When one side ends, the other is told by closing its write side once everything is written
/// (`poll_close`: for sockets `shutdown(Write)`); the other direction goes on. Whatever has been read is written and
/// flushed before this waits for more.
///
/// # Errors
/// The first error of either side in either direction. An error of reading ends both directions. One of *writing* ends
/// that direction alone: what the same side still has to say is delivered before the error is returned, such as a
/// server's "413 Content Too Large" after which it takes no more of the upload. That goes on until that side has ended;
/// give it a time limit if you do not trust it. What was read from the other side and not written is lost. Streams that
/// are left open are closed by dropping them.
///
/// # Cancel safety
/// Not cancel safe: a dropped future loses what it had read and not written, up to 8 KiB a direction.
///
#[cfg_attr(feature = "net", doc = "```no_run")]
#[cfg_attr(not(feature = "net"), doc = "```ignore")]
/// use filch::net::TcpStream;
///
/// async fn proxy(mut client: TcpStream) -> std::io::Result<()> {
///     let mut server = TcpStream::connect("127.0.0.1:8080").await?;
///     let (up, down) = filch::io::copy_bidirectional(&mut client, &mut server).await?;
///     println!("{up} bytes up, {down} bytes down");
///     Ok(())
/// }
/// ```
pub fn copy_bidirectional<'a, A, B>(a: &'a mut A, b: &'a mut B) -> CopyBidirectional<'a, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    CopyBidirectional {
        a,
        b,
        up: Way::new(),
        down: Way::new(),
        refused: None,
        over: false,
    }
}

/// The future of [`copy_bidirectional`].
#[must_use = "futures do nothing unless awaited"]
pub struct CopyBidirectional<'a, A: ?Sized, B: ?Sized> {
    a: &'a mut A,
    b: &'a mut B,
    up: Way,
    down: Way,
    /// The error of the direction that could not be written to, while the other one goes on.
    refused: Option<io::Error>,
    over: bool,
}

impl<A: ?Sized, B: ?Sized> fmt::Debug for CopyBidirectional<'_, A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyBidirectional")
            .field("a_to_b", &self.up)
            .field("b_to_a", &self.down)
            .finish_non_exhaustive()
    }
}

impl<A, B> Future for CopyBidirectional<'_, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    type Output = io::Result<(u64, u64)>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let polled = this.poll_copy(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl<A, B> CopyBidirectional<'_, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    fn poll_copy(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(u64, u64)>> {
        let (mut a, mut b) = (Pin::new(&mut *self.a), Pin::new(&mut *self.b));
        let up = self.up.poll(cx, a.as_mut(), b.as_mut());
        let up = self.up.settle(up, &mut self.refused)?;
        let down = self.down.poll(cx, b, a);
        let down = self.down.settle(down, &mut self.refused)?;
        let (Poll::Ready(up), Poll::Ready(down)) = (up, down) else {
            return Poll::Pending;
        };
        Poll::Ready(match self.refused.take() {
            Some(error) => Err(error),
            None => Ok((up, down)),
        })
    }
}

impl<A, B> FusedFuture for CopyBidirectional<'_, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    fn is_terminated(&self) -> bool {
        self.over
    }
}

/// One direction, with its end.
#[derive(Debug)]
struct Way {
    transfer: Transfer,
    /// The writer has been told of the reader's end, or takes nothing any more.
    over: bool,
}

impl Way {
    fn new() -> Way {
        Way {
            transfer: Transfer::new(),
            over: false,
        }
    }

    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
    ) -> Poll<io::Result<u64>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        if !self.over {
            ready!(self.transfer.poll(cx, reader, writer.as_mut()))?;
            let closed = ready!(writer.poll_close(cx));
            self.transfer.refused |= closed.is_err();
            closed?;
            self.over = true;
        }
        Poll::Ready(Ok(self.transfer.copied))
    }

    /// What an outcome means for both directions. The first error of writing is kept, and ends this one alone.
    fn settle(
        &mut self,
        outcome: Poll<io::Result<u64>>,
        refused: &mut Option<io::Error>,
    ) -> Result<Poll<u64>, io::Error> {
        match outcome {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(Ok(copied)) => Ok(Poll::Ready(copied)),
            Poll::Ready(Err(error)) if refused.is_none() && self.transfer.refused => {
                *refused = Some(error);
                self.over = true;
                Ok(Poll::Ready(self.transfer.copied))
            }
            Poll::Ready(Err(error)) => Err(refused.take().unwrap_or(error)),
        }
    }
}
