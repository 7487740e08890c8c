//! Handlers that fail or panic, and a listener that does.

use super::*;

#[filch::test]
async fn a_panic_and_an_error_are_their_own_connections_matter() {
    let (at, door) = door();
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = told.clone();
    let stop = CancelToken::new();
    let server = serve(door, |mut stream: DuplexStream, ()| async move {
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        match byte[0] {
            b'p' => panic!("on purpose"),
            b'e' => Err(io::Error::other("no")),
            _ => stream.write_all(&byte).await,
        }
    });
    let server = server.on_error(move |error| match error {
        ServeError::Handler(error) => telling.lock().unwrap().push(error.to_string()),
        error => panic!("{error:?}"),
    });
    let server = filch::spawn(server.graceful(stop.clone(), HOUR).into_future());
    for byte in [b"p", b"e", b"o"] {
        let mut client = knock(&at).await;
        client.write_all(byte).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer.is_empty(), byte != b"o");
    }
    stop.cancel();
    let served = server.await.unwrap().unwrap();
    assert_eq!(
        (
            served.accepted,
            served.panicked,
            served.failed,
            served.finished
        ),
        (3, 1, 1, 1)
    );
    assert_eq!(*told.lock().unwrap(), ["no"]);
}

#[filch::test]
async fn a_handler_that_panics_when_it_is_called_harms_nobody_else() {
    let (at, door) = door();
    let stop = CancelToken::new();
    let calls = AtomicUsize::new(0);
    let server = serve(door, move |_stream, ()| {
        assert!(calls.fetch_add(1, Ordering::SeqCst) > 0, "on purpose");
        async {}
    });
    let server = filch::spawn(server.graceful(stop.clone(), HOUR).into_future());
    for _ in 0..2 {
        let mut client = knock(&at).await;
        client.read_to_end(&mut Vec::new()).await.unwrap();
    }
    stop.cancel();
    let served = server.await.unwrap().unwrap();
    assert_eq!((served.panicked, served.finished), (1, 1));
}

#[cfg(unix)]
#[filch::test(paused)]
async fn when_descriptors_are_short_it_waits_and_goes_on() {
    let (at, door) = door();
    let pauses = Arc::new(Mutex::new(Vec::new()));
    let telling = pauses.clone();
    let stop = CancelToken::new();
    let server = serve(door, async |mut stream: DuplexStream, ()| {
        stream.write_all(b"in").await
    });
    let server = server.on_error(move |error| match error {
        ServeError::Accept { error, pause } => {
            assert_eq!(error.raw_os_error(), Some(24));
            telling.lock().unwrap().push(pause.as_millis());
        }
        error => panic!("{error:?}"),
    });
    let server = filch::spawn(server.graceful(stop.clone(), HOUR).into_future());
    for _ in 0..10 {
        at.send(Err(errno(24))).await.unwrap();
    }
    let mut client = knock(&at).await;
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "in");
    let doubled = [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000];
    assert_eq!(*pauses.lock().unwrap(), doubled);
    // After a success they are short again.
    at.send(Err(errno(24))).await.unwrap();
    until(|| pauses.lock().unwrap().len() == 11).await;
    assert_eq!(pauses.lock().unwrap()[10], 5);
    stop.cancel();
    assert_eq!(server.await.unwrap().unwrap().finished, 1);
}

#[cfg(unix)]
#[filch::test(paused)]
async fn who_is_told_of_errors_may_panic() {
    let (at, door) = door();
    let stop = CancelToken::new();
    let server = serve(door, async |_stream, ()| Err::<(), _>("no")).on_error(|_| panic!("no ear"));
    let server = filch::spawn(server.graceful(stop.clone(), HOUR).into_future());
    at.send(Err(errno(24))).await.unwrap();
    let mut client = knock(&at).await;
    client.read_to_end(&mut Vec::new()).await.unwrap();
    stop.cancel();
    let served = server.await.unwrap().unwrap();
    assert_eq!((served.accepted, served.panicked), (1, 1));
}

#[cfg(unix)]
#[filch::test]
async fn connections_that_were_gone_before_are_passed_over() {
    let (at, door) = door();
    let stop = CancelToken::new();
    let server = serve(door, async |_stream, ()| {})
        .on_error(|error| panic!("{error:?}"))
        .graceful(stop.clone(), HOUR);
    let server = filch::spawn(server.into_future());
    for kind in [
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::Interrupted,
    ] {
        at.send(Err(kind.into())).await.unwrap();
    }
    let mut client = knock(&at).await;
    client.read_to_end(&mut Vec::new()).await.unwrap();
    stop.cancel();
    assert_eq!(server.await.unwrap().unwrap().accepted, 1);
}
