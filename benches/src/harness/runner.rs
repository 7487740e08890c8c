//! `run`: the parent. Measures the chosen rows, peers interleaved, and hands the result to the reports.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::options::{Error, RunOptions};
use super::sample::{Report, RowResult, Sample, Series};
use super::{compare, plot, process, report, server, syscalls};
use crate::rows::{self, Row, Work};
use crate::runtimes::Peer;
use crate::runtimes::peer::Found;
use crate::sys::{limits, priority};

/// A peer that is there.
type Present = (Peer, Found);

/// Measures and reports. False if a row failed or, with `--compare`, got slower.
///
/// # Errors
/// For options that cannot be followed: unknown rows, unreadable or unwritable files.
pub(crate) fn run(options: &RunOptions) -> Result<bool, Error> {
    let rows = rows::select(&options.names)?;
    let saved = options.compare.as_deref().map(load).transpose()?;
    limits::raise_open_files();
    if options.pin {
        limits::split_cpus()?;
    }
    let present = find_peers(options, &rows);
    let report = Report {
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        machine: limits::machine(),
        time: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        workers: options.workers,
        runs: options.runs,
        smoke: options.smoke,
        rows: Vec::new(),
    };
    print_head(&report, options, &rows);
    let report = measure_all(report, &rows, &present, options);
    report::summary(&report);
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)?)
            .map_err(|error| at(path, &error))?;
    }
    if let Some(path) = &options.plot {
        write_plot(&report, path)?;
    }
    let slower = saved.is_some_and(|saved| compare::print(&saved, &report));
    let failed = report
        .rows
        .iter()
        .flat_map(|row| &row.series)
        .filter(|series| series.error.is_some())
        .count();
    if failed > 0 {
        eprintln!("{failed} series FAILED; see above");
    }
    Ok(failed == 0 && !slower)
}

/// Draws a saved result.
///
/// # Errors
/// For files that cannot be read, or written.
pub(crate) fn draw(saved: &Path, plot: &Path) -> Result<(), Error> {
    write_plot(&load(saved)?, plot)
}

fn write_plot(report: &Report, path: &Path) -> Result<(), Error> {
    std::fs::write(path, plot::draw(report)).map_err(|error| at(path, &error))
}

fn load(path: &Path) -> Result<Report, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| at(path, &error))?;
    serde_json::from_str(&text).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &dyn std::error::Error) -> Error {
    format!("{}: {error}", path.display()).into()
}

/// The asked-for peers that are there; the others are named on standard error.
fn find_peers(options: &RunOptions, rows: &[Row]) -> Vec<Present> {
    let mut present = Vec::new();
    for &peer in &options.peers {
        if !rows.iter().any(|row| row.includes(peer)) {
            eprintln!(
                "{peer} is skipped: it takes part in server rows only, and none was asked for"
            );
            continue;
        }
        match peer.find() {
            Found::Missing(why) => eprintln!("{peer} is skipped: {why}"),
            found => present.push((peer, found)),
        }
    }
    present
}

fn print_head(report: &Report, options: &RunOptions, rows: &[Row]) {
    println!("{}", report.machine);
    println!(
        "{} workers, {} runs of each peer and row, interleaved",
        report.workers, report.runs
    );
    if options.smoke {
        println!("a smoke run: the figures mean nothing");
    }
    if rows.iter().any(|row| matches!(row.work, Work::Server(..))) {
        // Asked for on a thread that ends, so that it stays with nobody.
        if let Ok(granted) = std::thread::spawn(priority::raise).join() {
            println!("the load generator gets {granted}");
        }
    }
    if options.syscalls {
        println!("system calls are counted by {}", syscalls::describe());
    }
    println!();
}

fn measure_all(
    mut report: Report,
    rows: &[Row],
    present: &[Present],
    options: &RunOptions,
) -> Report {
    for (position, row) in rows.iter().enumerate() {
        let label = format!("[{}/{}] {}", position + 1, rows.len(), row.full_name());
        let result = measure_row(row, present, options, &label);
        clear_progress();
        report::row(&result);
        report.rows.push(result);
    }
    report
}

/// All peers in turn, again and again: what drifts on the machine meanwhile drifts for all of them.
fn measure_row(row: &Row, present: &[Present], options: &RunOptions, label: &str) -> RowResult {
    let peers: Vec<&Present> = present
        .iter()
        .filter(|(peer, _)| row.includes(*peer))
        .collect();
    let name = |peer: &Peer| peer.name().to_owned();
    let mut series: Vec<Series> = peers
        .iter()
        .map(|(peer, _)| Series {
            peer: name(peer),
            ..Series::default()
        })
        .collect();
    for run in 1..=options.runs {
        for ((peer, found), series) in peers.iter().zip(&mut series) {
            if series.error.is_some() {
                continue;
            }
            progress(&format!("{label}  run {run}/{}  {peer}", options.runs));
            match measure_once(row, *peer, found, options) {
                Ok(sample) => series.samples.push(sample),
                Err(error) => series.error = Some(error.to_string()),
            }
        }
    }
    if options.syscalls {
        for ((peer, found), series) in peers.iter().zip(&mut series) {
            progress(&format!("{label}  system calls  {peer}"));
            add_syscalls(row, *peer, found, options, series);
        }
    }
    RowResult {
        row: row.full_name(),
        unit: row.unit.to_owned(),
        better: row.better,
        series,
    }
}

fn measure_once(
    row: &Row,
    peer: Peer,
    found: &Found,
    options: &RunOptions,
) -> Result<Sample, Error> {
    match row.work {
        Work::Server(server, load, figure) => {
            server::measure(peer, found, (server, load, figure), options)
        }
        Work::Micro(_) => parse(&process::output(&mut row_command(row, peer, options)?)?),
    }
}

fn row_command(
    row: &Row,
    peer: Peer,
    options: &RunOptions,
) -> Result<std::process::Command, Error> {
    let mut command = process::own(peer, options.workers)?;
    command.args([
        "row",
        &row.full_name(),
        peer.name(),
        "--workers",
        &options.workers.to_string(),
    ]);
    command.args(["--time", &options.time.as_millis().to_string()]);
    if options.smoke {
        command.arg("--smoke");
    }
    Ok(command)
}

/// The sample is the last line that a child prints.
fn parse(printed: &str) -> Result<Sample, Error> {
    let line = printed.lines().last().ok_or("printed nothing")?;
    Ok(serde_json::from_str(line)?)
}

/// Adds the count to each sample. A failure to count fails the series too: a figure that is missing without a word
/// would read as none.
fn add_syscalls(row: &Row, peer: Peer, found: &Found, options: &RunOptions, series: &mut Series) {
    let counted = match row.work {
        Work::Server(server, load, _) => {
            server::count_syscalls(peer, found, (server, load), options)
        }
        Work::Micro(_) => count_micro(row, peer, options),
    };
    match counted {
        Ok(Some(count)) => series.samples.iter_mut().for_each(|sample| {
            sample.extras.insert("syscalls/op".to_owned(), count);
        }),
        Ok(None) => {}
        Err(error) => series.error = Some(format!("counting system calls: {error}")),
    }
}

/// The difference between a child with one pass and one with five: what starting costs is in both.
fn count_micro(row: &Row, peer: Peer, options: &RunOptions) -> Result<Option<f64>, Error> {
    let count = |passes: &str| -> Result<Option<(f64, f64)>, Error> {
        let mut command = row_command(row, peer, options)?;
        command.args(["--passes", passes]);
        let Some((calls, printed)) = syscalls::of_command(&command)? else {
            return Ok(None);
        };
        Ok(parse(&printed)?
            .extras
            .get("ops")
            .map(|&operations| (calls, operations)))
    };
    let (Some((few, of_few)), Some((many, of_many))) = (count("1")?, count("5")?) else {
        return Ok(None);
    };
    Ok((of_many > of_few).then(|| ((many - few) / (of_many - of_few)).max(0.0)))
}

/// One line that is overwritten; nothing where nobody watches.
fn progress(text: &str) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        // Progress that cannot be shown is no reason to stop measuring.
        let _ = write!(err, "\r\x1b[2K{text}").and_then(|()| err.flush());
    }
}

fn clear_progress() {
    progress("");
}
