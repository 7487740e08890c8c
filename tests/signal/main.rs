//! Signals: delivered while somebody waits, and with their default action when nobody does.
//!
//! A signal belongs to the process, so each test plays its part in a process of its own.

#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;

mod default;

mod delivery;

mod load;

#[cfg(target_os = "linux")]
mod stop;

use common::process;
use filch::signal::SignalKind;
use std::os::unix::process::ExitStatusExt;

/// Sends a signal to this process.
fn send(kind: SignalKind) {
    send_to(std::process::id(), kind.as_raw_value());
}

fn send_to(pid: u32, number: i32) {
    // SAFETY: it takes two numbers; the process is this one or a child of it.
    assert_eq!(unsafe { libc::kill(pid.try_into().unwrap(), number) }, 0);
}

/// Sends a signal to this thread, which has handled it when this returns. What is sent to the process may be handled
/// later, by another thread.
fn send_here(kind: SignalKind) {
    // SAFETY: it takes a number.
    assert_eq!(unsafe { libc::raise(kind.as_raw_value()) }, 0);
}

/// What ignores a signal passes that on to its children: `nohup`, or a shell to what it runs in the background.
fn ignore_nothing() {
    for number in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        // SAFETY: it sets the default action, which is no code of ours.
        let before = unsafe { libc::signal(number, libc::SIG_DFL) };
        assert_ne!(before, libc::SIG_ERR);
    }
}

/// The test `test` of this binary in a process of its own, which has to succeed.
#[track_caller]
fn in_a_process(test: &str, body: impl FnOnce()) {
    match process::part() {
        Some(part) if part == test => {
            ignore_nothing();
            body();
        }
        Some(_) => {}
        None => drop(process::succeed(test, test)),
    }
}

/// The same for a process that a signal has to end, and that says `said` before.
#[track_caller]
fn ended_by(test: &str, number: i32, said: &str, body: impl FnOnce()) {
    match process::part() {
        Some(part) if part == test => {
            ignore_nothing();
            body();
            panic!("the signal has not ended this process");
        }
        Some(_) => {}
        None => {
            let output = process::run(test, test);
            let text = process::text_of(&output);
            assert_eq!(
                output.status.signal(),
                Some(number),
                "{}\n{text}",
                output.status
            );
            assert!(text.contains(said), "{text}");
        }
    }
}
