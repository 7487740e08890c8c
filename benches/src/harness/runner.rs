//! `run`: the parent. Measures the chosen rows, peers interleaved, and hands the result to the reports.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::contender::{self, Contender, OtherBuild};
use super::options::{Error, RunOptions};
use super::sample::Report;
use super::{against, compare, measure, plot, report, syscalls};
use crate::rows::{self, Row, Work};
use crate::sys::{idle_wake, limits, priority};

/// Measures and reports. False if a row failed, with `--compare` got slower, or with `--against` is slower or has no
/// verdict.
///
/// # Errors
/// For options that cannot be followed: unknown rows, unreadable or unwritable files, no other build.
pub(crate) fn run(options: &RunOptions) -> Result<bool, Error> {
    let mut rows = rows::select(&options.names)?;
    let saved = options.compare.as_deref().map(load).transpose()?;
    let other = options
        .against
        .as_deref()
        .map(OtherBuild::ask)
        .transpose()?;
    limits::raise_open_files();
    if options.pin {
        limits::split_cpus()?;
    }
    let skipped = match &other {
        Some(other) => drop_unknown(other, &mut rows)?,
        None => Vec::new(),
    };
    let contenders = contender::find(options, &rows, other.as_ref());
    let mut report = empty_report(options);
    print_head(&report, options, &rows);
    measure_all(&mut report, &rows, &contenders, options);
    if let Some(other) = &other {
        let binary = other.binary.display().to_string();
        report.against = Some(against::judge_all(&report, binary, skipped));
    }
    report::summary(&report);
    save(&report, options)?;
    Ok(verdict(&report, saved.as_ref()))
}

/// The names of the rows that the other build does not have; each is said on standard error.
fn drop_unknown(other: &OtherBuild, rows: &mut Vec<Row>) -> Result<Vec<String>, Error> {
    let skipped = other.drop_unknown(rows);
    for (row, why) in &skipped {
        eprintln!("{row} is skipped: {why}");
    }
    if rows.is_empty() {
        return Err(format!("{} has none of these rows", other.binary.display()).into());
    }
    Ok(skipped.into_iter().map(|(row, _)| row).collect())
}

fn empty_report(options: &RunOptions) -> Report {
    Report {
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        machine: machine(options),
        time: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        workers: options.workers,
        runs: options.runs,
        smoke: options.smoke,
        ..Report::default()
    }
}

/// Kernel, processors, and what a sleep costs on them; of a smoke run nobody wants to know that.
fn machine(options: &RunOptions) -> String {
    let machine = limits::machine();
    if options.smoke {
        return machine;
    }
    let wake = idle_wake::measure().as_nanos() as f64 / 1000.0;
    format!("{machine}, waking an idle CPU takes {wake:.1} µs")
}

fn measure_all(report: &mut Report, rows: &[Row], contenders: &[Contender], options: &RunOptions) {
    for (position, row) in rows.iter().enumerate() {
        let label = format!("[{}/{}] {}", position + 1, rows.len(), row.full_name());
        let result = measure::row(row, contenders, options, &label);
        let note = options.against.is_some().then(|| against::line(&result));
        report::row(&result, note.as_deref());
        report.rows.push(result);
    }
}

/// `--json` and `--plot`.
fn save(report: &Report, options: &RunOptions) -> Result<(), Error> {
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(report)?)
            .map_err(|error| at(path, &error))?;
    }
    if let Some(path) = &options.plot {
        write_plot(report, path)?;
    }
    Ok(())
}

/// Prints what the comparisons say and what failed. True if nothing did.
fn verdict(report: &Report, saved: Option<&Report>) -> bool {
    let slower = saved.is_some_and(|saved| compare::print(saved, report));
    let stood = report
        .against
        .as_ref()
        .is_none_or(|against| against::print(against, report.smoke));
    let series = report.rows.iter().flat_map(|row| &row.series);
    let failed = series.filter(|series| series.error.is_some()).count();
    if failed > 0 {
        eprintln!("{failed} series FAILED; see above");
    }
    failed == 0 && !slower && stood
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
