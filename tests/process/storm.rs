//! Many children, cancelled at random points: before the start, in a wait, in a read of their output, in the grace
//! time, at the runtime's end.

#[cfg(target_os = "linux")]
mod linux {
    use crate::common::{Limit, Random, process, runtime};
    use crate::{alone, nothing_is_left, sh};
    use filch::io::AsyncReadExt;
    use filch::process::{Command, Stdio};
    use filch::time::{FutureExt, sleep};
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;
    use std::time::Duration;

    /// As many children as the variable says, or few.
    fn many(variable: &str, few: usize) -> usize {
        let told = std::env::var(variable).ok();
        told.map_or(few, |told| told.parse().unwrap())
    }

    /// The text that a child writes, and no other.
    fn text(number: usize) -> String {
        (0..40).map(|line| format!("{number} {line}\n")).collect()
    }

    fn writer(number: usize) -> Command {
        let script = format!("i=0; while [ $i -lt 40 ]; do echo {number} $i; i=$((i+1)); done");
        let mut command = sh(&script);
        command.stdout(Stdio::piped());
        command
    }

    /// One child's life. True: its output was read to the end, and was right.
    async fn live(number: usize, way: usize) -> bool {
        let mut command = writer(number);
        match way % 5 {
            0 => command.output().await.unwrap().stdout == text(number).as_bytes(),
            1 => command.kill_on_drop(way % 2 == 0).status().await.is_err(),
            2 => {
                let mut child = command.spawn().unwrap();
                child
                    .stop(Duration::from_millis((way % 7) as u64))
                    .await
                    .is_err()
            }
            3 => {
                let mut child = command.process_group(0).kill_on_drop(true).spawn().unwrap();
                let mut piece = [0; 64];
                let _ = child.stdout.as_mut().unwrap().read(&mut piece).await;
                false
            }
            _ => {
                let mut child = command.spawn().unwrap();
                let mut output = String::new();
                let mut pipe = child.stdout.take().unwrap();
                pipe.read_to_string(&mut output).await.unwrap();
                child.wait().await.unwrap().success() && output == text(number)
            }
        }
    }

    /// Whether this way's output is read to its end.
    fn reads(way: usize) -> bool {
        matches!(way % 5, 0 | 4)
    }

    #[test]
    fn at_once() {
        alone("storm::linux::at_once", || {
            let descriptors = process::descriptors();
            let children = many("FILCH_CHILDREN_AT_ONCE", 40);
            let rt = runtime(2);
            let limit = Limit::on(&rt);
            let right = Arc::new(AtomicUsize::new(0));
            let mut random = Random::new(7);
            let mut expected = 0;
            let tasks: Vec<_> = (0..children)
                .map(|number| {
                    let (way, cancelled) = (random.below(1000), random.one_in(3));
                    let patience = Duration::from_micros(random.below(60_000) as u64);
                    expected += usize::from(reads(way) && !cancelled);
                    let right = Arc::clone(&right);
                    rt.spawn(async move {
                        match cancelled {
                            true => drop(live(number, way).timeout(patience).await),
                            false => {
                                let was_right = live(number, way).await;
                                assert_eq!(was_right, reads(way), "child {number}");
                                right.fetch_add(usize::from(was_right), SeqCst);
                            }
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.join_blocking(None).unwrap().unwrap();
            }
            assert_eq!(right.load(SeqCst), expected);
            // And the end of a runtime in the midst of some.
            for number in 0..children / 4 {
                drop(rt.spawn(live(number, random.below(1000))));
            }
            rt.block_on(sleep(Duration::from_millis(10)));
            drop((rt, limit));
            nothing_is_left(descriptors);
        });
    }

    #[test]
    fn in_sequence() {
        alone("storm::linux::in_sequence", || {
            let descriptors = process::descriptors();
            let children = many("FILCH_CHILDREN_IN_SEQUENCE", 60);
            let rt = runtime(2);
            rt.block_on(async move {
                let mut random = Random::new(11);
                for number in 0..children {
                    let way = random.below(1000);
                    let patience = Duration::from_micros(random.below(8_000) as u64);
                    match random.one_in(2) {
                        true => drop(live(number, way).timeout(patience).await),
                        false => assert_eq!(live(number, way).await, reads(way), "{number}"),
                    }
                }
            });
            drop(rt);
            nothing_is_left(descriptors);
        });
    }
}
