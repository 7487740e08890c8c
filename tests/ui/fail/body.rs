//! Errors in the body and against the return type are those of the function as written, at the user's tokens.

#[filch::main]
async fn wrong_type() -> Result<(), std::num::ParseIntError> {
    let port: u16 = "80".parse::<u32>()?;
    drop(port);
    "done"
}

#[filch::main(workers = 2)]
async fn unknown_name() {
    missing_function().await;
}

fn main() {}
