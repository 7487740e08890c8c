//! What this machine's filch does: an echo server under load, alone, beside tasks that compute, and
//! beside tasks that block.
//!
//! ```text
//! cargo run --release --example server-demo
//! ```
//!
//! The clients have a runtime of their own, as if they were another process. Each
//! client sends a message, waits until it is back, and sends the next. Ends by itself after some
//! seven seconds.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use filch::net::{TcpListener, TcpStream};
use filch::time::Instant;
use filch::{JoinHandle, Runtime, gather, task};

const CLIENTS: usize = 32;
const MESSAGE: usize = 64;
const WARM_UP: Duration = Duration::from_millis(200);
const MEASURED: Duration = Duration::from_millis(1500);
/// How long a task holds its worker at a time.
const HELD: Duration = Duration::from_millis(20);

fn main() -> io::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = cores.max(2);
    let server = Runtime::builder()
        .workers(workers)
        .thread_name("server")
        .build()?;
    let clients = Runtime::builder()
        .workers(1)
        .thread_name("clients")
        .build()?;
    println!(
        "an echo server of {workers} workers on {cores} CPUs, {CLIENTS} clients, {MESSAGE} bytes a message\n"
    );

    let listener = server.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let addr = listener.local_addr()?;
    server.spawn(serve(listener));
    let row = |label: &str, hogs: Vec<JoinHandle<()>>| {
        let report = clients.run(load(addr))?;
        println!("{label:<26}{report}");
        hogs.iter().for_each(JoinHandle::abort);
        io::Result::Ok(())
    };

    row("alone", Vec::new())?;
    let (computed, blocked) = (Counter::default(), Counter::default());
    row("beside a task", hogs(&server, 1, || compute(&computed)))?;
    row(
        "beside tasks that compute",
        hogs(&server, workers, || compute(&computed)),
    )?;
    row(
        "beside tasks that block",
        hogs(&server, workers, || block(&blocked)),
    )?;

    println!(
        "\nThe single task computes. Of the others there are {workers}, one for every worker. Together \
         they computed {} times and blocked {} times, for {HELD:?} at a stretch.",
        computed.load(Relaxed),
        blocked.load(Relaxed),
    );
    let metrics = server.metrics();
    println!(
        "{} tasks were left to others because they waited behind such a poll. Where slow polls came from:",
        metrics.rescues
    );
    for site in &metrics.slow_sites {
        println!(
            "  {}: {} polls, {} of them blocked, the longest {:.1} ms",
            site.spawned_at,
            site.polls,
            site.blocked,
            site.longest.as_secs_f64() * 1e3
        );
    }
    Ok(())
}

type Counter = Arc<AtomicU32>;

/// So many tasks that each hold a worker. They count as spawned where this is called.
#[track_caller]
fn hogs<F>(server: &Runtime, count: usize, hog: impl Fn() -> F) -> Vec<JoinHandle<()>>
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut tasks = Vec::with_capacity(count);
    for _ in 0..count {
        tasks.push(server.spawn(hog()));
    }
    tasks
}

/// A task that never waits: between two long polls it only lets others run.
fn compute(turns: &Counter) -> impl Future<Output = ()> + Send + 'static {
    hold(Arc::clone(turns), || {
        let start = Instant::now();
        while start.elapsed() < HELD {
            std::hint::spin_loop();
        }
    })
}

/// The same with a call that blocks, such as one to a database or a file system. It is not marked as such:
/// `filch::blocking` would do that.
fn block(turns: &Counter) -> impl Future<Output = ()> + Send + 'static {
    hold(Arc::clone(turns), || std::thread::sleep(HELD))
}

async fn hold(turns: Counter, step: fn()) {
    loop {
        step();
        turns.fetch_add(1, Relaxed);
        task::yield_now().await;
    }
}

async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        filch::spawn(echo(stream));
    }
}

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

/// All clients at once; what they saw together.
async fn load(addr: SocketAddr) -> io::Result<Report> {
    let start = Instant::now() + WARM_UP;
    let times = gather((0..CLIENTS).map(|_| client(addr, start))).await?;
    let mut times = times.concat();
    times.sort_unstable();
    Ok(Report { times })
}

/// One client: the round trip times from `start` on.
async fn client(addr: SocketAddr, start: Instant) -> io::Result<Vec<Duration>> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let (sent, mut received) = ([7; MESSAGE], [0; MESSAGE]);
    let mut times = Vec::new();
    loop {
        let before = Instant::now();
        stream.write_all(&sent).await?;
        stream.read_exact(&mut received).await?;
        let after = Instant::now();
        if after >= start + MEASURED {
            return Ok(times);
        }
        if before >= start {
            times.push(after - before);
        }
    }
}

/// Round trip times, the shortest first.
struct Report {
    times: Vec<Duration>,
}

impl Report {
    /// The time that this share of all requests stayed within, in milliseconds.
    fn percentile(&self, share: f64) -> f64 {
        let at = (self.times.len() as f64 * share) as usize;
        let time = self.times.get(at.min(self.times.len().saturating_sub(1)));
        time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rate = self.times.len() as f64 / MEASURED.as_secs_f64();
        write!(f, "{rate:>8.0} requests/s")?;
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
            write!(f, "   {name} {:.3} ms", self.percentile(share))?;
        }
        Ok(())
    }
}
