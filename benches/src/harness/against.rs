//! `--against`: this build beside another commit's, row by row. Who is even is decided in [`super::even`].

use super::even::{self, Judgement, Verdict};
use super::sample::{AGAIN, Against, Judged, OTHER, Report, RowResult, SUBJECT, Series};
use super::stats;

/// What the turns of a row say; `None` if the row lacks one of the three series, or they have no turn in common.
pub(crate) fn judge(row: &RowResult) -> Option<Judgement> {
    let figures = |name: &str| row.of(name).map(figures);
    let (this, other, again) = (figures(SUBJECT)?, figures(OTHER)?, figures(AGAIN)?);
    let turns = this.zip(other).zip(again);
    even::judge(turns.map(|((this, other), again)| {
        (
            row.better.advantage(this, other),
            row.better.advantage(this, again),
        )
    }))
}

/// One figure per turn, from the first on: a series that failed has none after that.
fn figures(series: &Series) -> impl Iterator<Item = f64> {
    series.samples.iter().map(|sample| sample.value)
}

/// Judges all rows of a report.
pub(crate) fn judge_all(report: &Report, binary: String, skipped: Vec<String>) -> Against {
    let judged = |row: &RowResult| Judged {
        row: row.row.clone(),
        judgement: judge(row),
    };
    Against {
        binary,
        rows: report.rows.iter().map(judged).collect(),
        skipped,
    }
}

/// What stands below a row while the run goes on.
pub(crate) fn line(row: &RowResult) -> String {
    match judge(row) {
        None => "against the other build: not measured".to_owned(),
        Some(judged) => format!(
            "against the other build, turn by turn: {:.3} times as good; A against A {:.3}, noise {:.1} %: {}",
            judged.ratio,
            judged.again,
            judged.noise * 100.0,
            describe(&judged)
        ),
    }
}

fn describe(judged: &Judgement) -> String {
    let verdict = match judged.verdict {
        Verdict::Even => "even",
        Verdict::Faster => "faster",
        Verdict::Slower => "SLOWER",
        Verdict::TooFewTurns => "too few turns",
    };
    match judged.is_noisy() {
        true => format!("{verdict} (noisy)"),
        false => verdict.to_owned(),
    }
}

/// How many rows came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Count {
    even: usize,
    noisy: usize,
    faster: usize,
    slower: usize,
    unjudged: usize,
}

impl Count {
    fn of(rows: &[Judged]) -> Count {
        let mut count = Count::default();
        for row in rows {
            match row.judgement {
                None => count.unjudged += 1,
                Some(judged) => match judged.verdict {
                    Verdict::Even if judged.is_noisy() => {
                        count.even += 1;
                        count.noisy += 1;
                    }
                    Verdict::Even => count.even += 1,
                    Verdict::Faster => count.faster += 1,
                    Verdict::Slower => count.slower += 1,
                    Verdict::TooFewTurns => count.unjudged += 1,
                },
            }
        }
        count
    }
}

/// Prints the table and what it adds up to. True if no row is slower and, unless `smoke`, each has a verdict.
pub(crate) fn print(against: &Against, smoke: bool) -> bool {
    println!("this build against {}", against.binary);
    println!("  (above 1: this one is better; medians and extremes of the turns' ratios)");
    println!(
        "  {:<28} {:>6}  {:<16} {:>6} {:>8}  verdict",
        "row", "ratio", "", "A/A", "noise"
    );
    for row in &against.rows {
        println!("  {}", table_line(row));
    }
    let count = Count::of(&against.rows);
    println!("{}", summary(&count, against));
    println!(
        "even: the median ratio is within {:.0} % plus the row's noise of 1, from at least {} turns; \
         noisy: the noise is above {:.0} %",
        even::TOLERANCE * 100.0,
        even::LEAST_TURNS,
        even::NOISY * 100.0
    );
    count.slower == 0 && (smoke || count.unjudged == 0)
}

fn table_line(row: &Judged) -> String {
    let Some(judged) = &row.judgement else {
        return format!("{:<28} not measured", row.row);
    };
    format!(
        "{:<28} {:>6.3}  {:<16} {:>6.3} {:>6.1} %  {}",
        row.row,
        judged.ratio,
        format!("[{:.3} .. {:.3}]", judged.min, judged.max),
        judged.again,
        judged.noise * 100.0,
        describe(judged)
    )
}

fn summary(count: &Count, against: &Against) -> String {
    let mean = |of: fn(&Judgement) -> f64| {
        let judged = against.rows.iter().filter_map(|row| row.judgement.as_ref());
        let mean = stats::geometric_mean(&judged.map(of).collect::<Vec<_>>());
        mean.map_or("none".to_owned(), |mean| format!("{mean:.3}"))
    };
    format!(
        "{} of {} rows even ({} of them noisy), {} faster, {} slower, {} without a verdict, {} skipped; \
         geometric mean {}, A against A {}",
        count.even,
        against.rows.len(),
        count.noisy,
        count.faster,
        count.slower,
        count.unjudged,
        against.skipped.len(),
        mean(|judged| judged.ratio),
        mean(|judged| judged.again),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::sample::{Better, Sample};

    fn row(better: Better, series: &[(&str, &[f64])]) -> RowResult {
        let series = series.iter().map(|(name, values)| Series {
            peer: (*name).to_owned(),
            samples: values.iter().copied().map(Sample::new).collect(),
            error: None,
        });
        RowResult {
            row: "g/r".into(),
            unit: "u".into(),
            better,
            series: series.collect(),
        }
    }

    fn three(better: Better, this: &[f64], other: &[f64], again: &[f64]) -> RowResult {
        row(better, &[(SUBJECT, this), (OTHER, other), (AGAIN, again)])
    }

    fn against(rows: Vec<RowResult>) -> Against {
        let report = Report {
            rows,
            ..Report::default()
        };
        judge_all(&report, "other".into(), vec![])
    }

    #[test]
    fn a_turn_is_compared_with_its_own_turn() {
        // The machine gets slower by half from turn to turn, which is nobody's loss.
        let drift = [100.0, 150.0, 225.0, 337.5, 506.25];
        let other = drift.map(|value| value * 1.02);
        let judged = judge(&three(Better::Lower, &drift, &other, &drift)).unwrap();
        assert!((judged.ratio - 1.02).abs() < 1e-9, "{judged:?}");
        assert_eq!((judged.noise, judged.verdict), (0.0, Verdict::Even));
    }

    #[test]
    fn above_one_is_better_for_times_and_for_throughput() {
        let (less, more) = ([100.0; 5], [120.0; 5]);
        let judged = |better| judge(&three(better, &less, &more, &less)).unwrap().verdict;
        assert_eq!(judged(Better::Lower), Verdict::Faster);
        assert_eq!(judged(Better::Higher), Verdict::Slower);
    }

    #[test]
    fn a_row_that_lacks_a_series_is_not_measured() {
        let lacking = row(Better::Lower, &[(SUBJECT, &[1.0; 5]), (AGAIN, &[1.0; 5])]);
        assert_eq!(judge(&lacking), None);
        assert!(line(&lacking).contains("not measured"));
        let against = against(vec![lacking]);
        assert!(!print(&against, false), "no verdict is no pass");
        assert!(print(&against, true));
    }

    #[test]
    fn a_series_that_failed_leaves_too_few_turns() {
        let row = three(Better::Lower, &[1.0; 5], &[1.0; 3], &[1.0; 5]);
        let judged = judge(&row).unwrap();
        assert_eq!((judged.turns, judged.verdict), (3, Verdict::TooFewTurns));
        assert!(!print(&against(vec![row]), false));
    }

    #[test]
    fn a_slower_row_fails_the_run_and_a_faster_one_does_not() {
        let with = |other: f64| {
            against(vec![three(
                Better::Lower,
                &[1.0; 5],
                &[other; 5],
                &[1.0; 5],
            )])
        };
        assert!(!print(&with(0.5), false) && !print(&with(0.5), true));
        assert!(print(&with(2.0), false));
        assert!(print(&with(1.0), false));
    }

    #[test]
    fn the_summary_counts_and_takes_the_geometric_mean() {
        let of = |other: f64| three(Better::Lower, &[1.0; 5], &[other; 5], &[1.0; 5]);
        let mut against = against(vec![of(2.0), of(0.5), of(1.0)]);
        against.skipped.push("local/yield".into());
        let count = Count::of(&against.rows);
        assert_eq!((count.even, count.faster, count.slower), (1, 1, 1));
        let text = summary(&count, &against);
        assert!(text.starts_with("1 of 3 rows even"), "{text}");
        assert!(text.contains("1 skipped; geometric mean 1.000"), "{text}");
    }
}
