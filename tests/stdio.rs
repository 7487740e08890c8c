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
