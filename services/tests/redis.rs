//! The crate redis on filch: results, commands that are given up, subscriptions, and how a connection ends.

use std::time::Duration;

use filch::sync::mpsc;
use filch::time::timeout;
use filch_services::redis_kit::connect;
use filch_services::testing::{OTHER_RUNTIMES, pause, server, threads_of, until_alone};
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig, PushInfo, PushKind, Value, cmd};

async fn connection(name: &str) -> MultiplexedConnection {
    let (mut connection, _) = connect(server("FILCH_REDIS"), AsyncConnectionConfig::new())
        .await
        .expect("it listens");
    named(&mut connection, name).await;
    connection
}

async fn named(connection: &mut MultiplexedConnection, name: &str) {
    let done: String = cmd("CLIENT")
        .arg("SETNAME")
        .arg(name)
        .query_async(connection)
        .await
        .unwrap();
    assert_eq!(done, "OK");
}

/// The server's connections of this name, a line each.
async fn clients(observer: &mut MultiplexedConnection, name: &str) -> Vec<String> {
    let list: String = cmd("CLIENT")
        .arg("LIST")
        .query_async(observer)
        .await
        .unwrap();
    let named = format!(" name={name} ");
    list.lines()
        .filter(|line| line.contains(&named))
        .map(String::from)
        .collect()
}

/// Waits until the connection of this name waits for an answer.
async fn until_it_blocks(observer: &mut MultiplexedConnection, name: &str) {
    while !({
        clients(observer, name)
            .await
            .iter()
            .any(|line| line.contains(" flags=b "))
    }) {
        pause().await;
    }
}

#[filch::test]
#[cfg_attr(not(redis), ignore = "no FILCH_REDIS")]
async fn many_tasks_share_a_connection_and_each_gets_its_own_answer() {
    let connection = connection("shared").await;
    let tasks = (0..100u32).map(|n| {
        let mut connection = connection.clone();
        async move {
            let key = format!("shared:{n}");
            let () = connection.set(&key, n).await?;
            let raised: u32 = connection.incr(&key, 1).await?;
            let got: u32 = connection.get(&key).await?;
            assert_eq!((raised, got), (n + 1, n + 1));
            redis::RedisResult::Ok(())
        }
    });
    filch::gather(tasks).await.unwrap();
    assert!(
        threads_of(&OTHER_RUNTIMES).is_empty(),
        "{:?}",
        threads_of(&OTHER_RUNTIMES)
    );
}

#[filch::test]
#[cfg_attr(not(redis), ignore = "no FILCH_REDIS")]
async fn a_pipeline_is_atomic_and_large_values_come_whole() {
    let mut connection = connection("pipeline").await;
    let large = vec![7u8; 3_000_000];
    let (length, got): (u64, Vec<u8>) = redis::pipe()
        .atomic()
        .set("pipeline:large", &large)
        .ignore()
        .cmd("STRLEN")
        .arg("pipeline:large")
        .get("pipeline:large")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(length, 3_000_000);
    assert!(got == large);
}

#[filch::test]
#[cfg_attr(not(redis), ignore = "no FILCH_REDIS")]
async fn a_command_whose_future_is_dropped_is_finished_and_the_next_gets_its_own_answer() {
    let (mut connection, mut observer) = (connection("left").await, connection("observer").await);
    {
        let mut waiting = connection.clone();
        filch::select! {
            _ = waiting.blpop::<_, Value>("left:queue", 0.0) => panic!("nothing is there"),
            () = until_it_blocks(&mut observer, "left") => {}
        }
    }
    // What comes next waits for it, as answers come in order.
    let mut next = Box::pin(connection.set::<_, _, ()>("left:key", "value"));
    assert!(timeout(Duration::from_millis(50), &mut next).await.is_err());
    let () = observer
        .rpush("left:queue", "taken by nobody")
        .await
        .unwrap();
    next.await.unwrap();
    let got: String = connection.get("left:key").await.unwrap();
    assert_eq!(got, "value");
    let left: u32 = connection.llen("left:queue").await.unwrap();
    assert_eq!(left, 0, "the server took it, though nobody waited");
}

#[filch::test]
#[cfg_attr(not(redis), ignore = "no FILCH_REDIS")]
async fn a_group_of_a_stream_gives_each_entry_once_and_again_when_it_was_not_acknowledged() {
    let mut connection = connection("stream").await;
    let () = connection.del("stream:jobs").await.unwrap();
    let () = connection
        .xgroup_create_mkstream("stream:jobs", "workers", "0")
        .await
        .unwrap();
    for n in 0..3 {
        let _: String = connection
            .xadd("stream:jobs", "*", &[("n", n)])
            .await
            .unwrap();
    }
    let first = StreamReadOptions::default()
        .group("workers", "one")
        .count(2);
    let read: StreamReadReply = connection
        .xread_options(&["stream:jobs"], &[">"], &first)
        .await
        .unwrap();
    let ids: Vec<_> = read.keys[0]
        .ids
        .iter()
        .map(|entry| entry.id.clone())
        .collect();
    assert_eq!(ids.len(), 2);
    let acknowledged: u32 = connection
        .xack("stream:jobs", "workers", &ids[..1])
        .await
        .unwrap();
    assert_eq!(acknowledged, 1);
    // What was given and not acknowledged is there for the same consumer, and the last one for another.
    let again: StreamReadReply = connection
        .xread_options(&["stream:jobs"], &["0"], &first)
        .await
        .unwrap();
    assert_eq!(again.keys[0].ids.len(), 1);
    let other = StreamReadOptions::default().group("workers", "two");
    let rest: StreamReadReply = connection
        .xread_options(&["stream:jobs"], &[">"], &other)
        .await
        .unwrap();
    assert_eq!(rest.keys[0].ids.len(), 1);
}

#[filch::test]
#[cfg_attr(not(redis), ignore = "no FILCH_REDIS")]
async fn messages_of_a_subscription_come_in_order_beside_commands() {
    let url = format!("{}/?protocol=resp3", server("FILCH_REDIS"));
    let (sender, receiver) = mpsc::unbounded_channel::<PushInfo>();
    let config = AsyncConnectionConfig::new()
        .set_push_sender(move |push| sender.send(push).map_err(|_| redis::aio::SendError));
    let (mut subscriber, driver) = connect(url, config).await.unwrap();
    subscriber.subscribe("news").await.unwrap();

    let mut publisher = connection("publisher").await;
    for n in 0..100u32 {
        let heard: u32 = publisher.publish("news", n).await.unwrap();
        assert_eq!(heard, 1);
    }
    let mut texts = Vec::new();
    while texts.len() < 100 {
        let push = receiver.recv().await.expect("the connection is there");
        if push.kind == PushKind::Message {
            texts.push(redis::from_redis_value::<String>(push.data[1].clone()).unwrap());
        }
    }
    assert_eq!(texts, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
    let pong: String = subscriber.ping().await.unwrap();
    assert_eq!(pong, "PONG");
    drop(subscriber);
    driver.await.unwrap();
    assert!(threads_of(&OTHER_RUNTIMES).is_empty());
}

#[filch::test]
#[cfg_attr(not(redis), ignore = "no FILCH_REDIS")]
async fn a_dropped_connection_ends_its_task_and_the_server_s() {
    let mut observer = connection("observer").await;
    let (mut first, driver) = connect(server("FILCH_REDIS"), AsyncConnectionConfig::new())
        .await
        .unwrap();
    named(&mut first, "ends").await;
    let second = first.clone();
    drop(first);
    assert_eq!(clients(&mut observer, "ends").await.len(), 1);
    drop(second);
    driver.await.unwrap();
    while !(clients(&mut observer, "ends").await.is_empty()) {
        pause().await;
    }
    drop(observer);
    until_alone().await;
}

#[filch::test]
#[cfg_attr(not(redis), ignore = "no FILCH_REDIS")]
async fn a_connection_that_the_server_ends_fails_its_commands_and_nothing_hangs() {
    let mut observer = connection("observer").await;
    let (mut connection, driver) = connect(server("FILCH_REDIS"), AsyncConnectionConfig::new())
        .await
        .unwrap();
    named(&mut connection, "killed").await;
    let id: u64 = cmd("CLIENT")
        .arg("ID")
        .query_async(&mut connection)
        .await
        .unwrap();
    let kill = async {
        until_it_blocks(&mut observer, "killed").await;
        let killed: u32 = cmd("CLIENT")
            .arg(&["KILL", "ID"])
            .arg(id)
            .query_async(&mut observer)
            .await
            .unwrap();
        assert_eq!(killed, 1);
    };
    let mut waiting = connection.clone();
    let (outcome, ()) = filch::join!(waiting.blpop::<_, Value>("killed:queue", 0.0), kill);
    assert!(outcome.unwrap_err().is_connection_dropped());
    driver.await.unwrap();
    connection.ping::<String>().await.expect_err("it is closed");
}
