//! Streams: iterators, time between items, and wrappers.

mod common;

use common::poll_once;
use filch::net::{TcpListener, TcpStream};
use filch::stream::wrappers::{IntervalStream, ReceiverStream, TcpListenerStream};
use filch::stream::{self, StreamExt, StreamTimeExt};
use filch::sync::mpsc;
use filch::time::{Duration, Elapsed, Instant, interval, sleep};
use futures::stream::FusedStream;

const STEP: Duration = Duration::from_secs(10);

#[filch::test]
async fn an_iterators_items_come_in_order_and_it_says_how_many() {
    let mut numbers = stream::iter(vec![1, 2, 3]);
    assert_eq!(futures::Stream::size_hint(&numbers), (3, Some(3)));
    assert_eq!(numbers.by_ref().collect::<Vec<_>>().await, [1, 2, 3]);
    assert!(numbers.is_terminated());
}

#[filch::test(paused)]
async fn an_item_that_is_late_is_told_once_and_the_stream_goes_on() {
    let (sender, receiver) = mpsc::channel(4);
    let mut items = receiver.timeout(STEP);
    let start = Instant::now();
    assert_eq!(items.next().await, Some(Err(Elapsed)));
    assert_eq!(start.elapsed(), STEP);
    assert!(poll_once(&mut items.next()).await.is_pending());
    sleep(STEP * 3).await;
    assert!(
        poll_once(&mut items.next()).await.is_pending(),
        "it is told once"
    );
    sender.send(1).await.unwrap();
    assert_eq!(items.next().await, Some(Ok(1)));
    let again = Instant::now();
    assert_eq!(items.next().await, Some(Err(Elapsed)));
    assert_eq!(again.elapsed(), STEP);
    sender.send(2).await.unwrap();
    drop(sender);
    assert_eq!(items.next().await, Some(Ok(2)));
    assert!(!items.is_terminated());
    assert_eq!(items.next().await, None);
    assert!(items.is_terminated());
}

#[filch::test(paused)]
async fn the_time_for_an_item_begins_when_somebody_waits() {
    let (_sender, receiver) = mpsc::channel::<()>(1);
    let mut items = receiver.timeout(STEP);
    sleep(STEP * 2).await;
    let start = Instant::now();
    assert_eq!(items.next().await, Some(Err(Elapsed)));
    assert_eq!(start.elapsed(), STEP);
}

#[filch::test(paused)]
async fn items_that_are_there_come_one_in_each_step() {
    let start = Instant::now();
    let mut slowly = stream::iter(0..4).throttle(STEP);
    for number in 0..4 {
        assert_eq!(slowly.next().await, Some(number));
        assert_eq!(start.elapsed(), STEP * number);
    }
    assert_eq!(slowly.next().await, None);
    assert_eq!(start.elapsed(), STEP * 4, "it is not polled before");
    assert!(slowly.is_terminated());
    let at_once = stream::iter(0..3).throttle(Duration::ZERO);
    let start = Instant::now();
    assert_eq!(at_once.count().await, 3);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[filch::test(paused)]
async fn a_slow_stream_is_not_slowed_down() {
    let ticks = IntervalStream::new(interval(STEP * 2));
    let start = Instant::now();
    assert_eq!(ticks.throttle(STEP).take(3).count().await, 3);
    assert_eq!(start.elapsed(), STEP * 4);
}

#[filch::test]
async fn a_receiver_is_wrapped_and_closed() {
    let (sender, receiver) = mpsc::channel(4);
    let mut items = ReceiverStream::new(receiver);
    sender.send(1).await.unwrap();
    items.close();
    assert!(sender.send(2).await.is_err());
    assert_eq!(items.next().await, Some(1));
    assert_eq!(items.next().await, None);
    assert!(items.is_terminated());
    assert_eq!(items.into_inner().recv().await, None);
}

#[filch::test]
async fn a_listener_is_a_stream_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut connections = TcpListenerStream::new(listener);
    let accepted = filch::spawn(async move { connections.next().await.unwrap().unwrap() });
    let client = TcpStream::connect(address).await.unwrap();
    let accepted = accepted.await.unwrap();
    assert_eq!(accepted.peer_addr().unwrap(), client.local_addr().unwrap());
}
