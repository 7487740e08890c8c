//! A time is a `Duration`, which is never NaN, infinite or negative.

use filch::time::{sleep, timeout};

async fn not_a_number() {
    sleep(f64::NAN).await;
    let _ = timeout(f64::NAN, async {}).await;
}

fn main() {}
