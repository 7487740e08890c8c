//! A program, and its output while it runs: asyncio's `create_subprocess_exec` with `async for line in stdout`.
//!
//! The twin stands in docs/guide/running-programs.md, and prints the same.

use std::io;

use filch::io::{AsyncBufReadExt, BufReader};
use filch::process::{Command, Stdio};
use filch::stream::StreamExt;

const SCRIPT: &str = "for n in 1 2 3; do echo line $n; sleep 0.05; done; exit 3";

#[filch::main]
async fn main() -> io::Result<()> {
    let mut child = Command::new("sh")
        .args(["-c", SCRIPT])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().expect("it is a pipe");
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next().await {
        println!("child: {}", line?);
    }
    let status = child.wait().await?;
    println!("exit code {}", status.code().expect("no signal ended it"));
    Ok(())
}
