//! asyncio's "Coroutines and Tasks": groups, limits of time, what is shielded, and who is done first.

use crate::{MOMENT, eternity, say_after, title};
use filch::stream::StreamExt;
use filch::time::{Instant, deadline, sleep};
use filch::{TaskGroup, When};
use std::convert::Infallible;
use std::io;

pub(crate) async fn tour() {
    title("a group");
    a_group().await;
    title("a group that fails");
    a_group_that_fails().await;
    title("a group that ends early");
    a_group_that_ends_early().await;
    title("a shield");
    a_shield().await;
    title("a limit that moves");
    a_limit_that_moves().await;
    title("the first of several");
    the_first_of_several().await;
    title("as they complete");
    as_they_complete().await;
    title("from another thread");
    from_another_thread().await;
    title("who is there");
    who_is_there().await;
}

// async def a_group():
//     async with asyncio.TaskGroup() as tg:
//         task1 = tg.create_task(say_after(0.1, "hello"))
//         task2 = tg.create_task(say_after(0.2, "world"))
//     print("Both tasks have completed now.")

async fn a_group() {
    let done = TaskGroup::run(async |group| {
        group.spawn_ok(say_after(MOMENT, "hello"));
        group.spawn_ok(say_after(2 * MOMENT, "world"));
        Ok::<(), Infallible>(())
    });
    done.await.unwrap();
    println!("Both tasks have completed now.");
}

// async def fails():
//     await asyncio.sleep(0.1)
//     raise OSError("out of order")
//
// async def a_group_that_fails():
//     try:
//         async with asyncio.TaskGroup() as tg:
//             tg.create_task(eternity())
//             tg.create_task(fails())
//     except* OSError as group:
//         for error in group.exceptions:
//             print(error)

async fn fails() -> io::Result<()> {
    sleep(MOMENT).await;
    Err(io::Error::other("out of order"))
}

async fn a_group_that_fails() {
    let failed = TaskGroup::run(async |group| {
        group.spawn_ok(eternity());
        group.spawn(fails());
        Ok(())
    });
    for error in failed.await.unwrap_err().iter() {
        println!("{error}");
    }
}

// class TerminateTaskGroup(Exception):
//     """Exception raised to terminate a task group."""
//
// async def force_terminate_task_group():
//     raise TerminateTaskGroup()
//
// async def a_group_that_ends_early():
//     try:
//         async with asyncio.TaskGroup() as group:
//             group.create_task(eternity())
//             group.create_task(eternity())
//             await asyncio.sleep(0.1)
//             group.create_task(force_terminate_task_group())
//     except* TerminateTaskGroup:
//         print("terminated")

async fn a_group_that_ends_early() {
    // What asyncio's programs do by a special exception is a method here.
    let ended = TaskGroup::<Infallible>::run(async |group| {
        group.spawn_ok(eternity());
        group.spawn_ok(eternity());
        sleep(MOMENT).await;
        group.cancel();
        eternity().await;
        Ok(())
    });
    if ended.await.unwrap_err().cancelled().is_some() {
        println!("terminated");
    }
}

// async def save():
//     await asyncio.sleep(0.2)
//     print("saved")
//
// async def a_shield():
//     saving = asyncio.create_task(save())
//     try:
//         await asyncio.wait_for(asyncio.shield(saving), timeout=0.1)
//     except TimeoutError:
//         await saving
//         print("took too long")

async fn save() {
    sleep(2 * MOMENT).await;
    println!("saved");
}

async fn a_shield() {
    // The timeout waits until what is shielded is done: nobody has to keep it by hand.
    if filch::time::timeout(MOMENT, filch::shield(save()))
        .await
        .is_err()
    {
        println!("took too long");
    }
}

// async def a_limit_that_moves():
//     try:
//         async with asyncio.timeout(None) as limit:
//             limit.reschedule(asyncio.get_running_loop().time() + 0.1)
//             await eternity()
//     except TimeoutError:
//         pass
//     if limit.expired():
//         print("Looks like we haven't finished on time.")

async fn a_limit_that_moves() {
    let late = deadline(1000 * MOMENT, async |limit| {
        limit.reschedule(Instant::now() + MOMENT);
        eternity().await;
    });
    if late.await.is_err() {
        println!("Looks like we haven't finished on time.");
    }
}

// async def number(delay, n):
//     await asyncio.sleep(delay)
//     return n
//
// async def the_first_of_several():
//     tasks = [asyncio.create_task(number(0.1, 1)), asyncio.create_task(number(3600, 2))]
//     done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
//     for task in done:
//         print("done:", task.result())
//     for task in pending:
//         task.cancel()
//     print("pending:", len(pending))

async fn number(delay: std::time::Duration, n: u32) -> u32 {
    sleep(delay).await;
    n
}

async fn the_first_of_several() {
    let quick = filch::spawn(number(MOMENT, 1));
    let slow = filch::spawn(number(36_000 * MOMENT, 2));
    let (done, pending) = filch::wait([quick, slow], When::FirstCompleted).await;
    for result in done {
        println!("done: {}", result.unwrap());
    }
    for task in &pending {
        task.abort();
    }
    println!("pending: {}", pending.len());
}

// async def as_they_complete():
//     numbers = [number(0.3, 3), number(0.1, 1), number(0.2, 2)]
//     for earliest in asyncio.as_completed(numbers):
//         print(await earliest)

async fn as_they_complete() {
    let numbers = [3, 1, 2].map(|n| number(n * MOMENT, n));
    let mut earliest = filch::as_completed(numbers);
    while let Some(n) = earliest.next().await {
        println!("{n}");
    }
}

// async def from_another_thread():
//     loop = asyncio.get_running_loop()
//     def in_thread():
//         future = asyncio.run_coroutine_threadsafe(number(0.1, 7), loop)
//         print(future.result())
//     await asyncio.to_thread(in_thread)

async fn from_another_thread() {
    let handle = filch::Handle::current();
    let in_thread = std::thread::spawn(move || {
        let task = handle.spawn(number(MOMENT, 7));
        println!("{}", task.join_blocking(None).unwrap().unwrap());
    });
    filch::spawn_blocking(|| in_thread.join().unwrap())
        .await
        .unwrap();
}

// async def who_is_there():
//     task = asyncio.create_task(eternity(), name="forever")
//     await asyncio.sleep(0)
//     print(*[t.get_name() for t in asyncio.all_tasks() if t.get_name() == "forever"])
//     task.cancel()

async fn who_is_there() {
    let task = filch::task::Builder::new()
        .name("forever")
        .spawn(eternity());
    let all = filch::task::all();
    let names = all.iter().filter_map(|task| task.name());
    for name in names.filter(|&name| name == "forever") {
        println!("{name}");
    }
    task.abort();
}
