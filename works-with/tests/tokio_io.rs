//! The feature `tokio-io`: tokio's io traits on every stream of filch.

use filch::net::{TcpListener, TcpStream};
use futures_util::{SinkExt, StreamExt};
use std::future::poll_fn;
use std::io::{IoSlice, SeekFrom};
use std::mem::MaybeUninit;
use std::pin::Pin;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt, ReadBuf, copy_bidirectional,
};
use tokio_util::codec::{Framed, LinesCodec};

/// What is written at one end is read at the other, in several buffers, until the writing end is shut down.
async fn passes(mut writer: impl AsyncWrite + Unpin, mut reader: impl AsyncRead + Unpin) {
    writer.write_all(b"one ").await.unwrap();
    if writer.is_write_vectored() {
        let parts = [IoSlice::new(b"two "), IoSlice::new(b"three")];
        assert_eq!(writer.write_vectored(&parts).await.unwrap(), 9);
    } else {
        writer.write_all(b"two three").await.unwrap();
    }
    writer.flush().await.unwrap();
    writer.shutdown().await.unwrap();
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "one two three");
}

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = filch::join!(TcpStream::connect(address), listener.accept());
    (client.unwrap(), accepted.unwrap().0)
}

#[filch::test]
async fn sockets_and_their_halves_pass_bytes() {
    let (one, other) = tcp_pair().await;
    passes(one, other).await;
    let (one, other) = tcp_pair().await;
    passes(&one, &other).await;
    let (one, other) = tcp_pair().await;
    passes(one.into_split().1, other.into_split().0).await;
    let (mut one, mut other) = tcp_pair().await;
    let (_, writer) = TcpStream::split(&mut one);
    let (reader, _) = TcpStream::split(&mut other);
    passes(writer, reader).await;
}

#[cfg(unix)]
#[filch::test]
async fn unix_sockets_pipes_and_whatever_waits_pass_bytes() {
    use filch::net::unix::pipe::pipe;
    use filch::net::{Async, UnixStream};
    let (one, other) = UnixStream::pair().unwrap();
    passes(one, other).await;
    let (sender, receiver) = pipe().unwrap();
    passes(sender, receiver).await;
    let (sender, receiver) = pipe().unwrap();
    passes(sender, &receiver).await;
    let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
    passes(Async::new(one).unwrap(), Async::new(other).unwrap()).await;
}

#[filch::test]
async fn pairs_in_memory_pass_bytes() {
    let (one, other) = filch::io::duplex(7);
    let writer = filch::spawn(async move {
        let mut one = one;
        one.write_all(b"longer than it holds").await.unwrap();
    });
    let (mut other, mut text) = (other, String::new());
    other.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "longer than it holds");
    writer.await.unwrap();
    let (one, other) = filch::io::duplex(100);
    passes(one, other).await;
    let (reader, writer) = filch::io::simplex(100);
    passes(writer, reader).await;
}

#[cfg(unix)]
#[filch::test]
async fn a_childs_streams_pass_bytes() {
    use filch::process::{Command, Stdio};
    let mut cat = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    passes(cat.stdin.take().unwrap(), cat.stdout.take().unwrap()).await;
    assert!(cat.wait().await.unwrap().success());
}

#[filch::test]
async fn files_are_read_written_and_sought() {
    let path = std::env::temp_dir().join(format!("filch-tokio-io-{}", std::process::id()));
    let mut options = filch::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    let mut file = options.open(&path).await.unwrap();
    file.write_all(&[7; 200_000]).await.unwrap();
    file.write_all(b"the end").await.unwrap();
    assert_eq!(file.seek(SeekFrom::End(-7)).await.unwrap(), 200_000);
    let mut text = String::new();
    file.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "the end");
    assert_eq!(
        AsyncSeekExt::stream_position(&mut file).await.unwrap(),
        200_007
    );
    AsyncSeekExt::rewind(&mut file).await.unwrap();
    let mut all = Vec::new();
    file.read_to_end(&mut all).await.unwrap();
    assert!(all.len() == 200_007 && all[..200_000].iter().all(|byte| *byte == 7));
    std::fs::remove_file(path).unwrap();
}

/// Only what was read is initialised: nobody has zeroed the rest.
#[filch::test]
async fn a_large_buffer_is_filled_in_one_read_and_not_zeroed() {
    const LENGTH: usize = 100_000;
    let (mut one, mut other) = filch::io::duplex(LENGTH);
    one.write_all(&[3; LENGTH]).await.unwrap();
    let (tcp, mut tcp_other) = tcp_pair().await;
    tcp.write_all(&[3; 10]).await.unwrap();
    let mut room = vec![MaybeUninit::uninit(); 2 * LENGTH];
    for (stream, expected) in [
        (&mut other as &mut (dyn AsyncRead + Unpin + Send), LENGTH),
        (&mut tcp_other, 10),
    ] {
        let mut buf = ReadBuf::uninit(&mut room);
        poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut buf))
            .await
            .unwrap();
        assert_eq!(buf.filled().len(), expected);
        assert_eq!(buf.initialized().len(), expected);
        assert!(buf.filled().iter().all(|byte| *byte == 3));
    }
}

#[filch::test]
async fn tokios_own_functions_and_codecs_take_them() {
    let (client, server) = tcp_pair().await;
    let (mut near, far) = filch::io::duplex(64);
    let mut server = server;
    let proxy = filch::spawn(async move { copy_bidirectional(&mut server, &mut near).await });
    let mut lines = Framed::new(client, LinesCodec::new());
    let mut answers = Framed::new(far, LinesCodec::new());
    for number in 0..100 {
        lines.send(format!("line {number}")).await.unwrap();
        let line = answers.next().await.unwrap().unwrap();
        assert_eq!(line, format!("line {number}"));
        answers.send(line).await.unwrap();
        assert!(lines.next().await.unwrap().is_ok());
    }
    drop((lines, answers));
    proxy.await.unwrap().unwrap();
}
