//! Hogs, blockers, I/O, timers, channels of wakes and shutdowns, mixed by chance: nothing is lost.
//!
//! A few seconds here; `FILCH_STRESS_SECONDS=600 cargo test --release --test stuck mixing` is a day of it.

use crate::common::*;
use filch::task::yield_now;
use std::time::{Duration, Instant};

fn seconds() -> u64 {
    std::env::var("FILCH_STRESS_SECONDS").map_or(3, |text| {
        text.parse().expect("FILCH_STRESS_SECONDS is a number")
    })
}

fn spin(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {
        std::hint::spin_loop();
    }
}

/// One step of a task: something that others may be stalled by, or be woken by.
async fn step(random: &mut Random) {
    let micros = |random: &mut Random, bound| Duration::from_micros(random.below(bound) as u64);
    match random.below(12) {
        0 => spin(micros(random, 8000)),
        1 => std::thread::sleep(micros(random, 8000)),
        2 => {
            let time = micros(random, 5000);
            filch::blocking(|| std::thread::sleep(time));
        }
        3 => {
            let time = micros(random, 5000);
            filch::cpu(move || spin(time)).await.unwrap();
        }
        4 => {
            let time = micros(random, 2000);
            filch::spawn_blocking(move || std::thread::sleep(time))
                .await
                .unwrap();
        }
        5 | 6 => filch::time::sleep(micros(random, 3000)).await,
        7 => {
            let task = filch::spawn(std::future::pending::<()>());
            yield_now().await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        8 => {
            let number = random.next();
            assert_eq!(filch::spawn(async move { number }).await.unwrap(), number);
        }
        9 => {
            let time = micros(random, 500);
            let late = filch::time::timeout(time, std::future::pending::<()>()).await;
            assert!(late.is_err());
        }
        _ => yield_now().await,
    }
}

/// A pair of connected sockets, one of which echoes.
async fn echo(random: &mut Random, rounds: usize) {
    let (here, there) = sockets::pair();
    let server = filch::spawn(async move {
        let mut buffer = [0; 16];
        loop {
            match there.read(&mut buffer).await.unwrap() {
                0 => return,
                n => there.write_all(&buffer[..n]).await.unwrap(),
            }
        }
    });
    for round in 0..rounds {
        here.write_all(&[round as u8; 16]).await.unwrap();
        let mut buffer = [0; 16];
        here.read_exact(&mut buffer).await.unwrap();
        assert_eq!(buffer, [round as u8; 16]);
        if random.one_in(8) {
            step(random).await;
        }
    }
    drop(here);
    server.await.unwrap();
}

fn mix(workers: usize, seed: u64) {
    let mut random = Random::new(seed);
    let builder = filch::Runtime::builder()
        .workers(workers)
        .seed(seed)
        .max_spare_threads(random.pick(&[0, 1, 4, 64]))
        .slow_poll_warning(Duration::MAX);
    let rt = builder.build().unwrap();
    let limit = Limit::on(&rt);
    let tasks = 5 + random.below(40);
    let leave_some = random.one_in(3);
    let done = Count::new();
    let (probe, eye) = Probe::new();
    rt.run({
        let done = done.clone();
        async move {
            let tasks: Vec<_> = (0..tasks)
                .map(|i| {
                    let (done, mut random) = (done.clone(), Random::new(seed ^ (i as u64) << 32));
                    filch::spawn(async move {
                        match random.below(3) {
                            0 => echo(&mut random, 20).await,
                            _ => {
                                for _ in 0..10 {
                                    step(&mut random).await;
                                }
                            }
                        }
                        done.add();
                    })
                })
                .collect();
            for i in 0..10 * usize::from(leave_some) {
                let (probe, mut random) = (probe.clone(), Random::new(seed ^ i as u64));
                drop(filch::spawn(async move {
                    let _probe = probe;
                    loop {
                        step(&mut random).await;
                    }
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
        }
    });
    assert_eq!(done.get(), tasks, "with seed {seed}");
    drop(limit);
    drop(rt);
    assert!(
        is_gone(&eye),
        "a task outlives its runtime, with seed {seed}"
    );
}

#[test]
fn nothing_is_lost() {
    let _limit = Limit::of(LIMIT + Duration::from_secs(2 * seconds()));
    let start = Instant::now();
    let mut random = Random::new(7);
    while start.elapsed() < Duration::from_secs(seconds()) {
        mix(random.pick(&[1, 2, 4, 16]), random.next());
    }
}
