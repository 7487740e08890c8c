//! The clients: each has a connection, asks, waits for the answer, and asks again.

use filch::net::TcpStream;
use filch::time::{Instant, sleep};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Who asks the light route.
const CLIENTS: usize = 4;

/// Asks for so long in all, half of it beside those who have the server compute.
pub(crate) async fn run(address: SocketAddr, time: Duration) -> io::Result<()> {
    let half = time / 2;
    let computing = std::thread::available_parallelism().map_or(2, usize::from);
    let alone = during(half, address, &[("/hello", CLIENTS)]).await?;
    let beside = during(
        half,
        address,
        &[("/hello", CLIENTS), ("/compute?ms=20", computing)],
    )
    .await?;
    let [alone, light, heavy] = [&alone[0], &beside[0], &beside[1]];
    println!("GET /hello alone                  {alone}");
    println!("GET /hello beside GET /compute    {light}");
    println!("GET /compute, 20 ms of processor  {heavy}");
    println!(
        "\nThough {computing} clients had the server compute all the time, 20 ms in one piece, half of the light answers \
         came within {:.2} ms and 99 of 100 within {:.2} ms.",
        light.part(50),
        light.part(99)
    );
    Ok(())
}

/// How long answers took, in order.
struct Report {
    times: Vec<Duration>,
    measured: Duration,
}

impl Report {
    /// In milliseconds: so many of a hundred were as quick.
    fn part(&self, hundredths: usize) -> f64 {
        let index = (self.times.len() * hundredths / 100).min(self.times.len().saturating_sub(1));
        self.times
            .get(index)
            .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.times.len() as f64 / self.measured.as_secs_f64();
        write!(
            f,
            "{rate:>8.0}/s   p50 {:>7.2} ms   p99 {:>7.2} ms",
            self.part(50),
            self.part(99)
        )
    }
}

/// So many clients for each path, for so long.
async fn during(
    time: Duration,
    address: SocketAddr,
    paths: &[(&'static str, usize)],
) -> io::Result<Vec<Report>> {
    let over = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    let mut groups = Vec::new();
    for &(path, count) in paths {
        let clients: Vec<_> = (0..count)
            .map(|_| filch::spawn(client(address, path, Arc::clone(&over))))
            .collect();
        groups.push(clients);
    }
    sleep(time).await;
    over.store(true, Relaxed);
    let measured = start.elapsed();
    let mut reports = Vec::new();
    for clients in groups {
        let mut times = Vec::new();
        for asked in filch::gather(clients).await? {
            times.extend(asked?);
        }
        times.sort_unstable();
        reports.push(Report { times, measured });
    }
    Ok(reports)
}

async fn client(
    address: SocketAddr,
    path: &str,
    over: Arc<AtomicBool>,
) -> io::Result<Vec<Duration>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let (mut times, mut buffer) = (Vec::new(), Vec::new());
    while !over.load(Relaxed) {
        let start = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        answer(&stream, &mut buffer).await?;
        times.push(start.elapsed());
    }
    Ok(times)
}

/// Reads one answer, which has to be a good one with a length.
async fn answer(stream: &TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    loop {
        if let Some(length) = whole(buffer)? {
            if buffer.len() >= length {
                return Ok(());
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// How long the answer is with its head, when that is there.
fn whole(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| {
        line.strip_prefix("content-length:")?
            .trim()
            .parse::<usize>()
            .ok()
    });
    match length {
        Some(length) if head.starts_with("http/1.1 200") => Ok(Some(end + 4 + length)),
        _ => Err(io::Error::other(format!("the server answered {head:?}"))),
    }
}
