//! The programs of trio's tutorial: nurseries, limits, channels.

use crate::{MOMENT, title};
use filch::TaskGroup;
use filch::sync::mpsc;
use filch::time::{FutureExt, sleep};
use std::convert::Infallible;

pub(crate) async fn tour() {
    title("trio: a nursery");
    a_nursery().await;
    title("trio: move on");
    move_on().await;
    title("trio: channels");
    channels().await;
    title("trio: several producers and consumers");
    several().await;
}

// async def child1():
//     print("  child1: started! sleeping now...")
//     await trio.sleep(0.1)
//     print("  child1: exiting!")
//
// async def child2(): ...
//
// async def a_nursery():
//     print("parent: started!")
//     async with trio.open_nursery() as nursery:
//         print("parent: spawning child1...")
//         nursery.start_soon(child1)
//         print("parent: spawning child2...")
//         nursery.start_soon(child2)
//         print("parent: waiting for children to finish...")
//     print("parent: all done!")

async fn child(name: &str) {
    println!("  {name}: started! sleeping now...");
    sleep(MOMENT).await;
    println!("  {name}: exiting!");
}

async fn a_nursery() {
    println!("parent: started!");
    let nursery = TaskGroup::<Infallible>::run(async |nursery| {
        println!("parent: spawning child1...");
        nursery.spawn_ok(child("child1"));
        println!("parent: spawning child2...");
        nursery.spawn_ok(child("child2"));
        println!("parent: waiting for children to finish...");
        Ok(())
    });
    nursery.await.unwrap();
    println!("parent: all done!");
}

// async def move_on():
//     with trio.move_on_after(0.1) as scope:
//         await trio.sleep_forever()
//     print("gave up:", scope.cancelled_caught)

async fn move_on() {
    let gave_up = std::future::pending::<()>().timeout(MOMENT).await.is_err();
    println!("gave up: {}", if gave_up { "True" } else { "False" });
}

// async def channels():
//     async with trio.open_nursery() as nursery:
//         send_channel, receive_channel = trio.open_memory_channel(0)
//         nursery.start_soon(producer, send_channel)
//         nursery.start_soon(consumer, receive_channel)
//
// async def producer(send_channel):
//     async with send_channel:
//         for i in range(3):
//             await send_channel.send(f"message {i}")
//
// async def consumer(receive_channel):
//     async with receive_channel:
//         async for value in receive_channel:
//             print(f"got value {value!r}")

async fn producer(sender: mpsc::Sender<String>, name: &str) {
    for i in 0..3 {
        sender.send(format!("{name} {i}")).await.unwrap();
    }
}

async fn channels() {
    let nursery = TaskGroup::<Infallible>::run(async |nursery| {
        let (sender, receiver) = mpsc::channel(1);
        nursery.spawn_ok(producer(sender, "message"));
        nursery.spawn_ok(async move {
            // The channel ends when its last sender is gone.
            while let Some(value) = receiver.recv().await {
                println!("got value '{value}'");
            }
        });
        Ok(())
    });
    nursery.await.unwrap();
}

// async def several():
//     async with trio.open_nursery() as nursery:
//         send_channel, receive_channel = trio.open_memory_channel(0)
//         async with send_channel, receive_channel:
//             nursery.start_soon(producer, "A", send_channel.clone())
//             nursery.start_soon(producer, "B", send_channel.clone())
//             nursery.start_soon(consumer, "X", receive_channel.clone())
//             nursery.start_soon(consumer, "Y", receive_channel.clone())
//     print("6 values")

async fn several() {
    // A receiver is not cloned here: consumers share it, and each value goes to one of them.
    let nursery = TaskGroup::<Infallible>::run(async |nursery| {
        let (sender, receiver) = mpsc::channel(1);
        nursery.spawn_ok(producer(sender.clone(), "A"));
        nursery.spawn_ok(producer(sender, "B"));
        let receiver = std::sync::Arc::new(receiver);
        let consumers = [(); 2].map(|()| {
            let receiver = receiver.clone();
            nursery.spawn_ok(async move {
                let mut count = 0;
                while receiver.recv().await.is_some() {
                    count += 1;
                }
                count
            })
        });
        let mut count = 0;
        for consumer in consumers {
            count += consumer.await;
        }
        Ok(count)
    });
    println!("{} values", nursery.await.unwrap());
}
