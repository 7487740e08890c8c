//! filch-bench: the harness that decides every performance question of filch.
//!
//! One binary. `run` is the parent: it measures every row of the table in [`rows`] by starting one child process
//! per runtime and run, interleaved (A B C A B C ...), and reports. The children are this same binary: `row` measures
//! one in-process workload, `serve` is one server that the parent's load generator drives. So no runtime's leftover
//! threads, counters or memory reach the next one.
//!
//! Reading order: [`cli`] is what can be asked, [`rows`] is what is measured, [`runtimes`] is who is measured,
//! [`serve`] and [`load`] are the two ends of the server rows, [`harness`] is how figures become a report.

mod alloc;
mod cli;
mod harness;
mod load;
mod rows;
mod runtimes;
mod serve;
mod sys;

use std::process::ExitCode;

use cli::Command;

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

fn main() -> ExitCode {
    let outcome = cli::parse(std::env::args_os()).and_then(|command| match command {
        Command::Help => {
            print!("{}", cli::USAGE);
            Ok(true)
        }
        Command::List => {
            harness::report::list();
            Ok(true)
        }
        Command::Run(options) => harness::runner::run(&options),
        Command::Draw(saved, plot) => harness::runner::draw(&saved, &plot).map(|()| true),
        Command::Instructions(job) => harness::instructions::run(&job).map(|()| true),
        Command::Calls(job) => harness::calls::run(&job).map(|()| true),
        Command::Row(job) => harness::child::run(&job).map(|()| true),
        Command::Serve(job) => serve::run(&job).map(|()| true).map_err(Into::into),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("filch-bench: {error}");
            ExitCode::from(2)
        }
    }
}
