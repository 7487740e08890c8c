//! Standard input and output, in child processes: this program runs itself for one of its "child" tests, which do
//! nothing otherwise.

use filch::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, stderr, stdin, stdout};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

const ROLE: &str = "FILCH_TEST_CHILD";

/// Starts this program as the child `role`, with pipes.
fn child(role: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", role, "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn is_child(role: &str) -> bool {
    std::env::var(ROLE).is_ok_and(|value| value == role)
}

/// What a child wrote between its two marks; the test harness writes to the same output.
fn between_marks(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let (_, text) = text.split_once("<<").expect("the child began");
    let (text, _) = text.split_once(">>").expect("the child came to its end");
    text.to_owned()
}

#[test]
fn child_copies_lines() {
    if is_child("child_copies_lines") {
        filch::run(async {
            let mut out = stdout();
            out.write_all(b"<<").await.unwrap();
            let mut lines = BufReader::new(stdin());
            let mut line = String::new();
            while lines.read_line(&mut line).await.unwrap() > 0 {
                out.write_all(line.as_bytes()).await.unwrap();
                out.flush().await.unwrap();
                line.clear();
            }
            out.write_all(b">>").await.unwrap();
            out.close().await.unwrap();
            stderr().write_all(b"to the end").await.unwrap();
            stderr().flush().await.unwrap();
        });
    }
}

#[test]
fn lines_go_in_and_out() {
    let mut child = child("child_copies_lines");
    let mut input = child.stdin.take().unwrap();
    let expected: String = (0..5000).map(|number| format!("line {number}\n")).collect();
    let sent = expected.clone();
    let writer = std::thread::spawn(move || input.write_all(sent.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    assert!(between_marks(&output.stdout) == expected);
    assert!(String::from_utf8_lossy(&output.stderr).contains("to the end"));
}

#[test]
fn child_leaves_a_read_behind() {
    if is_child("child_leaves_a_read_behind") {
        filch::run(async {
            let reading = filch::spawn(async { stdin().read(&mut [0; 1]).await });
            while !filch::task::all().iter().any(|task| task.wait().is_some()) {
                filch::task::yield_now().await;
            }
            reading.abort();
            filch::spawn(async { stdin().read(&mut [0; 1]).await });
        });
    }
}

#[test]
fn a_program_ends_while_nobody_presses_a_key() {
    let mut child = child("child_leaves_a_read_behind");
    // The input stays open until the child has ended; `wait` would close one that the child still has.
    let input = child.stdin.take();
    assert!(child.wait().unwrap().success());
    drop(input);
}

#[test]
fn child_writes_from_many_tasks() {
    if is_child("child_writes_from_many_tasks") {
        filch::run(async {
            stdout().write_all(b"<<").await.unwrap();
            let tasks: Vec<_> = (b'a'..=b'h')
                .map(|letter| {
                    filch::spawn(async move {
                        let mut out = stdout();
                        for _ in 0..200 {
                            out.write_all(&[letter; 1000]).await.unwrap();
                        }
                        out.flush().await.unwrap();
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            stdout().write_all(b">>").await.unwrap();
            stdout().flush().await.unwrap();
            // Flushing through another handle waits for everybody's bytes.
        });
    }
}

#[test]
fn everything_that_was_flushed_arrives() {
    let mut child = child("child_writes_from_many_tasks");
    let mut output = Vec::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut output)
        .unwrap();
    assert!(child.wait().unwrap().success());
    let text = between_marks(&output);
    for letter in 'a'..='h' {
        assert_eq!(text.matches(letter).count(), 200_000, "{letter}");
    }
}

/// Puts this child's descriptor into non-blocking mode, and everybody else's that is the same open file.
#[cfg(unix)]
fn set_nonblocking(descriptor: std::os::fd::RawFd) {
    // SAFETY: the flags of a standard stream are read and set.
    unsafe {
        let flags = libc::fcntl(descriptor, libc::F_GETFL);
        assert_eq!(
            libc::fcntl(descriptor, libc::F_SETFL, flags | libc::O_NONBLOCK),
            0
        );
    }
}

#[cfg(unix)]
const MEBIBYTE: usize = 1 << 20;

#[test]
#[cfg(unix)]
fn child_writes_without_blocking() {
    if is_child("child_writes_without_blocking") {
        set_nonblocking(1);
        set_nonblocking(2);
        filch::run(async {
            let (mut out, mut err) = (stdout(), stderr());
            out.write_all(b"<<").await.unwrap();
            for _ in 0..1024 {
                out.write_all(&[b'a'; 1024]).await.unwrap();
                err.write_all(&[b'e'; 1024]).await.unwrap();
            }
            out.write_all(b">>").await.unwrap();
            out.flush().await.unwrap();
            err.flush().await.unwrap();
        });
    }
}

#[test]
#[cfg(unix)]
fn a_pipe_in_non_blocking_mode_loses_nothing() {
    let mut child = child("child_writes_without_blocking");
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let drain = |mut from: std::process::ChildStdout| {
        std::thread::spawn(move || {
            // A slow reader: the pipe is full most of the time.
            let (mut all, mut piece) = (Vec::new(), [0; 16 * 1024]);
            while let Ok(count @ 1..) = from.read(&mut piece) {
                all.extend_from_slice(&piece[..count]);
                std::thread::yield_now();
            }
            all
        })
    };
    let (out, err) = (drain(out), drain(std::os::fd::OwnedFd::from(err).into()));
    let (out, err) = (out.join().unwrap(), err.join().unwrap());
    assert!(child.wait().unwrap().success());
    assert_eq!(between_marks(&out).len(), MEBIBYTE);
    assert_eq!(err.iter().filter(|&&byte| byte == b'e').count(), MEBIBYTE);
}

#[test]
#[cfg(unix)]
fn child_reads_without_blocking() {
    if is_child("child_reads_without_blocking") {
        set_nonblocking(0);
        filch::run(async {
            let reading = filch::spawn(async {
                let mut all = String::new();
                stdin().read_to_string(&mut all).await.map(|_| all)
            });
            while !filch::task::all().iter().any(|task| task.wait().is_some()) {
                filch::task::yield_now().await;
            }
            // Whoever sees this writes: so far there was nothing.
            stderr().write_all(b"waiting\n").await.unwrap();
            let all = reading.await.unwrap().unwrap();
            println!("<<{all}>>");
        });
    }
}

#[test]
#[cfg(unix)]
fn an_empty_pipe_in_non_blocking_mode_is_waited_for() {
    let mut child = child("child_reads_without_blocking");
    let (mut input, mut errors) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
    let mut said = [0; 8];
    errors.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"waiting\n");
    input.write_all(b"late, ").unwrap();
    input.write_all(b"but there").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(between_marks(&output.stdout), "late, but there");
}

/// A waker that counts its wakes, and panics at each if it is told to.
struct Wakes {
    count: std::sync::atomic::AtomicUsize,
    panics: bool,
}

impl Wakes {
    fn new(panics: bool) -> std::sync::Arc<Wakes> {
        let count = std::sync::atomic::AtomicUsize::new(0);
        std::sync::Arc::new(Wakes { count, panics })
    }

    fn until(&self, count: usize) {
        while self.count.load(std::sync::atomic::Ordering::Acquire) < count {
            std::thread::yield_now();
        }
    }
}

impl std::task::Wake for Wakes {
    fn wake(self: std::sync::Arc<Self>) {
        self.count
            .fetch_add(1, std::sync::atomic::Ordering::Release);
        assert!(!self.panics, "a waker that panics");
    }
}

/// Polls a read of one byte with that waker.
fn poll_read(from: &mut filch::io::Stdin, wakes: &std::sync::Arc<Wakes>) -> Option<u8> {
    use filch::io::AsyncRead;
    use std::task::{Context, Poll, Waker};
    let waker = Waker::from(wakes.clone());
    let (mut byte, mut cx) = ([0], Context::from_waker(&waker));
    match std::pin::Pin::new(from).poll_read(&mut cx, &mut byte) {
        Poll::Ready(count) => (count.unwrap() == 1).then_some(byte[0]),
        Poll::Pending => None,
    }
}

#[test]
fn child_has_wakers_that_panic() {
    if is_child("child_has_wakers_that_panic") {
        let (bad, good) = (Wakes::new(true), Wakes::new(false));
        let (mut first, mut second) = (stdin(), stdin());
        // Both wait for one read; the one that panics comes first.
        assert_eq!(
            (poll_read(&mut first, &bad), poll_read(&mut second, &good)),
            (None, None)
        );
        std::io::stderr().write_all(b"1").unwrap();
        bad.until(1);
        good.until(1);
        assert_eq!(poll_read(&mut first, &bad), Some(b'x'));
        assert_eq!(poll_read(&mut first, &bad), None);
        std::io::stderr().write_all(b"2").unwrap();
        bad.until(2);
        assert_eq!(poll_read(&mut first, &good), Some(b'y'));
        // And a flush that panics when it is done.
        let mut out = stdout();
        for wakes in [bad, good] {
            use filch::io::AsyncWrite;
            use std::task::{Context, Waker};
            let waker = Waker::from(wakes.clone());
            let mut cx = Context::from_waker(&waker);
            let before = wakes.count.load(std::sync::atomic::Ordering::Acquire);
            let mut out = std::pin::Pin::new(&mut out);
            assert!(out.as_mut().poll_write(&mut cx, b"<<>>").is_ready());
            while out.as_mut().poll_flush(&mut cx).is_pending() {
                wakes.until(before + 1);
            }
        }
    }
}

#[test]
fn a_waker_that_panics_stops_nobodys_input_and_output() {
    let mut child = child("child_has_wakers_that_panic");
    let (mut input, mut errors) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
    let mut said = |what: u8| {
        let mut byte = [0];
        while byte[0] != what {
            errors.read_exact(&mut byte).unwrap();
        }
    };
    said(b'1');
    input.write_all(b"x").unwrap();
    said(b'2');
    input.write_all(b"y").unwrap();
    // What the panics print is read, too, or the child could wait for that.
    let rest = std::thread::spawn(move || {
        let mut rest = Vec::new();
        errors.read_to_end(&mut rest).map(|_| rest)
    });
    let output = child.wait_with_output().unwrap();
    let rest = rest.join().unwrap().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&rest)
    );
}

#[test]
fn child_gives_reads_up() {
    if is_child("child_gives_reads_up") {
        // Every read is given up by another handle, with a waker of its own.
        let wakes: Vec<_> = (0..100).map(|_| Wakes::new(false)).collect();
        for wakes in &wakes {
            assert_eq!(poll_read(&mut stdin(), wakes), None);
        }
        let kept: usize = wakes
            .iter()
            .map(|wakes| std::sync::Arc::strong_count(wakes) - 1)
            .sum();
        assert_eq!(
            kept, 0,
            "wakers of reads that were given up are still there"
        );
    }
}

#[test]
fn reads_that_were_given_up_leave_no_wakers_behind() {
    let mut child = child("child_gives_reads_up");
    let input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(input);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
