//! Signals that stop a process.

use crate::common::wait_until;
use crate::{process, send, send_to};
use filch::signal::{SignalKind, Signals};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

/// A stop from the terminal stops the process, and it goes on as if nothing had been.
#[test]
fn a_stop_that_nobody_waits_for_stops_and_later_ones_do_too() {
    const TEST: &str = "stop::a_stop_that_nobody_waits_for_stops_and_later_ones_do_too";
    const TSTP: i32 = 20;
    match process::part() {
        Some(part) if part == TEST => {
            filch::run(async {
                let mut signals = Signals::new([SignalKind::from_raw(TSTP)]).unwrap();
                send(SignalKind::from_raw(TSTP));
                signals.recv().await.unwrap();
            });
            println!("listening to none");
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).unwrap();
            assert_eq!(line, "end\n");
        }
        Some(_) => {}
        None => {
            let mut command = process::again(TEST, TEST, None);
            // In a group of its own that is not orphaned, or the system would drop the stop.
            let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = std::os::unix::process::CommandExt::process_group(piped, 0)
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            assert!(lines.any(|line| line.unwrap().contains("listening to none")));
            for _ in 0..2 {
                send_to(child.id(), TSTP);
                wait_until("it is stopped", || state(child.id()) == Some('T'));
                send_to(child.id(), 18);
                wait_until("it goes on", || state(child.id()) != Some('T'));
            }
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"end\n").unwrap();
            let status = child.wait().unwrap();
            assert_eq!((status.signal(), status.success()), (None, true));
        }
    }
}

fn state(pid: u32) -> Option<char> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit(") ").next()?.chars().next()
}
