//! Bytes through an encrypted stream.

use super::common::poll_once;
use super::{acceptor, connector, connector_of, pair, rustls};
use filch::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use filch::net::{TcpListener, TcpStream};
use filch::tls::TlsStream;
use std::io::{ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 / 7) as u8).collect()
}

#[filch::test]
async fn a_megabyte_goes_there_and_back_over_a_socket_in_both_versions() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = filch::spawn(async move {
            let (tcp, _) = listener.accept().await?;
            let mut stream = acceptor().accept(tcp).await?;
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await?;
            stream.write_all(&all).await?;
            stream.close().await?;
            std::io::Result::Ok(all.len())
        });
        let tcp = TcpStream::connect(address).await.unwrap();
        let connector = connector_of(version);
        let mut stream = connector.connect("localhost", tcp).await.unwrap();
        let sent = pattern(1 << 20);
        stream.write_all(&sent).await.unwrap();
        stream.close().await.unwrap();
        let mut back = Vec::new();
        stream.read_to_end(&mut back).await.unwrap();
        assert!(back == sent);
        assert_eq!(server.await.unwrap().unwrap(), 1 << 20);
    }
}

#[filch::test]
async fn both_directions_of_a_split_stream_move_at_once_through_a_narrow_pipe() {
    let (client, server) = pair(&connector(), &acceptor(), 100).await;
    let exchange = |stream: TlsStream<_>| {
        filch::spawn(async move {
            let (mut reader, mut writer) = filch::io::split(stream);
            let sending = filch::spawn(async move {
                writer.write_all(&pattern(200_000)).await?;
                writer.close().await
            });
            let mut all = Vec::new();
            reader.read_to_end(&mut all).await.unwrap();
            sending.await.unwrap().unwrap();
            all
        })
    };
    let (near, far) = (exchange(client), exchange(server));
    assert!(near.await.unwrap() == pattern(200_000));
    assert!(far.await.unwrap() == pattern(200_000));
}

#[filch::test]
async fn what_a_write_had_no_room_for_is_sent_while_its_task_reads() {
    let (mut client, mut server) = pair(&connector(), &acceptor(), 100).await;
    let asking = filch::spawn(async move {
        // Less than is encrypted at a time, more than there is room for: and no flush.
        client.write_all(&pattern(30_000)).await.unwrap();
        let mut answer = [0; 3];
        client.read_exact(&mut answer).await.unwrap();
        answer
    });
    let mut request = vec![0; 30_000];
    server.read_exact(&mut request).await.unwrap();
    assert!(request == pattern(30_000));
    server.write_all(b"yes").await.unwrap();
    server.flush().await.unwrap();
    assert_eq!(&asking.await.unwrap(), b"yes");
}

#[filch::test]
async fn a_peer_that_does_not_read_holds_the_writer_up() {
    let (mut client, server) = pair(&connector(), &acceptor(), 1000).await;
    let (mut written, big) = (0, pattern(100_000));
    while let Poll::Ready(count) = poll_once(&mut client.write(&big)).await {
        written += count.unwrap();
        assert!(written < 200_000, "it takes more and more");
    }
    drop(server);
    client.write_all(&big).await.unwrap_err();
}

#[filch::test]
async fn a_close_is_an_end_and_a_drop_is_a_cut() {
    let (mut client, mut server) = pair(&connector(), &acceptor(), 4096).await;
    client.write_all(b"last words").await.unwrap();
    client.close().await.unwrap();
    client.close().await.unwrap();
    let error = client.write_all(b"and more").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    let mut text = String::new();
    server.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "last words");
    assert_eq!(server.read(&mut [0]).await.unwrap(), 0, "the end stays");
    // The other direction is open.
    server.write_all(b"answer").await.unwrap();
    server.flush().await.unwrap();
    drop(server);
    let mut answer = Vec::new();
    let error = client.read_to_end(&mut answer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(answer, b"answer");
}

#[filch::test]
async fn a_stream_goes_through_another_one_that_is_encrypted_already() {
    let (near, far) = pair(&connector(), &acceptor(), 1000).await;
    let (connector, acceptor) = (connector(), acceptor());
    let connecting = connector.connect("localhost", near);
    let (mut client, mut server) = filch::try_join!(connecting, acceptor.accept(far)).unwrap();
    let big = pattern(100_000);
    let sending = async {
        client.write_all(&big).await?;
        client.close().await
    };
    let receiving = async {
        let mut all = Vec::new();
        server.read_to_end(&mut all).await?;
        server.close().await?;
        Ok(all)
    };
    let ((), all) = filch::try_join!(sending, receiving).unwrap();
    assert!(all == big);
    // Both were closed: the inner one has an end, and so has the one that it lies in.
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    let mut outer = server.into_inner();
    assert_eq!(outer.read(&mut [0]).await.unwrap(), 0);
}

#[filch::test]
async fn a_changed_byte_on_the_way_is_an_error_and_no_data() {
    let (near, far) = filch::io::duplex(4096);
    let (middle_near, middle_far) = filch::io::duplex(4096);
    let is_tampering = Arc::new(AtomicBool::new(false));
    let tampers = is_tampering.clone();
    let between = filch::spawn(async move {
        let (mut from, mut to) = filch::io::split(far);
        let (mut back, mut forth) = filch::io::split(middle_near);
        let returning = filch::spawn(async move { filch::io::copy(&mut back, &mut to).await });
        let mut buf = vec![0; 4096];
        loop {
            let count = from.read(&mut buf).await.unwrap();
            if count == 0 {
                break;
            }
            if tampers.load(Ordering::SeqCst) {
                buf[count - 1] ^= 1;
            }
            forth.write_all(&buf[..count]).await.unwrap();
        }
        drop(forth);
        let _ = returning.await;
    });
    let acceptor = acceptor();
    let connector = connector();
    let connecting = connector.connect("localhost", near);
    let (mut client, mut server) =
        filch::try_join!(connecting, acceptor.accept(middle_far)).unwrap();
    is_tampering.store(true, Ordering::SeqCst);
    client.write_all(b"secret").await.unwrap();
    client.flush().await.unwrap();
    let error = server.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let error = client.read(&mut [0; 64]).await.unwrap_err();
    assert!(error.to_string().contains("BadRecordMac"), "{error}");
    drop((client, server));
    between.await.unwrap();
}

#[filch::test]
async fn a_dropped_read_loses_nothing() {
    let (mut client, mut server) = pair(&connector(), &acceptor(), 7).await;
    let sent = pattern(5_000);
    let writing = filch::spawn(async move {
        client.write_all(&sent).await.unwrap();
        client.close().await.unwrap();
    });
    let mut all = Vec::new();
    let mut buf = [0; 10];
    loop {
        // Each read is polled once and dropped: most of them in the midst of a record.
        match poll_once(&mut server.read(&mut buf)).await {
            Poll::Pending => filch::task::yield_now().await,
            Poll::Ready(count) => match count.unwrap() {
                0 => break,
                count => all.extend_from_slice(&buf[..count]),
            },
        }
    }
    writing.await.unwrap();
    assert!(all == pattern(5_000));
}

#[filch::test]
async fn lines_several_buffers_and_uninitialised_memory() {
    let (mut client, mut server) = pair(&connector(), &acceptor(), 4096).await;
    let parts = [IoSlice::new(b"first\nse"), IoSlice::new(b"cond\nthird")];
    assert_eq!(client.write_vectored(&parts).await.unwrap(), 18);
    client.close().await.unwrap();
    let mut line = String::new();
    // A TLS stream is a buffered reader itself.
    server.read_line(&mut line).await.unwrap();
    server.read_line(&mut line).await.unwrap();
    assert_eq!(line, "first\nsecond\n");
    let mut space = [MaybeUninit::uninit(); 3];
    let mut read = async || {
        std::future::poll_fn(|cx| Pin::new(&mut server).poll_read_uninit(cx, &mut space)).await
    };
    assert_eq!(read().await.unwrap(), 3);
    assert_eq!(read().await.unwrap(), 2);
    assert_eq!(read().await.unwrap(), 0);
    assert_eq!(server.read(&mut []).await.unwrap(), 0);
}

#[filch::test]
async fn a_log_line_shows_version_protocol_and_stream() {
    let (client, _server) = pair(&connector(), &acceptor(), 4096).await;
    let text = format!("{client:?}");
    assert!(
        text.starts_with("TlsStream { version: TLSv1_3, stream: Duplex"),
        "{text}"
    );
}
