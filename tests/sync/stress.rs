//! Under load: several workers, random cancellations, everything accounted for at the end.

use crate::common::*;
use filch::FutureExt;
use filch::sync::{Mutex, Notify, Semaphore, mpsc, oneshot};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long each of these goes on.
const TIME: Duration = Duration::from_millis(if cfg!(miri) { 50 } else { 500 });

/// Long enough to be woken in, short enough to run out often.
fn a_moment(random: &mut Random) -> Duration {
    Duration::from_nanos(random.below(20_000) as u64)
}

fn stress<F, T>(tasks: usize, task: impl Fn(usize, Random) -> F + Send + 'static) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let rt = runtime(3);
    let _limit = Limit::on(&rt);
    rt.run(async move {
        let spawned =
            (0..tasks).map(|number| filch::spawn(task(number, Random::new(number as u64))));
        let spawned: Vec<_> = spawned.collect();
        drop(task);
        let mut outputs = Vec::new();
        for task in spawned {
            outputs.push(task.await.unwrap());
        }
        outputs
    })
}

#[test]
fn channels_lose_and_double_nothing() {
    for &capacity in if cfg!(miri) { &[1][..] } else { &[1, 2, 100] } {
        let (sender, receiver) = mpsc::channel(capacity);
        let (sender, receiver) = (Mutex::new(Some(sender)), receiver);
        let end = Instant::now() + TIME;
        let sums = stress(8, move |number, mut random| {
            let (sender, receiver) = (sender.try_lock().unwrap().clone(), receiver.clone());
            // Every other task sends. The channel ends with them, as the closure and the sender in it are dropped
            // when all are spawned.
            let sender = sender.filter(|_| number % 2 == 0);
            async move {
                let mut sum = 0;
                let Some(sender) = sender else {
                    loop {
                        match receiver.recv().timeout(a_moment(&mut random)).await {
                            Ok(Some(value)) => sum -= value,
                            Ok(None) => break,
                            Err(_) => {}
                        }
                    }
                    return sum;
                };
                while Instant::now() < end {
                    let value = random.below(1000) as i64;
                    if let Ok(sent) = sender.send(value).timeout(a_moment(&mut random)).await {
                        sent.unwrap();
                        sum += value;
                    }
                }
                sum
            }
        });
        assert_eq!(sums.iter().sum::<i64>(), 0, "{sums:?}");
    }
}

#[test]
fn locks_exclude_and_move_on() {
    let mutex = Arc::new(Mutex::new(0_u64));
    let theirs = mutex.clone();
    let end = Instant::now() + TIME;
    let counts = stress(8, move |_, mut random| {
        let mutex = theirs.clone();
        async move {
            let mut count = 0;
            while Instant::now() < end {
                let Ok(mut guard) = mutex.lock().timeout(a_moment(&mut random)).await else {
                    continue;
                };
                let before = *guard;
                if random.below(4) == 0 {
                    filch::task::yield_now().await;
                }
                *guard = before + 1;
                count += 1;
            }
            count
        }
    });
    assert_eq!(counts.iter().sum::<u64>(), *mutex.try_lock().unwrap());
}

#[test]
fn semaphores_keep_their_permits() {
    let semaphore = Arc::new(Semaphore::new(5));
    let theirs = semaphore.clone();
    let end = Instant::now() + TIME;
    stress(8, move |_, mut random| {
        let semaphore = theirs.clone();
        async move {
            while Instant::now() < end {
                let many = 1 + random.below(5) as u32;
                let acquire = semaphore.acquire_many(many).timeout(a_moment(&mut random));
                if let Ok(permits) = acquire.await {
                    filch::task::yield_now().await;
                    drop(permits);
                }
            }
        }
    });
    assert_eq!(semaphore.available_permits(), 5);
}

#[test]
fn notifications_reach_somebody() {
    let notify = Arc::new(Notify::new());
    let end = Instant::now() + TIME;
    stress(8, move |number, mut random| {
        let notify = notify.clone();
        async move {
            // One notification goes around; whoever gets it passes it on. Were it lost, nobody would go on.
            if number == 0 {
                notify.notify_one();
            }
            while Instant::now() < end {
                if notify
                    .notified()
                    .timeout(a_moment(&mut random))
                    .await
                    .is_ok()
                {
                    notify.notify_one();
                }
            }
            notify.notified().await;
            notify.notify_one();
        }
    });
}

#[test]
fn answers_arrive() {
    let end = Instant::now() + TIME;
    stress(4, move |_, mut random| async move {
        while Instant::now() < end {
            let (sender, receiver) = oneshot::channel();
            let value = random.next();
            let late = random.below(2) == 0;
            let task = filch::spawn(async move {
                if late {
                    filch::task::yield_now().await;
                }
                sender.send(value)
            });
            match random.below(3) {
                0 => drop(receiver),
                1 => assert_eq!(receiver.await, Ok(value)),
                _ => drop(receiver.timeout(a_moment(&mut random)).await),
            }
            let _ = task.await.unwrap();
        }
    });
}
