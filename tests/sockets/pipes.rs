//! Pipes, with names and without.

use crate::net_support::{pattern, poll_once, run, until_waiting};
use filch::io::{AsyncReadExt, AsyncWriteExt, ErrorKind, Interest};
use filch::net::unix::pipe::{OpenOptions, Receiver, Sender, pipe};
use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const DATA: &[u8] = b"what is written to the pipe";

/// A pipe with a name, in a directory that is removed at the end.
struct Named(PathBuf);

impl Named {
    fn new(test: &str) -> Named {
        let folder =
            std::env::temp_dir().join(format!("filch-pipes-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let made = Command::new("mkfifo")
            .arg(folder.join("pipe"))
            .status()
            .unwrap();
        assert!(made.success());
        Named(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.join("pipe")
    }

    fn open(&self, options: &mut std::fs::OpenOptions) -> File {
        options
            .custom_flags(libc::O_NONBLOCK)
            .open(self.path())
            .unwrap()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn is_nonblocking(end: &impl AsFd) -> bool {
    // SAFETY: the descriptor is open while it is borrowed, and this call takes no pointer.
    let flags = unsafe { libc::fcntl(end.as_fd().as_raw_fd(), libc::F_GETFL) };
    assert!(flags >= 0);
    flags & libc::O_NONBLOCK != 0
}

#[test]
fn bytes_go_through_a_pipe_without_a_name() {
    run(async {
        let (sender, receiver) = pipe().unwrap();
        let reader = filch::spawn(async move {
            let mut buf = vec![0; DATA.len()];
            receiver.read_exact(&mut buf).await.unwrap();
            let mut rest = Vec::new();
            while receiver.read_buf(&mut rest).await.unwrap() > 0 {}
            (buf, rest)
        });
        until_waiting("read", 1).await;
        sender.write_all(DATA).await.unwrap();
        let much = pattern(1 << 20);
        sender.write_all(&much).await.unwrap();
        drop(sender);
        let (buf, rest) = reader.await.unwrap();
        assert!(buf == DATA && rest == much);
    });
}

#[test]
fn the_traits_go_through_a_pipe_too() {
    run(async {
        let (mut sender, receiver) = pipe().unwrap();
        AsyncWriteExt::write_all(&mut sender, b"one ")
            .await
            .unwrap();
        let parts = [IoSlice::new(b"two "), IoSlice::new(b"three")];
        assert_eq!((&sender).write_vectored(&parts).await.unwrap(), 9);
        sender.flush().await.unwrap();
        sender.close().await.unwrap();
        drop(sender);
        let (mut some, mut all) = ([0; 4], String::new());
        let mut parts = [IoSliceMut::new(&mut some)];
        let read = (&receiver).read_vectored(&mut parts).await;
        assert_eq!(read.unwrap(), 4);
        AsyncReadExt::read_to_string(&mut &receiver, &mut all)
            .await
            .unwrap();
        assert_eq!((&some, &all[..]), (b"one ", "two three"));
    });
}

#[test]
fn a_sender_without_a_receiver_is_told() {
    run(async {
        let (sender, receiver) = pipe().unwrap();
        sender.writable().await.unwrap();
        drop(receiver);
        assert_eq!(
            sender.write(b"x").await.unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
        sender.writable().await.unwrap();
    });
}

#[test]
fn a_pipe_is_filled_and_emptied_without_waiting() {
    run(async {
        let (sender, receiver) = pipe().unwrap();
        let mut nothing = [0; 8];
        assert_eq!(
            receiver.try_read(&mut nothing).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        assert!(poll_once(receiver.readable()).await.is_pending());
        let (mut written, mut vectored) = (0, false);
        loop {
            let parts = [IoSlice::new(DATA), IoSlice::new(DATA)];
            let sent = match vectored {
                true => sender.try_write_vectored(&parts),
                false => sender.try_write(DATA),
            };
            match sent {
                Ok(count) => written += count,
                Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            vectored = !vectored;
        }
        assert!(poll_once(sender.writable()).await.is_pending());
        let (mut read, mut round) = (0, 0);
        while read < written {
            receiver.readable().await.unwrap();
            let mut buf = [0; 1000];
            let got = match round % 3 {
                0 => receiver.try_read(&mut buf),
                1 => receiver.try_read_vectored(&mut [IoSliceMut::new(&mut buf)]),
                _ => receiver.try_read_buf(&mut Vec::with_capacity(500)),
            };
            round += 1;
            match got {
                Ok(count) => read += count,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        sender.writable().await.unwrap();
        assert_eq!(
            receiver.try_read(&mut nothing).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
    });
}

async fn write_and_close(path: &Path) {
    let sender = OpenOptions::new().open_sender(path).unwrap();
    sender.write_all(DATA).await.unwrap();
}

#[test]
fn a_receiver_comes_to_the_end_when_the_last_sender_is_gone_and_goes_on_with_the_next() {
    let named = Named::new("ends");
    run(async move {
        let receiver = OpenOptions::new().open_receiver(named.path()).unwrap();
        let mut buf = vec![0; DATA.len()];
        for _ in 0..2 {
            write_and_close(&named.path()).await;
            assert!(
                receiver
                    .ready(Interest::READABLE)
                    .await
                    .unwrap()
                    .is_readable()
            );
            receiver.read_exact(&mut buf).await.unwrap();
            assert_eq!(buf, DATA);
            let error = receiver.read_exact(&mut buf).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
    });
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_receiver_that_could_write_itself_outlives_its_senders() {
    let named = Named::new("resilient");
    run(async move {
        let path = named.path();
        let error = OpenOptions::new().open_sender(&path).unwrap_err();
        let cause = std::error::Error::source(error.get_ref().unwrap()).unwrap();
        let cause = cause.downcast_ref::<std::io::Error>().unwrap();
        assert_eq!(cause.raw_os_error(), Some(libc::ENXIO), "{error}");
        let sender = OpenOptions::new()
            .read_write(true)
            .open_sender(&path)
            .unwrap();
        sender.write_all(DATA).await.unwrap();
        let receiver = OpenOptions::new()
            .read_write(true)
            .open_receiver(&path)
            .unwrap();
        drop(sender);
        let mut buf = vec![0; DATA.len()];
        let ready = receiver.ready(Interest::READABLE).await.unwrap();
        receiver.read_exact(&mut buf).await.unwrap();
        assert!(buf == DATA && !ready.is_read_closed());
        {
            let mut second = std::pin::pin!(receiver.read_exact(&mut buf));
            assert!(poll_once(second.as_mut()).await.is_pending());
            write_and_close(&path).await;
            second.await.unwrap();
        }
        assert_eq!(buf, DATA);
    });
}

#[test]
fn what_is_no_pipe_or_the_wrong_end_is_refused() {
    let named = Named::new("wrong");
    run(async move {
        let (file, path) = (named.0.join("file"), named.path());
        File::create(&file).unwrap();
        let error = OpenOptions::new().open_sender(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("not a pipe"), "{error}");
        assert_eq!(
            OpenOptions::new().open_receiver(&file).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        OpenOptions::new()
            .unchecked(true)
            .open_receiver(&file)
            .unwrap();
        let error = Sender::from_file(File::create(&file).unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let error = Receiver::from_file(File::open(&file).unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);

        let _receiver = OpenOptions::new().open_receiver(&path).unwrap();
        let writing = named.open(std::fs::OpenOptions::new().write(true));
        let error = Receiver::from_file(writing).unwrap_err();
        assert!(error.to_string().contains("open for reading"), "{error}");
        let reading = named.open(std::fs::OpenOptions::new().read(true));
        let error = Sender::from_file(reading).unwrap_err();
        assert!(error.to_string().contains("open for writing"), "{error}");
    });
}

#[test]
fn modes_are_set_when_an_end_comes_and_goes() {
    run(async {
        let (reader, writer) = std::io::pipe().unwrap();
        assert!(!is_nonblocking(&reader));
        let receiver = Receiver::from_owned_fd(reader.into()).unwrap();
        let sender = Sender::from_owned_fd(writer.into()).unwrap();
        assert!(is_nonblocking(&receiver) && is_nonblocking(&sender));
        sender.write_all(DATA).await.unwrap();
        let mut buf = vec![0; DATA.len()];
        receiver.read_exact(&mut buf).await.unwrap();
        assert_eq!(buf, DATA);
        let sender = sender.into_nonblocking_fd().unwrap();
        assert!(is_nonblocking(&sender));
        let receiver = receiver.into_blocking_fd().unwrap();
        assert!(!is_nonblocking(&receiver));
        drop(sender);
        assert_eq!(File::from(receiver).read(&mut buf).unwrap(), 0);
    });
}

#[test]
fn a_child_process_writes_into_a_pipe() {
    run(async {
        let (sender, receiver) = pipe().unwrap();
        let output = Stdio::from(sender.into_blocking_fd().unwrap());
        let mut child = Command::new("echo")
            .arg("from a child")
            .stdout(output)
            .spawn()
            .unwrap();
        let mut all = Vec::new();
        while receiver.read_buf(&mut all).await.unwrap() > 0 {}
        assert_eq!(all, b"from a child\n");
        assert!(filch::blocking(|| child.wait()).unwrap().success());
    });
}

#[test]
fn outside_of_a_runtime_there_is_no_pipe() {
    assert!(pipe().unwrap_err().to_string().contains("no filch runtime"));
}
