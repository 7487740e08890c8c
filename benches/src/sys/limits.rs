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

/// CPU model, number of CPUs, kernel and how that preempts, as one line for the head of a report.
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
    let preemption = preemption(kernel.trim());
    format!(
        "{model}, {} CPUs, Linux {}, {preemption}",
        cpus(),
        kernel.trim()
    )
}

/// Asks the running kernel, which may have been told at its start, then its configuration; both may be out of reach.
fn preemption(kernel: &str) -> String {
    let told = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let now = fs::read_to_string("/sys/kernel/debug/sched/preempt").unwrap_or_default();
    let built = fs::read_to_string(format!("/boot/config-{kernel}"))
        .or_else(|_| unpacked("/proc/config.gz"));
    chosen(&now)
        .or_else(|| {
            told.split_whitespace()
                .find_map(|word| word.strip_prefix("preempt="))
        })
        .map(|model| format!("preemption {model}"))
        .or_else(|| configured(&built.unwrap_or_default()))
        .unwrap_or_else(|| "preemption unknown".to_owned())
}

/// In the list of models the running one stands in brackets.
fn chosen(list: &str) -> Option<&str> {
    list.split_whitespace()
        .find_map(|word| word.strip_prefix('(')?.strip_suffix(')'))
}

fn configured(config: &str) -> Option<String> {
    let models = [
        "PREEMPT_NONE",
        "PREEMPT_VOLUNTARY",
        "PREEMPT_LAZY",
        "PREEMPT_RT",
        "PREEMPT",
    ];
    let is_set = |model: &&str| {
        config
            .lines()
            .any(|line| line == format!("CONFIG_{model}=y"))
    };
    models.into_iter().find(is_set).map(str::to_owned)
}

fn unpacked(path: &str) -> io::Result<String> {
    let output = std::process::Command::new("zcat").arg(path).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// How many CPUs this process may use.
pub(crate) fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_in_two_places_how_it_preempts() {
        assert_eq!(chosen("none (voluntary) full"), Some("voluntary"));
        assert_eq!(chosen(""), None);
        let config = "CONFIG_PREEMPT_BUILD=y\nCONFIG_PREEMPT_NONE=y\n# CONFIG_PREEMPT is not set\n";
        assert_eq!(configured(config).as_deref(), Some("PREEMPT_NONE"));
        assert_eq!(configured(""), None);
    }
}
