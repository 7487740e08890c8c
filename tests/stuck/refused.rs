//! The system refuses a thread for a while: what waits for it goes on as soon as it no longer does.

#![cfg(target_os = "linux")]

use crate::common::*;
use std::time::Duration;

/// More than the address space has room for while threads are refused.
const STACK: usize = 1 << 30;

/// No poll is taken for stuck by itself, but for those that say so.
const LONG: Duration = Duration::from_secs(3600);

/// How long they are after the first complaint: until the reactor thread sleeps deeply, if it does.
const FOR: Duration = Duration::from_millis(300);

/// Makes the system refuse large stacks, until this is dropped.
struct Refused(libc::rlimit);

fn limit(limit: &libc::rlimit) {
    // SAFETY: the limit lives through the call, which reads it.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_AS, limit) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

impl Refused {
    fn start() -> Refused {
        let mut before = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: the limit lives through the call, which writes it.
        let result = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut before) };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
        let used = 1024 * process::status(std::process::id(), "VmSize");
        limit(&libc::rlimit {
            rlim_cur: used + STACK as u64 / 2,
            ..before
        });
        Refused(before)
    }
}

impl Drop for Refused {
    fn drop(&mut self) {
        limit(&self.0);
    }
}

#[test]
fn child() {
    let Some(part) = process::part() else { return };
    let builder = filch::Runtime::builder().workers(1).stack_size(STACK);
    // A poll that its processor was taken from would bring a spare before any is refused.
    let rt = builder.stall_threshold(LONG).build().unwrap();
    let _limit = Limit::on(&rt);
    let [refuses, release] = [Gate::new(), Gate::new()];
    let mut blocked = None;
    if part == "spare" {
        blocked = Some(rt.spawn({
            let (refuses, release) = (refuses.clone(), release.clone());
            async move {
                refuses.passed().await;
                filch::blocking(|| release.block());
            }
        }));
        wait_until("the worker has come", || refuses.waiting() == 1);
    }
    let refused = Refused::start();
    refuses.open();
    let task = rt.spawn(async { 7 });
    process::until_heard();
    std::thread::sleep(FOR);
    if part == "worker" {
        assert!(!task.is_finished());
    }
    drop(refused);
    assert_eq!(task.join_blocking(None).unwrap().unwrap(), 7);
    release.open();
    if let Some(blocked) = blocked {
        blocked.join_blocking(None).unwrap().unwrap();
    }
}

fn goes_on(part: &str, complaint: &str) {
    let complaints = |lines: &[String]| {
        let lines = lines.iter().filter(|line| line.contains(complaint));
        lines.count()
    };
    let lines = process::hear("refused::child", part, |lines| complaints(lines) > 0);
    assert_eq!(complaints(&lines), 1, "{lines:#?}");
}

#[test]
fn a_worker_comes_when_the_system_has_a_thread_again() {
    goes_on("worker", "cannot start worker thread 0, will try again");
}

#[test]
fn a_spare_comes_when_the_system_has_a_thread_again() {
    goes_on("spare", "cannot start a spare thread");
}
