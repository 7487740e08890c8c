//! A stream of what is there already.

use filch_executor::leaf;
use futures_core::{FusedStream, Stream};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A stream of an iterator's items. It is always ready, but lets other tasks run every now and then, as sockets do.
///
/// ```
/// use filch::stream::{self, StreamExt};
///
/// # filch::run(async {
/// let mut names = stream::iter(["a", "b"]);
/// assert_eq!(names.next().await, Some("a"));
/// # });
/// ```
pub fn iter<I: IntoIterator>(items: I) -> Iter<I::IntoIter> {
    Iter {
        items: items.into_iter(),
        ended: false,
    }
}

/// The stream of [`iter`].
#[derive(Clone, Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Iter<I> {
    items: I,
    ended: bool,
}

// The iterator is never pinned.
impl<I> Unpin for Iter<I> {}

impl<I: Iterator> Stream for Iter<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<I::Item>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let item = self.items.next();
        self.ended = item.is_none();
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<I: Iterator> FusedStream for Iter<I> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}
