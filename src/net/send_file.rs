//! Sending a file: by the system, or piece by piece where that cannot.

use crate::fs::File;
use crate::fs::future::Operation as FileOperation;
use crate::io::IncompleteRead;
use crate::net::operation::io_futures;
use crate::net::stream::Endpoint;
use crate::sys::send;
use crate::sys::send_file::send_file;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// So many bytes for one call of the system, or one piece that is copied.
const MOST: usize = 256 * 1024;

/// What is still to be sent.
#[derive(Debug)]
pub(crate) struct Rest {
    offset: u64,
    /// How much, if that was said.
    left: Option<u64>,
    pub(super) sent: u64,
}

impl Rest {
    #[track_caller]
    pub(super) fn of(range: &impl RangeBounds<u64>) -> Rest {
        let offset = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&end) => Some(end.saturating_add(1)),
            Bound::Excluded(&end) => Some(end),
            Bound::Unbounded => None,
        };
        let left = end.map(|end| {
            assert!(
                offset <= end,
                "a file is to be sent from {offset}, which is behind the end, {end}"
            );
            end - offset
        });
        let sent = 0;
        Rest { offset, left, sent }
    }

    /// How much the next call is for.
    fn next(&self) -> usize {
        let left = self.left.and_then(|left| usize::try_from(left).ok());
        left.unwrap_or(MOST).min(MOST)
    }

    fn advance(&mut self, count: usize) {
        let count = count as u64;
        self.offset += count;
        self.sent += count;
        self.left = self.left.map(|left| left.saturating_sub(count));
    }

    /// The file has ended.
    fn end(&self) -> io::Result<u64> {
        match self.left {
            None | Some(0) => Ok(self.sent),
            Some(left) => {
                let [read, expected] = [self.sent, self.sent.saturating_add(left)];
                let read = usize::try_from(read).unwrap_or(usize::MAX);
                let expected = usize::try_from(expected).ok();
                Err(IncompleteRead { read, expected }.into())
            }
        }
    }
}

/// How the bytes go.
#[derive(Debug)]
pub(crate) enum Way {
    /// By the system.
    Direct,
    /// A piece was read, of which so much was sent.
    Copied(Vec<u8>, usize),
    /// A piece is being read.
    Reading(FileOperation<Vec<u8>>),
}

io_futures! {
    /// The future of a stream's `send_file`.
    SendFile { to: Endpoint<'a>, file: &'a File, rest: Rest, way: Way }
    |this, cx| -> u64 {
        if this.rest.left == Some(0) && this.rest.sent == 0 {
            return this.operation.poll_nothing(cx).map(|()| Ok(0));
        }
        while this.rest.left != Some(0) {
            if ready!(this.poll_step(cx))? == 0 {
                return Poll::Ready(this.rest.end());
            }
        }
        Poll::Ready(Ok(this.rest.sent))
    }
}

impl SendFile<'_> {
    /// How many bytes were sent so far: for who polls it by reference, and drops it before it is ready.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.rest.sent
    }

    /// Sends a part; 0 is the end of the file.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            match &mut self.way {
                Way::Direct => {
                    let (socket, file, rest) = (&self.to.socket, self.file.std(), &self.rest);
                    let call = || send_file(socket, file, rest.offset, rest.next());
                    if let Some(count) = ready!(self.operation.poll(cx, call))? {
                        self.rest.advance(count);
                        return Poll::Ready(Ok(count));
                    }
                    self.way = Way::Copied(Vec::new(), 0);
                }
                Way::Copied(piece, done) if *done < piece.len() => {
                    let (socket, kind) = (&self.to.socket, self.to.kind);
                    let call = || send::send(socket, kind, &piece[*done..]);
                    let count = ready!(self.operation.poll_transfer(cx, call))?;
                    if count == 0 {
                        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                    }
                    *done += count;
                    self.rest.advance(count);
                    return Poll::Ready(Ok(count));
                }
                Way::Copied(..) => {
                    let reading = self.file.read_at(self.rest.next(), self.rest.offset);
                    self.way = Way::Reading(reading);
                }
                Way::Reading(reading) => {
                    let piece = ready!(Pin::new(reading).poll(cx))?;
                    let is_end = piece.is_empty();
                    self.way = Way::Copied(piece, 0);
                    if is_end {
                        return Poll::Ready(Ok(0));
                    }
                }
            }
        }
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::net::{TcpListener, TcpStream};

    fn pattern(length: usize) -> Vec<u8> {
        let mut bytes = (0..=250_u8)
            .collect::<Vec<_>>()
            .repeat(length.div_ceil(251));
        bytes.truncate(length);
        bytes
    }

    /// What other systems do, for who has none of them at hand.
    #[test]
    #[cfg_attr(miri, ignore = "Miri has no sockets that do not block")]
    fn a_file_is_copied_where_it_cannot_be_sent() {
        let path = std::env::temp_dir().join(format!("filch-copied-{}", std::process::id()));
        let data = pattern(1_000_000);
        std::fs::write(&path, &data).unwrap();
        let runtime = crate::Runtime::new().unwrap();
        let received = runtime.run({
            let path = path.clone();
            async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let stream = TcpStream::connect(listener.local_addr().unwrap())
                    .await
                    .unwrap();
                let (mut peer, _) = listener.accept().await.unwrap();
                let receiving = filch_executor::spawn(async move {
                    let mut all = Vec::new();
                    crate::io::AsyncReadExt::read_to_end(&mut peer, &mut all)
                        .await
                        .unwrap();
                    all
                });
                let file = File::open(&path).await.unwrap();
                for (range, outcome) in [
                    (10..900_000, Ok(899_990)),
                    (900_000..2_000_000, Err(100_000)),
                ] {
                    let mut sending = stream.send_file(&file, range);
                    sending.way = Way::Copied(Vec::new(), 0);
                    let done = (&mut sending).await.map_err(|_| sending.sent());
                    assert_eq!(done, outcome);
                }
                drop(stream);
                receiving.await.unwrap()
            }
        });
        std::fs::remove_file(&path).unwrap();
        assert!(received == data[10..]);
    }
}
