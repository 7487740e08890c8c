//! A TCP proxy: whoever connects to one address is connected through to another.
//!
//! ```text
//! cargo run --example echo &
//! cargo run --example proxy -- --listen 127.0.0.1:7001 --to 127.0.0.1:7000
//! ```

use std::io;
use std::time::Duration;

use filch::io::copy_bidirectional;
use filch::net::{TcpListener, TcpStream};
use filch::time::{sleep, timeout};

const USAGE: &str = "\
A TCP proxy.

  --listen ADDR   where to listen (default 127.0.0.1:7001; port 0 lets the system choose)
  --to ADDR       where to pass connections on to, such as localhost:7000 (required)
";

/// How long the other server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(10);

#[filch::main]
async fn main() -> io::Result<()> {
    let options = Options::from_arguments().unwrap_or_else(|error| {
        eprintln!("proxy: {error}\n\n{USAGE}");
        std::process::exit(2)
    });
    let listener = TcpListener::bind(options.listen).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok((client, peer)) => {
                let to = options.to.clone();
                filch::spawn(async move {
                    if let Err(error) = pass_on(client, to).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                eprintln!("accept: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Connects a client through. Either side may end its half of the conversation before the other.
async fn pass_on(mut client: TcpStream, to: String) -> io::Result<()> {
    let mut server = timeout(PATIENCE, TcpStream::connect(to)).await??;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

struct Options {
    listen: String,
    to: String,
}

impl Options {
    fn from_arguments() -> Result<Options, String> {
        let (mut listen, mut to) = ("127.0.0.1:7001".to_owned(), None);
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--listen" => listen = value()?,
                "--to" => to = Some(value()?),
                "--help" | "-h" => {
                    print!("{USAGE}");
                    std::process::exit(0)
                }
                _ => return Err(format!("there is no option {name}")),
            }
        }
        let to = to.ok_or("say where to connect to, with --to ADDR")?;
        Ok(Options { listen, to })
    }
}
