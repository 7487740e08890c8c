//! An echo server: what a client sends comes back to it.
//!
//! ```text
//! cargo run --release --example echo
//! cargo run --release --example echo -- --hogs 1 --hog-ms 20
//! ```
//!
//! The hogs are tasks that compute for a while in each poll and yield in between: what a server does
//! that parses, compresses or encrypts. Watch how little the others notice of them.

use std::io;
use std::time::Duration;

use filch::net::{TcpListener, TcpStream};
use filch::task::yield_now;
use filch::time::{Instant, sleep};

const USAGE: &str = "\
An echo server.

  --addr ADDR    where to listen (default 127.0.0.1:7000; port 0 lets the system choose)
  --workers N    threads that run tasks (default: FILCH_WORKERS, or else the number of CPUs)
  --hogs N       tasks that compute beside the server (default 0)
  --hog-ms M     for how long they compute at a time, in milliseconds (default 20)
";

fn main() -> io::Result<()> {
    let options = Options::from_arguments().unwrap_or_else(|error| {
        eprintln!("echo: {error}\n\n{USAGE}");
        std::process::exit(2)
    });
    let mut builder = filch::Runtime::builder();
    if let Some(workers) = options.workers {
        builder = builder.workers(workers);
    }
    builder.build()?.run(serve(options))
}

async fn serve(options: Options) -> io::Result<()> {
    let listener = TcpListener::bind(options.addr).await?;
    println!("listening on {}", listener.local_addr()?);
    for _ in 0..options.hogs {
        filch::spawn(hog(options.hog_time));
    }
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(filch::spawn(echo(stream))),
            // The peer gave up before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // Most likely no descriptor is free: those who wait do so in the system's queue.
            Err(error) => {
                eprintln!("accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves one connection. Its errors end it, and nothing else.
async fn echo(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 4096];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count]).await?,
        }
    }
}

async fn hog(time: Duration) {
    loop {
        let start = Instant::now();
        while start.elapsed() < time {
            std::hint::spin_loop();
        }
        yield_now().await;
    }
}

struct Options {
    addr: String,
    workers: Option<usize>,
    hogs: usize,
    hog_time: Duration,
}

impl Options {
    fn from_arguments() -> Result<Options, String> {
        let mut options = Options {
            addr: "127.0.0.1:7000".to_owned(),
            workers: None,
            hogs: 0,
            hog_time: Duration::from_millis(20),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--addr" => options.addr = value()?,
                "--workers" => options.workers = Some(number(&name, &value()?)?),
                "--hogs" => options.hogs = number(&name, &value()?)?,
                "--hog-ms" => options.hog_time = Duration::from_millis(number(&name, &value()?)?),
                "--help" | "-h" => {
                    print!("{USAGE}");
                    std::process::exit(0)
                }
                _ => return Err(format!("there is no option {name}")),
            }
        }
        Ok(options)
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{name} takes a number, not '{value}'"))
}
