//! What a person reads: the list of rows, each row's result, the summary.

use std::collections::BTreeMap;

use super::sample::{Report, RowResult, SUBJECT, Series};
use super::stats;
use crate::rows::{self, Row};
use crate::runtimes::Peer;

/// Figures beside a row's own that are not worth a column.
const HIDDEN: [&str; 2] = ["ops", "requests/s"];

/// Prints all rows with what they do.
pub(crate) fn list() {
    let mut group = "";
    for row in rows::all() {
        if row.group != group {
            group = row.group;
            println!("{group}");
        }
        println!("{}", listed(&row));
    }
}

/// A row's line in the list. Other commits read it (`--against`): two spaces, the name, the unit, what is done.
pub(crate) fn listed(row: &Row) -> String {
    format!("  {:<28} {:<14} {}", row.full_name(), row.unit, row.what)
}

/// Prints one row: a line per peer with median, extremes, the ratio of filch to it, and the other figures; `note`
/// below.
pub(crate) fn row(result: &RowResult, note: Option<&str>) {
    println!(
        "{}  ({}, {})",
        result.row,
        result.unit,
        result.better.describe()
    );
    for series in &result.series {
        println!("  {}", line(result, series));
    }
    if let Some(note) = note {
        println!("  {note}");
    }
    println!();
}

fn line(result: &RowResult, series: &Series) -> String {
    let longest = result.series.iter().map(|series| series.peer.len()).max();
    let width = longest.unwrap_or(0).max(8);
    let mut text = format!("{:<width$}", series.peer);
    if let Some(summary) = series.summary() {
        let [median, min, max] = [summary.median, summary.min, summary.max].map(number);
        text += &format!("{median:>10} [{min} .. {max}]");
        text = format!("{text:<0$} {1:<24}", width + 35, ratios(result, series));
        text += &extras(&series.extras());
        if let Some(share) = against_floor(result, series) {
            text += &format!("  cpu of {} {}", Peer::Epoll, ratio(share));
        }
        if let Some(share) = hogs_against_threads(result, series) {
            text += &format!("  hog work of {} {}", Peer::Threads, ratio(share));
        }
    }
    if let Some(error) = &series.error {
        text += &format!("  FAILED: {error}");
    }
    text.trim_end().to_owned()
}

/// filch's own line has the ratio to the best peer, a peer's line the ratio of filch to it.
fn ratios(result: &RowResult, series: &Series) -> String {
    let Some(subject) = result.median(SUBJECT) else {
        return String::new();
    };
    if series.peer == SUBJECT {
        return result.best().map_or(String::new(), |(name, best)| {
            format!("{} of {name}", ratio(subject / best))
        });
    }
    result.median(&series.peer).map_or(String::new(), |median| {
        format!("filch/{} {}", series.peer, ratio(subject / median))
    })
}

/// What the hogs of a server get done, compared with what they get done as plain threads, if those were measured beside
/// it.
fn hogs_against_threads(result: &RowResult, series: &Series) -> Option<f64> {
    let work = |series: &Series| series.extras().get("hog work/s").copied();
    let threads = result.of(Peer::Threads.name())?;
    (series.peer != threads.peer).then_some(work(series)? / work(threads)?)
}

/// What a request costs in processor time, over what it costs the loop by hand, if that was measured beside it.
fn against_floor(result: &RowResult, series: &Series) -> Option<f64> {
    let cost = |series: &Series| series.extras().get("cpu ns/op").copied();
    let floor = result.of(Peer::Epoll.name())?;
    (series.peer != floor.peer).then_some(cost(series)? / cost(floor)?)
}

fn ratio(ratio: f64) -> String {
    format!("{ratio:.2}")
}

fn extras(extras: &BTreeMap<&str, f64>) -> String {
    let shown = extras.iter().filter(|(name, _)| !HIDDEN.contains(name));
    shown
        .map(|(name, value)| format!("{name} {}", number(*value)))
        .collect::<Vec<_>>()
        .join("  ")
}

/// Three or four digits, whatever the size.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.01 => format!("{value:.4}"),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => grouped(value),
    }
}

/// A whole number with a thin gap between thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 {
        String::from("-")
    } else {
        String::new()
    };
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Prints, per group, how many times better filch is than its best peer.
pub(crate) fn summary(report: &Report) {
    let groups = advantages(report);
    if groups.is_empty() {
        return;
    }
    println!(
        "filch against the best peer of each row: how many times better (above 1: filch leads)"
    );
    println!(
        "  {:<10} {:>4}  {:>9} {:>7} {:>7}  worst row",
        "group", "rows", "geo. mean", "median", "worst"
    );
    for (group, mut rows) in groups {
        rows.sort_by(|a, b| a.1.total_cmp(&b.1));
        let factors: Vec<f64> = rows.iter().map(|(_, factor)| *factor).collect();
        let (Some(mean), Some(summary)) =
            (stats::geometric_mean(&factors), stats::summarise(factors))
        else {
            continue;
        };
        println!(
            "  {group:<10} {:>4}  {mean:>9.2} {:>7.2} {:>7.2}  {}",
            rows.len(),
            summary.median,
            summary.min,
            rows[0].0
        );
    }
    println!();
}

/// Each group's rows with filch's advantage over the best peer, groups in the order of the report.
fn advantages(report: &Report) -> Vec<(&str, Vec<(&str, f64)>)> {
    let mut groups: Vec<(&str, Vec<(&str, f64)>)> = Vec::new();
    for row in &report.rows {
        let (Some(subject), Some((_, best))) = (row.median(SUBJECT), row.best()) else {
            continue;
        };
        let group = row.row.split('/').next().unwrap_or(&row.row);
        let entry = (row.row.as_str(), row.better.advantage(subject, best));
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, rows)) => rows.push(entry),
            None => groups.push((group, vec![entry])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::sample::{Better, Sample};

    fn result() -> RowResult {
        let series = |peer: &str, value| Series {
            peer: peer.into(),
            samples: vec![Sample::new(value)],
            error: None,
        };
        RowResult {
            row: "wake/yield".into(),
            unit: "ns".into(),
            better: Better::Lower,
            series: vec![
                series("filch", 50.0),
                series("tokio", 100.0),
                series("smol", 200.0),
            ],
        }
    }

    #[test]
    fn filchs_line_names_the_best_peer_and_a_peers_line_the_ratio_to_it() {
        let result = result();
        assert!(line(&result, &result.series[0]).contains("0.50 of tokio"));
        assert!(line(&result, &result.series[2]).contains("filch/smol 0.25"));
    }

    #[test]
    fn hogs_are_compared_with_threads_where_those_were_measured() {
        let mut result = result();
        result.series[0].samples = vec![Sample::new(50.0).with("hog work/s", 90.0)];
        assert!(!line(&result, &result.series[0]).contains("of threads"));
        result.series[1] = Series {
            peer: "threads".into(),
            samples: vec![Sample::new(100.0).with("hog work/s", 100.0)],
            error: None,
        };
        assert!(line(&result, &result.series[0]).contains("hog work of threads 0.90"));
        assert!(!line(&result, &result.series[1]).contains("hog work of"));
        assert!(!line(&result, &result.series[2]).contains("hog work of"));
    }

    #[test]
    fn a_request_costs_so_many_times_what_it_costs_the_loop_by_hand() {
        let mut result = result();
        result.series[0].samples = vec![Sample::new(50.0).with("cpu ns/op", 120.0)];
        assert!(!line(&result, &result.series[0]).contains("of epoll"));
        result.series.push(Series {
            peer: "epoll".into(),
            samples: vec![Sample::new(1.0).with("cpu ns/op", 100.0)],
            error: None,
        });
        assert!(line(&result, &result.series[0]).contains("cpu of epoll 1.20"));
        assert!(!line(&result, &result.series[3]).contains("cpu of"));
        assert!(
            line(&result, &result.series[0]).contains("of tokio"),
            "the floor is no rival"
        );
    }

    #[test]
    fn a_failure_shows() {
        let mut result = result();
        result.series[1] = Series {
            peer: "tokio".into(),
            samples: vec![],
            error: Some("bytes differ".into()),
        };
        assert!(line(&result, &result.series[1]).contains("FAILED: bytes differ"));
    }

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [0.0, 0.0012, 0.25, 3.456, 42.42, 1234567.0, -1234.0].map(number);
        assert_eq!(
            shown,
            [
                "0",
                "0.0012",
                "0.250",
                "3.46",
                "42.4",
                "1 234 567",
                "-1 234"
            ]
        );
    }

    #[test]
    fn the_summary_counts_an_advantage_per_group() {
        let report = Report {
            rows: vec![result()],
            ..Report::default()
        };
        assert_eq!(advantages(&report), [("wake", vec![("wake/yield", 2.0)])]);
    }
}
