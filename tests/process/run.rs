//! Programs that run to their end.

use crate::common::{runtime, until_it_waits};
use crate::{Command, sh};
use filch::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use filch::process::Stdio;
use filch::stream::StreamExt;
use filch::task::{TaskState, WaitKind};
use filch::time::FutureExt;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(10);

#[filch::test]
async fn the_status_is_told_again_and_again() {
    let mut child = sh("exit 2").spawn().unwrap();
    assert!(child.id().unwrap() > 0);
    for _ in 0..3 {
        assert_eq!(child.wait().await.unwrap().code(), Some(2));
    }
    assert_eq!(child.try_wait().unwrap().unwrap().code(), Some(2));
    assert_eq!(child.id(), None);
    child.start_kill().unwrap();
    child.kill().await.unwrap();
    child
        .send_signal(filch::signal::SignalKind::terminate())
        .unwrap();
    assert_eq!(child.stop(SHORT).await.unwrap().code(), Some(2));
}

#[filch::test]
async fn a_program_that_is_not_there_is_an_error() {
    let mut command = Command::new("no-such-program-anywhere");
    assert_eq!(command.spawn().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(
        command.status().await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        command.output().await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[filch::test]
async fn output_has_both_streams_and_no_input() {
    let output = sh("cat; echo out; echo err >&2; exit 3")
        .output()
        .await
        .unwrap();
    let text = (&output.stdout[..], &output.stderr[..], output.status.code());
    assert_eq!(text, (&b"out\n"[..], &b"err\n"[..], Some(3)));
}

#[filch::test]
async fn output_takes_more_than_pipes_hold_of_both() {
    let script = "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2";
    let output = sh(script).output().await.unwrap();
    assert_eq!(
        (output.stdout.len(), output.stderr.len()),
        (1_000_000, 1_000_000)
    );
}

#[filch::test]
async fn what_was_told_stays_for_the_next_start() {
    let mut command = sh("echo out");
    command.stdout(Stdio::null());
    let output = command.output().await.unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(command.status().await.unwrap().success());
}

#[filch::test]
async fn a_child_is_talked_to_by_lines() {
    let mut command = Command::new("cat");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for number in 0..100 {
        let text = format!("line {number}");
        input.write_all(text.as_bytes()).await.unwrap();
        input.write_all(b"\n").await.unwrap();
        assert_eq!(lines.next().await.unwrap().unwrap(), text);
    }
    input.close().await.unwrap();
    assert!(input.write_all(b"more").await.is_err());
    assert!(lines.next().await.is_none());
    assert!(child.wait().await.unwrap().success());
}

#[filch::test]
async fn waiting_closes_the_input() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    assert!(child.wait().await.unwrap().success());
    let child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    assert!(child.wait_with_output().await.unwrap().status.success());
}

#[filch::test]
async fn a_writer_learns_that_the_child_is_gone() {
    let mut child = sh("sleep 60").stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = filch::spawn(async move {
        loop {
            if let Err(error) = input.write_all(&[0; 8192]).await {
                return error.kind();
            }
        }
    });
    until_it_waits(&writer, WaitKind::Write).await;
    // `sleep` may be a child of the shell, which has the pipe too.
    let _ = sh(&format!("pkill -9 -P {}", child.id().unwrap()))
        .status()
        .await;
    child.kill().await.unwrap();
    assert_eq!(writer.await.unwrap(), ErrorKind::BrokenPipe);
}

#[filch::test]
async fn one_childs_output_is_anothers_input() {
    let mut first = Command::new("echo")
        .arg("hello")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = Stdio::try_from(first.stdout.take().unwrap()).unwrap();
    let second = Command::new("tr")
        .args(["a-z", "A-Z"])
        .stdin(output)
        .output()
        .await
        .unwrap();
    assert_eq!(second.stdout, b"HELLO\n");
    assert!(first.wait().await.unwrap().success());
}

#[filch::test]
async fn setters_are_stds() {
    let mut command = sh("echo $0 $VALUE $(pwd) ${GONE-gone}");
    command
        .arg0("name")
        .env("VALUE", "7")
        .env("GONE", "no")
        .env_remove("GONE")
        .current_dir("/");
    let output = command.output().await.unwrap();
    assert_eq!(output.stdout, b"name 7 / gone\n");
    assert_eq!(command.as_std().get_program(), "sh");
}

#[test]
fn a_child_is_waited_for_in_another_runtime() {
    let mut child = runtime(1).block_on(async { sh("sleep 0.05").spawn().unwrap() });
    assert!(runtime(1).block_on(child.wait()).unwrap().success());
    let error = Command::new("true").spawn().unwrap_err();
    assert!(error.to_string().contains("runtime"), "{error}");
}

#[filch::test]
async fn a_dump_names_the_child_and_its_program() {
    let mut child = Command::new("sleep")
        .arg("60")
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid = child.id().unwrap();
    let line = line!() + 1;
    let task = filch::spawn(async move { child.wait().await });
    let text = loop {
        filch::task::yield_now().await;
        let tasks = filch::task::all();
        let found = tasks.iter().find(|info| info.id() == task.id()).unwrap();
        if found.state() == TaskState::Waiting && found.wait().is_some() {
            break filch::task::dump(std::slice::from_ref(found));
        }
    };
    assert!(
        text.contains(&format!("for child process {pid} 'sleep' at")),
        "{text}"
    );
    assert!(text.contains(&format!("run.rs:{line}:")), "{text}");
    task.abort();
}

#[filch::test]
async fn children_that_end_together_are_all_noticed() {
    let batches = (0..5).map(|_| {
        filch::spawn(async {
            let children = (0..10).map(|_| async { sh("exit 0").spawn().unwrap().wait().await });
            filch::gather_results(children).await
        })
    });
    for batch in batches.collect::<Vec<_>>() {
        let done = batch.await.unwrap();
        assert!(
            done.into_iter()
                .all(|status| status.unwrap().unwrap().success())
        );
    }
}

#[filch::test]
async fn kill_ends_it_and_waits() {
    let mut child = sh("sleep 60").spawn().unwrap();
    assert!(child.wait().timeout(SHORT).await.is_err());
    assert!(child.try_wait().unwrap().is_none());
    child.kill().await.unwrap();
    assert_eq!(child.wait().await.unwrap().signal(), Some(9));
}

#[filch::test]
async fn a_stop_asks_first() {
    let script = "trap 'echo asked; exit 7' TERM; echo ready; while :; do sleep 0.01; done";
    let mut child = sh(script).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut ready = [0; 6];
    output.read_exact(&mut ready).await.unwrap();
    let status = child.stop(Duration::from_secs(50)).await.unwrap();
    let mut text = String::new();
    output.read_to_string(&mut text).await.unwrap();
    assert_eq!((status.code(), &text[..]), (Some(7), "asked\n"));
}

#[filch::test]
async fn a_stop_kills_who_does_not_listen() {
    let script = "trap '' TERM; echo ready; while :; do sleep 0.01; done";
    let mut child = sh(script).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut ready)
        .await
        .unwrap();
    assert!(child.stop(Duration::MAX).timeout(SHORT).await.is_err());
    assert!(child.try_wait().unwrap().is_none());
    assert_eq!(child.stop(SHORT).await.unwrap().signal(), Some(9));
}

#[filch::test(paused)]
async fn a_child_holds_a_paused_clock() {
    let mut child = sh("sleep 0.05").spawn().unwrap();
    let patience = Duration::from_secs(3600);
    assert!(
        child
            .wait()
            .timeout(patience)
            .await
            .unwrap()
            .unwrap()
            .success()
    );
}
