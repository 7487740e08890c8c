//! The receiving end of [`crate::serve::Protocol::Ticks`]: one connection on which a server sends how late its ticks
//! were.

use std::io::{self, Read};
use std::net::TcpStream;

use super::spec::{Outcome, Window, histogram};
use super::wire::Target;
use crate::harness::clock::{self, Moment};

/// Takes what the server says for the window. `mark` is called where it begins and ends.
pub(super) fn run(target: &Target, window: Window, mark: &dyn Fn()) -> io::Result<Outcome> {
    let socket = target.connect(0)?;
    let mut stream = TcpStream::from(socket);
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(window.patience))?;
    let began = Moment::now();
    while began.elapsed() < window.warm_up {
        next(&mut stream)?;
    }
    let (mut latencies, mut ticks) = (histogram(), 0);
    let (start, cpu) = (Moment::now(), clock::thread_cpu());
    mark();
    while start.elapsed() < window.measured {
        latencies.saturating_record(next(&mut stream)?.max(1));
        ticks += 1;
    }
    let (elapsed, cpu) = (start.elapsed(), clock::thread_cpu() - cpu);
    mark();
    Ok(Outcome {
        requests: ticks,
        elapsed,
        latencies,
        begun_late: histogram(),
        overdue: 0,
        generator_cpu: cpu.as_secs_f64() / elapsed.as_secs_f64(),
    })
}

/// The next tick's lateness in nanoseconds, as [`crate::serve::encode`] wrote it.
fn next(stream: &mut TcpStream) -> io::Result<u64> {
    let mut bytes = [0; size_of::<u64>()];
    stream
        .read_exact(&mut bytes)
        .map_err(|error| io::Error::other(format!("no further tick: {error}")))?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;
    use crate::serve::encode;

    #[test]
    fn what_a_server_says_is_what_is_recorded() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target::Tcp(listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let late = encode(Duration::from_micros(250));
            while stream.write_all(&late).is_ok() {
                std::thread::sleep(Duration::from_micros(100));
            }
        });
        let window = Window {
            warm_up: Duration::from_millis(5),
            measured: Duration::from_millis(20),
            patience: Duration::from_secs(20),
        };
        let outcome = run(&target, window, &|| ()).unwrap();
        assert!(outcome.requests > 1);
        let median = outcome.latencies.value_at_quantile(0.5);
        assert!((249_000..=251_000).contains(&median), "{median}");
    }
}
