//! A TCP server that ends politely: each line is answered with its length.
//!
//! ```text
//! cargo run --example graceful
//! nc 127.0.0.1 7003
//! ```
//!
//! On Ctrl-C or SIGTERM it accepts nobody any more, and answers what has come. Who is idle is told, and has to go. Who
//! is still busy after the grace time is cut off. A second signal ends it at once.

use std::io;
use std::time::Duration;

use filch::CancelToken;
use filch::io::{BufReader, ReadLimitExt};
use filch::net::{TcpListener, TcpStream, serve};
use filch::signal::{ctrl_c, terminate};
use filch::time::sleep;

const USAGE: &str = "\
A server that answers each line with its length, and ends politely.

  --addr ADDR   where to listen (default 127.0.0.1:7003; port 0 lets the system choose)
  --grace SECS  how long connections may take to end (default 10)
  --limit N     so many connections at a time (default 1000)

The line `sleep MS` is answered after so many milliseconds.
";

#[filch::main]
async fn main() -> io::Result<()> {
    let options = Options::from_arguments().unwrap_or_else(|error| {
        eprintln!("graceful: {error}\n\n{USAGE}");
        std::process::exit(2)
    });
    let listener = TcpListener::bind(options.addr).await?;
    println!("listening on {}", listener.local_addr()?);
    let stop = CancelToken::new();
    filch::spawn(cancel_when_asked(stop.clone()));
    let handlers = stop.clone();
    let served = serve(listener, move |stream, _| answer(stream, handlers.clone()))
        .limit(options.limit)
        .graceful(stop, options.grace)
        .await?;
    println!(
        "{} connections: {} ended, {} failed, {} cut off",
        served.accepted, served.finished, served.failed, served.cancelled
    );
    Ok(())
}

async fn cancel_when_asked(stop: CancelToken) -> io::Result<()> {
    filch::select! {
        outcome = ctrl_c() => outcome?,
        outcome = terminate() => outcome?,
    }
    println!("ending");
    stop.cancel_because("the process was asked to end");
    Ok(())
}

/// One client. A line that has come is answered, whatever happens meanwhile.
async fn answer(stream: TcpStream, stop: CancelToken) -> io::Result<()> {
    let mut lines = BufReader::new(&stream);
    loop {
        let mut line = String::new();
        let Ok(count) = stop.run(lines.read_line_limit(&mut line, 1024)).await else {
            return stream.write_all(b"goodbye\n").await;
        };
        if count? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        if let Some(ms) = line.strip_prefix("sleep ").and_then(|ms| ms.parse().ok()) {
            stream.write_all(b"sleeping\n").await?;
            sleep(Duration::from_millis(ms)).await;
        }
        let answer = format!("{}\n", line.len());
        stream.write_all(answer.as_bytes()).await?;
    }
}

struct Options {
    addr: String,
    grace: Duration,
    limit: usize,
}

impl Options {
    fn from_arguments() -> Result<Options, String> {
        let mut options = Options {
            addr: "127.0.0.1:7003".to_owned(),
            grace: Duration::from_secs(10),
            limit: 1000,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--addr" => options.addr = value()?,
                "--grace" => options.grace = Duration::from_secs(number(&name, &value()?)?),
                "--limit" => options.limit = number(&name, &value()?)?,
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

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{name} takes a number, not '{text}'"))
}
