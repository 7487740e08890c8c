//! The load generator: one thread, one epoll, the same for every server.
//!
//! Closed loop: each connection sends its next request when the last was answered. Open loop: requests are due at a
//! fixed rate whatever the server does, and a latency counts from the moment a request was due, so that a server that
//! stalls is charged for all that it made wait. Every byte that comes back is compared with what was sent.
//!
//! In reading order: [`wire`] opens sockets, [`connection`] is one exchange after the other on one of them, [`drive`] is
//! the loop; [`ticks`] is the other kind of load, which only listens.

mod connection;
mod drive;
mod ticks;
mod wire;

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use hdrhistogram::Histogram;

pub(crate) use wire::Target;

use crate::harness::clock::Moment;
use crate::sys::limits;
use crate::sys::priority;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Connections, or sockets, at a time.
    pub(crate) connections: usize,
    /// Bytes per request, and per answer.
    pub(crate) bytes: usize,
    /// When.
    pub(crate) mode: Mode,
}

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Each connection sends its next request after the last answer.
    Closed,
    /// At a fixed rate over all connections.
    Open {
        /// Requests per second.
        rate: u32,
    },
    /// As closed, but each request has a connection of its own, and the latency includes connecting.
    Connect,
    /// One request per connection, then nothing.
    Idle,
    /// None: one connection hears how late the server's ticks are, and those are the latencies.
    Ticks,
}

/// How long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Before anything is counted.
    pub(crate) warm_up: Duration,
    /// While it is.
    pub(crate) measured: Duration,
    /// How much longer it may take until there is anything to count: then the window ends with the first answer.
    pub(crate) patience: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Requests answered within the window.
    pub(crate) requests: u64,
    /// The window's real length.
    pub(crate) elapsed: Duration,
    /// Their latencies in nanoseconds; in an open loop also the age of those that were due and had no answer at the end.
    pub(crate) latencies: Histogram<u64>,
    /// In an open loop: how much later than due the generator itself sent, in nanoseconds, where no request was before it on
    /// its connection. What its own waiting adds to the latencies.
    pub(crate) begun_late: Histogram<u64>,
    /// Datagrams without an answer for a tenth of a second at the end: lost, or the server (or the machine) stood still.
    pub(crate) overdue: u64,
    /// The share of a CPU that the generator itself used: near 1, it is what was measured.
    pub(crate) generator_cpu: f64,
}

/// What was read of the server where the window began and where it ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observed<T> {
    /// At the beginning.
    pub(crate) before: T,
    /// At the end.
    pub(crate) after: T,
    /// The time between the two readings.
    pub(crate) over: Duration,
}

/// Puts `load` on `target`. `read` reads the server's counters where the window begins and ends, on the calling thread: the
/// generator goes on meanwhile, so that what reading takes is in nobody's latency.
///
/// # Errors
/// When a connection fails or breaks, an answer differs from its request, or nothing is answered at all.
pub(crate) fn run<T>(
    target: &Target,
    load: Load,
    window: Window,
    pin: bool,
    read: impl Fn() -> io::Result<T>,
) -> io::Result<(Outcome, Observed<T>)> {
    let target = target.clone();
    let (marker, marks) = mpsc::channel();
    // A thread of its own, so that its priority and CPU end with it.
    let generator = std::thread::Builder::new()
        .name("load".to_owned())
        .spawn(move || {
            let mark = || {
                // Nobody listens any more if the reader failed; it says so itself.
                let _ = marker.send(());
            };
            generate(&target, load, window, pin, &mark)
        })?;
    // Ends with the generator, whose end of the channel goes with it.
    let readings: io::Result<Vec<(Moment, T)>> = marks
        .iter()
        .map(|()| Ok((Moment::now(), read()?)))
        .collect();
    let outcome = generator
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the load generator panicked")))?;
    let mut readings = readings?.into_iter();
    let (Some((began, before)), Some((ended, after))) = (readings.next(), readings.next()) else {
        return Err(io::Error::other("the window has no beginning or no end"));
    };
    let over = ended.since(began);
    Ok((
        outcome,
        Observed {
            before,
            after,
            over,
        },
    ))
}

/// The generator's thread.
fn generate(
    target: &Target,
    load: Load,
    window: Window,
    pin: bool,
    mark: &dyn Fn(),
) -> io::Result<Outcome> {
    if pin {
        limits::pin(&limits::split_cpus()?.1)?;
    }
    // What this gets stands at the head of the report.
    priority::raise();
    let outcome = match load.mode {
        Mode::Ticks => ticks::run(target, window, mark)?,
        _ => drive::Driver::new(target, load)?.run(window, mark)?,
    };
    if outcome.requests == 0 {
        return Err(io::Error::other(format!(
            "no request was answered within {:?}",
            window.measured + window.patience
        )));
    }
    Ok(outcome)
}

/// Opens idle connections, each after one exchange, and calls `then` while they stay open.
///
/// # Errors
/// As [`run`].
pub(crate) fn hold_idle<T>(target: &Target, load: Load, then: impl FnOnce() -> T) -> io::Result<T> {
    let mut driver = drive::Driver::new(target, load)?;
    driver.exchange_once()?;
    Ok(then())
}

/// An empty histogram from 1 ns to a minute with three digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are valid")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    const WINDOW: Window = Window {
        warm_up: Duration::from_millis(5),
        measured: Duration::from_millis(60),
        patience: Duration::from_secs(20),
    };

    /// A thread-per-connection server that answers with what `answer` makes of a request.
    fn server(answer: fn(&mut [u8])) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut buffer) {
                        answer(&mut buffer[..length]);
                        if stream.write_all(&buffer[..length]).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Target::Tcp(address)
    }

    fn load(mode: Mode, bytes: usize) -> Load {
        Load {
            connections: 3,
            bytes,
            mode,
        }
    }

    fn measure(target: &Target, load: Load) -> io::Result<Outcome> {
        run(target, load, WINDOW, false, || Ok(())).map(|(outcome, _)| outcome)
    }

    #[test]
    fn a_closed_loop_counts_each_answer_once() {
        let outcome = measure(&server(|_| {}), load(Mode::Closed, 64)).unwrap();
        assert!(outcome.requests > 0);
        assert_eq!(outcome.requests, outcome.latencies.len());
        assert!(outcome.elapsed >= WINDOW.measured);
    }

    #[test]
    fn the_server_is_read_at_both_ends_of_the_window() {
        let reads = std::cell::Cell::new(0);
        let read = || {
            reads.set(reads.get() + 1);
            Ok(reads.get())
        };
        let load = load(Mode::Closed, 64);
        let (outcome, observed) = run(&server(|_| {}), load, WINDOW, false, read).unwrap();
        assert_eq!((observed.before, observed.after), (1, 2));
        // The reader may be late, on a busy machine by much; but it reads once the window is over.
        assert!(observed.over > Duration::ZERO && outcome.elapsed >= WINDOW.measured);
    }

    #[test]
    fn a_reading_that_fails_is_an_error() {
        let read = || Err::<(), _>(io::Error::other("no such process"));
        let load = load(Mode::Closed, 64);
        let error = run(&server(|_| {}), load, WINDOW, false, read).unwrap_err();
        assert!(error.to_string().contains("no such process"), "{error}");
    }

    #[test]
    fn requests_larger_than_the_sockets_buffers_come_back_whole() {
        let outcome = measure(&server(|_| {}), load(Mode::Closed, 8 << 20)).unwrap();
        assert!(outcome.requests > 0);
    }

    #[test]
    fn each_request_can_have_its_own_connection() {
        assert!(
            measure(&server(|_| {}), load(Mode::Connect, 64))
                .unwrap()
                .requests
                > 0
        );
    }

    #[test]
    fn an_open_loop_charges_the_server_for_what_it_made_wait() {
        // The server needs 30 ms for each of the requests that are due every millisecond.
        let slow = server(|_| thread::sleep(Duration::from_millis(30)));
        let outcome = measure(&slow, load(Mode::Open { rate: 1000 }, 64)).unwrap();
        assert!(
            outcome.latencies.len() > outcome.requests,
            "those still waiting count too"
        );
        assert!(outcome.latencies.max() >= 30_000_000);
    }

    #[test]
    fn an_answer_that_differs_is_an_error() {
        let wrong = server(|answer| answer[0] ^= 1);
        let error = measure(&wrong, load(Mode::Closed, 64)).unwrap_err();
        assert!(error.to_string().contains("differs"), "{error}");
    }

    #[test]
    fn a_server_that_never_answers_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target::Tcp(listener.local_addr().unwrap());
        let window = Window {
            patience: Duration::from_millis(1),
            ..WINDOW
        };
        let error = run(&target, load(Mode::Closed, 64), window, false, || Ok(())).unwrap_err();
        assert!(
            error.to_string().contains("no request was answered"),
            "{error}"
        );
    }
}
