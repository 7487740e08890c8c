//! How a server ends: by its token, at the end of its time, by a drop, and with its listener.

use super::*;

#[filch::test]
async fn a_cancel_closes_the_listener_and_waits_for_those_inside() {
    let (listener, address) = listener().await;
    let stop = CancelToken::new();
    let server = serve(listener, |stream, _| echo(stream)).graceful(stop.clone(), HOUR);
    let server = filch::spawn(server.into_future());
    let client = TcpStream::connect(address).await.unwrap();
    ask(&client, b"in").await;
    stop.cancel();
    // The address is free again once the listener is closed.
    while TcpListener::bind(address).await.is_err() {
        sleep(Duration::from_millis(1)).await;
    }
    ask(&client, b"still in").await;
    assert!(!server.is_finished());
    drop(client);
    let served = server.await.unwrap().unwrap();
    assert_eq!((served.finished, served.cancelled), (1, 0));
}

#[filch::test]
async fn handlers_that_hold_the_token_end_by_themselves() {
    let (at, door) = door();
    let stop = CancelToken::new();
    let theirs = stop.clone();
    let server = serve(door, move |stream, ()| {
        let stop = theirs.clone();
        async move {
            stop.cancelled().await;
            drop(stream);
        }
    });
    let server = filch::spawn(server.graceful(stop.clone(), HOUR).into_future());
    let clients = [knock(&at).await, knock(&at).await];
    until(|| at.capacity() == 16).await;
    stop.cancel();
    let served = server.await.unwrap().unwrap();
    assert_eq!((served.finished, served.cancelled), (2, 0));
    drop(clients);
}

/// What a server does to handlers that never end, once their time is over.
#[filch::test(paused)]
async fn after_the_grace_time_they_are_cut_off_and_gone() {
    struct Gone(Arc<AtomicUsize>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (at, door) = door();
    let gone = Arc::new(AtomicUsize::new(0));
    let theirs = gone.clone();
    let stop = CancelToken::new();
    let server = serve(door, move |mut stream: DuplexStream, ()| {
        let gone = Gone(theirs.clone());
        async move {
            let _gone = gone;
            let mut byte = [0];
            // One ends in its grace time, the others never.
            if stream.read(&mut byte).await.unwrap() > 0 {
                pending::<()>().await;
            }
        }
    });
    let grace = Duration::from_secs(10);
    let server = filch::spawn(server.graceful(stop.clone(), grace).into_future());
    let (mut one, mut two, three) = (knock(&at).await, knock(&at).await, knock(&at).await);
    one.write_all(b"x").await.unwrap();
    two.write_all(b"x").await.unwrap();
    until(|| at.capacity() == 16).await;
    let start = filch::time::Instant::now();
    stop.cancel();
    sleep(Duration::from_secs(9)).await;
    drop(three);
    let served = server.await.unwrap().unwrap();
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(
        (served.accepted, served.finished, served.cancelled),
        (3, 1, 2)
    );
    assert_eq!(gone.load(Ordering::SeqCst), 3);
}

#[filch::test(paused)]
async fn a_cleanup_of_who_is_cut_off_is_waited_for() {
    let (at, door) = door();
    let cleaned = Arc::new(AtomicUsize::new(0));
    let theirs = cleaned.clone();
    let stop = CancelToken::new();
    let server = serve(door, move |_stream, ()| {
        let cleaned = theirs.clone();
        async move {
            let _goodbye = filch::cleanup(async move {
                sleep(Duration::from_secs(1)).await;
                cleaned.fetch_add(1, Ordering::SeqCst);
            });
            pending::<()>().await;
        }
    });
    let server = server.graceful(stop.clone(), Duration::ZERO);
    let server = filch::spawn(server.into_future());
    let _client = knock(&at).await;
    // Until the handler is inside.
    until(|| Arc::strong_count(&cleaned) == 3).await;
    stop.cancel();
    assert_eq!(server.await.unwrap().unwrap().cancelled, 1);
    assert_eq!(cleaned.load(Ordering::SeqCst), 1);
}

#[filch::test]
async fn whoever_drops_a_server_drops_its_connections() {
    let (at, door) = door();
    let theirs = Arc::new(());
    let seen = theirs.clone();
    let server = serve(door, move |_stream, ()| {
        let theirs = theirs.clone();
        async move {
            let _theirs = theirs;
            pending::<()>().await;
        }
    });
    let client = knock(&at).await;
    let mut server = Box::pin(server.into_future());
    let polled = filch::select! {
        served = &mut server => Some(served),
        () = until(|| Arc::strong_count(&seen) == 3) => None,
    };
    assert!(polled.is_none());
    // The timeout is the nearest that can wait.
    let outcome = async move { server.await.map(drop) }.timeout(Duration::ZERO);
    assert!(outcome.await.is_err());
    assert_eq!(Arc::strong_count(&seen), 1);
    drop(client);
}

#[filch::test(paused)]
async fn a_listener_that_is_over_ends_the_server_when_its_connections_are_gone() {
    let (at, door) = door();
    let ended = Arc::new(AtomicUsize::new(0));
    let theirs = ended.clone();
    let server = serve(door, move |_stream, ()| {
        let ended = theirs.clone();
        async move {
            sleep(Duration::from_secs(5)).await;
            ended.fetch_add(1, Ordering::SeqCst);
        }
    });
    let server = server.graceful(CancelToken::new(), Duration::from_secs(10));
    let _client = knock(&at).await;
    drop(at);
    let error = server.await.unwrap_err();
    assert_eq!(error.to_string(), "the door is shut");
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[filch::test]
async fn a_token_that_was_cancelled_before_lets_nobody_in() {
    let (at, door) = door();
    let _client = knock(&at).await;
    let stop = CancelToken::new();
    stop.cancel();
    let served = serve(door, async |_stream, ()| {})
        .graceful(stop, HOUR)
        .await;
    assert_eq!(served.unwrap(), Default::default());
}
