//! `--compare`: which rows of filch got slower than in a saved run.
//!
//! A row counts as slower when its median is worse by more than 5 % *and* the noise: the larger of the two runs'
//! distances between quartiles, as a share of the median. What the peers did between the two runs stands beside it,
//! since a machine that got slower slows them too.

use super::even::TOLERANCE;
use super::report::number;
use super::sample::{Report, RowResult, SUBJECT, is_filch};
use super::stats;

/// How one row moved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// The row.
    pub(crate) row: String,
    /// Saved and new median.
    pub(crate) medians: (f64, f64),
    /// How much worse it got, as a share: 0.1 is 10 % slower, negative is faster.
    pub(crate) worse: f64,
    /// What it may lose: tolerance and noise.
    pub(crate) allowed: f64,
    /// How much worse the peers got, in the median; `None` without peers in both.
    pub(crate) peers_worse: Option<f64>,
}

impl Change {
    /// Beyond tolerance and noise.
    pub(crate) fn is_slower(&self) -> bool {
        self.worse > self.allowed
    }

    /// Better by as much as would count if it were worse.
    fn is_faster(&self) -> bool {
        self.worse < -self.allowed / (1.0 + self.allowed)
    }
}

/// Each row that filch has in both reports.
pub(crate) fn changes(saved: &Report, new: &Report) -> Vec<Change> {
    let pairs = new
        .rows
        .iter()
        .filter_map(|row| Some((saved.rows.iter().find(|old| old.row == row.row)?, row)));
    pairs.filter_map(|(old, new)| change(old, new)).collect()
}

fn change(old: &RowResult, new: &RowResult) -> Option<Change> {
    let before = old.of(SUBJECT)?.summary()?;
    let after = new.of(SUBJECT)?.summary()?;
    let peers = new.series.iter().filter(|series| !is_filch(&series.peer));
    let moved = peers.filter_map(|series| {
        let (before, after) = (old.median(&series.peer)?, series.summary()?.median);
        Some(new.better.advantage(before, after) - 1.0)
    });
    Some(Change {
        row: new.row.clone(),
        medians: (before.median, after.median),
        worse: new.better.advantage(before.median, after.median) - 1.0,
        allowed: TOLERANCE + before.noise.max(after.noise),
        peers_worse: stats::summarise(moved).map(|summary| summary.median),
    })
}

/// Prints what got slower or faster. True if anything got slower.
pub(crate) fn print(saved: &Report, new: &Report) -> bool {
    if saved.machine != new.machine || saved.workers != new.workers || saved.smoke != new.smoke {
        println!(
            "note: the saved run had {} workers on {}",
            saved.workers, saved.machine
        );
    }
    let changes = changes(saved, new);
    let slower: Vec<_> = changes.iter().filter(|change| change.is_slower()).collect();
    let faster = changes.iter().filter(|change| change.is_faster());
    for (word, change) in slower
        .iter()
        .map(|&change| ("SLOWER", change))
        .chain(faster.map(|change| ("faster", change)))
    {
        println!("{}", describe(word, change));
    }
    println!(
        "{} of {} rows slower than saved by more than 5 % beyond the noise",
        slower.len(),
        changes.len()
    );
    !slower.is_empty()
}

fn describe(word: &str, change: &Change) -> String {
    let percent = |share: f64| format!("{:+.1} %", share * 100.0);
    let peers = change.peers_worse.map_or("no peers".to_owned(), |worse| {
        format!("peers {}", percent(worse))
    });
    format!(
        "{word} {:<28} {} -> {}  cost {} (allowed {}, {peers})",
        change.row,
        number(change.medians.0),
        number(change.medians.1),
        percent(change.worse),
        percent(change.allowed),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::sample::{Better, Sample, Series};

    fn report(better: Better, filch: &[f64], tokio: &[f64]) -> Report {
        let series = |peer: &str, values: &[f64]| Series {
            peer: peer.into(),
            samples: values.iter().copied().map(Sample::new).collect(),
            error: None,
        };
        let series = vec![series("filch", filch), series("tokio", tokio)];
        Report {
            machine: "m".into(),
            runs: filch.len(),
            rows: vec![RowResult {
                row: "g/r".into(),
                unit: "u".into(),
                better,
                series,
            }],
            ..Report::default()
        }
    }

    fn only(saved: &Report, new: &Report) -> Change {
        changes(saved, new).remove(0)
    }

    #[test]
    fn more_time_is_slower_and_less_is_not() {
        let saved = report(Better::Lower, &[100.0; 3], &[10.0]);
        assert!(only(&saved, &report(Better::Lower, &[106.0; 3], &[10.0])).is_slower());
        assert!(!only(&saved, &report(Better::Lower, &[104.0; 3], &[10.0])).is_slower());
        let faster = only(&saved, &report(Better::Lower, &[50.0; 3], &[10.0]));
        assert!(!faster.is_slower() && faster.is_faster());
    }

    #[test]
    fn less_throughput_is_slower() {
        let saved = report(Better::Higher, &[100.0; 3], &[10.0]);
        assert!(only(&saved, &report(Better::Higher, &[90.0; 3], &[10.0])).is_slower());
        assert!(!only(&saved, &report(Better::Higher, &[120.0; 3], &[10.0])).is_slower());
    }

    #[test]
    fn noise_in_either_run_widens_what_is_allowed() {
        let saved = report(Better::Lower, &[80.0, 90.0, 100.0, 110.0, 120.0], &[10.0]);
        let change = only(&saved, &report(Better::Lower, &[120.0; 5], &[10.0]));
        assert!((change.allowed - 0.25).abs() < 1e-9, "{change:?}");
        assert!(!change.is_slower());
    }

    #[test]
    fn what_the_peers_did_stands_beside_it() {
        let saved = report(Better::Lower, &[100.0], &[10.0]);
        let change = only(&saved, &report(Better::Lower, &[110.0], &[11.0]));
        assert!((change.peers_worse.unwrap() - 0.1).abs() < 1e-9);
        assert!(print(&saved, &report(Better::Lower, &[110.0], &[11.0])));
    }

    #[test]
    fn rows_that_only_one_run_has_are_left_out() {
        let saved = report(Better::Lower, &[100.0], &[10.0]);
        let mut new = report(Better::Lower, &[100.0], &[10.0]);
        new.rows[0].row = "g/new".into();
        assert!(changes(&saved, &new).is_empty());
    }
}
