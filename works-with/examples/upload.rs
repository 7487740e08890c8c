//! How many system calls read an upload of 1 MB through hyper: on filch's streams, and on tokio's by hyper-util's
//! adapter.
//!
//! Run it without arguments. It starts itself as each of the two servers, under strace, and sends both the same.

use bytes::Bytes;
use filch::http::rt::Timer;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

const MEGABYTE: usize = 1 << 20;
/// Of each connection.
const UPLOADS: usize = 100;
const TURNS: usize = 5;

fn main() -> io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        None => measure(),
        Some("filch") => serve_on_filch(),
        Some("tokio") => serve_on_tokio(),
        Some(other) => Err(io::Error::other(format!("{other}: filch or tokio"))),
    }
}

/// In turns, so that what else the machine does hits both.
fn measure() -> io::Result<()> {
    println!(
        "| connections | recvfrom per upload, filch | tokio | medians' ratio |\n|---|---|---|---|"
    );
    for connections in [1, 4] {
        let mut counts = [Vec::new(), Vec::new()];
        for _ in 0..TURNS {
            for (of, runtime) in counts.iter_mut().zip(["filch", "tokio"]) {
                of.push(reads_per_upload(runtime, connections)?);
            }
        }
        let [filch, tokio] = counts.map(|mut of| {
            of.sort_by(f64::total_cmp);
            of
        });
        let ratio = filch[TURNS / 2] / tokio[TURNS / 2];
        println!("| {connections} | {filch:.2?} | {tokio:.2?} | {ratio:.2} |");
    }
    Ok(())
}

fn reads_per_upload(runtime: &str, connections: usize) -> io::Result<f64> {
    let counted = std::env::temp_dir().join(format!("upload-{}", std::process::id()));
    let mut server = start(runtime, &counted)?;
    let address = address_of(&mut server)?;
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|_| scope.spawn(move || upload(address)))
            .collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().unwrap())
    })?;
    drop(server.stdin.take());
    server.wait()?;
    let calls = calls_of(&std::fs::read_to_string(&counted)?)?;
    std::fs::remove_file(counted)?;
    Ok(calls as f64 / (connections * UPLOADS) as f64)
}

/// Only the calls that are counted stop for strace: the others run at their own speed.
fn start(runtime: &str, counted: &std::path::Path) -> io::Result<Child> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "--seccomp-bpf", "-c", "-e", "trace=recvfrom", "-o"]);
    strace
        .arg(counted)
        .arg(std::env::current_exe()?)
        .arg(runtime);
    strace.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
}

fn address_of(server: &mut Child) -> io::Result<SocketAddr> {
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line)?;
    line.trim().parse().map_err(io::Error::other)
}

/// The column `calls` of strace's line.
fn calls_of(summary: &str) -> io::Result<usize> {
    let line = summary.lines().find(|line| line.ends_with(" recvfrom"));
    let calls = line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    calls.ok_or_else(|| io::Error::other(format!("no recvfrom in {summary:?}")))
}

fn upload(server: SocketAddr) -> io::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(server)?);
    let head = format!("POST / HTTP/1.1\r\nhost: upload\r\ncontent-length: {MEGABYTE}\r\n\r\n");
    let body = vec![7; MEGABYTE];
    for _ in 0..UPLOADS {
        stream.get_mut().write_all(head.as_bytes())?;
        stream.get_mut().write_all(&body)?;
        answer(&mut stream)?;
    }
    Ok(())
}

fn answer(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let mut length = [0; 7];
    stream.read_exact(&mut length)?;
    assert_eq!(&length, MEGABYTE.to_string().as_bytes());
    Ok(())
}

/// Answers with the length of the body.
async fn length(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let mut body = request.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(Response::new(Full::new(Bytes::from(length.to_string()))))
}

/// Says where the server is, and ends the process when whoever started it is done.
fn until_the_end(address: SocketAddr) -> io::Result<()> {
    println!("{address}");
    std::thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    Ok(())
}

fn serve_on_filch() -> io::Result<()> {
    filch::Runtime::builder().workers(2).build()?.run(async {
        let listener = filch::net::TcpListener::bind("127.0.0.1:0").await?;
        until_the_end(listener.local_addr()?)?;
        loop {
            let (stream, _) = listener.accept().await?;
            filch::spawn(
                http1::Builder::new()
                    .timer(Timer)
                    .serve_connection(stream, service_fn(length)),
            );
        }
    })
}

fn serve_on_tokio() -> io::Result<()> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build()?;
    runtime.block_on(runtime.spawn(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        until_the_end(listener.local_addr()?)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let mut builder = http1::Builder::new();
            let builder = builder.timer(TokioTimer::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service_fn(length)));
        }
    }))?
}
