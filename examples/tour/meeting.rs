//! asyncio's "Synchronization Primitives" and "Queues": tasks that meet.

use crate::{MOMENT, title};
use filch::sync::{Barrier, Condvar, Event, Mutex, Queue, Semaphore};
use filch::time::sleep;
use std::sync::Arc;

pub(crate) async fn tour() {
    title("an event");
    an_event().await;
    title("a lock");
    a_lock().await;
    title("a condition");
    a_condition().await;
    title("a semaphore");
    a_semaphore().await;
    title("a barrier");
    a_barrier().await;
    title("workers and a queue");
    workers_and_a_queue().await;
}

// async def waiter(event):
//     print("waiting for it ...")
//     await event.wait()
//     print("... got it!")
//
// async def an_event():
//     event = asyncio.Event()
//     waiter_task = asyncio.create_task(waiter(event))
//     await asyncio.sleep(0.1)
//     event.set()
//     await waiter_task

async fn waiter(event: Arc<Event>) {
    println!("waiting for it ...");
    event.wait().await;
    println!("... got it!");
}

async fn an_event() {
    let event = Arc::new(Event::new());
    let waiter_task = filch::spawn(waiter(event.clone()));
    sleep(MOMENT).await;
    event.set();
    waiter_task.await.unwrap();
}

// async def a_lock():
//     lock, count = asyncio.Lock(), 0
//     async def add():
//         nonlocal count
//         async with lock:
//             before = count
//             await asyncio.sleep(0)
//             count = before + 1
//     await asyncio.gather(*(add() for _ in range(10)))
//     print(count)

async fn a_lock() {
    // The lock is around what it protects, and these ten are on all cores.
    let count = Arc::new(Mutex::new(0));
    let adding = (0..10).map(|_| {
        let count = count.clone();
        async move {
            let mut count = count.lock().await;
            let before = *count;
            filch::task::yield_now().await;
            *count = before + 1;
        }
    });
    filch::gather_results(adding).await;
    println!("{}", count.lock().await);
}

// async def a_condition():
//     cond, items = asyncio.Condition(), []
//     async def take():
//         async with cond:
//             await cond.wait_for(lambda: items)
//             print("took", items.pop())
//     taking = asyncio.create_task(take())
//     await asyncio.sleep(0.1)
//     async with cond:
//         items.append("bread")
//         cond.notify()
//     await taking

async fn a_condition() {
    let shared = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
    let taking = filch::spawn({
        let shared = shared.clone();
        async move {
            let (items, cond) = &*shared;
            let nothing = |items: &mut Vec<&str>| items.is_empty();
            let mut items = cond.wait_while(items.lock().await, nothing).await;
            println!("took {}", items.pop().unwrap());
        }
    });
    sleep(MOMENT).await;
    let (items, cond) = &*shared;
    items.lock().await.push("bread");
    cond.notify_one();
    taking.await.unwrap();
}

// async def a_semaphore():
//     sem, inside, most = asyncio.Semaphore(2), 0, 0
//     async def enter():
//         nonlocal inside, most
//         async with sem:
//             inside += 1
//             most = max(most, inside)
//             await asyncio.sleep(0.01)
//             inside -= 1
//     await asyncio.gather(*(enter() for _ in range(6)))
//     print("at most", most)

async fn a_semaphore() {
    let sem = Arc::new(Semaphore::new(2));
    let seen = Arc::new(std::sync::Mutex::new((0, 0)));
    let entering = (0..6).map(|_| {
        let (sem, seen) = (sem.clone(), seen.clone());
        async move {
            let _permit = sem.acquire().await;
            {
                let (inside, most) = &mut *seen.lock().unwrap();
                *inside += 1;
                *most = (*most).max(*inside);
            }
            sleep(MOMENT / 10).await;
            seen.lock().unwrap().0 -= 1;
        }
    });
    filch::gather_results(entering).await;
    println!("at most {}", seen.lock().unwrap().1);
}

// async def a_barrier():
//     b = asyncio.Barrier(3)
//     async def meet():
//         async with b as position:
//             if position == 0:
//                 print("End of *preparation phase*")
//     await asyncio.gather(meet(), meet(), meet())
//     print("barrier passed")

async fn a_barrier() {
    let b = Arc::new(Barrier::new(3));
    let meeting = (0..3).map(|_| {
        let b = b.clone();
        async move {
            if b.wait().await.is_leader() {
                println!("End of *preparation phase*");
            }
        }
    });
    filch::gather_results(meeting).await;
    println!("barrier passed");
}

// async def worker(name, queue):
//     while True:
//         sleep_for = await queue.get()
//         await asyncio.sleep(sleep_for)
//         queue.task_done()
//
// async def workers_and_a_queue():
//     queue = asyncio.Queue()
//     for _ in range(20):
//         queue.put_nowait(0.01)
//     tasks = [asyncio.create_task(worker(f"worker-{i}", queue)) for i in range(3)]
//     await queue.join()
//     for task in tasks:
//         task.cancel()
//     results = await asyncio.gather(*tasks, return_exceptions=True)
//     print("3 workers, cancelled:", all(isinstance(r, asyncio.CancelledError) for r in results))

async fn worker(queue: Arc<Queue<u32>>) {
    while let Ok(sleep_for) = queue.get().await {
        sleep(MOMENT / 10 * sleep_for).await;
        queue.task_done();
    }
}

async fn workers_and_a_queue() {
    let queue = Arc::new(Queue::unbounded());
    for _ in 0..20 {
        queue.try_put(1).unwrap();
    }
    let tasks = [(); 3].map(|()| filch::spawn(worker(queue.clone())));
    queue.join().await;
    for task in &tasks {
        task.abort();
    }
    let mut all = true;
    for task in tasks {
        all &= task.await.is_err_and(|error| error.is_cancelled());
    }
    println!(
        "3 workers, cancelled: {}",
        if all { "True" } else { "False" }
    );
}
