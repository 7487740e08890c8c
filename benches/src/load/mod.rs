//! The load generator: one thread, one epoll, the same for every server.
//!
//! Closed loop: each connection sends its next request when the last was answered. Open loop: requests are due at a
//! fixed rate whatever the server does, and a latency counts from the moment a request was due, so that a server that
//! stalls is charged for all that it made wait. Every byte that comes back is compared with what was sent.
//!
//! In reading order: [`spec`] says what is asked and answered, [`asked`] in bytes, [`wire`] opens sockets,
//! [`connection`] is one exchange after the other on one of them, [`drive`] is the loop; [`ticks`] is the other kind of
//! load, which only listens.

mod asked;
mod connection;
mod drive;
mod spec;
mod ticks;
mod wire;

use std::io;
use std::sync::mpsc;

pub(crate) use asked::PLAINTEXT;
pub(crate) use spec::{Load, Mode, Observed, Outcome, Window};
pub(crate) use wire::Target;

use crate::harness::clock::Moment;
use crate::sys::limits;
use crate::sys::priority;

/// Puts `load` on `target`. `read` reads the server's counters where the window begins and ends, on the calling thread:
/// the generator goes on meanwhile, so that what reading takes is in nobody's latency.
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

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
