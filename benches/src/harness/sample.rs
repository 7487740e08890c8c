//! The data: what one child measured, what a row's runs add up to, and the whole report as it is saved.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::even::Judgement;
use super::stats::{self, Summary};
use crate::runtimes::Peer;

/// The runtime that the others are compared with.
pub(crate) const SUBJECT: &str = "filch";
/// Another commit's filch, with `--against`.
pub(crate) const OTHER: &str = "filch-other";
/// This filch a second time in every turn, with `--against`: what differs between the two is noise.
pub(crate) const AGAIN: &str = "filch-again";

/// Whether `name` is filch itself, in whichever build.
pub(crate) fn is_filch(name: &str) -> bool {
    [SUBJECT, OTHER, AGAIN].contains(&name)
}

/// What one child measured: the row's figure and whatever stands beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// The row's figure, in the row's unit.
    pub(crate) value: f64,
    /// Named figures beside it, e.g. `"ctx/op"`; the name carries the unit.
    pub(crate) extras: BTreeMap<String, f64>,
}

impl Sample {
    /// A figure with nothing beside it yet.
    pub(crate) fn new(value: f64) -> Sample {
        Sample {
            value,
            extras: BTreeMap::new(),
        }
    }

    /// Adds a named figure.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: f64) -> Sample {
        self.extras.insert(name.to_owned(), value);
        self
    }
}

/// Which way a row's figure is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    /// Times, bytes, latencies.
    Lower,
    /// Throughput.
    Higher,
}

impl Better {
    /// Whether figure `a` is better than `b`.
    pub(crate) fn beats(self, a: f64, b: f64) -> bool {
        match self {
            Better::Lower => a < b,
            Better::Higher => a > b,
        }
    }

    /// How many times better `a` is than `b`: 2 is twice as fast, whichever way the figure runs.
    pub(crate) fn advantage(self, a: f64, b: f64) -> f64 {
        match self {
            Better::Lower => b / a,
            Better::Higher => a / b,
        }
    }

    /// For the head of a row.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Better::Lower => "lower is better",
            Better::Higher => "higher is better",
        }
    }
}

/// All runs of one peer on one row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Series {
    /// The peer's name.
    pub(crate) peer: String,
    /// One sample per run.
    pub(crate) samples: Vec<Sample>,
    /// Why the peer has no (or fewer) samples, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl Series {
    /// No samples yet.
    pub(crate) fn new(peer: &str) -> Series {
        Series {
            peer: peer.to_owned(),
            ..Series::default()
        }
    }

    /// Median, extremes and noise of the figure; `None` without samples.
    pub(crate) fn summary(&self) -> Option<Summary> {
        stats::summarise(self.samples.iter().map(|sample| sample.value))
    }

    /// The median of each figure beside it.
    pub(crate) fn extras(&self) -> BTreeMap<&str, f64> {
        let names = self.samples.iter().flat_map(|sample| sample.extras.keys());
        names
            .filter_map(|name| {
                let of_name = self
                    .samples
                    .iter()
                    .filter_map(|sample| sample.extras.get(name).copied());
                Some((name.as_str(), stats::summarise(of_name)?.median))
            })
            .collect()
    }
}

/// One row with all peers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RowResult {
    /// `group/name`.
    pub(crate) row: String,
    /// What the figure counts, e.g. `ns/task`.
    pub(crate) unit: String,
    /// Which way it is good.
    pub(crate) better: Better,
    /// filch first, if it took part.
    pub(crate) series: Vec<Series>,
}

impl RowResult {
    /// The median of `peer`, if it was measured.
    pub(crate) fn median(&self, peer: &str) -> Option<f64> {
        self.of(peer)?.summary().map(|summary| summary.median)
    }

    /// The series of `peer`.
    pub(crate) fn of(&self, peer: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.peer == peer)
    }

    /// The best of all peers, filch's builds and the floor left out: its name and median.
    pub(crate) fn best(&self) -> Option<(&str, f64)> {
        let mut best: Option<(&str, f64)> = None;
        let is_rival = |series: &&Series| {
            let is_floor = Peer::parse(&series.peer).is_ok_and(Peer::is_floor);
            !is_filch(&series.peer) && !is_floor
        };
        for series in self.series.iter().filter(is_rival) {
            let Some(summary) = series.summary() else {
                continue;
            };
            if best.is_none_or(|(_, figure)| self.better.beats(summary.median, figure)) {
                best = Some((&series.peer, summary.median));
            }
        }
        best
    }
}

/// One row of [`Against`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Judged {
    /// `group/name`.
    pub(crate) row: String,
    /// What its turns say; `None` if one of the builds has no figures.
    pub(crate) judgement: Option<Judgement>,
}

/// This build beside another commit's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Against {
    /// The other build's binary.
    pub(crate) binary: String,
    /// In the order measured.
    pub(crate) rows: Vec<Judged>,
    /// Rows that were asked for but that the other build does not have.
    pub(crate) skipped: Vec<String>,
}

/// A whole run, as `--json` saves and `--compare` reads it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The command line, to rerun it.
    pub(crate) command: String,
    /// CPU, number of CPUs, kernel.
    pub(crate) machine: String,
    /// Seconds since 1970, UTC.
    pub(crate) time: u64,
    /// Worker threads of each runtime.
    pub(crate) workers: usize,
    /// Runs of each peer and row.
    pub(crate) runs: usize,
    /// Whether sizes were too small to mean anything.
    pub(crate) smoke: bool,
    /// In the order measured.
    pub(crate) rows: Vec<RowResult>,
    /// With `--against`: who is even.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) against: Option<Against>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(peer: &str, values: &[f64]) -> Series {
        let samples = values
            .iter()
            .map(|&value| Sample::new(value).with("ctx/op", value / 10.0))
            .collect();
        Series {
            peer: peer.to_owned(),
            samples,
            error: None,
        }
    }

    fn row(better: Better) -> RowResult {
        let series = vec![
            series("filch", &[10.0, 20.0, 30.0]),
            series("tokio", &[40.0]),
            series("smol", &[50.0]),
            series("epoll", &[1.0]),
            series("epoll", &[99.0]),
            series(OTHER, &[60.0]),
            series(AGAIN, &[1.0]),
        ];
        RowResult {
            row: "g/n".to_owned(),
            unit: "ns".to_owned(),
            better,
            series,
        }
    }

    #[test]
    fn the_best_peer_depends_on_the_direction() {
        assert_eq!(row(Better::Lower).best(), Some(("tokio", 40.0)));
        assert_eq!(row(Better::Higher).best(), Some(("smol", 50.0)));
    }

    #[test]
    fn an_advantage_above_one_is_good_in_both_directions() {
        assert_eq!(Better::Lower.advantage(10.0, 40.0), 4.0);
        assert_eq!(Better::Higher.advantage(40.0, 10.0), 4.0);
    }

    #[test]
    fn extras_are_medians_by_name() {
        assert_eq!(row(Better::Lower).series[0].extras()["ctx/op"], 2.0);
    }

    #[test]
    fn a_report_survives_being_saved() {
        let report = Report {
            command: "run".to_owned(),
            machine: "m".to_owned(),
            time: 1,
            workers: 2,
            runs: 3,
            rows: vec![row(Better::Lower)],
            ..Report::default()
        };
        let text = serde_json::to_string(&report).unwrap();
        let again: Report = serde_json::from_str(&text).unwrap();
        assert_eq!(again.rows[0].median("filch"), Some(20.0));
    }
}
