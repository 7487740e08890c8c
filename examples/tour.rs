//! The programs of asyncio's documentation and of trio's tutorial, and their twins.
//!
//! Each twin stands below its Python original and prints the same. Run all: `cargo run --example tour`.
//!
//! Here are those of asyncio's "Coroutines and Tasks" that need a task or two. Beside this file, in `tour/`: groups and
//! limits; tasks that meet; streams and programs; and trio's.

#[path = "tour/groups.rs"]
mod groups;
#[path = "tour/meeting.rs"]
mod meeting;
#[path = "tour/outside.rs"]
mod outside;
#[path = "tour/trio.rs"]
mod trio;

use std::convert::Infallible;
use std::num::ParseIntError;
use std::time::Duration;

use filch::time::{FutureExt, Instant, sleep};

#[filch::main]
async fn main() {
    title("hello");
    hello().await;
    title("one after the other");
    one_after_the_other().await;
    title("together");
    together().await;
    title("results of several");
    results_of_several().await;
    title("an error caught");
    an_error_caught().await;
    title("every outcome");
    every_outcome().await;
    title("a timeout");
    a_timeout().await;
    title("a cancelled task");
    a_cancelled_task().await;
    title("a blocking call");
    a_blocking_call().await;
    groups::tour().await;
    meeting::tour().await;
    outside::tour().await;
    trio::tour().await;
}

// async def hello():
//     print("hello")
//     await asyncio.sleep(0.1)
//     print("world")

async fn hello() {
    println!("hello");
    sleep(MOMENT).await;
    println!("world");
}

// async def say_after(delay, what):
//     await asyncio.sleep(delay)
//     print(what)
//
// async def one_after_the_other():
//     await say_after(0.1, "hello")
//     await say_after(0.2, "world")

pub(crate) async fn say_after(delay: Duration, what: &str) {
    sleep(delay).await;
    println!("{what}");
}

async fn one_after_the_other() {
    let start = Instant::now();
    say_after(MOMENT, "hello").await;
    say_after(2 * MOMENT, "world").await;
    took(start, 3);
}

// async def together():
//     task1 = asyncio.create_task(say_after(0.1, "hello"))
//     task2 = asyncio.create_task(say_after(0.2, "world"))
//     await task1
//     await task2

async fn together() {
    let start = Instant::now();
    let task1 = filch::spawn(say_after(MOMENT, "hello"));
    let task2 = filch::spawn(say_after(2 * MOMENT, "world"));
    task1.await.unwrap();
    task2.await.unwrap();
    took(start, 2);
}

// async def factorial(name, number):
//     f = 1
//     for i in range(2, number + 1):
//         await asyncio.sleep(0.1)
//         f *= i
//     print(f"Task {name}: factorial({number}) = {f}")
//     return f
//
// async def results_of_several():
//     a, b, c = await asyncio.gather(factorial("A", 2), factorial("B", 3), factorial("C", 4))
//     print(a, b, c)

async fn factorial(name: &str, number: u32) -> Result<u32, Infallible> {
    let mut f = 1;
    for i in 2..=number {
        sleep(MOMENT).await;
        f *= i;
    }
    println!("Task {name}: factorial({number}) = {f}");
    Ok(f)
}

async fn results_of_several() {
    // Each runs as a task, on whatever core is free.
    let Ok((a, b, c)) = filch::gather!(factorial("A", 2), factorial("B", 3), factorial("C", 4));
    println!("{a} {b} {c}");
}

// async def parse(text):
//     await asyncio.sleep(0.1)
//     return int(text)
//
// async def an_error_caught():
//     try:
//         await asyncio.gather(parse("1"), parse("two"), parse("3"))
//     except ValueError:
//         print("that was not a number")

async fn parse(text: &str) -> Result<i32, ParseIntError> {
    sleep(MOMENT).await;
    text.parse()
}

async fn an_error_caught() {
    // Unlike asyncio's, this gather cancels the others and waits until they are gone.
    match filch::gather!(parse("1"), parse("two"), parse("3")) {
        Ok((a, b, c)) => println!("{a} {b} {c}"),
        Err(_) => println!("that was not a number"),
    }
}

// async def every_outcome():
//     for outcome in await asyncio.gather(*map(parse, ["1", "two", "3"]), return_exceptions=True):
//         print("no number" if isinstance(outcome, ValueError) else outcome)

async fn every_outcome() {
    for outcome in filch::gather_results(["1", "two", "3"].map(parse)).await {
        // The outer Result tells of a panic, the inner one is the function's own.
        match outcome.unwrap() {
            Ok(number) => println!("{number}"),
            Err(_) => println!("no number"),
        }
    }
}

// async def eternity():
//     await asyncio.sleep(3600)
//     print("yay!")
//
// async def a_timeout():
//     try:
//         await asyncio.wait_for(eternity(), timeout=0.1)
//     except TimeoutError:
//         print("timeout!")

pub(crate) async fn eternity() {
    sleep(Duration::from_secs(3600)).await;
    println!("yay!");
}

async fn a_timeout() {
    match eternity().timeout(MOMENT).await {
        Ok(()) => println!("done"),
        Err(_) => println!("timeout!"),
    }
}

// async def a_cancelled_task():
//     task = asyncio.create_task(eternity())
//     await asyncio.sleep(0.1)
//     task.cancel()
//     try:
//         await task
//     except asyncio.CancelledError:
//         print("cancelled")

async fn a_cancelled_task() {
    let task = filch::spawn(eternity());
    sleep(MOMENT).await;
    task.abort();
    match task.await {
        Err(error) if error.is_cancelled() => println!("cancelled"),
        other => println!("{other:?}"),
    }
}

// def blocking_io():
//     print("start blocking")
//     time.sleep(0.1)
//     print("blocking complete")
//
// async def a_blocking_call():
//     await asyncio.gather(asyncio.to_thread(blocking_io), asyncio.sleep(0.1))
//     print("both are done")

fn blocking_io() {
    println!("start blocking");
    std::thread::sleep(MOMENT);
    println!("blocking complete");
}

async fn a_blocking_call() {
    // `join!` runs its futures inside this task; the blocking call has a thread of its own.
    let (blocking, ()) = filch::join!(filch::spawn_blocking(blocking_io), sleep(MOMENT));
    blocking.unwrap();
    println!("both are done");
}

/// The tutorial's second, shortened.
pub(crate) const MOMENT: Duration = Duration::from_millis(100);

pub(crate) fn title(text: &str) {
    println!("\n-- {text}");
}

/// Says whether it took about as many moments as it should.
fn took(start: Instant, moments: u32) {
    let time = start.elapsed();
    let as_long = time >= moments * MOMENT && time < (moments + 1) * MOMENT;
    println!(
        "in {moments} moments: {}",
        if as_long {
            "yes"
        } else {
            "no, this machine is busy"
        }
    );
}
