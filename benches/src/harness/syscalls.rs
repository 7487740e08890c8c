//! System calls, counted from outside: by perf where it may count them, else by strace, else not at all.
//!
//! Both slow the counted process down, strace by far, so counting has runs of its own and never touches a timed one.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use super::clock::Moment;
use super::options::Error;
use super::process;

/// The tool that counts here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Perf,
    Strace,
}

const EVENT: &str = "raw_syscalls:sys_enter";

/// The first tool that works, tried once.
fn tool() -> Option<Tool> {
    static TOOL: OnceLock<Option<Tool>> = OnceLock::new();
    *TOOL.get_or_init(|| {
        let works = |command: &mut Command| {
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        if works(Command::new("perf").args(["stat", "-e", EVENT, "true"])) {
            return Some(Tool::Perf);
        }
        works(Command::new("strace").args(["-f", "-c", "true"])).then_some(Tool::Strace)
    })
}

/// What counts, for the head of a report.
pub(crate) fn describe() -> &'static str {
    match tool() {
        Some(Tool::Perf) => "perf",
        Some(Tool::Strace) => "strace",
        None => "nothing (neither perf nor strace works here)",
    }
}

/// Runs `command` to its end and returns how many system calls it made, with what it printed.
///
/// # Errors
/// When the command fails.
pub(crate) fn of_command(command: &Command) -> Result<Option<(f64, String)>, Error> {
    let Some(tool) = tool() else { return Ok(None) };
    let report = std::env::temp_dir().join(format!("filch-bench-{}-syscalls", std::process::id()));
    let mut traced = match tool {
        Tool::Perf => Command::new("perf"),
        Tool::Strace => Command::new("strace"),
    };
    match tool {
        Tool::Perf => traced
            .args(["stat", "-x", ",", "-e", EVENT, "-o"])
            .arg(&report)
            .arg("--"),
        Tool::Strace => traced.args(["-f", "-c", "-o"]).arg(&report).arg("--"),
    };
    traced.arg(command.get_program()).args(command.get_args());
    traced.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let printed = process::output(&mut traced);
    let counted = std::fs::read_to_string(&report).unwrap_or_default();
    // The report was read; if it cannot be removed, the next one overwrites it.
    let _ = std::fs::remove_file(&report);
    Ok(Some((parse(tool, &counted)?, printed?)))
}

/// Counts the system calls of a running process.
#[derive(Debug)]
pub(crate) struct Counter {
    tool: Tool,
    child: Child,
}

impl Counter {
    /// Attaches to all threads of `pid`; `None` if nothing can count here.
    ///
    /// # Errors
    /// When the tool cannot be started.
    pub(crate) fn attach(pid: u32) -> Result<Option<Counter>, Error> {
        let Some(tool) = tool() else { return Ok(None) };
        let pid = pid.to_string();
        let mut command = match tool {
            Tool::Perf => Command::new("perf"),
            Tool::Strace => Command::new("strace"),
        };
        match tool {
            Tool::Perf => command.args(["stat", "-x", ",", "-e", EVENT, "-p", &pid]),
            Tool::Strace => command.args(["-f", "-c", "-p", &pid]),
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if tool == Tool::Strace {
            // It says "attached" on its first line; calls before that are not counted.
            if let Some(err) = &mut child.stderr {
                BufReader::with_capacity(1, err).read_line(&mut String::new())?;
            }
        } else {
            wait_until_counting(child.id())?;
        }
        Ok(Some(Counter { tool, child }))
    }

    /// Detaches and returns the count.
    ///
    /// # Errors
    /// When the tool's report has no count.
    pub(crate) fn finish(mut self) -> Result<f64, Error> {
        // SAFETY: the child has not been waited for, so its pid is its own; SIGINT makes both tools report and end.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGINT) };
        let mut report = String::new();
        if let Some(mut err) = self.child.stderr.take() {
            err.read_to_string(&mut report)?;
        }
        self.child.wait()?;
        parse(self.tool, &report)
    }
}

/// perf says nothing when it has attached, but its open counters show among its files.
fn wait_until_counting(perf: u32) -> Result<(), Error> {
    let start = Moment::now();
    while start.elapsed() < Duration::from_secs(10) {
        let files = std::fs::read_dir(format!("/proc/{perf}/fd"))?;
        let counting = |file: std::io::Result<std::fs::DirEntry>| {
            let link = file.and_then(|file| std::fs::read_link(file.path()));
            link.is_ok_and(|link| link.to_string_lossy().contains("perf_event"))
        };
        if files.into_iter().any(counting) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err("perf did not attach within 10 s".into())
}

/// perf prints `COUNT,,EVENT,...`; strace a table that ends in
/// `100.00 SECONDS MICROSECONDS CALLS [ERRORS] total`.
fn parse(tool: Tool, report: &str) -> Result<f64, Error> {
    let count = match tool {
        Tool::Perf => report
            .lines()
            .find(|line| line.contains(EVENT))
            .and_then(|line| line.split(',').next())
            .and_then(|count| count.parse().ok()),
        Tool::Strace => report
            .lines()
            .rev()
            .find(|line| line.trim_end().ends_with("total"))
            .and_then(|line| {
                line.split_whitespace()
                    .nth(3)
                    .and_then(|calls| calls.parse().ok())
            }),
    };
    count.ok_or_else(|| {
        format!("no count of system calls in the report of {tool:?}: {report}").into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reports_of_both_tools_are_understood() {
        let perf = "\n# started on now\n\n29,,raw_syscalls:sys_enter,100,100.00,,\n";
        assert_eq!(parse(Tool::Perf, perf).unwrap(), 29.0);
        let strace = "------ ----------- ----------- --------- --------- ----------------\n\
                      100.00    0.000100           3        33         2 total\n";
        assert_eq!(parse(Tool::Strace, strace).unwrap(), 33.0);
        assert!(parse(Tool::Perf, "").is_err());
    }
}
