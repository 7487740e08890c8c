//! Open files, CPU sets, and what machine this is.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Raises the limit of open files to what the system allows: a thousand connections need more than the usual 1024.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where it fails, the row that needs more files fails with the system's own message.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
}

/// Splits the CPUs this thread may use: the last one for the load generator, the others for the server.
///
/// # Errors
/// When there is only one CPU, or the system refuses to tell.
pub(crate) fn split_cpus() -> io::Result<(CpuSet, CpuSet)> {
    let all = sched_getaffinity(None)?;
    let cpus: Vec<usize> = (0..CpuSet::MAX_CPU)
        .filter(|&cpu| all.is_set(cpu))
        .collect();
    let [server @ .., load] = cpus.as_slice() else {
        return Err(io::Error::other("no CPU to pin to"));
    };
    if server.is_empty() {
        return Err(io::Error::other(
            "--pin needs at least two CPUs: one for the load generator, one for the server",
        ));
    }
    Ok((set_of(server), set_of(&[*load])))
}

fn set_of(cpus: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    for &cpu in cpus {
        set.set(cpu);
    }
    set
}

/// Pins the calling thread, and whatever it starts from now on.
///
/// # Errors
/// The system's, for a CPU that this process may not use.
pub(crate) fn pin(cpus: &CpuSet) -> io::Result<()> {
    Ok(sched_setaffinity(None, cpus)?)
}

/// CPU model, number of CPUs and kernel, as one line for the head of a report.
pub(crate) fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name")
                .and_then(|rest| rest.split_once(": "))
        })
        .map_or("unknown CPU", |(_, model)| model.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {} CPUs, Linux {}", cpus(), kernel.trim())
}

/// How many CPUs this process may use.
pub(crate) fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
