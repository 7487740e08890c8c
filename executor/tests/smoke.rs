//! First light.
use filch_executor::*;
use std::time::{Duration, Instant};

#[test]
fn runs() {
    let rt = Runtime::builder().workers(2).build().unwrap();
    assert_eq!(rt.run(async { spawn(async { 1 }).await.unwrap() + 1 }), 2);
    assert_eq!(rt.block_on(async { spawn(async { 1 }).await.unwrap() + 1 }), 2);
    assert_eq!(rt.spawn(async { 5 }).join_blocking(None).unwrap().unwrap(), 5);
    assert_eq!(rt.run(async { spawn_blocking(|| 7).await.unwrap() }), 7);
}

#[test]
fn many() {
    let rt = Runtime::builder().workers(2).build().unwrap();
    let n = 200_000u32;
    for _ in 0..3 {
        let t = Instant::now();
        let sum = rt.run(async move {
            let handles: Vec<_> = (0..n).map(|i| spawn(async move { i as u64 })).collect();
            let mut sum = 0;
            for h in handles {
                sum += h.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, n as u64 * (n as u64 - 1) / 2);
        eprintln!("spawn+join all: {:?}/task", t.elapsed() / n);
        let t = Instant::now();
        rt.run(async move {
            for i in 0..n {
                spawn(async move { i }).await.unwrap();
            }
        });
        eprintln!("spawn+join one by one: {:?}/task", t.elapsed() / n);
        let t = Instant::now();
        rt.run(async move {
            for _ in 0..n {
                yield_now().await;
            }
        });
        eprintln!("yield: {:?}", t.elapsed() / n);
    }
    eprintln!("{:#?}", rt.metrics());
}

#[test]
fn sleeps() {
    let rt = Runtime::builder().workers(2).build().unwrap();
    rt.run(async {
        for _ in 0..20 {
            let t = Instant::now();
            let mut timer = Timer::new(
                filch_timer::Instant::now() + Duration::from_millis(1),
                std::panic::Location::caller(),
            );
            std::future::poll_fn(|cx| timer.poll(cx)).await;
            eprintln!("slept {:?}", t.elapsed());
        }
    });
}

#[test]
fn local() {
    let rt = LocalRuntime::new().unwrap();
    let x = std::rc::Rc::new(4);
    assert_eq!(rt.block_on(async move { spawn_local(async move { *x }).await.unwrap() }), 4);
    rt.spawn_local(std::future::pending::<()>());
}
