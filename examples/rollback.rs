//! A rollback that awaits, when the time is over: asyncio's `wait_for` around `except CancelledError: await ..`.
//!
//! The twin stands in docs/guide/cancellation.md, and prints the same.

use std::time::Duration;

use filch::time::{FutureExt, sleep};

struct Transaction;

impl Transaction {
    fn begin() -> Transaction {
        println!("begin");
        Transaction
    }

    async fn work(&self) {
        sleep(Duration::from_secs(3600)).await;
    }

    async fn commit(self) {
        println!("commit");
    }

    async fn roll_back(self) {
        sleep(Duration::from_millis(10)).await;
        println!("rollback");
    }
}

async fn transfer() {
    let transaction = filch::cleanup_with(Transaction::begin(), Transaction::roll_back);
    transaction.work().await;
    transaction.disarm().commit().await;
}

#[filch::main]
async fn main() {
    match transfer().timeout(Duration::from_millis(50)).await {
        Ok(()) => println!("done"),
        // The rollback is over.
        Err(_) => println!("timeout"),
    }
}
