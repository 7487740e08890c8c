//! Every option of `#[filch::main]`, and one function that is not `main`.

/// Documented, visible, and called like any function.
#[filch::main(seed = 0x2a, name = "helper",)]
#[must_use]
pub async fn sum(/* no arguments */) -> u32 {
    filch::spawn(async { 20 + 22 }).await.unwrap()
}

mod reexport {
    pub use ::filch as inner;
}

#[filch::main(crate = reexport::inner, workers = 1)]
async fn elsewhere() -> &'static str {
    "elsewhere"
}

#[filch::main(workers = 2, name = "api", seed = 7)]
async fn main() {
    let joined = filch::spawn_blocking(|| (sum(), elsewhere())).await;
    assert_eq!(joined.unwrap(), (42, "elsewhere"));
}
