//! A poll's budget: it ends the polls of those who are never short of work, and never keeps anybody from getting on.

#[path = "../common/mod.rs"]
mod common;

mod executors;

mod leaves;

mod local;
mod progress;
mod turns;
