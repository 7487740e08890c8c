//! What is a stream by itself, under tokio-stream's names; and pieces between delimiters.

use crate::fs::{DirEntry, ReadDir};
use crate::io::{AsyncBufRead, Lines};
use crate::signal::{SignalKind, Signals};
use crate::structure::JoinSet;
use filch_executor::JoinError;
use filch_executor::leaf;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A stream around one.
macro_rules! around {
    ($($(#[$meta:meta])* $name:ident [$($generic:ident: $bound:ident)?] of $inner:ty => $item:ty;)*) => {$(
        pin_project! {
            $(#[$meta])*
            #[derive(Debug)]
            #[must_use = "streams do nothing unless polled"]
            pub struct $name $(<$generic>)? {
                #[pin]
                inner: $inner,
                ended: bool,
            }
        }

        impl $(<$generic>)? $name $(<$generic>)? {
            /// Takes what it is a stream of.
            pub fn new(inner: $inner) -> Self {
                $name { inner, ended: false }
            }

            /// What it is a stream of.
            pub fn into_inner(self) -> $inner {
                self.inner
            }
        }

        impl $(<$generic: $bound>)? Stream for $name $(<$generic>)? {
            type Item = io::Result<$item>;

            fn poll_next(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<io::Result<$item>>> {
                let this = self.project();
                // In memory it is always ready, and spends none itself.
                ready!(leaf::poll_budget_of(this.ended, cx));
                let item = ready!(this.inner.poll_next(cx));
                *this.ended = item.is_none();
                Poll::Ready(item)
            }
        }

        impl $(<$generic: $bound>)? FusedStream for $name $(<$generic>)? {
            fn is_terminated(&self) -> bool {
                self.ended
            }
        }
    )*};
}

around! {
    /// Signals as they come. It never ends.
    SignalStream [] of Signals => SignalKind;
    /// The entries of a directory.
    ReadDirStream [] of ReadDir => DirEntry;
    /// Lines without their ends.
    LinesStream [R: AsyncBufRead] of Lines<R> => String;
}

pin_project! {
    /// What is between delimiters, which are left out. The last piece ends with the reader, unless it is empty.
    ///
    /// ```
    /// use filch::stream::{StreamExt, wrappers::SplitStream};
    ///
    /// # filch::run(async {
    /// let pieces = SplitStream::new(&b"one;two;;end"[..], b';');
    /// let pieces: Vec<_> = pieces.map(Result::unwrap).collect().await;
    /// assert_eq!(pieces, [&b"one"[..], b"two", b"", b"end"]);
    /// # });
    /// ```
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct SplitStream<R> {
        #[pin]
        reader: R,
        delimiter: u8,
        piece: Vec<u8>,
        ended: bool,
    }
}

impl<R> SplitStream<R> {
    /// Of a buffered reader.
    pub fn new(reader: R, delimiter: u8) -> SplitStream<R> {
        SplitStream {
            reader,
            delimiter,
            piece: Vec::new(),
            ended: false,
        }
    }

    /// The reader. A piece that has come in part is lost.
    pub fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: AsyncBufRead> Stream for SplitStream<R> {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            ready!(leaf::poll_budget_of(&*this.piece, cx));
            let there = ready!(this.reader.as_mut().poll_fill_buf(cx))?;
            if there.is_empty() {
                let last = std::mem::take(this.piece);
                *this.ended = last.is_empty();
                return Poll::Ready((!last.is_empty()).then_some(Ok(last)));
            }
            let end = there.iter().position(|byte| byte == this.delimiter);
            let count = end.unwrap_or(there.len());
            this.piece.extend_from_slice(&there[..count]);
            let read = count + usize::from(end.is_some());
            this.reader.as_mut().consume(read);
            if end.is_some() {
                return Poll::Ready(Some(Ok(std::mem::take(this.piece))));
            }
        }
    }
}

impl<R: AsyncBufRead> FusedStream for SplitStream<R> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

/// The outcomes of a [`JoinSet`]'s tasks, as they end. It ends when the set is empty.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct JoinSetStream<T> {
    inner: JoinSet<T>,
    ended: bool,
}

impl<T> JoinSetStream<T> {
    /// Takes a set.
    pub fn new(inner: JoinSet<T>) -> JoinSetStream<T> {
        JoinSetStream {
            inner,
            ended: false,
        }
    }

    /// The set, with the tasks whose outcomes were not taken.
    pub fn into_inner(self) -> JoinSet<T> {
        self.inner
    }
}

// Tasks are elsewhere, and nothing of a set is pinned.
impl<T> Unpin for JoinSetStream<T> {}

impl<T: 'static> Stream for JoinSetStream<T> {
    type Item = Result<T, JoinError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let outcome = ready!(self.inner.poll_join_next(cx));
        self.ended = outcome.is_none();
        Poll::Ready(outcome)
    }
}

impl<T: 'static> FusedStream for JoinSetStream<T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}
