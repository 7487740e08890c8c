//! `net::serve`: whoever connects is handled in a task of its own, and none is left behind.

mod common;

use common::{HOUR, until as until_that};
use filch::CancelToken;
use filch::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use filch::net::{Listener, ServeError, TcpListener, TcpStream, serve};
use filch::sync::mpsc;
use filch::time::{Duration, FutureExt, sleep};
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

/// What is waited for here is what the test says.
async fn until(condition: impl FnMut() -> bool) {
    until_that("what the test waits for", condition).await;
}

async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count]).await?,
        }
    }
}

/// Says something and hears it again.
async fn ask(stream: &TcpStream, text: &[u8]) {
    stream.write_all(text).await.unwrap();
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, text);
}

async fn listener() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Connections in memory, and errors, as a test sends them.
struct Door(mpsc::Receiver<io::Result<DuplexStream>>);

impl Listener for Door {
    type Stream = DuplexStream;
    type Peer = ();

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(DuplexStream, ())>> {
        use filch::stream::Stream;
        let next = Pin::new(&mut self.0).poll_next(cx);
        next.map(|next| match next {
            Some(next) => next.map(|stream| (stream, ())),
            None => Err(io::Error::other("the door is shut")),
        })
    }
}

fn door() -> (mpsc::Sender<io::Result<DuplexStream>>, Door) {
    let (sender, receiver) = mpsc::channel(16);
    (sender, Door(receiver))
}

async fn knock(at: &mpsc::Sender<io::Result<DuplexStream>>) -> DuplexStream {
    let (ours, theirs) = duplex(64);
    at.send(Ok(theirs)).await.unwrap();
    ours
}

fn errno(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

#[filch::test]
async fn connections_are_handled_beside_each_other() {
    let (listener, address) = listener().await;
    let stop = CancelToken::new();
    let server = serve(listener, |stream, _| echo(stream)).graceful(stop.clone(), HOUR);
    let server = filch::spawn(server.into_future());
    let one = TcpStream::connect(address).await.unwrap();
    let two = TcpStream::connect(address).await.unwrap();
    ask(&two, b"two").await;
    ask(&one, b"one").await;
    drop((one, two));
    stop.cancel();
    let served = server.await.unwrap().unwrap();
    assert_eq!((served.accepted, served.finished), (2, 2));
}

#[filch::test]
async fn a_handler_is_told_who_has_connected() {
    let (listener, address) = listener().await;
    let (sender, peers) = mpsc::channel(1);
    let server = serve(listener, move |_stream, peer| {
        let sender = sender.clone();
        async move { sender.send(peer).await.unwrap() }
    });
    let _server = filch::AbortOnDrop(filch::spawn(server.into_future()));
    let client = TcpStream::connect(address).await.unwrap();

    assert_eq!(peers.recv().await.unwrap(), client.local_addr().unwrap());
}

#[cfg(unix)]
#[filch::test]
async fn unix_listeners_serve_as_well() {
    use filch::net::{UnixListener, UnixStream};
    let path = std::env::temp_dir().join(format!("filch-serve-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let stop = CancelToken::new();
    let server = serve(listener, async |stream: UnixStream, _| {
        stream.write_all(b"hello").await
    });
    let server = filch::spawn(server.graceful(stop.clone(), HOUR).into_future());
    let mut client = UnixStream::connect(&path).await.unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "hello");
    stop.cancel();
    assert_eq!(server.await.unwrap().unwrap().finished, 1);
    std::fs::remove_file(&path).unwrap();
}

#[filch::test]
async fn at_the_limit_nobody_is_accepted_until_one_has_gone() {
    let (at, door) = door();
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = (inside.clone(), most.clone());
    let server = serve(door, move |mut stream: DuplexStream, ()| {
        let (inside, most) = seen.clone();
        async move {
            let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            let mut byte = [0];
            let read = stream.read(&mut byte).await;
            inside.fetch_sub(1, Ordering::SeqCst);
            read.map(drop)
        }
    });
    let stop = CancelToken::new();
    let server = filch::spawn(server.limit(2).graceful(stop.clone(), HOUR).into_future());
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(knock(&at).await);
    }
    until(|| inside.load(Ordering::SeqCst) == 2).await;
    until(|| at.capacity() == 13).await;
    // Three wait outside; each comes in when one has gone.
    for left in (0..5).rev() {
        drop(clients.remove(0));
        until(|| inside.load(Ordering::SeqCst) == left.min(2)).await;
    }
    stop.cancel();
    assert_eq!(server.await.unwrap().unwrap().finished, 5);
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

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

#[filch::test]
async fn a_connections_task_is_known_by_the_line_of_its_server() {
    let (at, door) = door();
    let line = line!() + 1;
    let server = serve(door, async |_stream, ()| pending::<()>().await);
    let _server = filch::AbortOnDrop(filch::spawn(server.into_future()));
    let _client = knock(&at).await;
    let is_there = || {
        let tasks = filch::task::all();
        let mut places = tasks.iter().map(|task| task.spawned_at());
        places.any(|at| at.file() == file!() && at.line() == line)
    };
    until(is_there).await;
}

#[test]
#[should_panic = "a limit of 0"]
fn a_limit_of_nothing_is_refused() {
    let (_, door) = door();
    let _ = serve(door, async |_stream, ()| {}).limit(0);
}
