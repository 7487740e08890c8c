//! A server's life: it accepts until it is told to stop, or cannot any more; then it waits for its connections.

use super::connection::{Connection, Numbers, OnError, ServeError, ServeOutput, Served};
use super::listener::{Listener, Verdict};
use crate::structure::{Apart, CancelToken};
use crate::sync::{OwnedSemaphorePermit, Semaphore};
use crate::time::{sleep, timeout};
use filch_executor::foreign;
use filch_executor::leaf;
use filch_executor::yield_now;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::Location;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Until the next attempt to accept when something is short; it doubles, up to the second.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What a server was told.
pub(super) struct Terms {
    pub(super) at: &'static Location<'static>,
    pub(super) limit: Option<usize>,
    pub(super) stop: Option<(CancelToken, Duration)>,
    pub(super) on_error: Option<OnError>,
    /// Who has connected already is accepted even when it is told to stop.
    pub(super) rest: bool,
}

pub(super) async fn serve<L, H, F>(listener: L, handler: H, terms: Terms) -> io::Result<Served>
where
    L: Listener,
    H: Fn(L::Stream, L::Peer) -> F + Send + Sync + 'static,
    F: Future + Send + 'static,
    F::Output: ServeOutput,
{
    let Terms { at, stop, .. } = &terms;
    let numbers = Arc::new(Numbers::default());
    let mut ended = Ok(());
    let outcome = Apart::run(at, |group| {
        let (numbers, ended) = (Arc::clone(&numbers), &mut ended);
        let mut door = Door {
            listener,
            handler: Arc::new(handler),
            numbers,
            room: terms.limit.map(|limit| Arc::new(Semaphore::new(limit))),
            on_error: terms.on_error.clone(),
            pause: FIRST_PAUSE,
        };
        async move {
            *ended = match stop {
                Some((token, _)) => match token.run(door.keep(&group)).await {
                    Ok(ended) => ended,
                    Err(_stopped) if terms.rest => {
                        door.rest(&group).await;
                        Ok(())
                    }
                    Err(_stopped) => Ok(()),
                },
                None => door.keep(&group).await,
            };
            // New connections are refused from here on.
            drop(door);
            let grace = stop.as_ref().map_or(Duration::ZERO, |(_, grace)| *grace);
            if timeout(grace, poll_fn(|cx| group.poll_empty(cx)))
                .await
                .is_err()
            {
                group.cancel_because("the grace time of its server was over");
            }
            Ok(())
        }
    });
    // Only a cleanup could have failed, of the body itself, which has none.
    let _ = outcome.await;
    ended.map(|()| numbers.sum())
}

/// Where connections come in.
struct Door<L, H> {
    listener: L,
    handler: Arc<H>,
    numbers: Arc<Numbers>,
    room: Option<Arc<Semaphore>>,
    on_error: Option<OnError>,
    pause: Duration,
}

impl<L, H, F> Door<L, H>
where
    L: Listener,
    H: Fn(L::Stream, L::Peer) -> F + Send + Sync + 'static,
    F: Future + Send + 'static,
    F::Output: ServeOutput,
{
    /// Lets connections in, each into a task of the group, until nothing can be accepted any more.
    async fn keep(&mut self, group: &Apart) -> io::Result<()> {
        loop {
            let place = self.place().await;
            let (stream, peer) = self.next().await?;
            self.admit(group, place, stream, peer);
        }
    }

    fn admit(
        &self,
        group: &Apart,
        place: Option<OwnedSemaphorePermit>,
        stream: L::Stream,
        peer: L::Peer,
    ) {
        let handler = Arc::clone(&self.handler);
        // The handler is called in the connection's task: a panic of it is that one's as well.
        let handled = async move { handler(stream, peer).await };
        let numbers = Arc::clone(&self.numbers);
        let connection = Connection::new(handled, numbers, self.on_error.clone());
        group.spawn(place, connection);
    }

    /// Those who are in the system's queue, as far as there is room: they have connected before the server was told
    /// to stop, and may have asked for something already.
    async fn rest(&mut self, group: &Apart) {
        let mut asked_again = false;
        loop {
            let place = match &self.room {
                Some(room) => match Arc::clone(room).try_acquire_owned() {
                    Ok(place) => Some(place),
                    Err(_) => return,
                },
                None => None,
            };
            match poll_fn(|cx| Poll::Ready(self.listener.poll_accept(cx))).await {
                Poll::Ready(Ok((stream, peer))) => self.admit(group, place, stream, peer),
                Poll::Ready(Err(error)) if Verdict::of(&error) == Verdict::Next => {}
                Poll::Ready(Err(_)) => return,
                // Nobody is there, or this task's turn is over.
                Poll::Pending if asked_again => return,
                Poll::Pending => {
                    asked_again = true;
                    yield_now().await;
                    continue;
                }
            }
            asked_again = false;
        }
    }

    /// Room for one more, before anybody is accepted: whoever is too many waits in the system's queue.
    async fn place(&mut self) -> Option<OwnedSemaphorePermit> {
        let room = Arc::clone(self.room.as_ref()?);
        Some(room.acquire_owned().await.expect("nobody closes it"))
    }

    async fn next(&mut self) -> io::Result<(L::Stream, L::Peer)> {
        loop {
            let error = match poll_fn(|cx| self.listener.poll_accept(cx)).await {
                Ok(accepted) => {
                    self.pause = FIRST_PAUSE;
                    return Ok(accepted);
                }
                Err(error) => error,
            };
            match Verdict::of(&error) {
                Verdict::Next => {}
                Verdict::Pause => self.wait_a_while(error).await,
                Verdict::End => return Err(error),
            }
        }
    }

    async fn wait_a_while(&mut self, error: io::Error) {
        let pause = self.pause;
        match &self.on_error {
            Some(on_error) => {
                foreign::quietly(|| on_error(ServeError::Accept { error, pause }));
            }
            // Once for a row of failures.
            None if pause == FIRST_PAUSE => leaf::report(format_args!(
                "a server accepts nothing for a while, and tries again: {error}"
            )),
            None => {}
        }
        self.pause = LONGEST_PAUSE.min(pause * 2);
        sleep(pause).await;
    }
}
