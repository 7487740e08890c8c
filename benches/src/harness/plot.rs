//! `--plot`: the report as one SVG. Left, each row's advantage of filch over each peer on a log scale; below, the
//! latency percentiles of the server rows. Drawing primitives are in [`canvas`]; nothing here reads the clock or a
//! file.

mod canvas;

use canvas::{Anchor, Canvas, Scale};

use super::report::number;
use super::sample::{Report, RowResult, SUBJECT};

const WIDTH: f64 = 980.0;
const LEFT: f64 = 230.0;
const RIGHT: f64 = 120.0;
const LINE: f64 = 18.0;
const HEAD: f64 = 64.0;
const PERCENTILES: [(&str, &str); 4] = [
    ("p50", "p50 µs"),
    ("p99", "p99 µs"),
    ("p99.9", "p99.9 µs"),
    ("max", "max µs"),
];

/// A colour per peer, distinct for most kinds of colour vision; the name is in the legend too.
fn colour(peer: &str) -> &'static str {
    match peer {
        "filch" => "#d1495b",
        "tokio" => "#2d6a9f",
        "smol" => "#3a8f5c",
        "go" => "#8a5fb0",
        "asyncio" => "#c58a1b",
        _ => "#6b6b6b",
    }
}

/// Draws the report.
pub(crate) fn draw(report: &Report) -> String {
    let latency: Vec<&RowResult> = report
        .rows
        .iter()
        .filter(|row| has_latencies(row))
        .collect();
    let ratios_height = HEAD + LINE * report.rows.len() as f64 + 40.0;
    let latency_height = if latency.is_empty() {
        0.0
    } else {
        HEAD + latency.iter().map(|row| block_height(row)).sum::<f64>() + 40.0
    };
    let mut canvas = Canvas::new(WIDTH, ratios_height + latency_height);
    draw_ratios(&mut canvas, report);
    if !latency.is_empty() {
        draw_latencies(&mut canvas, &latency, ratios_height);
    }
    canvas.finish()
}

/// The peers of a row that filch is compared with; without filch, its first peer stands in for it.
fn compared(row: &RowResult) -> Option<(f64, Vec<(&str, f64)>)> {
    let subject = row
        .median(SUBJECT)
        .or_else(|| row.median(&row.series.first()?.peer))?;
    let medians = row
        .series
        .iter()
        .filter(|series| series.peer != SUBJECT)
        .filter_map(|series| {
            let median = series.summary()?.median;
            Some((series.peer.as_str(), row.better.advantage(subject, median)))
        });
    Some((
        subject,
        medians
            .filter(|(_, advantage)| advantage.is_finite() && *advantage > 0.0)
            .collect(),
    ))
}

fn draw_ratios(canvas: &mut Canvas, report: &Report) {
    let subject = if report.rows.iter().any(|row| row.of(SUBJECT).is_some()) {
        SUBJECT
    } else {
        "the first peer"
    };
    canvas.text(
        16.0,
        24.0,
        Anchor::Start,
        15.0,
        &format!("How many times better {subject} is, row by row"),
    );
    let note = format!(
        "{}; {} workers, median of {} runs; right of 1: {subject} leads",
        report.machine, report.workers, report.runs
    );
    canvas.text(16.0, 42.0, Anchor::Start, 11.0, &note);
    legend(canvas, report.rows.iter(), 24.0);
    let advantages = report
        .rows
        .iter()
        .filter_map(compared)
        .flat_map(|(_, peers)| peers)
        .map(|(_, factor)| factor);
    let scale = Scale::log(advantages.chain([0.5, 2.0]), LEFT, WIDTH - RIGHT);
    let bottom = HEAD + LINE * report.rows.len() as f64;
    scale.grid(canvas, HEAD - 6.0, bottom, |tick| format!("{tick}×"));
    canvas.line(
        scale.at(1.0),
        HEAD - 6.0,
        scale.at(1.0),
        bottom,
        "#222222",
        1.5,
    );
    for (position, row) in report.rows.iter().enumerate() {
        let y = HEAD + LINE * (position as f64 + 0.5);
        canvas.text(LEFT - 10.0, y + 4.0, Anchor::End, 11.0, &row.row);
        let Some((subject, peers)) = compared(row) else {
            continue;
        };
        for (peer, factor) in peers {
            canvas.line(scale.at(1.0), y, scale.at(factor), y, colour(peer), 2.0);
            canvas.dot(
                scale.at(factor),
                y,
                4.5,
                colour(peer),
                &format!("{}: {peer} {factor:.2}×", row.row),
            );
        }
        canvas.text(
            WIDTH - RIGHT + 12.0,
            y + 4.0,
            Anchor::Start,
            10.0,
            &format!("{} {}", number(subject), row.unit),
        );
    }
}

fn has_latencies(row: &RowResult) -> bool {
    row.series
        .iter()
        .any(|series| series.extras().contains_key("p99 µs"))
}

fn block_height(row: &RowResult) -> f64 {
    14.0 * row.series.len() as f64 + 12.0
}

fn draw_latencies(canvas: &mut Canvas, rows: &[&RowResult], top: f64) {
    canvas.text(
        16.0,
        top + 24.0,
        Anchor::Start,
        15.0,
        "Latency of the server rows in µs: p50, p99, p99.9 and max",
    );
    canvas.text(
        16.0,
        top + 42.0,
        Anchor::Start,
        11.0,
        "one line per peer; the dots get smaller towards the maximum",
    );
    legend(canvas, rows.iter().copied(), top + 24.0);
    let all = rows.iter().flat_map(|row| &row.series).flat_map(|series| {
        let extras = series.extras();
        PERCENTILES
            .into_iter()
            .filter_map(move |(_, key)| extras.get(key).copied())
    });
    let scale = Scale::log(all, LEFT, WIDTH - 30.0);
    let bottom = top + HEAD + rows.iter().map(|row| block_height(row)).sum::<f64>();
    scale.grid(canvas, top + HEAD - 6.0, bottom, number);
    let mut y = top + HEAD;
    for row in rows {
        canvas.text(
            LEFT - 10.0,
            y + block_height(row) / 2.0,
            Anchor::End,
            11.0,
            &row.row,
        );
        for (position, series) in row.series.iter().enumerate() {
            percentiles(
                canvas,
                &scale,
                row,
                series,
                y + 14.0 * (position as f64 + 0.5),
            );
        }
        y += block_height(row);
    }
}

fn percentiles(
    canvas: &mut Canvas,
    scale: &Scale,
    row: &RowResult,
    series: &super::sample::Series,
    y: f64,
) {
    let extras = series.extras();
    let points: Vec<(&str, f64)> = PERCENTILES
        .into_iter()
        .filter_map(|(name, key)| Some((name, *extras.get(key)?)))
        .collect();
    let (Some((_, first)), Some((_, last))) = (points.first(), points.last()) else {
        return;
    };
    canvas.line(
        scale.at(*first),
        y,
        scale.at(*last),
        y,
        colour(&series.peer),
        1.0,
    );
    for (position, (name, micros)) in points.iter().enumerate() {
        let radius = 4.5 - position as f64 * 0.8;
        let label = format!("{}: {} {name} {} µs", row.row, series.peer, number(*micros));
        canvas.dot(scale.at(*micros), y, radius, colour(&series.peer), &label);
    }
}

fn legend<'a>(canvas: &mut Canvas, rows: impl Iterator<Item = &'a RowResult>, y: f64) {
    let mut peers: Vec<&str> = Vec::new();
    for series in rows.flat_map(|row| &row.series) {
        if !peers.contains(&series.peer.as_str()) {
            peers.push(&series.peer);
        }
    }
    for (position, peer) in peers.iter().enumerate() {
        let x = WIDTH - 80.0 * (peers.len() - position) as f64;
        canvas.dot(x, y - 4.0, 5.0, colour(peer), peer);
        canvas.text(x + 9.0, y, Anchor::Start, 12.0, peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::sample::{Better, Sample, Series};

    fn report(row: &str) -> Report {
        let series = |peer: &str, value: f64| Series {
            peer: peer.into(),
            samples: vec![
                Sample::new(value)
                    .with("p50 µs", value)
                    .with("p99 µs", 5.0 * value),
            ],
            error: None,
        };
        let series = vec![series("filch", 10.0), series("tokio", 40.0)];
        Report {
            machine: "a <b> & \"c\"".into(),
            rows: vec![RowResult {
                row: row.into(),
                unit: "ns".into(),
                better: Better::Lower,
                series,
            }],
            ..Report::default()
        }
    }

    #[test]
    fn whatever_is_in_a_name_the_picture_stays_well_formed() {
        let svg = draw(&report("g/<script>&'x'"));
        assert!(svg.contains("g/&lt;script&gt;&amp;&#39;x&#39;"));
        assert!(!svg.contains("<script>"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }

    #[test]
    fn an_advantage_is_drawn_right_of_one() {
        let (_, peers) = compared(&report("g/r").rows[0])
            .map(|(subject, peers)| (subject, peers.len()))
            .unwrap();
        assert_eq!(peers, 1);
        assert!(draw(&report("g/r")).contains("tokio 4.00×"));
    }

    #[test]
    fn a_report_without_rows_is_an_empty_picture() {
        let mut empty = report("g/r");
        empty.rows.clear();
        assert!(draw(&empty).starts_with("<svg"));
    }
}
