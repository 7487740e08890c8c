//! Runtimes through the public API: building, running, nesting, blocking threads, rescue, figures and the end.

#[path = "../common/mod.rs"]
mod common;

mod blocking;
mod builder;
mod end;
mod enter;
mod fairness;
mod hooks;
mod joined;
mod late;
mod metrics;
mod nesting;
mod rescue;
mod run;
