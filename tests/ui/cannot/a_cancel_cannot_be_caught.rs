//! A cancel drops the future where it stands. What runs then is `drop`, which neither waits nor returns a value.

struct Catching;

impl Drop for Catching {
    fn drop(&mut self) -> u32 {
        7
    }
}

struct Waiting;

impl Drop for Waiting {
    async fn drop(&mut self) {
        filch::task::yield_now().await;
    }
}

fn main() {}
