//! One run of a server row: a server process, the load generator, the figures of both.

use std::time::Duration;

use super::process::ServerProcess;
use super::sample::Sample;
use super::syscalls;
use crate::cli::{Error, RunOptions};
use crate::load::{self, Load, Mode, Outcome, Window};
use crate::rows::Figure;
use crate::runtimes::Peer;
use crate::runtimes::peer::Found;
use crate::serve::{Hog, Server};
use crate::sys::counters;

/// Starts `peer`'s server, puts the load on it and returns the row's figure with all that stands beside it.
///
/// # Errors
/// When the server fails, or an answer is wrong.
pub(crate) fn measure(
    peer: Peer,
    found: &Found,
    (server, load, figure): (Server, Load, Figure),
    options: &RunOptions,
) -> Result<Sample, Error> {
    let load = if options.smoke {
        Load {
            connections: load.connections.min(50),
            ..load
        }
    } else {
        load
    };
    let process = ServerProcess::start(peer, found, server, options.workers, options.pin)?;
    if figure == Figure::Memory {
        return memory(&process, load);
    }
    let pid = process.pid();
    let window = window(server, options);
    let outcome = load::run(&process.target, load, window, options.pin, move || {
        counters::of(pid)
    })?;
    let sample = describe(&outcome, figure).with(
        "peak MiB",
        counters::peak_memory(&pid.to_string()) / f64::from(1 << 20),
    );
    Ok(if outcome.overdue > 0 {
        sample.with("overdue", outcome.overdue as f64)
    } else {
        sample
    })
}

/// System calls per request, counted in a run of its own; `None` if they cannot be counted here.
///
/// # Errors
/// As [`measure`].
pub(crate) fn count_syscalls(
    peer: Peer,
    found: &Found,
    (server, load): (Server, Load),
    options: &RunOptions,
) -> Result<Option<f64>, Error> {
    if load.mode == Mode::Idle {
        return Ok(None);
    }
    let process = ServerProcess::start(peer, found, server, options.workers, options.pin)?;
    let mut window = window(server, options);
    let Some(counter) = syscalls::Counter::attach(process.pid())? else {
        return Ok(None);
    };
    // Warm-up would be counted with no requests to show for it.
    window.warm_up = Duration::ZERO;
    let outcome = load::run(&process.target, load, window, options.pin, || {
        Ok(counters::Usage::default())
    })?;
    Ok(Some(counter.finish()? / outcome.requests as f64))
}

fn window(server: Server, options: &RunOptions) -> Window {
    // Beside tasks that hold every worker, some servers answer a request in the time that others answer thousands.
    let held = server.hog != Hog::None;
    let measured = match (options.smoke, held) {
        (true, false) => Duration::from_millis(100),
        (true, true) => Duration::from_millis(500),
        (false, false) => options.time * 10,
        (false, true) => options.time * 20,
    };
    Window {
        warm_up: measured / 4,
        measured,
        patience: Duration::from_secs(20),
    }
}

fn describe(outcome: &Outcome, figure: Figure) -> Sample {
    let rate = outcome.requests as f64 / outcome.elapsed.as_secs_f64();
    let micros = |quantile| outcome.latencies.value_at_quantile(quantile) as f64 / 1000.0;
    let per_request = |counter: f64| counter / outcome.requests as f64;
    let value = if figure == Figure::P99 {
        micros(0.99)
    } else {
        rate
    };
    Sample::new(value)
        .with("requests/s", rate)
        .with("p50 µs", micros(0.5))
        .with("p99 µs", micros(0.99))
        .with("p99.9 µs", micros(0.999))
        .with("max µs", outcome.latencies.max() as f64 / 1000.0)
        .with("ctx/op", per_request(outcome.usage.switches))
        .with("cpu ns/op", per_request(outcome.usage.cpu_ns))
        .with("load cpu %", outcome.generator_cpu * 100.0)
}

fn memory(process: &ServerProcess, load: Load) -> Result<Sample, Error> {
    let pid = process.pid().to_string();
    let resident = || counters::resident(&pid);
    // A first few connections pay for what is allocated once.
    load::hold_idle(
        &process.target,
        Load {
            connections: 10,
            ..load
        },
        || (),
    )?;
    let before = resident();
    let after = load::hold_idle(&process.target, load, resident)?;
    Ok(Sample::new((after - before) / load.connections as f64)
        .with("peak MiB", counters::peak_memory(&pid) / f64::from(1 << 20)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::counters::Usage;

    fn outcome() -> Outcome {
        let mut latencies = hdrhistogram::Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        for micros in 1..=1000_u64 {
            latencies.record(micros * 1000).unwrap();
        }
        Outcome {
            requests: 1000,
            elapsed: Duration::from_millis(500),
            latencies,
            overdue: 0,
            usage: Usage {
                cpu_ns: 2e6,
                switches: 500.0,
            },
            generator_cpu: 0.5,
        }
    }

    #[test]
    fn percentiles_are_in_microseconds_and_counters_per_request() {
        let sample = describe(&outcome(), Figure::Throughput);
        assert_eq!(sample.value, 2000.0);
        let near = |name: &str, expected: f64| {
            let found = sample.extras[name];
            assert!(
                (found - expected).abs() <= expected / 500.0,
                "{name}: {found}"
            );
        };
        near("p50 µs", 500.0);
        near("p99 µs", 990.0);
        near("p99.9 µs", 999.0);
        near("max µs", 1000.0);
        near("ctx/op", 0.5);
        near("cpu ns/op", 2000.0);
    }

    #[test]
    fn an_open_loop_is_judged_by_its_tail() {
        let sample = describe(&outcome(), Figure::P99);
        assert!((sample.value - 990.0).abs() < 2.0);
    }
}
