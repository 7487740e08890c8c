//! Reading messages, numbers and buffers; simplex, join, copy_buf and what has no end; std's traits over a stream.

mod net_support;

use filch::io::{
    self, AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter,
    Cursor, ErrorKind, Found, IncompleteRead, LimitOverrun, ReadBufExt, ReadLimitExt,
    ReadNumberExt, SyncIoBridge, WriteNumberExt, copy, copy_buf, duplex, simplex,
};
use net_support::{pattern, poll_once, run, until_waiting};
use proptest::prelude::*;
use std::io::{IoSlice, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};

/// What is inside of an error.
fn inner<T: std::error::Error + Copy + 'static>(error: &io::Error) -> T {
    *error.get_ref().unwrap().downcast_ref::<T>().unwrap()
}

#[test]
fn a_message_ends_with_the_first_of_several_separators() {
    run(async {
        let ends = ["END", ";", "\r\n", "\n"];
        let mut reader = Cursor::new("a;bEND\r\nc\nENDx");
        let mut messages = Vec::new();
        let mut buf = Vec::new();
        for _ in 0..5 {
            let found = reader.read_until_any(&ends, &mut buf, 100).await.unwrap();
            assert_eq!(found.length, buf.len());
            messages.push((String::from_utf8(buf.clone()).unwrap(), found.separator));
            buf.clear();
        }
        let expected = [("a;", 1), ("bEND", 0), ("\r\n", 2), ("c\n", 3), ("END", 0)];
        assert_eq!(messages, expected.map(|(text, at)| (text.to_owned(), at)));
    });
}

#[test]
fn a_separator_is_found_across_what_comes_in_pieces() {
    run(async {
        let (mut client, server) = duplex(64);
        let mut reader = BufReader::with_capacity(3, server);
        let reading = filch::spawn(async move {
            let mut buf = Vec::new();
            let found = reader.read_until_any(&["\r\n\r\n"], &mut buf, 100).await;
            (found.unwrap(), buf, reader)
        });
        for piece in ["head\r", "\n", "\r", "\nbody"] {
            until_waiting("duplex pipe", 1).await;
            client.write_all(piece.as_bytes()).await.unwrap();
        }
        let (found, buf, mut reader) = reading.await.unwrap();
        assert_eq!((&buf[..], found.separator), (&b"head\r\n\r\n"[..], 0));
        let mut rest = vec![0; 4];
        reader.read_exact(&mut rest).await.unwrap();
        assert_eq!(rest, b"body");
    });
}

#[test]
fn a_read_that_was_dropped_goes_on_with_its_buffer() {
    run(async {
        let (mut client, server) = duplex(64);
        let mut reader = BufReader::new(server);
        let mut buf = Vec::new();
        client.write_all(b"line\r").await.unwrap();
        assert!(
            poll_once(reader.read_until_any(&["\r\n"], &mut buf, 80))
                .await
                .is_pending()
        );
        assert_eq!(buf, b"line\r");
        client.write_all(b"\nmore").await.unwrap();
        let found = reader
            .read_until_any(&["\r\n"], &mut buf, 80)
            .await
            .unwrap();
        assert_eq!((&buf[..], found.length), (&b"line\r\n"[..], 6));
        buf.clear();
        assert!(
            poll_once(reader.read_exactly(6, &mut buf))
                .await
                .is_pending()
        );
        client.write_all(b"!!").await.unwrap();
        reader.read_exactly(6, &mut buf).await.unwrap();
        assert_eq!(buf, b"more!!");
    });
}

#[test]
fn an_end_in_the_midst_keeps_what_was_read() {
    run(async {
        let mut buf = Vec::new();
        let error = Cursor::new(b"half")
            .read_until_any(&["\n"], &mut buf, 80)
            .await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        let incomplete = inner::<IncompleteRead>(&error);
        assert_eq!((incomplete.read, incomplete.expected), (4, None));
        assert_eq!(buf, b"half");
        let error = Cursor::new(b"")
            .read_exactly(5, &mut buf)
            .await
            .unwrap_err();
        let incomplete = inner::<IncompleteRead>(&error);
        assert_eq!((incomplete.read, incomplete.expected), (4, Some(5)));
        // Of nothing, nothing is missing.
        Cursor::new(b"").read_exactly(4, &mut buf).await.unwrap();
    });
}

#[test]
fn a_message_that_is_too_long_is_kept_and_the_rest_is_to_be_read() {
    run(async {
        let mut reader = Cursor::new(b"much too long\nnext\n");
        let mut buf = Vec::new();
        let error = reader
            .read_until_any(&["\n"], &mut buf, 4)
            .await
            .unwrap_err();
        assert_eq!(inner::<LimitOverrun>(&error).limit, 4);
        assert_eq!(buf, b"much");
        // Whoever wants to can go on with a larger limit.
        reader.read_until_any(&["\n"], &mut buf, 14).await.unwrap();
        assert_eq!(buf, b"much too long\n");
    });
}

#[test]
#[should_panic = "at least one byte"]
fn an_empty_separator_is_refused() {
    let (mut reader, mut buf) = (Cursor::new(b""), Vec::new());
    drop(reader.read_until_any(&["\n", ""], &mut buf, 4));
}

/// The same, found by looking at every place.
fn by_looking(data: &[u8], separators: &[Vec<u8>], limit: usize) -> Result<Found, usize> {
    for length in 1..=data.len().min(limit) {
        let ends = |at: &usize| data[..length].ends_with(&separators[*at]);
        let mut all: Vec<usize> = (0..separators.len()).filter(ends).collect();
        all.sort_by_key(|at| separators[*at].len());
        if let Some(separator) = all.pop() {
            return Ok(Found { length, separator });
        }
    }
    Err(data.len().min(limit))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 200 }))]

    /// Whatever the pieces in which data come, messages end where they end.
    #[test]
    fn reads_until_agree_with_a_search(
        data in proptest::collection::vec(0..3_u8, 0..60),
        separators in proptest::collection::vec(proptest::collection::vec(0..3_u8, 1..4), 1..4),
        capacity in 1..9_usize,
        limit in 1..40_usize,
    ) {
        run(async move {
            let mut reader = BufReader::with_capacity(capacity, &data[..]);
            let mut at = 0;
            loop {
                let mut buf = Vec::new();
                let outcome = reader.read_until_any(&separators, &mut buf, limit).await;
                let expected = by_looking(&data[at..], &separators, limit);
                assert_eq!(buf.len(), expected.map_or_else(|read| read, |found| found.length));
                assert_eq!(buf, &data[at..at + buf.len()]);
                at += buf.len();
                match outcome {
                    Ok(found) => assert_eq!(expected.unwrap().length, found.length),
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
                    Err(error) => assert_eq!(inner::<LimitOverrun>(&error).limit, limit),
                }
            }
            assert_eq!(at, data.len());
        });
    }
}

/// Gives and takes one byte at a time, and nothing every other time.
struct Slow<T>(T, bool);

impl<T> Slow<T> {
    fn is_slow(&mut self, cx: &mut Context<'_>) -> bool {
        self.1 = !self.1;
        if self.1 {
            cx.waker().wake_by_ref();
        }
        self.1
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Slow<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.is_slow(cx) {
            true => Poll::Pending,
            false => Pin::new(&mut self.0).poll_read(cx, &mut buf[..1]),
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Slow<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.is_slow(cx) {
            true => Poll::Pending,
            false => Pin::new(&mut self.0).poll_write(cx, &buf[..1]),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

#[test]
fn numbers_come_back_as_they_went() {
    /// Each number, with the bytes that it is.
    macro_rules! check {
        ($($write:ident $read:ident $number:expr, $bytes:expr;)*) => {$({
            let mut out = Slow(Vec::new(), false);
            out.$write($number).await.unwrap();
            assert_eq!(out.0, $bytes, stringify!($write));
            let mut reader = Slow(&out.0[..], false);
            assert_eq!(reader.$read().await.unwrap(), $number, stringify!($read));
            let short = &out.0[1..];
            let error = Slow(short, false).$read().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        })*};
    }
    run(async {
        check! {
            write_u8 read_u8 7, [7];
            write_i8 read_i8 -7, [249];
            write_u16 read_u16 0x0102, [1, 2];
            write_i16 read_i16 -2, [255, 254];
            write_u32 read_u32 0x0102_0304, [1, 2, 3, 4];
            write_i32 read_i32 -2, [255, 255, 255, 254];
            write_u64 read_u64 0x0102_0304_0506_0708, [1, 2, 3, 4, 5, 6, 7, 8];
            write_i64 read_i64 i64::MIN, i64::MIN.to_be_bytes();
            write_u128 read_u128 u128::MAX - 1, (u128::MAX - 1).to_be_bytes();
            write_i128 read_i128 i128::MIN, i128::MIN.to_be_bytes();
            write_f32 read_f32 1.5, 1.5_f32.to_be_bytes();
            write_f64 read_f64 -1.5, (-1.5_f64).to_be_bytes();
            write_u16_le read_u16_le 0x0102, [2, 1];
            write_i16_le read_i16_le -2, [254, 255];
            write_u32_le read_u32_le 0x0102_0304, [4, 3, 2, 1];
            write_i32_le read_i32_le -2, [254, 255, 255, 255];
            write_u64_le read_u64_le 0x0102_0304_0506_0708, [8, 7, 6, 5, 4, 3, 2, 1];
            write_i64_le read_i64_le i64::MIN, i64::MIN.to_le_bytes();
            write_u128_le read_u128_le 5, 5_u128.to_le_bytes();
            write_i128_le read_i128_le -5, (-5_i128).to_le_bytes();
            write_f32_le read_f32_le 0.25, 0.25_f32.to_le_bytes();
            write_f64_le read_f64_le 0.25, 0.25_f64.to_le_bytes();
        }
    });
}

#[test]
fn a_writer_without_room_takes_no_number() {
    run(async {
        let mut room = [0; 3];
        let error = Cursor::new(&mut room[..]).write_u32(1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
    });
}

#[test]
fn a_buffer_is_read_into_behind_its_end() {
    run(async {
        let data = pattern(100_000);
        let (mut reader, mut buf) = (&data[..], Vec::new());
        let mut reads = 0;
        while reader.read_buf(&mut buf).await.unwrap() > 0 {
            reads += 1;
        }
        assert!(buf == data && reads > 1);
        // Nothing came: nothing has changed.
        let (_writer, mut reader) = duplex(8);
        assert!(poll_once(reader.read_buf(&mut buf)).await.is_pending());
        assert_eq!(buf.len(), data.len());
    });
}

#[cfg(feature = "bytes")]
#[test]
fn buffers_of_the_crate_bytes_are_read_and_written() {
    use bytes::{Buf, BufMut, Bytes, BytesMut};
    use filch::io::WriteBufExt;
    run(async {
        let mut buf = BytesMut::from("a").limit(3);
        assert_eq!((&b"bcde"[..]).read_buf(&mut buf).await.unwrap(), 3);
        assert_eq!((&b"e"[..]).read_buf(&mut buf).await.unwrap(), 0);
        let mut both = buf.into_inner().freeze().chain(Bytes::from_static(b"xyz"));
        let (mut writer, mut reader) = duplex(4);
        // What is dropped in the midst goes on where it was.
        assert!(
            poll_once(writer.write_all_buf(&mut both))
                .await
                .is_pending()
        );
        assert_eq!(both.remaining(), 3);
        let reading = filch::spawn(async move {
            let mut all = String::new();
            reader.read_to_string(&mut all).await.map(|_| all)
        });
        writer.write_all_buf(&mut both).await.unwrap();
        drop(writer);
        assert_eq!(reading.await.unwrap().unwrap(), "abcdxyz");
        let mut room = [0; 2];
        let mut left = Bytes::from_static(b"abc");
        let error = Cursor::new(&mut room[..]).write_all_buf(&mut left).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::WriteZero);
        assert_eq!(left, "c");
    });
}

#[test]
fn one_direction_in_memory_ends_as_a_pipe_does() {
    run(async {
        let (mut reader, mut writer) = simplex(4);
        let writing = filch::spawn(async move {
            writer.write_all(b"more than fits").await.unwrap();
            writer.close().await.unwrap();
            writer.write_all(b"!").await.unwrap_err().kind()
        });
        let mut all = String::new();
        reader.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "more than fits");
        assert_eq!(writing.await.unwrap(), ErrorKind::BrokenPipe);
        let (reader, mut writer) = simplex(4);
        let writing = filch::spawn(async move { writer.write_all(b"more than fits").await });
        until_waiting("duplex pipe", 1).await;
        drop(reader);
        let error = writing.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn joined_halves_are_one_stream() {
    run(async {
        let (read, write) = io::split(duplex(64).0);
        let joined = io::join(BufReader::new(read), write);
        fn is_a_stream<T: AsyncBufRead + AsyncWrite + Unpin>(_: &T) {}
        is_a_stream(&joined);
        let (mut reader, writer) = simplex(64);
        let mut joined = io::join(&b"in"[..], writer);
        let mut bufs = [0; 4];
        let (one, two) = bufs.split_at_mut(1);
        let mut parts = [IoSliceMut::new(one), IoSliceMut::new(two)];
        assert_eq!(joined.read_vectored(&mut parts).await.unwrap(), 2);
        let parts = [IoSlice::new(b"o"), IoSlice::new(b"ut")];
        assert_eq!(joined.write_vectored(&parts).await.unwrap(), 3);
        joined.close().await.unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        assert_eq!((&bufs[..2], text.as_str()), (&b"in"[..], "out"));
    });
}

#[test]
fn copying_out_of_a_buffer_flushes_while_its_reader_is_idle() {
    run(async {
        let (mut source, reader) = duplex(1024);
        let (writer, mut sink) = duplex(1024);
        let copying = filch::spawn(async move {
            let mut reader = BufReader::with_capacity(2, reader);
            copy_buf(&mut reader, &mut BufWriter::new(writer)).await
        });
        for _ in 0..3 {
            source.write_all(b"line\n").await.unwrap();
            let mut buf = [0; 5];
            sink.read_exact(&mut buf).await.unwrap();
            assert_eq!(&buf, b"line\n");
        }
        drop(source);
        assert_eq!(copying.await.unwrap().unwrap(), 15);
    });
}

#[test]
fn a_copy_that_was_dropped_has_left_the_rest_in_its_reader() {
    run(async {
        let mut reader = BufReader::new(&b"0123456789"[..]);
        let (mut writer, mut other) = duplex(4);
        assert!(
            poll_once(copy_buf(&mut reader, &mut writer))
                .await
                .is_pending()
        );
        let mut four = [0; 4];
        other.read_exact(&mut four).await.unwrap();
        let mut rest = String::new();
        reader.read_to_string(&mut rest).await.unwrap();
        assert_eq!((&four, rest.as_str()), (b"0123", "456789"));
    });
}

#[test]
fn streams_without_bytes_and_without_end() {
    run(async {
        assert_eq!(copy(io::empty(), &mut io::sink()).await.unwrap(), 0);
        io::empty().write_all(b"gone").await.unwrap();
        let some = io::repeat(3).take(100_000);
        assert_eq!(copy(some, &mut io::sink()).await.unwrap(), 100_000);
        // Each by itself lets others run, and so can be timed out.
        let mut sink = io::sink();
        let endless = copy(io::repeat(0), &mut sink);
        let short = std::time::Duration::from_millis(1);
        assert!(filch::time::timeout(short, endless).await.is_err());
    });
}

#[test]
fn code_that_blocks_reads_and_writes_a_stream() {
    use std::io::{BufRead, Read, Seek, SeekFrom, Write};
    run(async {
        let (ours, theirs) = duplex(64);
        let mut bridge = SyncIoBridge::new(BufReader::new(theirs));
        let there = filch::spawn_blocking(move || {
            let mut line = String::new();
            bridge.read_line(&mut line).unwrap();
            bridge.write_all(line.to_uppercase().as_bytes()).unwrap();
            bridge.flush().unwrap();
            bridge.shutdown().unwrap();
            let mut rest = String::new();
            bridge.read_to_string(&mut rest).unwrap();
            rest
        });
        let (mut read, mut write) = io::split(ours);
        write.write_all(b"a line\nand the rest").await.unwrap();
        let mut answer = String::new();
        read.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "A LINE\n");
        write.close().await.unwrap();
        assert_eq!(there.await.unwrap(), "and the rest");
        let mut bridge = SyncIoBridge::new(Cursor::new(b"0123".to_vec()));
        let there = std::thread::spawn(move || {
            bridge.seek(SeekFrom::Start(2)).unwrap();
            let mut rest = String::new();
            bridge.read_to_string(&mut rest).unwrap();
            rest
        });
        let there = filch::spawn_blocking(|| there.join().unwrap());
        assert_eq!(there.await.unwrap(), "23");
    });
}
