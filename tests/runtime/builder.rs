//! What a builder accepts, refuses, and takes from the environment.

use crate::common::*;
use filch::io::AsyncReadExt;
use filch::{Runtime, Selector};
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::sync::{Arc, Barrier};
use std::time::Duration;

#[track_caller]
fn assert_refused(builder: filch::Builder, parts: &[&str]) {
    let errors = [
        builder.clone().build().map(drop),
        builder.clone().build().map(drop),
    ];
    for error in errors {
        let error = error.expect_err("it makes no sense");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(
            parts.iter().all(|part| error.to_string().contains(part)),
            "{error}"
        );
    }
}

#[test]
fn options_that_make_no_sense_are_errors() {
    assert_refused(Runtime::builder().workers(0), &["0 workers", "1 to"]);
    assert_refused(Runtime::builder().workers(1_000_000), &["1000000 workers"]);
    assert_refused(
        Runtime::builder().max_blocking_threads(0),
        &["max_blocking_threads"],
    );
    assert_refused(
        Runtime::builder().thread_name("a\0b"),
        &["thread_name", "NUL"],
    );
    assert_refused(
        Runtime::builder().stall_threshold(Duration::from_nanos(1)),
        &["stall_threshold", "1ns", "50µs"],
    );
    assert!(
        Runtime::builder()
            .thread_name("a\0b")
            .build_local()
            .is_err()
    );
}

/// The parts that child processes play.
#[test]
fn child() {
    let Some(part) = process::part() else { return };
    let _limit = Limit::new();
    match &part[..] {
        "build" => println!(
            "built: {:?}",
            Runtime::new().map(|rt| rt.metrics().workers.len())
        ),
        "build with workers" => println!("built: {:?}", runtime(3).metrics().workers.len()),
        "build local" => println!("built: {:?}", filch::LocalRuntime::new().map(drop)),
        "run" => println!("built: {}", panics(|| filch::run(async {}))),
        other => panic!("no such part: {other}"),
    }
}

fn with_variable(part: &str, name: &str, value: &str) -> String {
    let output = process::again("builder::child", part, None)
        .env(name, value)
        .output()
        .unwrap();
    process::text_of(&output)
}

#[track_caller]
fn assert_says(part: &str, name: &str, value: &str, expected: &str) {
    let text = with_variable(part, name, value);
    assert!(text.contains(expected), "{part}, {name}={value:?}: {text}");
}

#[test]
fn the_environment_is_read_and_errors_name_the_variable() {
    for value in ["abc", "", "-1", "1.5"] {
        let expected = format!("FILCH_WORKERS is '{value}'");
        assert_says("build", "FILCH_WORKERS", value, &expected);
    }
    assert_says("build", "FILCH_WORKERS", "0", "0 workers");
    assert_says("build", "FILCH_WORKERS", " 5 ", "built: Ok(5)");
    assert_says("build with workers", "FILCH_WORKERS", "abc", "built: 3");
    let refused = "built: the filch runtime could not be started: FILCH_WORKERS";
    assert_says("run", "FILCH_WORKERS", "abc", refused);
    for part in ["build", "build local"] {
        for expected in ["built: Err", "FILCH_SELECTOR", "epoll"] {
            assert_says(part, "FILCH_SELECTOR", "carrier-pigeon", expected);
        }
        assert_says(part, "FILCH_SELECTOR", "epoll", "built: Ok");
    }
}

/// On Linux it is compiled with its feature only.
const HAS_POLLING: bool = cfg!(any(feature = "polling", not(target_os = "linux")));

#[test]
fn the_polling_selector_runs_or_says_which_feature_it_needs() {
    let rt = Runtime::builder()
        .workers(1)
        .selector(Selector::Polling)
        .build();
    assert_eq!(rt.is_ok(), HAS_POLLING, "{rt:?}");
    if let Err(error) = rt {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let text = error.to_string();
        assert!(text.contains("features = [\"polling\"]"), "{text}");
    }
    let expected = if HAS_POLLING {
        "built: Ok"
    } else {
        "feature `polling`"
    };
    for part in ["build", "build local"] {
        assert_says(part, "FILCH_SELECTOR", "polling", expected);
    }
}

#[test]
fn any_number_of_workers_runs_anything() {
    for workers in [1, 2, 4, 16] {
        let rt = Runtime::builder()
            .workers(workers)
            .thread_name(format!("any{workers}"))
            .build()
            .unwrap();
        let _limit = Limit::on(&rt);
        assert_eq!(rt.metrics().workers.len(), workers);
        let worker_threads = || {
            process::threads(&format!("any{workers}-"))
                .iter()
                .filter(|name| !name.ends_with("reactor"))
                .count()
        };
        assert_eq!(worker_threads(), 0, "there is no work yet");
        let sum = rt.run(async {
            let tasks: Vec<_> = (0..500_usize)
                .map(|i| {
                    filch::spawn(async move {
                        filch::task::yield_now().await;
                        filch::time::sleep(std::time::Duration::from_micros(100)).await;
                        i
                    })
                })
                .collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 499 * 250);
    }
}

#[test]
fn threads_are_named_by_number_and_purpose() {
    let rt = Runtime::builder()
        .workers(2)
        .thread_name("thrd")
        .build()
        .unwrap();
    let _limit = Limit::on(&rt);
    // Each of the two needs a worker of its own.
    let both = Arc::new(Barrier::new(2));
    let tasks = [Arc::clone(&both), both].map(|both| rt.spawn(async move { both.wait() }));
    for task in tasks {
        task.join_blocking(None).unwrap().unwrap();
    }
    rt.spawn_blocking(|| ())
        .join_blocking(None)
        .unwrap()
        .unwrap();
    let expected = ["thrd-0", "thrd-1", "thrd-blocking", "thrd-reactor"];
    wait_until("all have their names", || {
        process::threads("thrd") == expected
    });
}

#[test]
fn a_stack_size_is_kept() {
    // More than a thread of std has.
    const LARGE: usize = 3 << 20;
    let rt = Runtime::builder()
        .workers(1)
        .stack_size(10 * LARGE)
        .build()
        .unwrap();
    let _limit = Limit::on(&rt);
    let fill = || {
        std::hint::black_box([1_u8; LARGE])
            .iter()
            .map(|byte| usize::from(*byte))
            .sum::<usize>()
    };
    assert_eq!(
        rt.spawn(async move { fill() })
            .join_blocking(None)
            .unwrap()
            .unwrap(),
        LARGE
    );
    assert_eq!(
        rt.spawn_blocking(fill)
            .join_blocking(None)
            .unwrap()
            .unwrap(),
        LARGE
    );
}

#[test]
fn every_selector_serves_sockets() {
    for selector in [Selector::Epoll, Selector::Polling] {
        if selector == Selector::Polling && !HAS_POLLING {
            continue;
        }
        let rt = Runtime::builder()
            .workers(2)
            .selector(selector)
            .build()
            .unwrap();
        let _limit = Limit::on(&rt);
        rt.run(async {
            let listener = filch::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .await
                .unwrap();
            let address = listener.local_addr().unwrap();
            let echo = filch::spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                let mut bytes = [0; 5];
                stream.read_exact(&mut bytes).await.unwrap();
                stream.write_all(&bytes).await.unwrap();
            });
            let mut stream = filch::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            assert_eq!(bytes, b"hello");
            echo.await.unwrap();
        });
    }
}
