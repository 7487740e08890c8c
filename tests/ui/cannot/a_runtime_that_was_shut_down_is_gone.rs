//! A shutdown takes the runtime.

use filch::{LocalRuntime, Runtime};
use std::time::Duration;

fn threads(runtime: Runtime) {
    runtime.shutdown_timeout(Duration::ZERO);
    runtime.block_on(async {});
}

fn local(runtime: LocalRuntime) {
    runtime.shutdown_background();
    runtime.shutdown_background();
}

fn main() {}
