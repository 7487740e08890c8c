//! Messages, numbers and buffers, copies and files: what was read or written is neither lost nor doubled.

use crate::{Row, each, later, ready, row};
use filch::io::{
    AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadBufExt, ReadLimitExt, ReadNumberExt,
    WriteNumberExt, copy_buf, duplex,
};
use filch::net::UnixStream;
use filch::sync::{Barrier, Mutex};
use filch::task::WaitKind;
use filch::testing::Report;
use std::sync::Arc;

const MESSAGE: &[u8] = b"line\r\n";

/// A reader that gets a byte at a time, what was read, and who is to write.
struct Wire {
    reading: Mutex<(BufReader<DuplexStream>, Vec<u8>)>,
    writer: Mutex<Option<DuplexStream>>,
}

impl Wire {
    fn new() -> Arc<Wire> {
        let (writer, reader) = duplex(1);
        Arc::new(Wire {
            reading: Mutex::new((BufReader::new(reader), Vec::new())),
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Whoever comes first has the message written.
    async fn feed(&self) {
        if let Some(mut writer) = self.writer.lock().await.take() {
            filch::spawn(async move { drop(writer.write_all(MESSAGE).await) });
        }
    }
}

/// A read that is cancelled anywhere and then goes on has the whole message.
macro_rules! goes_on {
    (|$reader:ident, $buf:ident| $read:expr) => {
        each(
            Wire::new,
            async |wire| {
                wire.feed().await;
                let ($reader, $buf) = &mut *wire.reading.lock().await;
                $read;
            },
            async |wire, cut| {
                wire.feed().await;
                let ($reader, $buf) = &mut *wire.reading.lock().await;
                if !cut.is_finished() {
                    $read;
                }
                assert_eq!($buf, MESSAGE);
            },
        )
    };
}

/// A copy in the midst, and who reads what it writes.
struct Copying {
    reader: Mutex<BufReader<&'static [u8]>>,
    writer: Mutex<Option<DuplexStream>>,
    end: Mutex<Option<DuplexStream>>,
    read: Mutex<Vec<u8>>,
}

impl Copying {
    fn new() -> Arc<Copying> {
        let (writer, end) = duplex(2);
        Arc::new(Copying {
            reader: Mutex::new(BufReader::with_capacity(3, MESSAGE)),
            writer: Mutex::new(Some(writer)),
            end: Mutex::new(Some(end)),
            read: Mutex::new(Vec::new()),
        })
    }

    /// Copies all that is left, with somebody who reads it.
    async fn go_on(self: Arc<Self>) {
        let there = Arc::clone(&self);
        if let Some(mut end) = self.end.lock().await.take() {
            filch::spawn(async move {
                let mut read = there.read.lock().await;
                end.read_to_end(&mut read).await.unwrap();
            });
        }
        let mut writer = self.writer.lock().await;
        if let Some(writer) = writer.as_mut() {
            copy_buf(&mut *self.reader.lock().await, writer)
                .await
                .unwrap();
        }
    }
}

fn number() -> Report {
    each(
        || (),
        async |()| {
            let (mut one, mut two) = duplex(1);
            let writing = filch::spawn(async move { one.write_u32_le(7).await });
            assert_eq!(two.read_u32_le().await.unwrap(), 7);
            writing.await.unwrap().unwrap();
        },
        async |(), _| (),
    )
}

pub(crate) const ROWS: &[Row] = &[
    row("io::future::ReadUntilAny", WaitKind::Duplex, || {
        goes_on!(|reader, buf| {
            let found = reader.read_until_any(&["\r\n"], buf, 9).await.unwrap();
            assert_eq!(found.length, MESSAGE.len());
        })
    }),
    row("io::future::ReadExactly", WaitKind::Duplex, || {
        goes_on!(|reader, buf| reader.read_exactly(MESSAGE.len(), buf).await.unwrap())
    }),
    row("io::future::ReadInto", WaitKind::Duplex, || {
        goes_on!(|reader, buf| while reader.read_buf(buf).await.unwrap() > 0 {})
    }),
    row("io::future::CopyBuf", WaitKind::Duplex, || {
        each(
            Copying::new,
            async |copying| copying.go_on().await,
            async |copying, _| {
                Arc::clone(&copying).go_on().await;
                copying.writer.lock().await.take();
                // Who reads has this until it has read all.
                assert_eq!(*copying.read.lock().await, MESSAGE);
            },
        )
    }),
    row("io::future::ReadNumber", WaitKind::Duplex, number),
    row("io::future::WriteNumber", WaitKind::Duplex, || {
        each(
            || (),
            async |()| {
                let (mut one, mut two) = duplex(1);
                let reading = filch::spawn(async move { two.read_u32().await });
                one.write_u32(7).await.unwrap();
                assert_eq!(reading.await.unwrap().unwrap(), 7);
            },
            async |(), _| (),
        )
    }),
    // A small file goes at once.
    ready("net::future::SendFile", || {
        each(
            || Arc::new(Mutex::new(None)),
            async |peer| {
                let file = filch::fs::File::open("Cargo.toml").await.unwrap();
                let (ours, theirs) = UnixStream::pair().unwrap();
                *peer.lock().await = Some(theirs);
                ours.send_file(&file, ..).await.unwrap();
            },
            async |peer, cut| {
                let Some(mut peer) = peer.lock().await.take() else {
                    return;
                };
                let (mut all, whole) = (Vec::new(), std::fs::read("Cargo.toml").unwrap());
                peer.read_to_end(&mut all).await.unwrap();
                assert!(whole.starts_with(&all));
                assert!(!cut.is_finished() || all == whole);
            },
        )
    }),
    row("sync::future::WaitUnlessBroken", WaitKind::Barrier, || {
        each(
            || Arc::new(Barrier::new(2)),
            async |barrier| {
                let theirs = barrier.clone();
                later(move || theirs.abort());
                barrier.wait_unless_broken().await.unwrap_err();
            },
            async |barrier, _| {
                barrier.reset();
                assert_eq!(barrier.waiting(), 0);
                let both = (barrier.wait_unless_broken(), barrier.wait_unless_broken());
                let (one, other) = filch::join!(both.0, both.1);
                assert!(one.is_ok() && other.is_ok());
            },
        )
    }),
];
