//! `main` may return an error that is not `Send`, as any `main`: it is reported in the task.

use std::error::Error;

#[filch::main(shutdown_timeout = "10s")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = "80".parse()?;
    assert_eq!(filch::spawn(async move { port }).await?, 80);
    Ok(())
}
