//! Groups of processes.

use crate::sh;
use filch::io::AsyncReadExt;
use filch::process::{Child, Stdio};
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

/// A child that leads a group, with a child of its own in the background, both with the pipe; that one has begun.
async fn family(own: &str) -> Child {
    let script = format!("({own}; echo ready; sleep 60) & sleep 60");
    let mut child = sh(&script)
        .process_group(0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut ready)
        .await
        .unwrap();
    child
}

/// The end of its output: nobody has the pipe any more.
async fn all_are_gone(child: &mut Child) {
    let mut rest = Vec::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut rest)
        .await
        .unwrap();
}

#[filch::test]
async fn kill_tree_reaches_the_childs_children() {
    let mut child = family("true").await;
    child.kill_tree().await.unwrap();
    all_are_gone(&mut child).await;
    assert_eq!(child.wait().await.unwrap().signal(), Some(9));
}

#[filch::test]
async fn kill_tree_needs_a_group() {
    let mut child = sh("sleep 60").kill_on_drop(true).spawn().unwrap();
    let error = child.kill_tree().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[filch::test]
async fn a_stop_sweeps_what_does_not_listen() {
    let mut child = family("trap '' TERM").await;
    let status = child.stop(Duration::from_secs(50)).await.unwrap();
    assert_eq!(status.signal(), Some(15));
    all_are_gone(&mut child).await;
}

#[filch::test]
async fn kill_on_drop_kills_the_group_that_it_leads() {
    let script = "(echo ready; sleep 60) & sleep 60";
    let mut command = sh(script);
    command
        .process_group(0)
        .kill_on_drop(true)
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 6]).await.unwrap();
    drop(child);
    let mut rest = Vec::new();
    output.read_to_end(&mut rest).await.unwrap();
}

#[filch::test]
async fn without_a_group_its_children_go_on() {
    let script = "(echo ready; sleep 0.05; echo ran) & sleep 60";
    let mut command = sh(script);
    let mut child = command
        .kill_on_drop(true)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 6]).await.unwrap();
    drop(child);
    let mut text = [0; 4];
    output.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"ran\n");
}
