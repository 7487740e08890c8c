//! A crawler: every page of a site once, so many at a time, with retries. The site is a server of its own.
//!
//! ```text
//! cargo run --example crawler -- --pages 100 --limit 8
//! ```
//!
//! The site has what a crawler meets: pages that link in circles, some that are busy at first, some that end in the
//! middle, one that never answers at first, one that is broken, and a link to nowhere.
//!
//! How it holds together: a group that has room for so many pages at a time. Its body alone knows which pages were
//! seen; the pages send it what they link to. When nothing is under way any more, it returns.

mod site;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use filch::io::{AsyncReadExt, BufReader, ReadLimitExt};
use filch::net::TcpStream;
use filch::sync::mpsc;
use filch::time::{FutureExt, sleep};
use filch::{GroupError, TaskGroup};

const USAGE: &str = "\
A crawler, with a site of its own.

  --pages N      pages of the site (default 60)
  --limit N      pages at a time (default 8)
  --retries N    how often a page is asked for again (default 8)
  --patience MS  how long a page may take (default 1000)
";

/// The longest line of a head, and the longest page.
const MOST: usize = 64 * 1024;
/// The pause before the first retry; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(5);

#[filch::main]
async fn main() -> io::Result<()> {
    let options = Options::from_arguments().unwrap_or_else(|error| {
        eprintln!("crawler: {error}\n\n{USAGE}");
        std::process::exit(2)
    });
    let site = site::open(options.pages).await?;
    let report = match crawl(site.addr, options).await {
        Ok(report) => report,
        Err(error) => return Err(io::Error::other(error.to_string())),
    };
    print!("{report}");
    println!("the site saw at most {} at a time", site.most_at_a_time());
    Ok(())
}

#[derive(Clone, Copy)]
struct Options {
    pages: u32,
    limit: usize,
    retries: u32,
    patience: Duration,
}

impl Options {
    fn from_arguments() -> Result<Options, String> {
        let mut options = Options {
            pages: 60,
            limit: 8,
            retries: 8,
            patience: Duration::from_millis(1000),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(format!("{name} wants a value"))?;
            let number: u32 = value
                .parse()
                .map_err(|_| format!("{value:?} is no number"))?;
            match name.as_str() {
                "--pages" => options.pages = number,
                "--limit" if number > 0 => options.limit = number as usize,
                "--retries" => options.retries = number,
                "--patience" => options.patience = Duration::from_millis(number.into()),
                _ => return Err(format!("{name} {value} makes no sense")),
            }
        }
        Ok(options)
    }
}

/// What was found.
#[derive(Default)]
struct Report {
    pages: usize,
    links: usize,
    retries: u32,
    gave_up: BTreeSet<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} pages, {} links, {} retries",
            self.pages, self.links, self.retries
        )?;
        self.gave_up
            .iter()
            .try_for_each(|page| writeln!(f, "gave up on {page}"))
    }
}

/// What became of one page.
struct Visited {
    path: String,
    retries: u32,
    links: Result<Vec<String>, Failure>,
}

/// Everything that can be reached from `/1`.
async fn crawl(site: SocketAddr, options: Options) -> Result<Report, GroupError<io::Error>> {
    TaskGroup::limit(options.limit)
        .run(async |group| {
            let (sender, visited) = mpsc::unbounded_channel();
            let mut report = Report::default();
            let mut found = vec!["/1".to_owned()];
            let mut seen: BTreeSet<String> = found.iter().cloned().collect();
            let mut under_way = 0;
            loop {
                // Waits while the group is full; what becomes of the pages waits in the channel meanwhile.
                for path in found.drain(..) {
                    let sender = sender.clone();
                    let page = async move {
                        // The body is there as long as a page is under way.
                        let _ = sender.send(visit(site, path, options).await);
                        Ok(())
                    };
                    group.spawn(page).await;
                    under_way += 1;
                }
                if under_way == 0 {
                    return Ok(report);
                }
                let page = visited.recv().await.expect("this body has a sender");
                under_way -= 1;
                let links = report.add(page);
                found.extend(links.into_iter().filter(|link| seen.insert(link.clone())));
            }
        })
        .await
}

impl Report {
    /// Counts a page, and gives its links.
    fn add(&mut self, page: Visited) -> Vec<String> {
        self.retries += page.retries;
        match page.links {
            Ok(links) => {
                self.pages += 1;
                self.links += links.len();
                links
            }
            Err(failure) => {
                self.gave_up.insert(format!("{}: {failure}", page.path));
                Vec::new()
            }
        }
    }
}

/// Asks for a page until it comes, or there is no hope.
async fn visit(site: SocketAddr, path: String, options: Options) -> Visited {
    let mut pause = PAUSE;
    let mut retries = 0;
    let links = loop {
        let failure = match get(site, &path).timeout(options.patience).await {
            Ok(Ok(links)) => break Ok(links),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Late,
        };
        if failure.is_final() || retries == options.retries {
            break Err(failure);
        }
        retries += 1;
        sleep(pause).await;
        pause *= 2;
    };
    Visited {
        path,
        retries,
        links,
    }
}

/// Why there is no page.
enum Failure {
    Late,
    Io(io::Error),
    Status(u16),
}

impl Failure {
    /// Whether it will be no better next time.
    fn is_final(&self) -> bool {
        matches!(self, Failure::Status(400..=499))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Io(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Late => f.write_str("no answer in time"),
            Failure::Io(error) => write!(f, "{error}"),
            Failure::Status(status) => write!(f, "status {status}"),
        }
    }
}

/// The links of a page: its body has one a line.
async fn get(site: SocketAddr, path: &str) -> Result<Vec<String>, Failure> {
    let stream = TcpStream::connect(site).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {site}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = BufReader::new(&stream);
    let (status, length) = head(&mut answer).await?;
    if status != 200 {
        return Err(Failure::Status(status));
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).await?;
    let text = String::from_utf8(body).map_err(io::Error::other)?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The status of an answer, and how long its body is.
async fn head(answer: &mut BufReader<&TcpStream>) -> io::Result<(u16, usize)> {
    let (mut status, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if answer.read_line_limit(&mut line, MOST).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(said) = line.strip_prefix("HTTP/1.1 ") {
            status = said.get(..3).and_then(|code| code.parse().ok());
        } else if let Some(said) = line.strip_prefix("Content-Length: ") {
            length = said.parse().map_err(io::Error::other)?;
        }
    }
    match status {
        Some(status) if length <= MOST => Ok((status, length)),
        _ => Err(io::Error::other("that is no answer")),
    }
}
