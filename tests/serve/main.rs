//! `net::serve`: whoever connects is handled in a task of its own, and none is left behind.

#[path = "../common/mod.rs"]
mod common;

mod ends;
mod faults;

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
