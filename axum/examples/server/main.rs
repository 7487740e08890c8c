//! A web server: routes, JSON, server-sent events, a WebSocket, files, probes, metrics, an access log, a polite end;
//! and beside the light routes one that computes.
//!
//! ```text
//! cargo run --release -p filch-axum --example server              measures itself for ten seconds, and ends
//! cargo run --release -p filch-axum --example server -- --serve   serves until SIGTERM or Ctrl-C
//! ```
//!
//! `app` has the routes, `log` the access log and the metrics, `load` the clients, which are a second process. Two
//! features add what takes longer to compile: `example-thumbnails` a route that makes pictures smaller, in
//! `thumbnails`, and `example-spans` a span of `tracing` around each request, in `spans`.

mod app;
mod load;
mod log;
#[cfg(feature = "example-spans")]
mod spans;
#[cfg(feature = "example-thumbnails")]
mod thumbnails;

use filch::net::TcpListener;
use filch_axum::serve;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

/// Where it listens, unless somebody else does.
const USUAL: &str = "127.0.0.1:8000";

/// For so long it serves on after the signal, and says that it is not ready: whoever balances load sends the next
/// requests to somebody else before this one accepts no more.
const NOTICE: Duration = Duration::from_millis(500);

/// How long what is going on may go on after that.
const DEADLINE: Duration = Duration::from_secs(10);

/// What the command line says.
enum Task {
    Serve,
    /// Measure for so long in all.
    Show(Duration),
    /// Be the clients of such a server.
    Load(SocketAddr, Duration),
}

fn main() -> ExitCode {
    let task = match task(std::env::args().skip(1)) {
        Ok(task) => task,
        Err(what) => {
            eprintln!("{what}\nusage: server [--serve | --seconds N]");
            return ExitCode::from(2);
        }
    };
    let done = filch::run(async move {
        match task {
            Task::Serve => keep_up().await,
            Task::Show(time) => show(time).await,
            Task::Load(address, time) => load::run(address, time).await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn task(mut arguments: impl Iterator<Item = String>) -> Result<Task, String> {
    let seconds = |text: Option<String>| {
        let seconds = text.and_then(|text| text.parse::<f64>().ok());
        let valid = seconds.filter(|seconds| (0.1..=3600.0).contains(seconds));
        valid
            .map(Duration::from_secs_f64)
            .ok_or("a number of seconds is missing".to_owned())
    };
    match arguments.next().as_deref() {
        None => Ok(Task::Show(Duration::from_secs(10))),
        Some("--serve") => Ok(Task::Serve),
        Some("--seconds") => Ok(Task::Show(seconds(arguments.next())?)),
        Some("--load") => {
            let address = arguments.next().and_then(|address| address.parse().ok());
            Ok(Task::Load(
                address.ok_or("an address is missing")?,
                seconds(arguments.next())?,
            ))
        }
        Some(other) => Err(format!("there is no option {other}")),
    }
}

/// A port that somebody has is no reason to give up.
async fn listen() -> io::Result<TcpListener> {
    match TcpListener::bind(USUAL).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind("127.0.0.1:0").await
        }
        bound => bound,
    }
}

/// Serves until it is told to stop.
async fn keep_up() -> io::Result<()> {
    #[cfg(feature = "example-spans")]
    spans::print();
    let listener = listen().await?;
    let state = app::State::new(true);
    println!("serving on http://{}", listener.local_addr()?);
    let stop = stop(state.clone());
    let served = serve(listener, app::router(state.clone()))
        .limits(app::limits())
        .on_request(move |done| state.log.add(done))
        .with_graceful_shutdown(stop)
        .deadline(DEADLINE)
        .report()
        .await?;
    println!(
        "{} requests answered, {} cut off, {} connections",
        served.finished, served.cancelled, served.connections
    );
    Ok(())
}

/// Waits for a signal, and says from then on that it is not ready.
async fn stop(state: app::State) {
    filch::race!(
        told_by(filch::signal::terminate()),
        told_by(filch::signal::ctrl_c())
    );
    state.stop();
    eprintln!("stopping");
    filch::time::sleep(NOTICE).await;
}

async fn told_by(signal: impl Future<Output = io::Result<()>>) {
    if signal.await.is_err() {
        // Signals cannot be waited for here: somebody else will end it.
        std::future::pending::<()>().await;
    }
}

/// Serves, and has a second process ask.
async fn show(time: Duration) -> io::Result<()> {
    let listener = listen().await?;
    let address = listener.local_addr()?;
    println!("serving on http://{address}, and asking for {time:?} from a second process\n");
    let stop = filch::CancelToken::new();
    let stopped = stop.clone();
    let state = app::State::new(false);
    let server = serve(listener, app::router(state.clone())).limits(app::limits());
    let server = server.on_request(move |done| state.log.add(done));
    let server = server.with_graceful_shutdown(async move { stopped.cancelled().await });
    let server = filch::spawn(server.into_future());
    let mut clients = filch::process::Command::new(std::env::current_exe()?);
    let seconds = time.as_secs_f64().to_string();
    let ended = clients
        .args(["--load", &address.to_string(), &seconds])
        .status()
        .await?;
    stop.cancel();
    server.await.map_err(io::Error::other)??;
    match ended.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("the clients failed: {ended}"))),
    }
}
