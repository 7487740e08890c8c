//! `grpc-timeout`: a call ends at its client's deadline, whatever it is doing, and its server's side is dropped.

use std::time::Duration;

use filch::sync::mpsc;
use filch::time::Instant;
use tonic::{Code, Request};

use crate::talk::{Conversation, SILENCE, line};
use crate::talk_in_memory;

const LIMIT: Duration = Duration::from_secs(10);

fn limited<T>(inner: T) -> Request<T> {
    let mut request = Request::new(inner);
    request.set_timeout(LIMIT);
    request
}

/// What the clock says that it took, which is paused. It stands still while anybody works.
fn is_the_limit(begun: Instant) -> bool {
    (LIMIT..LIMIT + Duration::from_secs(1)).contains(&begun.elapsed())
}

#[filch::test(paused)]
async fn a_conversation_ends_at_its_deadline_in_the_middle() {
    let (client, gone) = talk_in_memory().await;
    let begun = Instant::now();
    let (says, lines) = mpsc::channel(1);
    let mut answers = client.clone().talk(limited(lines)).await.unwrap();
    // It is the whole call's deadline, and not that of silence.
    for second in 0..8 {
        says.send(line(second.to_string())).await.unwrap();
        assert!(answers.message().await.unwrap().is_some());
        filch::time::sleep(Duration::from_secs(1)).await;
    }
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(is_the_limit(begun), "{:?}", begun.elapsed());
    assert_eq!(gone.recv().await.unwrap(), "talk");
    says.closed().await;
}

#[filch::test(paused)]
async fn a_stream_of_the_client_is_answered_for_at_its_deadline() {
    let (client, gone) = talk_in_memory().await;
    let begun = Instant::now();
    let (says, lines) = mpsc::channel(1);
    let mut counting = client.clone();
    let call = filch::spawn(async move { counting.count(limited(lines)).await });
    says.send(line("one")).await.unwrap();
    let status = call.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(is_the_limit(begun), "{:?}", begun.elapsed());
    assert_eq!(gone.recv().await.unwrap(), "count");
}

#[filch::test(paused)]
async fn a_call_without_a_deadline_goes_on_beside_one_that_is_over() {
    let (client, gone) = talk_in_memory().await;
    let mut other = Conversation::begin(&client).await;
    other.exchange("before").await;
    let silent = filch::stream::iter([line(SILENCE)]);
    let mut answers = client.clone().talk(limited(silent)).await.unwrap();
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(gone.recv().await.unwrap(), "talk");
    other.exchange("after").await;
    other.end().await;
}
