//! Many streams as one, each with a key; and a stream that says that it has ended.

use filch_executor::leaf;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::borrow::Borrow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Streams by their keys, as one stream of keys and items. Streams come and go at any time; one that has ended is gone.
///
/// Each poll begins with one of them by the runtime's generator, so that none keeps the others out. All are polled
/// whenever one is ready, so it is for a handful; for many see [`FuturesUnordered`](super::FuturesUnordered). It ends
/// when it has no stream, and goes on when one is put in.
///
/// ```
/// use filch::stream::{self, StreamExt, StreamMap};
///
/// # filch::run(async {
/// let mut rooms = StreamMap::new();
/// rooms.insert("hall", stream::iter(vec![1, 2]));
/// rooms.insert("kitchen", stream::iter(vec![3]));
/// let mut said: Vec<_> = rooms.collect().await;
/// said.sort();
/// assert_eq!(said, [("hall", 1), ("hall", 2), ("kitchen", 3)]);
/// # });
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct StreamMap<K, S> {
    entries: Vec<(K, S)>,
}

impl<K, S> StreamMap<K, S> {
    /// Without streams.
    pub fn new() -> StreamMap<K, S> {
        StreamMap::with_capacity(0)
    }

    /// Without streams, and with room for so many.
    pub fn with_capacity(capacity: usize) -> StreamMap<K, S> {
        StreamMap {
            entries: Vec::with_capacity(capacity),
        }
    }

    /// How many streams are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no stream is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many streams it has room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// Drops every stream.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// The keys and streams, in any order.
    pub fn iter(&self) -> impl Iterator<Item = &(K, S)> {
        self.entries.iter()
    }

    /// The keys and streams, in any order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut (K, S)> {
        self.entries.iter_mut()
    }

    /// The keys, in any order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The streams, in any order.
    pub fn values(&self) -> impl Iterator<Item = &S> {
        self.iter().map(|(_, stream)| stream)
    }

    /// The streams, in any order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut S> {
        self.iter_mut().map(|(_, stream)| stream)
    }

    /// Puts a stream in, and gives back the one that had the key.
    pub fn insert(&mut self, key: K, stream: S) -> Option<S>
    where
        K: Eq,
    {
        let before = self.remove(&key);
        self.entries.push((key, stream));
        before
    }

    /// Takes a stream out.
    pub fn remove<Q: Eq + ?Sized>(&mut self, key: &Q) -> Option<S>
    where
        K: Borrow<Q>,
    {
        let at = self.keys().position(|it| it.borrow() == key)?;
        Some(self.entries.swap_remove(at).1)
    }

    /// Whether a stream has that key.
    #[must_use]
    pub fn contains_key<Q: Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.keys().any(|it| it.borrow() == key)
    }
}

impl<K, S> Default for StreamMap<K, S> {
    fn default() -> StreamMap<K, S> {
        StreamMap::new()
    }
}

// A key is never pinned, and a stream here is `Unpin`, or could not be polled.
impl<K, S> Unpin for StreamMap<K, S> {}

impl<K: Clone, S: Stream + Unpin> Stream for StreamMap<K, S> {
    type Item = (K, S::Item);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let entries = &mut self.entries;
        let mut left = entries.len();
        let mut at = match u32::try_from(left) {
            Ok(0) => return Poll::Ready(None),
            Ok(count) => leaf::choose(count) as usize,
            Err(_) => 0,
        };
        while left > 0 {
            left -= 1;
            match Pin::new(&mut entries[at].1).poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    return Poll::Ready(Some((entries[at].0.clone(), item)));
                }
                // Those behind move up, so that who is still to be asked comes next.
                Poll::Ready(None) => drop(entries.remove(at)),
                Poll::Pending => at += 1,
            }
            if at >= entries.len() {
                at = 0;
            }
        }
        match entries.is_empty() {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    }
}

impl<K: Eq, S> Extend<(K, S)> for StreamMap<K, S> {
    fn extend<I: IntoIterator<Item = (K, S)>>(&mut self, streams: I) {
        for (key, stream) in streams {
            self.insert(key, stream);
        }
    }
}

impl<K: Eq, S> FromIterator<(K, S)> for StreamMap<K, S> {
    fn from_iter<I: IntoIterator<Item = (K, S)>>(streams: I) -> StreamMap<K, S> {
        let mut map = StreamMap::new();
        map.extend(streams);
        map
    }
}

impl<K: fmt::Debug, S> fmt::Debug for StreamMap<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys()).finish()
    }
}

pin_project! {
    /// A stream whose end is an item: `Some` for each item, and `None` once, before it ends. So whoever has a
    /// [`StreamMap`] hears which stream is gone.
    ///
    /// ```
    /// use filch::stream::{self, StreamExt, StreamNotifyClose};
    ///
    /// # filch::run(async {
    /// let items: Vec<_> = StreamNotifyClose::new(stream::iter([1])).collect().await;
    /// assert_eq!(items, [Some(1), None]);
    /// # });
    /// ```
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct StreamNotifyClose<S> {
        #[pin]
        stream: Option<S>,
    }
}

impl<S> StreamNotifyClose<S> {
    /// Takes a stream.
    pub fn new(stream: S) -> StreamNotifyClose<S> {
        StreamNotifyClose {
            stream: Some(stream),
        }
    }

    /// The stream, unless it has ended.
    pub fn into_inner(self) -> Option<S> {
        self.stream
    }
}

impl<S: Stream> Stream for StreamNotifyClose<S> {
    type Item = Option<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(stream) = this.stream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let item = ready!(stream.poll_next(cx));
        if item.is_none() {
            this.stream.set(None);
        }
        Poll::Ready(Some(item))
    }
}

impl<S: Stream> FusedStream for StreamNotifyClose<S> {
    fn is_terminated(&self) -> bool {
        self.stream.is_none()
    }
}
