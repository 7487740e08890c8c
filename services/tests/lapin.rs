//! lapin on filch's runtime kit, with RabbitMQ: confirms, consumers, what is given up, and how a connection ends.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use async_rs::Runtime;
use async_rs::traits::{Executor, Reactor};
use filch::io::{AsyncReadExt, AsyncWriteExt};
use filch::stream::StreamExt;
use filch::time::timeout;
use filch_services::lapin_kit::Filch;
use filch_services::testing::{OTHER_RUNTIMES, pause, server, threads_of, until_alone};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};

/// With a heartbeat each second: lapin's task for it looks no oftener whether the connection is still there.
async fn connect() -> Connection {
    let runtime = Runtime::new(Filch::current());
    let url = format!("{}?heartbeat=2", server("FILCH_AMQP"));
    Connection::connect_with_runtime(&url, ConnectionProperties::default(), runtime)
        .await
        .expect("it listens")
}

/// A queue that is there while its connection is.
async fn queue(channel: &Channel, name: &str) {
    let exclusive = QueueDeclareOptions {
        exclusive: true,
        ..Default::default()
    };
    channel
        .queue_declare(name.into(), exclusive, FieldTable::default())
        .await
        .expect("it is declared");
}

async fn publish(channel: &Channel, queue: &str, text: &str) -> lapin::Result<lapin::Confirmation> {
    let options = BasicPublishOptions {
        mandatory: true,
        ..Default::default()
    };
    let sent = channel.basic_publish(
        "".into(),
        queue.into(),
        options,
        text.as_bytes(),
        BasicProperties::default(),
    );
    sent.await?.await
}

async fn consume(channel: &Channel, queue: &str) -> Consumer {
    let options = BasicConsumeOptions::default();
    channel
        .basic_consume(queue.into(), "".into(), options, FieldTable::default())
        .await
        .expect("it is there")
}

/// Whether the exclusive queue is gone, and so its connection: a channel is closed by the answer, so each look has one.
async fn is_gone(observer: &Connection, queue: &str) -> bool {
    let channel = observer.create_channel().await.expect("a channel");
    let look = QueueDeclareOptions {
        passive: true,
        ..Default::default()
    };
    let error = channel
        .queue_declare(queue.into(), look, FieldTable::default())
        .await
        .expect_err("not for others");
    error.to_string().contains("NOT_FOUND") || format!("{error:?}").contains("NOTFOUND")
}

async fn next(consumer: &mut Consumer) -> Delivery {
    consumer
        .next()
        .await
        .expect("the channel is open")
        .expect("a message")
}

#[filch::test]
#[cfg_attr(not(amqp), ignore = "no FILCH_AMQP")]
async fn what_is_published_is_confirmed_and_consumed_once_in_order() {
    let connection = connect().await;
    let channel = connection.create_channel().await.unwrap();
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .unwrap();
    queue(&channel, "order").await;
    let publishing = async {
        for n in 0..200 {
            assert!(
                publish(&channel, "order", &n.to_string())
                    .await
                    .unwrap()
                    .is_ack()
            );
        }
    };
    let consuming = async {
        let mut consumer = consume(&channel, "order").await;
        for n in 0..200 {
            let delivery = next(&mut consumer).await;
            assert_eq!(String::from_utf8_lossy(&delivery.data), n.to_string());
            delivery.ack(BasicAckOptions::default()).await.unwrap();
        }
    };
    filch::join!(publishing, consuming);
    assert!(threads_of(&OTHER_RUNTIMES).is_empty());
    connection.close(200, "done".into()).await.unwrap();
}

#[filch::test]
#[cfg_attr(not(amqp), ignore = "no FILCH_AMQP")]
async fn a_consumer_that_is_dropped_loses_no_message_and_the_channel_goes_on() {
    let connection = connect().await;
    let channel = connection.create_channel().await.unwrap();
    channel
        .basic_qos(1, BasicQosOptions::default())
        .await
        .unwrap();
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .unwrap();
    queue(&channel, "dropped").await;
    let mut consumer = consume(&channel, "dropped").await;
    // Waiting for a message is given up, and waited for again.
    assert!(
        timeout(Duration::from_millis(20), consumer.next())
            .await
            .is_err()
    );
    publish(&channel, "dropped", "one").await.unwrap();
    publish(&channel, "dropped", "two").await.unwrap();
    let one = next(&mut consumer).await;
    assert_eq!(one.data, b"one");
    // Its channel is closed without an acknowledgement: the broker has the message again.
    drop(consumer);
    channel.close(200, "given up".into()).await.unwrap();

    let channel = connection.create_channel().await.unwrap();
    let mut consumer = consume(&channel, "dropped").await;
    for (text, again) in [("one", true), ("two", false)] {
        let delivery = next(&mut consumer).await;
        assert_eq!(
            (&delivery.data[..], delivery.redelivered),
            (text.as_bytes(), again)
        );
        delivery.ack(BasicAckOptions::default()).await.unwrap();
    }
    connection.close(200, "done".into()).await.unwrap();
}

#[filch::test]
#[cfg_attr(not(amqp), ignore = "no FILCH_AMQP")]
async fn a_publish_whose_future_is_dropped_at_any_point_leaves_the_channel_usable() {
    let connection = connect().await;
    let channel = connection.create_channel().await.unwrap();
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .unwrap();
    queue(&channel, "given up").await;
    for _ in 0..50 {
        // One poll sends it; the confirmation is not waited for.
        let mut publishing = Box::pin(publish(&channel, "given up", "perhaps"));
        let _ = futures_util::poll!(&mut publishing);
    }
    assert!(
        publish(&channel, "given up", "last")
            .await
            .unwrap()
            .is_ack()
    );
    let mut consumer = consume(&channel, "given up").await;
    let mut count = 0;
    loop {
        let delivery = next(&mut consumer).await;
        delivery.ack(BasicAckOptions::default()).await.unwrap();
        count += 1;
        match &delivery.data[..] {
            b"last" => break,
            text => assert_eq!(text, b"perhaps"),
        }
    }
    assert!((1..=51).contains(&count), "{count}");
    connection.close(200, "done".into()).await.unwrap();
}

#[filch::test]
#[cfg_attr(not(amqp), ignore = "no FILCH_AMQP")]
async fn a_closed_connection_ends_at_the_broker_and_leaves_no_task() {
    let observer = connect().await;
    let connection = connect().await;
    let channel = connection.create_channel().await.unwrap();
    queue(&channel, "closed").await;
    let mut consumer = consume(&channel, "closed").await;
    assert!(!is_gone(&observer, "closed").await);
    connection.close(200, "done".into()).await.unwrap();
    while !(is_gone(&observer, "closed").await) {
        pause().await;
    }
    // Who still waits is told.
    while let Some(delivery) = consumer.next().await {
        delivery.expect_err("there was no message");
    }
    observer.close(200, "done".into()).await.unwrap();
    drop((channel, connection, consumer, observer));
    until_alone().await;
}

#[filch::test]
#[cfg_attr(not(amqp), ignore = "no FILCH_AMQP")]
async fn a_connection_that_is_dropped_with_its_task_ends_at_the_broker() {
    let observer = connect().await;
    let (declared, is_declared) = filch::sync::oneshot::channel();
    let task = filch::spawn(async move {
        let connection = connect().await;
        let channel = connection.create_channel().await.unwrap();
        queue(&channel, "aborted").await;
        let mut consumer = consume(&channel, "aborted").await;
        declared.send(()).unwrap();
        consumer.next().await
    });
    is_declared.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    while !(is_gone(&observer, "aborted").await) {
        pause().await;
    }
    observer.close(200, "done".into()).await.unwrap();
    drop(observer);
    until_alone().await;
}

#[filch::test]
#[cfg_attr(not(amqp), ignore = "no FILCH_AMQP")]
async fn a_wrong_password_is_an_error_and_leaves_no_task() {
    let url = server("FILCH_AMQP").replace("guest:guest", "guest:wrong");
    let runtime = Runtime::new(Filch::current());
    let refused =
        Connection::connect_with_runtime(&url, ConnectionProperties::default(), runtime).await;
    refused.map(drop).expect_err("the broker refuses it");
    until_alone().await;
}

#[filch::test]
async fn tasks_of_the_kit_are_cancelled_detached_and_pass_their_panic_on() {
    let kit = Filch::current();
    assert_eq!(kit.spawn(async { 1 }).await, 1);
    assert_eq!(kit.spawn_blocking(|| 2).await, 2);

    let mut cancelled = kit.spawn(std::future::pending::<()>());
    assert_eq!(cancelled.cancel().await, None);

    let (sender, receiver) = filch::sync::oneshot::channel();
    drop(kit.spawn(async move { sender.send(3) }));
    assert_eq!(receiver.await.unwrap(), 3, "it runs on");

    let panicking = kit.spawn(async { panic!("as expected") });
    let awaiting = filch::spawn(panicking);
    assert!(awaiting.await.unwrap_err().is_panic());
}

#[filch::test]
async fn the_kit_works_on_threads_that_are_in_no_runtime() {
    let kit = Filch::current();
    let elsewhere = std::thread::spawn(move || {
        let sleep = kit.sleep(Duration::from_millis(1));
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut ours = kit.register(ours).unwrap();
        let mut ticks = Box::pin(kit.interval(Duration::from_millis(1)));
        kit.block_on(async {
            sleep.await;
            let (first, second) = (ticks.next().await.unwrap(), ticks.next().await.unwrap());
            assert!(second > first);
            ours.write_all(b"to them").await.unwrap();
            let mut text = [0; 7];
            theirs.read_exact(&mut text).unwrap();
            assert_eq!(&text, b"to them");
            // It waits first: nothing is there.
            let reading = async {
                let mut text = [0; 5];
                ours.read_exact(&mut text).await.unwrap();
                text
            };
            let writing = kit.spawn_blocking(move || theirs.write_all(b"to us").unwrap());
            let (text, ()) = filch::join!(reading, writing);
            assert_eq!(&text, b"to us");
        });
    });
    filch::spawn_blocking(|| elsewhere.join())
        .await
        .unwrap()
        .expect("no panic");
}
