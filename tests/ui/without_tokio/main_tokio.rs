//! `tokio` without filch's feature of that name is one error, at the word, that says what to write where.

#[filch::main(tokio)]
async fn main() {}
