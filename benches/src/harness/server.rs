//! One run of a server row: a server process, the load generator, the figures of both.

use std::io;
use std::time::Duration;

use super::contender::Contender;
use super::fair::Shares;
use super::options::{Error, RunOptions};
use super::process::ServerProcess;
use super::sample::Sample;
use super::syscalls;
use crate::load::{self, Load, Mode, Observed, Outcome, Window};
use crate::rows::Figure;
use crate::serve::{Hog, Server};
use crate::sys::counters::{self, Both};
use crate::sys::limits;
use crate::sys::progress::Progress;

/// What filch calls the thread that looks after stuck workers.
const MONITOR: &str = "filch-reactor";

/// What is read of a server where the window begins and ends.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    used: Both,
    hogs: Progress,
    /// What everything on the machine has used, in nanoseconds.
    machine: f64,
}

impl Reading {
    fn of(process: &ServerProcess) -> io::Result<Reading> {
        Ok(Reading {
            used: counters::of(process.pid(), MONITOR)?,
            hogs: process.board.total(),
            machine: counters::machine_cpu(),
        })
    }
}

/// Starts the contender's server, puts the load on it and returns the row's figure with all that stands beside it.
///
/// # Errors
/// When the server fails, or an answer is wrong.
pub(crate) fn measure(
    contender: &Contender,
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
    let process = ServerProcess::start(
        contender.peer,
        &contender.found,
        server,
        options.workers,
        options.pin,
    )?;
    if figure == Figure::Memory {
        return memory(&process, load);
    }
    let window = window(server, options);
    let (outcome, observed) = load::run(&process.target, load, window, options.pin, || {
        Reading::of(&process)
    })?;
    let mut sample = describe(&outcome, &observed, figure).with(
        "peak MiB",
        counters::peak_memory(&process.pid().to_string()) / f64::from(1 << 20),
    );
    if server.hog != Hog::None {
        sample = with_hogs(
            sample,
            &observed,
            &shared(server, options, &outcome, &observed),
        );
    }
    if matches!(load.mode, Mode::Open { .. }) {
        let late = outcome.begun_late.value_at_quantile(0.999);
        sample = sample.with("load late p99.9 µs", late as f64 / 1000.0);
    }
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
    contender: &Contender,
    (server, load): (Server, Load),
    options: &RunOptions,
) -> Result<Option<f64>, Error> {
    if load.mode == Mode::Idle {
        return Ok(None);
    }
    let process = ServerProcess::start(
        contender.peer,
        &contender.found,
        server,
        options.workers,
        options.pin,
    )?;
    let mut window = window(server, options);
    let Some(counter) = syscalls::Counter::attach(process.pid())? else {
        return Ok(None);
    };
    // Warm-up would be counted with no requests to show for it.
    window.warm_up = Duration::ZERO;
    let (outcome, _) = load::run(&process.target, load, window, options.pin, || Ok(()))?;
    Ok(Some(counter.finish()? / outcome.requests as f64))
}

fn window(server: Server, options: &RunOptions) -> Window {
    // Beside tasks that hold every worker, some servers answer a request in the time that others answer thousands.
    let held = server.hog != Hog::None;
    let measured = match (options.smoke, held) {
        (true, false) => Duration::from_millis(100),
        (true, true) => Duration::from_millis(200),
        (false, false) => options.time * 10,
        (false, true) => options.time * 20,
    };
    Window {
        warm_up: measured / 4,
        measured,
        patience: Duration::from_secs(20),
    }
}

fn describe(outcome: &Outcome, observed: &Observed<Reading>, figure: Figure) -> Sample {
    let rate = outcome.requests as f64 / outcome.elapsed.as_secs_f64();
    let micros = |quantile| outcome.latencies.value_at_quantile(quantile) as f64 / 1000.0;
    let over = observed.over.as_secs_f64();
    let used = (observed.after.used.process).since(observed.before.used.process);
    let per_request = |counter: f64| counter / over / rate;
    let value = match figure {
        Figure::P99 => micros(0.99),
        Figure::Lateness => micros(0.99) * 1000.0,
        Figure::Throughput | Figure::Memory => rate,
    };
    let sample = Sample::new(value)
        .with("requests/s", rate)
        .with("p50 µs", micros(0.5))
        .with("p99 µs", micros(0.99))
        .with("p99.9 µs", micros(0.999))
        .with("max µs", outcome.latencies.max() as f64 / 1000.0)
        .with("ctx/op", per_request(used.switches))
        .with("cpu ns/op", per_request(used.cpu_ns))
        .with(
            "user ns/op",
            per_request((used.cpu_ns - used.system_ns).max(0.0)),
        )
        .with("sys ns/op", per_request(used.system_ns))
        .with("load cpu %", outcome.generator_cpu * 100.0)
        .with("elsewhere cpu %", elsewhere(outcome, observed) * 100.0);
    match (observed.before.used.thread, observed.after.used.thread) {
        (Some(before), Some(after)) => {
            let monitor = after.since(before);
            sample
                .with("monitor cpu %", monitor.cpu_ns / over / 1e9 * 100.0)
                .with("monitor ctx/s", monitor.switches / over)
        }
        _ => sample,
    }
}

/// The CPUs that neither the server nor the generator used, but somebody did.
fn elsewhere(outcome: &Outcome, observed: &Observed<Reading>) -> f64 {
    let used = (observed.after.used.process).since(observed.before.used.process);
    let machine = observed.after.machine - observed.before.machine;
    let other = (machine - used.cpu_ns) / 1e9 / observed.over.as_secs_f64() - outcome.generator_cpu;
    other.max(0.0)
}

/// Who shared the CPUs during the window.
fn shared(
    server: Server,
    options: &RunOptions,
    outcome: &Outcome,
    observed: &Observed<Reading>,
) -> Shares {
    let cpus = limits::cpus() as f64;
    let hogs = observed.after.hogs.since(observed.before.hogs);
    let used = (observed.after.used.process).since(observed.before.used.process);
    let others = (used.cpu_ns - hogs.cpu_ns) / 1e9 / observed.over.as_secs_f64();
    Shares {
        // A pinned generator has a CPU to itself.
        available: cpus
            - elsewhere(outcome, observed)
            - if options.pin {
                1.0
            } else {
                outcome.generator_cpu
            },
        hogs: server.hogs(options.workers),
        others: others.max(0.0),
    }
}

/// Adds how the hogs fared. A peer that cannot tell their CPU time only says how far they got, or not even that.
fn with_hogs(sample: Sample, observed: &Observed<Reading>, shares: &Shares) -> Sample {
    let over = observed.over.as_secs_f64();
    let hogs = observed.after.hogs.since(observed.before.hogs);
    let used = (observed.after.used.process).since(observed.before.used.process);
    let mut sample = sample.with("server cpu %", used.cpu_ns / 1e9 / over * 100.0);
    if hogs.steps > 0.0 {
        sample = sample.with("hog work/s", hogs.steps / over);
    }
    if hogs.cpu_ns > 0.0 {
        let cpus = hogs.cpu_ns / 1e9 / over;
        sample = sample.with("hog cpu %", cpus * 100.0);
        if shares.fair() > 0.0 {
            sample = sample.with("hog cpu of fair", cpus / shares.fair());
        }
    }
    sample
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

    fn histogram() -> hdrhistogram::Histogram<u64> {
        hdrhistogram::Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap()
    }

    /// Half a second of load; the readings lie a second apart, and so counted twice as much.
    fn observed() -> Observed<Reading> {
        let used = |cpu_ns, switches| Usage {
            cpu_ns,
            system_ns: cpu_ns / 4.0,
            switches,
        };
        let mut after = Reading::default();
        after.used.process = used(4e6, 1000.0);
        Observed {
            before: Reading::default(),
            after,
            over: Duration::from_secs(1),
        }
    }

    fn outcome() -> Outcome {
        let mut latencies = histogram();
        for micros in 1..=1000_u64 {
            latencies.record(micros * 1000).unwrap();
        }
        Outcome {
            requests: 1000,
            elapsed: Duration::from_millis(500),
            latencies,
            begun_late: histogram(),
            overdue: 0,
            generator_cpu: 0.5,
        }
    }

    #[test]
    fn percentiles_are_in_microseconds_and_counters_per_request() {
        let sample = describe(&outcome(), &observed(), Figure::Throughput);
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
        near("user ns/op", 1500.0);
        near("sys ns/op", 500.0);
    }

    #[test]
    fn an_open_loop_is_judged_by_its_tail() {
        let sample = describe(&outcome(), &observed(), Figure::P99);
        assert!((sample.value - 990.0).abs() < 2.0);
    }

    #[test]
    fn a_monitor_shows_its_share_of_one_cpu() {
        let mut observed = observed();
        let sample = describe(&outcome(), &observed, Figure::P99);
        assert!(!sample.extras.contains_key("monitor cpu %"));
        observed.before.used.thread = Some(Usage::default());
        observed.after.used.thread = Some(Usage {
            cpu_ns: 1e7,
            system_ns: 1e6,
            switches: 300.0,
        });
        let sample = describe(&outcome(), &observed, Figure::P99);
        assert_eq!(sample.extras["monitor cpu %"], 1.0);
        assert_eq!(sample.extras["monitor ctx/s"], 300.0);
    }

    #[test]
    fn hogs_are_measured_against_what_is_fair() {
        let mut observed = observed();
        observed.after.hogs = Progress {
            steps: 500.0,
            cpu_ns: 6e8,
        };
        let shares = Shares {
            available: 1.2,
            hogs: 2,
            others: 0.5,
        };
        let sample = with_hogs(Sample::new(1.0), &observed, &shares);
        assert_eq!(sample.extras["hog work/s"], 500.0);
        assert_eq!(sample.extras["hog cpu %"], 60.0);
        assert!((sample.extras["hog cpu of fair"] - 0.75).abs() < 1e-9);
    }
}
