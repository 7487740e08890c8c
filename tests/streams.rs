//! Streams: iterators, time between items, and wrappers.

mod common;

use common::poll_once;
use filch::net::{TcpListener, TcpStream};
use filch::stream::wrappers::{
    BroadcastStream, BroadcastStreamRecvError, IntervalStream, LinesStream, ReadDirStream,
    ReceiverStream, SplitStream, TcpListenerStream, WatchStream,
};
use filch::stream::{self, StreamExt, StreamMap, StreamNotifyClose, StreamTimeExt, wrappers};
use filch::sync::{broadcast, mpsc, watch};
use filch::time::{Duration, Elapsed, Instant, interval, interval_at, sleep};
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

#[filch::test]
async fn a_watch_stream_gives_what_is_there_and_then_what_is_new() {
    let (sender, receiver) = watch::channel(1);
    let mut changes = WatchStream::from_changes(receiver.clone());
    let mut values = WatchStream::new(receiver);
    assert!(poll_once(&mut changes.next()).await.is_pending());
    assert_eq!(values.next().await, Some(1));
    assert!(poll_once(&mut values.next()).await.is_pending());
    sender.send(2).unwrap();
    sender.send(3).unwrap();
    assert_eq!(values.next().await, Some(3));
    assert_eq!(changes.next().await, Some(3));
    let waiting = filch::spawn(async move { (values.next().await, values) });
    sender.send(4).unwrap();
    let (value, mut values) = waiting.await.unwrap();
    assert_eq!(value, Some(4));
    // What was sent last is not lost with the sender.
    sender.send(5).unwrap();
    drop(sender);
    assert_eq!(values.next().await, Some(5));
    assert!(!values.is_terminated());
    assert_eq!(values.next().await, None);
    assert!(values.is_terminated());
    assert_eq!(values.next().await, None);
}

#[filch::test]
async fn a_broadcast_stream_tells_what_it_has_missed_and_goes_on() {
    let (sender, receiver) = broadcast::channel(2);
    let mut values = BroadcastStream::from(receiver);
    assert!(poll_once(&mut values.next()).await.is_pending());
    for number in 0..5 {
        sender.send(number).unwrap();
    }
    let missed = BroadcastStreamRecvError::Lagged(3);
    assert_eq!(values.next().await, Some(Err(missed)));
    assert_eq!(values.next().await, Some(Ok(3)));
    assert_eq!(values.next().await, Some(Ok(4)));
    let waiting = filch::spawn(async move { (values.next().await, values.next().await) });
    sender.send(5).unwrap();
    drop(sender);
    assert_eq!(waiting.await.unwrap(), (Some(Ok(5)), None));
}

#[filch::test]
async fn streams_go_through_select_and_are_dropped_while_they_wait() {
    let (sender, receiver) = broadcast::channel::<u32>(2);
    let (changes, seen) = watch::channel(0);
    let mut values = BroadcastStream::new(receiver);
    let mut seen = WatchStream::from_changes(seen);
    for round in 0..10 {
        filch::select! {
            biased;
            _ = values.next() => panic!("nothing was sent"),
            _ = seen.next() => panic!("nothing was sent"),
            () = filch::task::yield_now() => {}
        }
        sender.send(round).unwrap();
        changes.send(round).unwrap();
        assert_eq!(values.next().await, Some(Ok(round)));
        assert_eq!(seen.next().await, Some(round));
    }
    assert!(poll_once(&mut values.next()).await.is_pending());
    drop((values, seen));
    assert!(sender.send(1).is_err() && changes.send(1).is_err());
}

#[filch::test(paused)]
async fn a_stream_that_is_late_is_told_on_each_tick() {
    let (sender, receiver) = mpsc::channel(4);
    let mut items = receiver.timeout_repeating(interval_at(Instant::now() + STEP, STEP));
    let start = Instant::now();
    assert_eq!(items.next().await, Some(Err(Elapsed)));
    assert_eq!(items.next().await, Some(Err(Elapsed)));
    assert_eq!(start.elapsed(), STEP * 2);
    sleep(STEP / 2).await;
    sender.send(1).await.unwrap();
    assert_eq!(items.next().await, Some(Ok(1)));
    assert_eq!(items.next().await, Some(Err(Elapsed)));
    assert_eq!(start.elapsed(), STEP * 7 / 2, "an item begins a new period");
    drop(sender);
    assert_eq!(items.next().await, None);
}

#[filch::test(paused)]
async fn batches_are_full_or_late() {
    let (sender, receiver) = mpsc::channel(8);
    let mut batches = receiver.chunks_timeout(3, STEP);
    let start = Instant::now();
    for number in 0..4 {
        sender.send(number).await.unwrap();
    }
    assert_eq!(batches.next().await, Some(vec![0, 1, 2]));
    assert_eq!(batches.next().await, Some(vec![3]));
    assert_eq!(start.elapsed(), STEP);
    // The time begins with a batch's first item.
    sleep(STEP * 2).await;
    assert!(poll_once(&mut batches.next()).await.is_pending());
    sender.send(4).await.unwrap();
    assert_eq!(batches.next().await, Some(vec![4]));
    assert_eq!(start.elapsed(), STEP * 4);
    sender.send(5).await.unwrap();
    assert!(poll_once(&mut batches.next()).await.is_pending());
    drop(sender);
    assert_eq!(batches.next().await, Some(vec![5]));
    assert_eq!(batches.next().await, None);
    let (sender, receiver) = mpsc::channel(8);
    let mut batches = receiver.chunks_timeout(3, STEP);
    sender.send(6).await.unwrap();
    assert!(poll_once(&mut batches.next()).await.is_pending());
    assert_eq!(batches.into_remainder(), [6]);
}

#[filch::test]
async fn a_map_of_streams_gives_each_its_turn() {
    let mut map: StreamMap<_, _> = [
        ("a", futures::stream::repeat(1)),
        ("b", futures::stream::repeat(2)),
    ]
    .into_iter()
    .collect();
    let mut count = 0;
    for _ in 0..1000 {
        count += usize::from(map.next().await.unwrap().0 == "a");
    }
    assert!((300..700).contains(&count), "{count}");
    assert!(map.contains_key("a") && map.len() == 2);
    assert!(map.insert("a", futures::stream::repeat(3)).is_some());
    assert!(map.remove("b").is_some() && map.remove("b").is_none());
    assert_eq!(map.next().await, Some(("a", 3)));
    map.clear();
    assert_eq!(map.next().await, None);
}

#[filch::test]
async fn a_stream_that_ends_makes_the_map_forget_nobody_elses_wake() {
    for round in 0..100 {
        let channels: Vec<_> = (0..5).map(|_| mpsc::channel(1)).collect();
        let (mut senders, receivers): (Vec<_>, Vec<_>) = channels.into_iter().unzip();
        let mut map: StreamMap<_, _> = receivers.into_iter().enumerate().collect();
        // Two end while the others are asked for the first time: wherever it begins, each of those is woken.
        drop((senders.remove(3), senders.remove(1)));
        assert!(poll_once(&mut map.next()).await.is_pending());
        assert_eq!(map.len(), 3);
        for (key, sender) in [0, 2, 4].into_iter().zip(senders) {
            let waiting = filch::spawn(async move { (map.next().await, map) });
            while !waiting.is_finished() {
                let _ = sender.try_send(round);
                filch::task::yield_now().await;
            }
            let (item, rest) = waiting.await.unwrap();
            map = rest;
            assert_eq!(item, Some((key, round)));
            drop(sender);
            while map.contains_key(&key) {
                let _ = poll_once(&mut map.next()).await;
            }
        }
        assert_eq!(map.next().await, None);
    }
}

#[filch::test]
async fn whoever_ends_in_a_map_says_so() {
    let mut map = StreamMap::new();
    map.insert(1, StreamNotifyClose::new(stream::iter(["x"])));
    assert_eq!(map.next().await, Some((1, Some("x"))));
    assert_eq!(map.next().await, Some((1, None)));
    assert_eq!(map.next().await, None);
    let unread = StreamNotifyClose::new(stream::iter(["x"]));
    assert!(unread.into_inner().is_some());
}

#[filch::test]
async fn the_tasks_of_a_set_are_a_stream() {
    let set: filch::task::JoinSet<_> = [1, 2].map(|n| async move { n }).into_iter().collect();
    let mut outcomes = wrappers::JoinSetStream::new(set);
    let mut sum = 0;
    while let Some(outcome) = outcomes.next().await {
        sum += outcome.unwrap();
    }
    assert!(sum == 3 && outcomes.is_terminated() && outcomes.into_inner().is_empty());
}

#[cfg(unix)]
#[filch::test]
async fn signals_are_a_stream() {
    use filch::signal::{SignalKind, Signals};
    let signals = Signals::new([SignalKind::window_change()]).unwrap();
    let mut signals = wrappers::SignalStream::new(signals);
    assert!(poll_once(&mut signals.next()).await.is_pending());
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::WINCH)
        .unwrap();
    assert_eq!(
        signals.next().await.unwrap().unwrap(),
        SignalKind::window_change()
    );
}

#[filch::test]
async fn readers_and_directories_are_streams() {
    use filch::io::{AsyncBufReadExt, BufReader};
    let pieces = SplitStream::new(BufReader::with_capacity(2, &b"one,,three,"[..]), b',');
    let pieces: Vec<_> = pieces.map(Result::unwrap).collect().await;
    assert_eq!(pieces, [&b"one"[..], b"", b"three"]);
    let lines = LinesStream::new((&b"one\r\ntwo"[..]).lines());
    let lines: Vec<_> = lines.map(Result::unwrap).collect().await;
    assert_eq!(lines, ["one", "two"]);
    let entries = ReadDirStream::new(filch::fs::read_dir("examples").await.unwrap());
    let names = entries.map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.collect().await;
    assert!(names.iter().any(|name| name == "chat.rs"), "{names:?}");
}
