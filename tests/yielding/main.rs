//! Loops over what is ready, or fails, at once: others run beside them, they time out, and they can be aborted.
//!
//! `loops.rs` has one of each kind. `listed.rs` sees that no future or `poll_*` of filch is forgotten there.

#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;

mod loops;

mod listed;

use common::{Limit, runtime};
use filch::time::timeout;
use loops::all;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(10);

#[test]
fn they_time_out() {
    let rt = runtime(1);
    let limit = Limit::on(&rt);
    for (name, make) in all() {
        println!("{name}");
        assert!(rt.block_on(timeout(SHORT, make())).is_err(), "{name}");
        let task = rt.spawn(async move { timeout(SHORT, make()).await });
        assert!(
            task.join_blocking(None).unwrap().unwrap().is_err(),
            "{name}"
        );
    }
    drop((rt, limit));
}

#[test]
fn they_can_be_aborted_and_let_others_run() {
    // Nobody comes to help: the one worker is all there is.
    let builder = filch::Runtime::builder().workers(1).max_spare_threads(0);
    let rt = builder.build().unwrap();
    let limit = Limit::on(&rt);
    for (name, make) in all() {
        println!("{name}");
        let task = rt.spawn(async move { make().await });
        let other = rt.spawn(async {
            for _ in 0..3 {
                filch::task::yield_now().await;
            }
        });
        other.join_blocking(None).unwrap().unwrap();
        task.abort();
        assert!(
            task.join_blocking(None)
                .unwrap()
                .unwrap_err()
                .is_cancelled()
        );
    }
    drop((rt, limit));
}

#[test]
fn a_local_runtime_goes_on_beside_them() {
    let _limit = Limit::new();
    for (name, make) in all() {
        println!("{name}");
        let rt = filch::LocalRuntime::new().unwrap();
        let ended = rt.block_on(async {
            let task = filch::spawn_local(make());
            filch::time::sleep(SHORT).await;
            task.abort();
            task.await
        });
        assert!(ended.unwrap_err().is_cancelled(), "{name}");
        assert!(rt.block_on(timeout(SHORT, make())).is_err(), "{name}");
    }
}
