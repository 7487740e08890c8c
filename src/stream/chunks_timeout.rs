//! Items in batches that are not waited for too long.

use crate::time::{Instant, Sleep, sleep};
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

pin_project! {
    /// The stream of [`StreamTimeExt::chunks_timeout`](super::StreamTimeExt::chunks_timeout).
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct ChunksTimeout<S: Stream> {
        #[pin]
        stream: S,
        most: usize,
        duration: Duration,
        limit: Sleep,
        batch: Vec<S::Item>,
        ended: bool,
    }
}

impl<S: Stream> ChunksTimeout<S> {
    #[track_caller]
    pub(super) fn new(stream: S, most: usize, duration: Duration) -> ChunksTimeout<S> {
        assert!(most > 0, "a batch of no items would never end");
        ChunksTimeout {
            stream,
            most,
            duration,
            limit: sleep(duration),
            batch: Vec::new(),
            ended: false,
        }
    }

    /// The items of the batch that is not full yet.
    pub fn into_remainder(self) -> Vec<S::Item> {
        self.batch
    }
}

impl<S: Stream> Stream for ChunksTimeout<S> {
    type Item = Vec<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<S::Item>>> {
        let mut this = self.project();
        while !*this.ended {
            let Poll::Ready(item) = this.stream.as_mut().poll_next(cx) else {
                if this.batch.is_empty() {
                    return Poll::Pending;
                }
                ready!(Pin::new(this.limit).poll(cx));
                return Poll::Ready(Some(std::mem::take(this.batch)));
            };
            let Some(item) = item else {
                *this.ended = true;
                break;
            };
            if this.batch.is_empty() {
                this.limit
                    .reset(Instant::now().saturating_add(*this.duration));
            }
            this.batch.push(item);
            if this.batch.len() == *this.most {
                return Poll::Ready(Some(std::mem::take(this.batch)));
            }
        }
        let last = std::mem::take(this.batch);
        Poll::Ready((!last.is_empty()).then_some(last))
    }
}

impl<S: Stream> FusedStream for ChunksTimeout<S> {
    fn is_terminated(&self) -> bool {
        self.ended && self.batch.is_empty()
    }
}
