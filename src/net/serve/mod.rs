//! A server: whoever connects is handled in a task of its own, and none is left behind.
//!
//! `listener` is where connections come from, `accept` the server's life, `connection` one of them and what is counted.
//! The tasks are a group, `structure::Apart`, in which one failure is nobody else's.

mod accept;
mod connection;
mod listener;

use crate::structure::CancelToken;
use accept::Terms;
pub use connection::{ServeError, ServeOutput, Served};
use futures_core::FusedFuture;
pub use listener::Listener;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Accepts connections and handles each in a task of its own: asyncio's `start_server` and `serve_forever`.
///
/// `listener` is a [`TcpListener`](crate::net::TcpListener), a [`UnixListener`](crate::net::UnixListener), or any
/// [`Listener`]. `handler` gets each connection and who has connected. It may return `()` or a `Result`: a connection
/// that fails, or panics, is the matter of its own task, and the others go on. A panic is reported as that of any task
/// that nobody awaits.
///
/// Nothing happens before the server is awaited. The connections are a group: dropping the server cancels them, and the
/// nearest timeout, group or task waits until they are gone. To end it politely there is [`graceful`](Serve::graceful).
///
/// When no descriptor is free (`EMFILE`) or another thing is short, accepting pauses, for 5 ms at first and for a
/// second in the end, and goes on: those who connect wait in the system's queue. What to do with such an error can be
/// said with [`on_error`](Serve::on_error); otherwise standard error tells of it, once for a row of them. A connection
/// that is gone before it is accepted is passed over.
///
/// # Returns
/// [`Served`], the numbers of connections, if a token has stopped it. Without [`graceful`](Serve::graceful) it never
/// returns unless it fails.
///
/// # Errors
/// The listener's, if nothing can be accepted any more; its connections get the grace time first.
///
/// # Panics
/// When it is polled outside a runtime.
///
/// # Cancel safety
/// Dropping it stops accepting, cancels every connection, and loses the numbers.
///
/// # Examples
/// ```no_run
/// use filch::CancelToken;
/// use filch::net::{TcpListener, TcpStream, serve};
/// use std::time::Duration;
///
/// async fn echo(stream: TcpStream) -> std::io::Result<()> {
///     let mut buffer = vec![0; 4096];
///     loop {
///         match stream.read(&mut buffer).await? {
///             0 => return Ok(()),
///             count => stream.write_all(&buffer[..count]).await?,
///         }
///     }
/// }
///
/// # filch::run(async {
/// let stop = CancelToken::new();
/// filch::spawn({
///     let stop = stop.clone();
///     async move {
///         filch::signal::ctrl_c().await.unwrap();
///         stop.cancel();
///     }
/// });
/// let listener = TcpListener::bind("127.0.0.1:7000").await?;
/// let served = serve(listener, |stream, _peer| echo(stream))
///     .limit(1000)
///     .graceful(stop, Duration::from_secs(10))
///     .await?;
/// println!("{} connections, {} of them cut off", served.accepted, served.cancelled);
/// # std::io::Result::Ok(())
/// # });
/// ```
#[track_caller]
pub fn serve<L, H, F>(listener: L, handler: H) -> Serve<L, H>
where
    L: Listener,
    H: Fn(L::Stream, L::Peer) -> F + Send + Sync + 'static,
    F: Future + Send + 'static,
    F::Output: ServeOutput,
{
    Serve {
        listener,
        handler,
        terms: Terms {
            at: Location::caller(),
            limit: None,
            stop: None,
            on_error: None,
            rest: false,
        },
    }
}

/// A server that is not awaited yet: [`serve`](serve()).
#[must_use = "a server does nothing unless awaited"]
pub struct Serve<L, H> {
    listener: L,
    handler: H,
    terms: Terms,
}

impl<L, H> Serve<L, H> {
    /// Has at most `count` connections at a time. While they are all there nobody is accepted: whoever connects waits
    /// in the system's queue. A connection counts until all that its handler has left behind is gone.
    ///
    /// # Panics
    /// If `count` is 0 or more than [`MAX_PERMITS`](crate::sync::Semaphore::MAX_PERMITS).
    #[track_caller]
    pub fn limit(mut self, count: usize) -> Serve<L, H> {
        assert!(count > 0, "a server with a limit of 0 could accept nobody");
        assert!(
            count <= crate::sync::Semaphore::MAX_PERMITS,
            "a server's limit is at most Semaphore::MAX_PERMITS"
        );
        self.terms.limit = Some(count);
        self
    }

    /// A server on this one: its tasks name that line, and who has connected before it stops is still accepted.
    #[cfg(feature = "http")]
    pub(crate) fn under(mut self, at: &'static Location<'static>) -> Serve<L, H> {
        self.terms.at = at;
        self.terms.rest = true;
        self
    }

    /// Ends politely when `token` is cancelled: the listener is closed, so that new connections are refused; those that
    /// are there have `grace` to end; then they are cancelled, and the server returns when they are gone.
    ///
    /// A handler that keeps a clone of the token can end between two requests. One that does not is waited for as long,
    /// and cut off.
    ///
    /// Whoever is in the system's queue when the listener is closed was never accepted, and sees its connection reset.
    pub fn graceful(mut self, token: CancelToken, grace: Duration) -> Serve<L, H> {
        self.terms.stop = Some((token, grace));
        self
    }

    /// Tells of what goes wrong while the server goes on: errors of accepting, and those that handlers return.
    ///
    /// It is called inside the server's task or the connection's, and should not block.
    pub fn on_error(mut self, on_error: impl Fn(ServeError) + Send + Sync + 'static) -> Self {
        self.terms.on_error = Some(Arc::new(on_error));
        self
    }
}

impl<L, H, F> IntoFuture for Serve<L, H>
where
    L: Listener,
    H: Fn(L::Stream, L::Peer) -> F + Send + Sync + 'static,
    F: Future + Send + 'static,
    F::Output: ServeOutput,
{
    type Output = io::Result<Served>;
    type IntoFuture = Serving;

    fn into_future(self) -> Serving {
        Serving::new(accept::serve(self.listener, self.handler, self.terms))
    }
}

impl<L, H> fmt::Debug for Serve<L, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("limit", &self.terms.limit)
            .field("graceful", &self.terms.stop)
            .finish_non_exhaustive()
    }
}

/// The future of a [`Serve`], and of `filch::http`'s.
#[must_use = "dropping it cancels the server's connections; await it"]
pub struct Serving<T = Served> {
    /// Until it has ended.
    life: Option<Life<T>>,
}

type Life<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl<T> Serving<T> {
    pub(crate) fn new(life: impl Future<Output = io::Result<T>> + Send + 'static) -> Serving<T> {
        Serving {
            life: Some(Box::pin(life)),
        }
    }
}

impl<T> Future for Serving<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let life = self.life.as_mut().expect("it is polled after its end");
        let ended = ready!(life.as_mut().poll(cx));
        self.life = None;
        Poll::Ready(ended)
    }
}

impl<T> FusedFuture for Serving<T> {
    fn is_terminated(&self) -> bool {
        self.life.is_none()
    }
}

impl<T> fmt::Debug for Serving<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").finish_non_exhaustive()
    }
}
