//! Return types: `?` converts and a boxed error coerces, as in any `async fn`.

use std::error::Error;

fn port(text: &str) -> Result<u16, std::num::ParseIntError> {
    text.parse()
}

#[filch::main]
async fn coerced() -> Result<(), Box<dyn Error + Send + Sync>> {
    Err(Box::new(std::fmt::Error))
}

#[filch::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    assert_eq!(port("80")?, 80);
    assert!(filch::spawn_blocking(coerced).await?.is_err());
    if port("x").is_ok() {
        return Err(Box::new(std::fmt::Error));
    }
    Ok(())
}
