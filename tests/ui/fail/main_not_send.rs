//! A body that cannot move between threads: the bound that rustc shows says what to do instead.

use std::error::Error;
use std::rc::Rc;

#[filch::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let shared = Rc::new(1);
    filch::task::yield_now().await;
    drop(shared);
    Ok(())
}

#[filch::main]
async fn without_output() {
    let shared = Rc::new(1);
    filch::task::yield_now().await;
    drop(shared);
}

#[filch::main]
async fn output_of_another_function() -> Result<(), Box<dyn Error>> {
    Ok(())
}
