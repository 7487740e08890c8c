//! A site with what a crawler meets.
//!
//! Page n links to 2n, 2n + 1 and back to 1. Of the pages that are there, every fifth is busy twice, every seventh ends
//! in the middle once, and page 3 does not answer at first. Page 2 links to `/broken` too, and page 1 to `/nowhere`.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use filch::AbortOnDrop;
use filch::io::{AsyncReadExt, BufReader, ReadLimitExt};
use filch::net::{TcpListener, TcpStream};
use filch::time::sleep;

/// A site that is open until it is dropped.
pub(crate) struct Site {
    pub(crate) addr: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _accepting: AbortOnDrop<io::Result<()>>,
}

/// What the site has seen.
#[derive(Default)]
struct Seen {
    now: usize,
    most: usize,
    asked: HashMap<String, u32>,
}

impl Site {
    /// How many pages were asked for at a time, at most.
    pub(crate) fn most_at_a_time(&self) -> usize {
        self.seen.lock().expect("nobody panics with it").most
    }
}

/// Opens a site of so many pages on a port of its own.
pub(crate) async fn open(pages: u32) -> io::Result<Site> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let seen = Arc::default();
    let accepting = filch::spawn(accept(listener, pages, Arc::clone(&seen)));
    Ok(Site {
        addr,
        seen,
        _accepting: AbortOnDrop(accepting),
    })
}

async fn accept(listener: TcpListener, pages: u32, seen: Arc<Mutex<Seen>>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let seen = seen.clone();
        filch::spawn(async move {
            // A client that has gone away is no matter of the site's.
            let _ = answer(stream, pages, &seen).await;
        });
    }
}

/// One page is being asked for, until this is dropped.
struct Asked<'a>(&'a Mutex<Seen>);

impl<'a> Asked<'a> {
    /// And how often this one was before.
    fn new(seen: &'a Mutex<Seen>, path: &str) -> (Asked<'a>, u32) {
        let mut now = seen.lock().expect("nobody panics with it");
        now.now += 1;
        now.most = now.most.max(now.now);
        let asked = now.asked.entry(path.to_owned()).or_default();
        *asked += 1;
        (Asked(seen), *asked - 1)
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.lock().expect("nobody panics with it").now -= 1;
    }
}

async fn answer(stream: TcpStream, pages: u32, seen: &Mutex<Seen>) -> io::Result<()> {
    let path = asked_for(&stream).await?;
    let (asked, before) = Asked::new(seen, &path);
    let number: u32 = path.trim_start_matches('/').parse().unwrap_or(0);
    let answer = match number {
        _ if path == "/broken" => status("500 Internal Server Error"),
        0 => status("404 Not Found"),
        _ if number > pages => status("404 Not Found"),
        3 if before == 0 => return no_answer(stream).await,
        _ if number % 5 == 0 && before < 2 => status("503 Service Unavailable"),
        _ => page(number, pages),
    };
    // A page takes a while to make.
    sleep(Duration::from_millis(2)).await;
    // The client may ask for another page as soon as it has this one.
    drop(asked);
    let is_cut = number % 7 == 0 && before == 0;
    let length = if is_cut {
        answer.len() - 1
    } else {
        answer.len()
    };
    stream.write_all(&answer.as_bytes()[..length]).await
}

/// Waits until the client has had enough of it.
async fn no_answer(mut stream: TcpStream) -> io::Result<()> {
    AsyncReadExt::read(&mut stream, &mut [0]).await.map(drop)
}

/// The path of a request, which is read to its end.
async fn asked_for(stream: &TcpStream) -> io::Result<String> {
    let mut request = BufReader::new(stream);
    let mut path = None;
    loop {
        let mut line = String::new();
        if request.read_line_limit(&mut line, 8192).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim_end().is_empty() {
            return path.ok_or_else(|| io::Error::other("that is no request"));
        }
        path = path.or(line.split(' ').nth(1).map(str::to_owned));
    }
}

fn status(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
}

fn page(number: u32, pages: u32) -> String {
    let below = [2 * number, 2 * number + 1];
    let mut links: Vec<String> = below
        .iter()
        .filter(|&&number| number <= pages)
        .map(|number| format!("/{number}"))
        .collect();
    links.push("/1".to_owned());
    match number {
        1 => links.push("/nowhere".to_owned()),
        2 => links.push("/broken".to_owned()),
        _ => {}
    }
    let body = links.join("\n");
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
