//! `send_file`: a file, or a part of it, into a stream.

#![cfg(unix)]

mod common;

use common::{poll_once, until};
use filch::fs::{File, remove_file, write};
use filch::io::{AsyncReadExt, AsyncSeekExt, ErrorKind, IncompleteRead, SeekFrom};
use filch::net::{TcpListener, TcpStream, UnixStream};
use std::path::PathBuf;

/// More than any socket's buffers hold.
const MUCH: usize = 24 << 20;

fn pattern(length: usize) -> Vec<u8> {
    let mut bytes = (0..=250_u8)
        .collect::<Vec<_>>()
        .repeat(length.div_ceil(251));
    bytes.truncate(length);
    bytes
}

/// A file that is gone at the end of its test.
struct Temporary(PathBuf);

impl Temporary {
    async fn new(name: &str, data: &[u8]) -> Temporary {
        let name = format!("filch-send-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        write(&path, data).await.unwrap();
        Temporary(path)
    }

    async fn open(&self) -> File {
        File::open(&self.0).await.unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    (stream, listener.accept().await.unwrap().0)
}

async fn receive(mut peer: impl filch::io::AsyncRead + Unpin) -> Vec<u8> {
    let (mut all, mut piece) = (Vec::new(), vec![0; 1 << 20]);
    loop {
        match peer.read(&mut piece).await.unwrap() {
            0 => return all,
            count => all.extend_from_slice(&piece[..count]),
        }
    }
}

#[filch::test]
async fn a_whole_file_goes_through_sockets_that_hold_less() {
    let data = pattern(MUCH);
    let temporary = Temporary::new("whole", &data).await;
    let mut file = temporary.open().await;
    file.seek(SeekFrom::Start(3)).await.unwrap();
    let (stream, peer) = pair().await;
    let receiving = filch::spawn(receive(peer));
    assert_eq!(stream.send_file(&file, ..).await.unwrap(), MUCH as u64);
    drop(stream);
    assert!(receiving.await.unwrap() == data);
    // The file's own position is left alone.
    assert_eq!(file.stream_position().await.unwrap(), 3);
    let (stream, peer) = UnixStream::pair().unwrap();
    let receiving = filch::spawn(receive(peer));
    assert_eq!(stream.send_file(&file, ..).await.unwrap(), MUCH as u64);
    drop(stream);
    assert!(receiving.await.unwrap() == data);
}

#[filch::test]
async fn a_part_is_sent_as_it_was_asked_for() {
    let temporary = Temporary::new("part", b"0123456789").await;
    let file = temporary.open().await;
    let (stream, peer) = pair().await;
    assert_eq!(stream.send_file(&file, 2..4).await.unwrap(), 2);
    assert_eq!(stream.send_file(&file, 4..=5).await.unwrap(), 2);
    assert_eq!(stream.send_file(&file, 6..6).await.unwrap(), 0);
    assert_eq!(stream.send_file(&file, 6..).await.unwrap(), 4);
    assert_eq!(stream.send_file(&file, ..1).await.unwrap(), 1);
    assert_eq!(stream.send_file(&file, 10..).await.unwrap(), 0);
    assert_eq!(stream.send_file(&file, u64::MAX..).await.unwrap(), 0);
    drop(stream);
    assert_eq!(receive(peer).await, b"234567890");
}

#[filch::test]
async fn a_file_that_is_shorter_than_the_range_is_an_error_that_says_so() {
    let temporary = Temporary::new("short", b"0123456789").await;
    let file = temporary.open().await;
    let (stream, peer) = pair().await;
    let error = stream.send_file(&file, 8..12).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    let inner = error.get_ref().unwrap().downcast_ref::<IncompleteRead>();
    let expected = IncompleteRead {
        read: 2,
        expected: Some(4),
    };
    assert_eq!(inner, Some(&expected));
    drop(stream);
    assert_eq!(receive(peer).await, b"89");
}

#[filch::test]
#[should_panic = "behind the end"]
async fn a_range_from_back_to_front_is_refused() {
    let temporary = Temporary::new("back", b"").await;
    let file = temporary.open().await;
    let (stream, _peer) = pair().await;
    #[allow(clippy::reversed_empty_ranges)]
    drop(stream.send_file(&file, 5..4));
}

#[filch::test]
async fn a_file_that_is_cut_meanwhile_ends_the_range_too_early() {
    let temporary = Temporary::new("cut", &pattern(MUCH)).await;
    let file = temporary.open().await;
    let (stream, peer) = pair().await;
    let path = temporary.0.clone();
    let mut sending = stream.send_file(&file, ..MUCH as u64);
    while poll_once(&mut sending).await.is_pending() && sending.sent() == 0 {}
    // The peer reads nothing, so this waits in the midst of the file.
    assert!(sending.sent() < MUCH as u64);
    std::fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(1)
        .unwrap();
    let receiving = filch::spawn(receive(peer));
    let error = (&mut sending).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    let sent = sending.sent();
    drop(sending);
    drop(stream);
    assert_eq!(receiving.await.unwrap().len() as u64, sent);
}

#[filch::test]
async fn one_that_was_dropped_says_before_how_far_it_came() {
    let data = pattern(MUCH);
    let temporary = Temporary::new("dropped", &data).await;
    let file = temporary.open().await;
    let (stream, peer) = pair().await;
    let mut sending = stream.send_file(&file, ..);
    while poll_once(&mut sending).await.is_pending() && sending.sent() == 0 {}
    let sent = sending.sent();
    drop(sending);
    let receiving = filch::spawn(receive(peer));
    let rest = stream.send_file(&file, sent..).await.unwrap();
    assert_eq!(sent + rest, MUCH as u64);
    drop(stream);
    assert!(receiving.await.unwrap() == data);
}

#[filch::test]
async fn a_peer_that_is_gone_is_an_error_and_no_signal() {
    // As a program has it that is no Rust program at heart. No other test of this process minds.
    // SAFETY: the default action, of a signal that exists.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let temporary = Temporary::new("gone", &pattern(1 << 20)).await;
    let file = temporary.open().await;
    let (stream, peer) = UnixStream::pair().unwrap();
    drop(peer);
    for _ in 0..3 {
        let error = stream.send_file(&file, ..).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
    let (stream, peer) = pair().await;
    drop(peer);
    let mut error = None;
    until("the peer is gone", || {
        error.is_some() || stream.try_write(b"x").is_err()
    })
    .await;
    error = stream.send_file(&file, ..).await.err();
    let kind = error.unwrap().kind();
    assert!(
        matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset),
        "{kind}"
    );
}

#[cfg(target_os = "linux")]
#[filch::test]
async fn files_that_have_no_pages_are_sent_as_well() {
    let (stream, peer) = pair().await;
    let file = File::open("/proc/version").await.unwrap();
    let sent = stream.send_file(&file, ..).await.unwrap();
    drop(stream);
    let received = receive(peer).await;
    assert_eq!(received, std::fs::read("/proc/version").unwrap());
    assert_eq!(received.len() as u64, sent);
}

#[filch::test]
async fn a_file_that_was_removed_is_sent_as_long_as_it_is_open() {
    let temporary = Temporary::new("removed", b"still there").await;
    let file = temporary.open().await;
    remove_file(&temporary.0).await.unwrap();
    let (stream, peer) = pair().await;
    stream.send_file(&file, ..).await.unwrap();
    drop(stream);
    assert_eq!(receive(peer).await, b"still there");
}
