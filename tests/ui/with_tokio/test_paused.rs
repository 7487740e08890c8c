//! tokio's clock cannot be paused: one error, at the word.

#[filch::test(tokio, paused)]
async fn both() {}

#[filch::main(tokio = true)]
async fn takes_no_value() {}

fn main() {}
