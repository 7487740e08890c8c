//! While somebody waits.

use crate::common::{runtime, wait_until};
use crate::{in_a_process, send, send_here};
use filch::LocalRuntime;
use filch::signal::{SignalKind, Signals, ctrl_c, terminate};
use filch::task::TaskState;
use filch::time::{FutureExt, timeout};
use futures::StreamExt;
use std::io::ErrorKind;
use std::sync::mpsc::channel;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

#[test]
fn ctrl_c_and_terminate_are_heard() {
    in_a_process("delivery::ctrl_c_and_terminate_are_heard", || {
        filch::run(async {
            // Counted from the call on.
            let heard = ctrl_c();
            send(SignalKind::interrupt());
            heard.await.unwrap();
            let waiting = filch::spawn(async { terminate().await });
            while waiting_for(&waiting).is_none() {
                filch::task::yield_now().await;
            }
            send(SignalKind::terminate());
            waiting.await.unwrap().unwrap();
        });
    });
}

/// What a task waits for, as its dump says it.
fn waiting_for<T>(task: &filch::JoinHandle<T>) -> Option<String> {
    let tasks = filch::task::all();
    let found = tasks.iter().find(|info| info.id() == task.id())?;
    let is_waiting = found.state() == TaskState::Waiting && found.wait().is_some();
    is_waiting.then(|| filch::task::dump(std::slice::from_ref(found)))
}

#[test]
fn a_dump_names_the_signal_and_the_line() {
    in_a_process("delivery::a_dump_names_the_signal_and_the_line", || {
        runtime(1).block_on(async {
            let line = line!() + 1;
            let task = filch::spawn(async { terminate().await });
            let mut text = None;
            while text.is_none() {
                filch::task::yield_now().await;
                text = waiting_for(&task);
            }
            let text = text.unwrap();
            assert!(text.contains("for signal SIGTERM at"), "{text}");
            assert!(text.contains(&format!("delivery.rs:{line}:")), "{text}");
            task.abort();
        });
    });
}

#[test]
fn each_listener_hears_each_signal() {
    in_a_process("delivery::each_listener_hears_each_signal", || {
        filch::run(async {
            let kind = SignalKind::user_defined2();
            let mut listeners = [Signals::new([kind]).unwrap(), Signals::new([kind]).unwrap()];
            for _ in 0..3 {
                send(kind);
                for listener in &mut listeners {
                    assert_eq!(listener.recv().await.unwrap(), kind);
                }
            }
            let [mut one, other] = listeners;
            drop(other);
            send(kind);
            assert_eq!(one.next().await.unwrap().unwrap(), kind);
        });
    });
}

#[test]
fn several_before_they_are_taken_are_one() {
    in_a_process("delivery::several_before_they_are_taken_are_one", || {
        filch::run(async {
            let kinds = [SignalKind::user_defined1(), SignalKind::hangup()];
            let mut signals = Signals::new(kinds).unwrap();
            for kind in [kinds[0], kinds[1], kinds[0]] {
                send_here(kind);
            }
            let mut came = [signals.recv().await.unwrap(), signals.recv().await.unwrap()];
            came.sort();
            let mut sent = kinds;
            sent.sort();
            assert_eq!(came, sent);
            assert!(
                signals
                    .recv()
                    .timeout(Duration::from_millis(20))
                    .await
                    .is_err()
            );
        });
    });
}

#[test]
fn a_wait_that_was_given_up_loses_nothing() {
    in_a_process("delivery::a_wait_that_was_given_up_loses_nothing", || {
        filch::run(async {
            let kind = SignalKind::user_defined1();
            let mut signals = Signals::new([kind]).unwrap();
            assert!(
                timeout(Duration::from_millis(5), signals.recv())
                    .await
                    .is_err()
            );
            send(kind);
            assert_eq!(signals.recv().await.unwrap(), kind);
        });
    });
}

#[test]
fn runtimes_on_many_threads_hear_the_same_signal() {
    in_a_process(
        "delivery::runtimes_on_many_threads_hear_the_same_signal",
        || {
            for _ in 0..10 {
                let (ready, all_ready) = channel();
                let threads: Vec<_> = (0..4)
                    .map(|_| {
                        let ready = ready.clone();
                        std::thread::spawn(move || {
                            let runtime = LocalRuntime::new().unwrap();
                            runtime.block_on(async {
                                let mut signals = Signals::new([SignalKind::hangup()]).unwrap();
                                ready.send(()).unwrap();
                                signals.recv().timeout(LONG).await.unwrap().unwrap();
                            });
                        })
                    })
                    .collect();
                (0..4).for_each(|_| all_ready.recv().unwrap());
                send(SignalKind::hangup());
                threads
                    .into_iter()
                    .for_each(|thread| thread.join().unwrap());
            }
        },
    );
}

#[test]
fn a_listener_outlives_its_runtime_and_the_end_of_another() {
    in_a_process(
        "delivery::a_listener_outlives_its_runtime_and_the_end_of_another",
        || {
            let kind = SignalKind::user_defined1();
            let (first, second) = (runtime(1), runtime(1));
            let mut moved = first.block_on(async { Signals::new([kind]).unwrap() });
            let mut stays = second.block_on(async { Signals::new([kind]).unwrap() });
            send(kind);
            first.block_on(moved.recv()).unwrap();
            drop(first);
            send(kind);
            assert_eq!(second.block_on(stays.recv()).unwrap(), kind);
            assert_eq!(second.block_on(moved.recv()).unwrap(), kind);
        },
    );
}

#[test]
fn a_runtime_that_nobody_waits_in_any_more_keeps_no_descriptor() {
    in_a_process(
        "delivery::a_runtime_that_nobody_waits_in_any_more_keeps_no_descriptor",
        || {
            let round = || {
                filch::run(async {
                    let mut signals = Signals::new([SignalKind::hangup()]).unwrap();
                    send(SignalKind::hangup());
                    signals.recv().await.unwrap();
                    assert!(
                        signals
                            .recv()
                            .timeout(Duration::from_millis(2))
                            .await
                            .is_err()
                    );
                });
                crate::process::descriptors()
            };
            let before = round();
            assert_eq!((0..5).map(|_| round()).max(), Some(before));
        },
    );
}

#[test]
fn what_cannot_be_waited_for_is_an_error() {
    filch::run(async {
        for number in [0, -1, libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, 4096] {
            let error = Signals::new([SignalKind::from_raw(number)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{number}");
        }
        assert_eq!(
            Signals::new([]).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    });
    let error = Signals::new([SignalKind::child()]).unwrap_err();
    assert!(error.to_string().contains("runtime"), "{error}");
}

#[test]
fn another_librarys_handler_is_called_as_before() {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    static CALLED: AtomicUsize = AtomicUsize::new(0);
    in_a_process(
        "delivery::another_librarys_handler_is_called_as_before",
        || {
            let kind = SignalKind::user_defined1();
            extern "C" fn theirs(_: i32) {
                CALLED.fetch_add(1, SeqCst);
            }
            // SAFETY: the handler only counts.
            unsafe { libc::signal(kind.as_raw_value(), theirs as *const () as usize) };
            filch::run(async move {
                let mut signals = Signals::new([kind]).unwrap();
                send(kind);
                signals.recv().await.unwrap();
            });
            send(kind);
            wait_until("both are counted", || CALLED.load(SeqCst) == 2);
        },
    );
}
