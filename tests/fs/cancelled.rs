//! What is on the disk when somebody gives up.

use crate::Folder;
use crate::common::{Limit, Random, process, rounds, runtime, wait_until};
use filch::fs::{self, File};
use filch::io::{AsyncReadExt, AsyncWriteExt};
use filch::time::FutureExt;
use std::path::PathBuf;
use std::time::Duration;

/// As many as the variable says, or a tenth of what the long run takes.
fn operations() -> usize {
    let told = std::env::var("FILCH_FILES").ok();
    told.map_or(rounds(1000), |told| told.parse().unwrap())
}

fn contents(number: usize) -> Vec<u8> {
    vec![number as u8; 4096]
}

/// One operation on a file of its own. True: it was done, and right.
async fn operate(path: PathBuf, number: usize, way: usize) -> bool {
    let (old, new) = (contents(number), contents(number + 1));
    match way {
        0 => fs::replace(&path, &new).await.is_ok(),
        1..5 => fs::write(&path, &new).await.is_ok(),
        5..8 => {
            assert_eq!(fs::read(&path).await.unwrap(), old, "{number}");
            false
        }
        _ => {
            let mut file = File::open(&path).await.unwrap();
            let mut found = Vec::new();
            file.read_to_end(&mut found).await.unwrap();
            assert_eq!(found, old, "{number}");
            false
        }
    }
}

#[test]
fn a_cancelled_write_leaves_the_old_file_or_the_new_one_and_reads_are_right() {
    let folder = Folder::new("storm");
    let rt = runtime(2);
    let limit = Limit::on(&rt);
    let mut random = Random::new(3);
    let tasks: Vec<_> = (0..operations())
        .map(|number| {
            let path = folder.at(&number.to_string());
            let patience = Duration::from_micros(random.below(2000) as u64);
            let (cancelled, way) = (random.one_in(2), random.below(10));
            std::fs::write(&path, contents(number)).unwrap();
            let task = rt.spawn(async move {
                let operation = operate(path, number, way);
                match cancelled {
                    true => operation.timeout(patience).await.unwrap_or(false),
                    false => operation.await,
                }
            });
            (number, task)
        })
        .collect();
    let written: Vec<_> = tasks
        .into_iter()
        .map(|(number, task)| (number, task.join_blocking(None).unwrap().unwrap()))
        .collect();
    // Its end waits for the writes that have begun.
    drop((rt, limit));
    for (number, done) in written {
        let found = std::fs::read(folder.at(&number.to_string())).unwrap();
        let (old, new) = (contents(number), contents(number + 1));
        assert!(
            found == new || (!done && found == old),
            "{number}: {}",
            found.len()
        );
    }
}

#[filch::test]
async fn a_file_that_is_dropped_lets_its_last_write_go_on() {
    let folder = Folder::new("dropped");
    let mut file = File::create(folder.at("a")).await.unwrap();
    file.write_all(b"all of it").await.unwrap();
    drop(file);
    wait_until("it is written", || {
        std::fs::read(folder.at("a")).unwrap() == b"all of it"
    });
}

#[test]
fn a_killed_replace_never_shows_half_a_file() {
    const TEST: &str = "cancelled::a_killed_replace_never_shows_half_a_file";
    const SIZE: usize = 300_000;
    match process::part() {
        Some(path) if path.starts_with('/') => filch::run(async move {
            for letter in (b'a'..=b'z').cycle() {
                fs::replace(&path, vec![letter; SIZE]).await.unwrap();
            }
        }),
        Some(_) => {}
        None => {
            let folder = Folder::new("killed");
            let path = folder.at("settings");
            let mut random = Random::new(5);
            for _ in 0..rounds(5) {
                let part = path.to_str().unwrap();
                let mut child = process::again(TEST, part, None).spawn().unwrap();
                wait_until("it writes", || path.exists());
                for _ in 0..random.below(50) {
                    let found = std::fs::read(&path).unwrap();
                    assert!(found.len() == SIZE && found.iter().all(|byte| *byte == found[0]));
                }
                child.kill().unwrap();
                child.wait().unwrap();
                let found = std::fs::read(&path).unwrap();
                assert!(found.len() == SIZE && found.iter().all(|byte| *byte == found[0]));
            }
        }
    }
}
