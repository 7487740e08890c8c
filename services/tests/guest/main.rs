//! Crates that know only tokio, unmodified, beside filch: each in each place that code may run in, on real servers.
//!
//! `uses.rs` and `serves.rs` have a piece of work for each crate, `contexts.rs` the places, and here each meets each.
//! `sides.rs` is about the border: who spawns where, what an abort does, and how both sides end.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

mod contexts;
mod serves;
mod sides;
mod uses;

/// Of each test. None comes near it: what takes so long hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a test in a thread of its own, and fails when that is not over in time.
fn limited(test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = channel();
    let running = thread::spawn(move || {
        test();
        drop(done);
    });
    match is_done.recv_timeout(LIMIT) {
        Err(RecvTimeoutError::Timeout) => panic!("not over after {LIMIT:?}"),
        // Over, or a panic.
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {}
    }
    if let Err(panic) = running.join() {
        std::panic::resume_unwind(panic);
    }
}

/// A test for each place that `contexts.rs` has.
macro_rules! everywhere {
    ($work:ident from $module:ident $(, $attribute:meta)?) => {
        mod $work {
            everywhere! { @each [$($attribute)?] $module $work:
                a_task the_body_of_run a_body_of_block_on a_body_on_a_foreign_thread a_spare
                a_blocking_closure a_closure_on_a_blocking_thread a_cpu_closure
                a_local_runtime a_local_task a_job_of_the_guest a_task_of_tokio
            }
        }
    };
    (@each $attribute:tt $module:ident $work:ident: $($context:ident)*) => {
        $(everywhere! { @one $attribute $module $work $context })*
    };
    (@one [$($attribute:meta)?] $module:ident $work:ident $context:ident) => {
        #[test]
        $(#[$attribute])?
        fn $context() {
            crate::limited(|| crate::contexts::$context(crate::$module::$work));
        }
    };
}

everywhere!(reqwest_asks from uses);
everywhere!(sqlx_selects from uses, cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES"));
everywhere!(tokio_postgres_selects from uses, cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES"));
everywhere!(redis_sets_and_gets from uses, cfg_attr(not(redis), ignore = "no FILCH_REDIS"));
everywhere!(nats_requests_and_replies from uses, cfg_attr(not(nats), ignore = "no FILCH_NATS"));
everywhere!(tower_limits from uses);
everywhere!(files_of_tokio from uses);
everywhere!(processes_of_tokio from uses);
everywhere!(signals_of_tokio from uses);
everywhere!(axum_serves from serves);
everywhere!(axum_upgrades_to_a_web_socket from serves);
everywhere!(axum_keeps_events_alive from serves);
everywhere!(tower_http_limits_and_gives_files from serves);
