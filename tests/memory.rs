//! What a runtime keeps of the memory of ended tasks, and when it gives it back.

mod common;

use common::*;
use filch::Runtime;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// The system's allocator, counting.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Relaxed);
        CALLS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TASKS: usize = 10_000;

async fn burst() {
    let all: Vec<_> = (0..TASKS)
        .map(|_| filch::spawn(filch::task::yield_now()))
        .collect();
    for task in all {
        task.await.unwrap();
    }
}

/// One test, since the counters are the process's.
#[test]
fn the_memory_of_ended_tasks_is_used_again_and_given_back_when_idle() {
    let _limit = Limit::new();
    let rt = Runtime::builder().workers(2).build().unwrap();
    rt.run(async {});
    let before = BYTES.load(Relaxed);
    // In one go: between two runs it might be idle for long.
    let calls = rt.run(async {
        burst().await;
        let calls = CALLS.load(Relaxed);
        burst().await;
        CALLS.load(Relaxed) - calls
    });
    assert!(calls < TASKS / 2, "{calls} allocations for {TASKS} tasks");
    // Queues that have grown, and what the stores keep, remain.
    wait_until("most of it is given back", || {
        BYTES.load(Relaxed).saturating_sub(before) < TASKS * 50
    });
}
