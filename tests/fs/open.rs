//! Open files.

use crate::Folder;
use crate::common::until_it_waits;
use filch::fs::{self, File, OpenOptions};
use filch::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, IoSlice, SeekFrom};
use filch::task::WaitKind;
use std::os::fd::AsRawFd;

const HELLO: &[u8] = b"hello world...";

#[filch::test]
async fn reading_writing_and_seeking_share_a_position() {
    let folder = Folder::new("position");
    let mut file = File::create_new(folder.at("a")).await.unwrap();
    file.write_all(HELLO).await.unwrap();
    file.seek(SeekFrom::Start(6)).await.unwrap();
    let mut buf = [0; 5];
    file.read_exact(&mut buf).await.unwrap();
    assert_eq!(&buf, b"world");
    assert_eq!(file.stream_position().await.unwrap(), 11);
    file.write_all(b"!!!").await.unwrap();
    file.flush().await.unwrap();
    assert_eq!(fs::read(folder.at("a")).await.unwrap(), b"hello world!!!");
    assert_eq!(file.seek(SeekFrom::End(-3)).await.unwrap(), 11);
    assert_eq!(file.read(&mut buf).await.unwrap(), 3);
    assert_eq!(file.read(&mut buf).await.unwrap(), 0);
    file.rewind().await.unwrap();
    assert_eq!(file.read(&mut []).await.unwrap(), 0);
    assert_eq!(file.read(&mut buf).await.unwrap(), 5);
}

#[filch::test]
async fn all_parts_of_a_vectored_write_are_written() {
    let folder = Folder::new("vectored");
    let mut file = File::create(folder.at("a")).await.unwrap();
    let parts = [IoSlice::new(HELLO), IoSlice::new(HELLO)];
    assert_eq!(file.write_vectored(&parts).await.unwrap(), 2 * HELLO.len());
    file.close().await.unwrap();
    assert_eq!(
        fs::read(folder.at("a")).await.unwrap(),
        [HELLO, HELLO].concat()
    );
}

#[filch::test]
async fn positioned_transfers_leave_the_position_alone() {
    let folder = Folder::new("positioned");
    let mut file = File::create_new(folder.at("a")).await.unwrap();
    file.write_all_at(HELLO, 4).await.unwrap();
    assert_eq!(file.read_at(5, 10).await.unwrap(), b"world");
    assert_eq!(file.read_at(5, 100).await.unwrap(), b"");
    assert_eq!(file.stream_position().await.unwrap(), 0);
}

#[filch::test]
async fn an_error_of_a_write_is_told_by_what_comes_next() {
    let folder = Folder::new("error");
    fs::write(folder.at("a"), HELLO).await.unwrap();
    let mut file = File::open(folder.at("a")).await.unwrap();
    // It is ready when its bytes are copied.
    file.write_all(b"more").await.unwrap();
    assert!(file.flush().await.is_err());
    file.write_all(b"more").await.unwrap();
    assert!(file.sync_all().await.is_err());
    file.sync_all().await.unwrap();
}

#[filch::test]
async fn length_metadata_clones_and_std() {
    let folder = Folder::new("more");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .mode(0o600)
        .open(folder.at("a"))
        .await
        .unwrap();
    let mut clone = file.try_clone().await.unwrap();
    clone.write_all(HELLO).await.unwrap();
    clone.flush().await.unwrap();
    assert_eq!(file.metadata().await.unwrap().len(), HELLO.len() as u64);
    file.set_len(5).await.unwrap();
    file.sync_data().await.unwrap();
    assert!(file.as_raw_fd() > 0);
    let std = file.into_std().await.unwrap();
    assert_eq!(std.metadata().unwrap().len(), 5);
    let mut again = File::from(std);
    again.seek(SeekFrom::Start(0)).await.unwrap();
    let mut text = String::new();
    again.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "hello");
    assert_eq!(again.try_into_std().unwrap().metadata().unwrap().len(), 5);
}

#[filch::test]
async fn locks_are_waited_for() {
    let folder = Folder::new("locks");
    let first = File::create(folder.at("a")).await.unwrap();
    let second = File::open(folder.at("a")).await.unwrap();
    first.lock().await.unwrap();
    assert!(!second.try_lock().unwrap() && !second.try_lock_shared().unwrap());
    let waiting = filch::spawn(async move {
        second.lock_shared().await.unwrap();
        second
    });
    filch::task::yield_now().await;
    first.unlock().unwrap();
    let second = waiting.await.unwrap();
    assert!(first.try_lock_shared().unwrap() && !first.try_lock().unwrap());
    second.unlock().unwrap();
}

#[filch::test]
async fn a_read_of_what_is_no_ordinary_file_waits_on_a_thread() {
    let (reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut file = File::from_std(std::fs::File::from(std::os::fd::OwnedFd::from(reader)));
    let reading = filch::spawn(async move {
        let mut buf = [0; 8];
        let count = file.read(&mut buf).await.unwrap();
        buf[..count].to_vec()
    });
    until_it_waits(&reading, WaitKind::File).await;
    std::io::Write::write_all(&mut &writer, b"late").unwrap();
    assert_eq!(reading.await.unwrap(), b"late");
}

#[filch::test]
async fn a_read_goes_into_several_buffers() {
    use filch::io::{AsyncReadExt, AsyncWriteExt};
    use std::io::{IoSlice, IoSliceMut};
    let folder = Folder::new("several-buffers");
    let path = folder.at("file");
    let data: Vec<u8> = (0..200_000_u32).map(|at| at as u8).collect();
    let mut file = filch::fs::File::create(&path).await.unwrap();
    assert_eq!(file.max_buf_size(), 2 << 20);
    file.set_max_buf_size(70_000);
    let (one, two) = data.split_at(60_000);
    let parts = [IoSlice::new(one), IoSlice::new(two)];
    assert_eq!(file.write_vectored(&parts).await.unwrap(), 70_000);
    file.write_all(&data[70_000..]).await.unwrap();
    file.close().await.unwrap();
    // Small parts, none, one that is larger than what is read at once, and none at all.
    for sizes in [&[0, 3, 0, 5][..], &[10, 100_000, 10], &[100_000], &[0, 0]] {
        let mut file = filch::fs::File::open(&path).await.unwrap();
        let mut at = 0;
        while at < data.len() {
            let mut bufs: Vec<_> = sizes.iter().map(|&size| vec![0; size]).collect();
            let mut parts: Vec<_> = bufs.iter_mut().map(|buf| IoSliceMut::new(buf)).collect();
            let count = file.read_vectored(&mut parts).await.unwrap();
            assert_eq!(bufs.concat()[..count], data[at..at + count]);
            at += count;
            if count == 0 || sizes.len() == 4 && at > 100 {
                break;
            }
        }
        let wanted = sizes.iter().sum::<usize>();
        assert!(wanted == 0 || sizes.len() == 4 || at == data.len());
    }
    // What a thread has read for less room than there is then.
    let mut file = filch::fs::File::open(&path).await.unwrap();
    file.set_max_buf_size(5);
    let (mut one, mut two) = ([0; 3], [0; 4]);
    let mut parts = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
    let count = file.read_vectored(&mut parts).await.unwrap();
    assert!((5..=7).contains(&count));
    assert_eq!([&one[..], &two].concat()[..count], data[..count]);
}
