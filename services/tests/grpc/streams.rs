//! Streams from the client and in both directions, beside each other and other calls, and given up in the middle.

use filch_services::testing::until_alone;
use tonic::{Code, Request};

use crate::talk::{Conversation, ENOUGH, SILENCE, TalkClient, line, routes};
use crate::{Server, talk_in_memory};

async fn start() -> (Server, TalkClient, crate::talk::Gone) {
    let (routes, gone) = routes();
    let server = Server::start(routes).await;
    let client = TalkClient::new(server.channel().await);
    (server, client, gone)
}

#[filch::test]
async fn streams_of_clients_and_of_both_sides_take_turns_on_one_connection() {
    let (server, client, gone) = start().await;
    let talks = (0..30).map(|talk| {
        let client = client.clone();
        async move {
            let mut conversation = Conversation::begin(&client).await;
            for turn in 0..20 {
                conversation.exchange(&format!("{talk}.{turn}")).await;
            }
            conversation.end().await;
        }
    });
    let counts = (0..30).map(|lines| {
        let mut client = client.clone();
        async move {
            let all = filch::stream::iter((0..lines).map(|n| line(n.to_string())));
            let count = client.count(Request::new(all)).await.unwrap();
            assert_eq!(count, line(lines.to_string()));
        }
    });
    let (talks, counts) = filch::join!(filch::gather_results(talks), filch::gather_results(counts));
    talks
        .into_iter()
        .chain(counts)
        .for_each(|done| done.unwrap());
    let mut kinds = Vec::new();
    for _ in 0..60 {
        kinds.push(gone.recv().await.unwrap());
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == "talk").count(), 30);
    drop(client);
    let served = server.stop().await;
    assert_eq!((served.connections, served.finished), (1, 60));
    until_alone().await;
}

/// Neither side waits for the other, and there is more than fits into the windows of stream and connection.
#[filch::test]
async fn both_sides_stream_at_once_and_everything_arrives_in_order() {
    let (server, mut client, _gone) = start().await;
    let text = |n: usize| format!("{n} {}", "x".repeat(1000));
    let lines = filch::stream::iter((0..2000).map(move |n| line(text(n))));
    let mut answers = client.talk(Request::new(lines)).await.unwrap();
    for n in 0..2000 {
        assert_eq!(answers.message().await.unwrap(), Some(line(text(n))));
    }
    assert_eq!(answers.message().await.unwrap(), None);
    drop((client, answers));
    assert_eq!(server.stop().await.finished, 1);
    until_alone().await;
}

#[filch::test]
async fn a_conversation_that_is_dropped_is_dropped_at_the_server_and_others_go_on() {
    let (server, client, gone) = start().await;
    let mut other = Conversation::begin(&client).await;
    other.exchange("before").await;
    let mut conversation = Conversation::begin(&client).await;
    conversation.exchange("hello").await;
    conversation.says.send(line(SILENCE)).await.unwrap();
    drop(conversation);
    assert_eq!(gone.recv().await.unwrap(), "talk");
    other.exchange("after").await;
    other.end().await;
    drop(client);
    let served = server.stop().await;
    assert_eq!((served.finished, served.left), (1, 1));
    until_alone().await;
}

#[filch::test]
async fn a_call_that_streams_to_the_server_is_dropped_there_with_its_future() {
    let (server, client, gone) = start().await;
    let (says, lines) = filch::sync::mpsc::channel(1);
    let mut counting = client.clone();
    let call = filch::spawn(async move { counting.count(Request::new(lines)).await });
    for text in ["one", "two", SILENCE] {
        says.send(line(text)).await.unwrap();
    }
    call.abort();
    assert_eq!(gone.recv().await.unwrap(), "count");
    says.closed().await;
    let mut other = Conversation::begin(&client).await;
    other.exchange("after").await;
    other.end().await;
    drop(client);
    server.stop().await;
    until_alone().await;
}

/// Its clock is paused: an answered stream stays for a moment, so that the client sees the answer.
#[filch::test(paused)]
async fn a_server_ends_a_conversation_in_the_middle_and_the_client_learns_why() {
    let (client, gone) = talk_in_memory().await;
    let mut conversation = Conversation::begin(&client).await;
    conversation.exchange("hello").await;
    conversation.says.send(line(ENOUGH)).await.unwrap();
    let status = conversation.answers.message().await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Aborted, ENOUGH));
    assert_eq!(gone.recv().await.unwrap(), "talk");
    // Nobody takes what would be said now.
    conversation.says.closed().await;
    let mut other = Conversation::begin(&client).await;
    other.exchange("after").await;
    other.end().await;
}

/// No limit of the server's takes a silent stream for a dead client.
#[filch::test(paused)]
async fn a_conversation_may_be_silent_for_a_day() {
    let (client, _gone) = talk_in_memory().await;
    let mut conversation = Conversation::begin(&client).await;
    for text in ["yesterday", "today"] {
        conversation.exchange(text).await;
        filch::time::sleep(std::time::Duration::from_secs(24 * 3600)).await;
    }
    conversation.end().await;
}
