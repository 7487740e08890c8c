//! When nobody waits.

use crate::common::{Gate, runtime, wait_until};
use crate::{ended_by, in_a_process, process, send};
use filch::signal::{SignalKind, Signals, ctrl_c};
use filch::time::timeout;
use std::time::Duration;

const INT: i32 = 2;
const TERM: i32 = 15;

#[test]
fn the_second_ctrl_c_ends_the_program_though_every_worker_is_stuck() {
    ended_by(
        "default::the_second_ctrl_c_ends_the_program_though_every_worker_is_stuck",
        INT,
        "the first is on its way",
        || {
            let builder = filch::Runtime::builder().workers(2).max_spare_threads(0);
            let rt = builder.build().unwrap();
            let first = ctrl_c();
            let gate = Gate::new();
            for _ in 0..2 {
                let gate = gate.clone();
                drop(rt.spawn(async move { gate.block() }));
            }
            // Nobody notices that the first has come, not even who waits for it. Two that are sent at once may be one.
            println!("the first is on its way");
            wait_until("this process has ended", || {
                send(SignalKind::interrupt());
                false
            });
            drop((rt, first));
        },
    );
}

#[test]
fn after_a_ctrl_c_the_next_one_ends_the_program() {
    ended_by(
        "default::after_a_ctrl_c_the_next_one_ends_the_program",
        INT,
        "once",
        || {
            filch::run(async {
                let heard = ctrl_c();
                send(SignalKind::interrupt());
                heard.await.unwrap();
                println!("once");
                send(SignalKind::interrupt());
            });
        },
    );
}

#[test]
fn a_ctrl_c_that_is_asked_for_again_is_heard_again() {
    in_a_process(
        "default::a_ctrl_c_that_is_asked_for_again_is_heard_again",
        || {
            filch::run(async {
                for _ in 0..100 {
                    let heard = ctrl_c();
                    send(SignalKind::interrupt());
                    heard.await.unwrap();
                }
            });
        },
    );
}

#[test]
fn a_listener_that_was_dropped_leaves_the_default() {
    ended_by(
        "default::a_listener_that_was_dropped_leaves_the_default",
        TERM,
        "",
        || {
            filch::run(async {
                let signals = Signals::new([SignalKind::terminate()]).unwrap();
                let another = Signals::new([SignalKind::terminate()]).unwrap();
                drop(signals);
                send(SignalKind::terminate());
                drop(another);
                send(SignalKind::terminate());
            });
        },
    );
}

#[test]
fn a_ctrl_c_that_was_given_up_leaves_the_default() {
    ended_by(
        "default::a_ctrl_c_that_was_given_up_leaves_the_default",
        INT,
        "",
        || {
            runtime(1).block_on(async {
                assert!(timeout(Duration::from_millis(5), ctrl_c()).await.is_err());
                send(SignalKind::interrupt());
            });
        },
    );
}

#[test]
fn what_does_nothing_by_default_does_nothing() {
    in_a_process("default::what_does_nothing_by_default_does_nothing", || {
        for kind in [SignalKind::child(), SignalKind::window_change()] {
            filch::run(async move {
                let mut signals = Signals::new([kind]).unwrap();
                send(kind);
                assert_eq!(signals.recv().await.unwrap(), kind);
            });
            send(kind);
        }
    });
}

#[test]
fn what_was_ignored_from_the_start_stays_so_when_nobody_waits() {
    const TEST: &str = "default::what_was_ignored_from_the_start_stays_so_when_nobody_waits";
    match process::part() {
        Some(part) if part == TEST => {
            let kind = SignalKind::hangup();
            filch::run(async move {
                let mut signals = Signals::new([kind]).unwrap();
                send(kind);
                assert_eq!(signals.recv().await.unwrap(), kind);
            });
            send(kind);
        }
        Some(_) => {}
        None => {
            let theirs = process::again(TEST, TEST, None);
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
            shell.arg(theirs.get_program()).args(theirs.get_args());
            for (name, value) in theirs.get_envs() {
                shell.env(name, value.unwrap());
            }
            let output = shell.output().unwrap();
            assert!(output.status.success(), "{}", process::text_of(&output));
        }
    }
}
