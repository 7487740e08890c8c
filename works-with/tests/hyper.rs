//! The feature `hyper`: a server and clients of hyper over filch's streams, timers and tasks.

use bytes::Bytes;
use filch::http::rt::{Executor, FromHyper, Io, Timer};
use filch::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use filch::net::{TcpListener, TcpStream};
use filch::time::FutureExt;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Timer as _, Write};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, client, server};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio_util::compat::TokioAsyncReadCompatExt;

/// Answers with the length of the body.
async fn length(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.expect("the whole body");
    let length = body.to_bytes().len().to_string();
    Ok(Response::new(Full::new(Bytes::from(length))))
}

async fn text(response: Response<Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn post(length: usize) -> Request<Full<Bytes>> {
    let body = Full::new(Bytes::from(vec![7; length]));
    Request::post("/")
        .header("host", "filch")
        .body(body)
        .unwrap()
}

/// Two streams of TCP, of which the second was accepted.
async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = filch::join!(TcpStream::connect(address), listener.accept());
    (client.unwrap(), accepted.unwrap().0)
}

/// Counts the reads that gave something.
struct Counting<T>(T, Arc<AtomicUsize>);

impl<T: Read + Unpin> Read for Counting<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.0).poll_read(cx, buf);
        self.1.fetch_add(usize::from(done.is_ready()), SeqCst);
        done
    }
}

impl<T: Write + Unpin> Write for Counting<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

const MEGABYTE: usize = 1 << 20;

/// How many reads a server takes for an upload of 1 MB that is all there, over the stream that `around` makes.
async fn reads_of_an_upload<T>(around: impl FnOnce(DuplexStream) -> T) -> usize
where
    T: Read + Write + Unpin + Send + 'static,
{
    let (client, server) = duplex(2 * MEGABYTE);
    reads_of_a_pair(client, around(server)).await
}

/// The same by hyper-util's adapter over tokio's pair.
async fn reads_of_an_upload_of_tokios() -> usize {
    let (client, server) = tokio::io::duplex(2 * MEGABYTE);
    reads_of_a_pair(client.compat(), TokioIo::new(server)).await
}

async fn reads_of_a_pair<C, S>(mut client: C, server: S) -> usize
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: Read + Write + Unpin + Send + 'static,
{
    let head = format!(
        "POST / HTTP/1.1\r\nhost: filch\r\nconnection: close\r\ncontent-length: {MEGABYTE}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(&vec![7; MEGABYTE]).await.unwrap();
    let reads = Arc::new(AtomicUsize::new(0));
    let counting = Counting(server, Arc::clone(&reads));
    let connection = server::conn::http1::Builder::new();
    connection
        .serve_connection(counting, service_fn(length))
        .await
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with(&MEGABYTE.to_string()), "{answer}");
    reads.load(SeqCst)
}

/// hyper's buffer grows while reads fill it. Where only 16 KiB of it are zeroed for a read, no read gives more.
#[filch::test]
async fn an_upload_takes_few_reads() {
    let direct = reads_of_an_upload(|stream| stream).await;
    let zeroed = reads_of_an_upload(Io::new).await;
    let tokios = reads_of_an_upload_of_tokios().await;
    assert!(
        2 * direct <= 3 * tokios,
        "{direct} reads of a stream of filch, {tokios} of tokio's"
    );
    assert!((64..=80).contains(&zeroed), "{zeroed} reads through Io");
}

/// As much as the socket has, however much of the memory for it is not initialised.
#[filch::test]
async fn a_read_of_a_socket_gives_all_that_is_there() {
    const MUCH: usize = 48 * 1024;
    let (client, server) = tcp_pair().await;
    client.write_all(&[7; MUCH]).await.unwrap();
    let mut seen = vec![0; MUCH];
    while server.peek(&mut seen).await.unwrap() < MUCH {
        filch::task::yield_now().await;
    }
    let mut memory = vec![MaybeUninit::uninit(); 1 << 20];
    let mut buffer = ReadBuf::uninit(&mut memory);
    let mut stream = server;
    poll_fn(|cx| Read::poll_read(Pin::new(&mut stream), cx, buffer.unfilled()))
        .await
        .unwrap();
    assert_eq!(buffer.filled().len(), MUCH);
}

#[filch::test]
async fn a_connection_is_kept_alive_and_bodies_arrive() {
    let (client, server) = tcp_pair().await;
    let serving = filch::spawn(
        server::conn::http1::Builder::new()
            .timer(Timer)
            .header_read_timeout(Duration::from_secs(30))
            .serve_connection(server, service_fn(length)),
    );
    let (mut sender, connection) = client::conn::http1::handshake(client).await.unwrap();
    let connection = filch::spawn(connection);
    for length in [0, 1, 100_000, MEGABYTE, 5] {
        let response = sender.send_request(post(length)).await.unwrap();
        assert_eq!(text(response).await, length.to_string());
    }
    drop(sender);
    connection.await.unwrap().unwrap();
    serving.await.unwrap().unwrap();
}

#[filch::test]
async fn http2_runs_its_streams_as_tasks() {
    let (client, server) = tcp_pair().await;
    let serving = filch::spawn(
        server::conn::http2::Builder::new(Executor)
            .timer(Timer)
            .keep_alive_interval(Duration::from_secs(30))
            .serve_connection(server, service_fn(length)),
    );
    let (sender, connection) = client::conn::http2::Builder::new(Executor)
        .timer(Timer)
        .handshake(client)
        .await
        .unwrap();
    let connection = filch::spawn(connection);
    let requests = (0..50).map(|number| {
        let mut sender = sender.clone();
        async move {
            let response = sender.send_request(post(number * 1000)).await.unwrap();
            assert_eq!(text(response).await, (number * 1000).to_string());
        }
    });
    filch::gather_results(requests)
        .await
        .into_iter()
        .for_each(|done| done.unwrap());
    drop(sender);
    connection.await.unwrap().unwrap();
    serving.await.unwrap().unwrap();
}

/// Answers with 101, and then sends back what comes.
async fn upgrade(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let upgraded = hyper::upgrade::on(&mut request);
    filch::spawn(async move {
        let mut stream = FromHyper::new(upgraded.await.unwrap());
        let mut line = [0; 5];
        stream.read_exact(&mut line).await.unwrap();
        stream.write_all(&line).await.unwrap();
        stream.close().await.unwrap();
    });
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("connection", "upgrade")
        .header("upgrade", "echo");
    Ok(response.body(Empty::new()).unwrap())
}

#[filch::test]
async fn an_upgraded_connection_comes_back() {
    let (client, server) = tcp_pair().await;
    let builder = server::conn::http1::Builder::new();
    let serving = builder.serve_connection(server, service_fn(upgrade));
    filch::spawn(serving.with_upgrades());
    let (mut sender, connection) = client::conn::http1::handshake(client).await.unwrap();
    filch::spawn(connection.with_upgrades());
    let request = Request::get("/")
        .header("host", "filch")
        .header("connection", "upgrade")
        .header("upgrade", "echo");
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut stream = FromHyper::new(hyper::upgrade::on(response).await.unwrap());
    stream.write_all(b"hello").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "hello");
}

/// The clock of the runtime is the one that counts: here it stands still but for what nobody is needed for.
#[filch::test(paused)]
async fn half_a_header_ends_with_the_time_limit() {
    let (mut client, server) = duplex(1000);
    client.write_all(b"GET / HTTP/1.1\r\nhos").await.unwrap();
    let begun = filch::time::Instant::now();
    let error = server::conn::http1::Builder::new()
        .timer(Timer)
        .header_read_timeout(Duration::from_secs(600))
        .serve_connection(server, service_fn(length))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let took = begun.elapsed();
    assert!((600..700).contains(&took.as_secs()), "{took:?}");
}

#[filch::test(paused)]
async fn a_time_limit_moves_in_place() {
    let mut sleep = Timer.sleep(Duration::from_secs(1));
    let place = std::ptr::from_ref(&*sleep).cast::<()>().addr();
    for seconds in [100, 5000, 20] {
        Timer.reset(&mut sleep, Timer.now() + Duration::from_secs(seconds));
        assert_eq!(std::ptr::from_ref(&*sleep).cast::<()>().addr(), place);
    }
    let begun = filch::time::Instant::now();
    sleep.timeout(Duration::from_secs(10_000)).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 20);
}
