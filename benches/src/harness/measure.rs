//! Measures one row: a child process per contender and turn, or a server process and the load generator.

use std::io::{IsTerminal, Write};
use std::process::Command;

use super::contender::Contender;
use super::options::{Error, RunOptions};
use super::sample::{RowResult, Sample, Series};
use super::{process, server, syscalls};
use crate::rows::{Row, Work};

/// All contenders in turn, again and again: what drifts on the machine meanwhile drifts for all of them. Every second
/// turn goes backwards, so that nobody always runs after the same other.
pub(crate) fn row(
    row: &Row,
    contenders: &[Contender],
    options: &RunOptions,
    label: &str,
) -> RowResult {
    let mut taking_part: Vec<(&Contender, Series)> = contenders
        .iter()
        .filter(|contender| row.includes(contender.peer))
        .map(|contender| (contender, Series::new(contender.name)))
        .collect();
    for run in 1..=options.runs {
        let mut turn: Vec<&mut (&Contender, Series)> = taking_part.iter_mut().collect();
        if run % 2 == 0 {
            turn.reverse();
        }
        for (contender, series) in turn {
            let text = format!("{label}  run {run}/{}  {}", options.runs, contender.name);
            progress(&text);
            add_run(row, contender, options, series);
        }
    }
    if options.syscalls {
        for (contender, series) in &mut taking_part {
            progress(&format!("{label}  system calls  {}", contender.name));
            add_syscalls(row, contender, options, series);
        }
    }
    progress("");
    RowResult {
        row: row.full_name(),
        unit: row.unit.to_owned(),
        better: row.better,
        series: taking_part.into_iter().map(|(_, series)| series).collect(),
    }
}

/// Adds a sample; nothing to a series that has failed, so that the n-th sample is always of the n-th turn.
fn add_run(row: &Row, contender: &Contender, options: &RunOptions, series: &mut Series) {
    if series.error.is_some() {
        return;
    }
    match once(row, contender, options) {
        Ok(sample) => series.samples.push(sample),
        Err(error) => series.error = Some(error.to_string()),
    }
}

fn once(row: &Row, contender: &Contender, options: &RunOptions) -> Result<Sample, Error> {
    match row.work {
        Work::Server(server, load, figure) => {
            server::measure(contender, (server, load, figure), options)
        }
        Work::Micro(_) => parse(&process::output(&mut row_command(
            row, contender, options,
        )?)?),
    }
}

fn row_command(row: &Row, contender: &Contender, options: &RunOptions) -> Result<Command, Error> {
    let mut command = process::harness(contender.peer, &contender.found, options.workers)?;
    command.args([
        "row",
        &row.full_name(),
        contender.peer.name(),
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
fn add_syscalls(row: &Row, contender: &Contender, options: &RunOptions, series: &mut Series) {
    let counted = match row.work {
        Work::Server(server, load, _) => server::count_syscalls(contender, (server, load), options),
        Work::Micro(_) => count_micro(row, contender, options),
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
fn count_micro(
    row: &Row,
    contender: &Contender,
    options: &RunOptions,
) -> Result<Option<f64>, Error> {
    let count = |passes: &str| -> Result<Option<(f64, f64)>, Error> {
        let mut command = row_command(row, contender, options)?;
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
