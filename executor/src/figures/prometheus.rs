//! A runtime's figures as text that Prometheus reads.

use super::metrics::{Metrics, WorkerMetrics};
use std::fmt::{Display, Write as _};

impl Metrics {
    /// The figures in Prometheus' text format, version 0.0.4: for an answer of the type `text/plain; version=0.0.4`.
    ///
    /// Names begin with `filch_`; what only grows ends with `_total`, and times are in seconds. Figures of a worker
    /// have the label `worker`: its number, or `spare` for all spare threads together. The places of long polls have
    /// the label `site`.
    ///
    /// ```
    /// # extern crate filch_executor as filch;
    /// let rt = filch::Runtime::new()?;
    /// let text = rt.metrics().to_prometheus();
    /// assert!(text.contains("\nfilch_tasks 0\n"));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn to_prometheus(&self) -> String {
        let mut text = Text::default();
        self.write_runtime(&mut text);
        self.write_workers(&mut text);
        self.write_sites(&mut text);
        text.0
    }

    fn write_runtime(&self, text: &mut Text) {
        let now: [(&str, &str, usize); 10] = [
            ("tasks", "Tasks that have not ended", self.tasks),
            (
                "injector_depth",
                "Tasks that wait for any worker",
                self.injector_depth,
            ),
            (
                "foreign_timers",
                "Timers of threads outside the runtime",
                self.foreign_timers,
            ),
            (
                "io_sources",
                "I/O objects registered with the system",
                self.io_sources,
            ),
            (
                "stuck_workers",
                "Workers inside a long poll",
                self.stuck_workers,
            ),
            (
                "spares",
                "Spare threads that stand in for stuck workers",
                self.spares,
            ),
            (
                "spare_threads",
                "Spare threads, at work or resting",
                self.spare_threads,
            ),
            (
                "slow_lane_depth",
                "Tasks known to compute that wait",
                self.slow_lane_depth,
            ),
            (
                "blocking_threads",
                "Threads for blocking calls",
                self.blocking_threads,
            ),
            (
                "blocking_queue_depth",
                "Blocking calls that wait",
                self.blocking_queue_depth,
            ),
        ];
        for (name, help, value) in now {
            text.alone(name, "gauge", help, value);
        }
        let ever = [
            (
                "backstop_turns_total",
                "Times the reactor thread stepped in",
                self.backstop_turns,
            ),
            (
                "backstop_io_events_total",
                "I/O events that it received",
                self.backstop_io_events,
            ),
            (
                "backstop_timers_fired_total",
                "Timers that it fired",
                self.backstop_timers_fired,
            ),
            (
                "rescues_total",
                "Tasks that were taken from behind a long poll",
                self.rescues,
            ),
            (
                "slow_polls_total",
                "Polls longer than the stall threshold",
                self.slow_polls,
            ),
        ];
        for (name, help, value) in ever {
            text.alone(name, "counter", help, value);
        }
    }

    fn write_workers(&self, text: &mut Text) {
        for (name, kind, help, figure) in FIGURES {
            text.head(name, kind, help);
            for (number, worker) in self.workers.iter().enumerate() {
                text.line(name, "worker", number, figure(worker));
            }
            text.line(name, "worker", "spare", figure(&self.spare));
        }
    }

    fn write_sites(&self, text: &mut Text) {
        if self.slow_sites.is_empty() {
            return;
        }
        let name = "slow_site_polls_total";
        text.head(
            name,
            "counter",
            "Long polls by the place where their tasks were spawned",
        );
        for site in &self.slow_sites {
            text.line(name, "site", site.spawned_at, site.polls as f64);
        }
    }
}

type Figure = (
    &'static str,
    &'static str,
    &'static str,
    fn(&WorkerMetrics) -> f64,
);

/// Those of each worker.
const FIGURES: [Figure; 13] = [
    ("worker_polls_total", "counter", "Polls of tasks", |w| {
        w.polls as f64
    }),
    ("worker_parks_total", "counter", "Times it slept", |w| {
        w.parks as f64
    }),
    (
        "worker_steals_total",
        "counter",
        "Times it took others' tasks",
        |w| w.steals as f64,
    ),
    (
        "worker_wakes_total",
        "counter",
        "Times it woke another",
        |w| w.wakes as f64,
    ),
    (
        "worker_overflows_total",
        "counter",
        "Times its queue was full",
        |w| w.overflows as f64,
    ),
    (
        "worker_turns_total",
        "counter",
        "Times it asked for I/O events",
        |w| w.turns as f64,
    ),
    (
        "worker_io_events_total",
        "counter",
        "I/O events it received",
        |w| w.io_events as f64,
    ),
    (
        "worker_timers_fired_total",
        "counter",
        "Timers it fired",
        |w| w.timers_fired as f64,
    ),
    (
        "worker_looks_total",
        "counter",
        "Times it looked around before a sleep",
        |w| w.looks as f64,
    ),
    (
        "worker_look_seconds_total",
        "counter",
        "How long it did",
        |w| w.look_time.as_secs_f64(),
    ),
    ("worker_queue_depth", "gauge", "Tasks in its queue", |w| {
        w.queue_depth as f64
    }),
    ("worker_timers", "gauge", "Timers in its wheel", |w| {
        w.timers as f64
    }),
    (
        "worker_idle",
        "gauge",
        "Whether it has nothing to do",
        |w| f64::from(u8::from(w.idle)),
    ),
];

#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(
            self.0,
            "# HELP filch_{name} {help}.\n# TYPE filch_{name} {kind}"
        );
    }

    fn alone(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "filch_{name} {value}");
    }

    fn line(&mut self, name: &str, label: &str, of: impl Display, value: f64) {
        let of = of.to_string().replace('\\', r"\\").replace('"', "\\\"");
        let _ = writeln!(self.0, "filch_{name}{{{label}=\"{of}\"}} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_comment_or_a_figure_of_a_name_that_was_introduced() {
        let metrics = Metrics {
            workers: vec![WorkerMetrics::default(); 2],
            tasks: 7,
            ..Metrics::default()
        };
        let text = metrics.to_prometheus();
        let mut introduced = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                introduced = rest.split(' ').next().unwrap();
            } else if !line.starts_with("# HELP ") {
                let (name, value) = line.rsplit_once(' ').unwrap();
                let name = name.split('{').next().unwrap();
                assert_eq!(name, introduced);
                value.parse::<f64>().unwrap();
            }
        }
        assert!(text.contains("\nfilch_tasks 7\n"), "{text}");
        assert!(
            text.contains("\nfilch_worker_polls_total{worker=\"1\"} 0\n"),
            "{text}"
        );
        assert!(
            text.contains("\nfilch_worker_idle{worker=\"spare\"} 0\n"),
            "{text}"
        );
    }
}
