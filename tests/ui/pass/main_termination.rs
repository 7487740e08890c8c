//! `-> impl Termination`, decided by the body.

use std::process::{ExitCode, Termination};

#[filch::main]
async fn main() -> impl Termination {
    ExitCode::SUCCESS
}
