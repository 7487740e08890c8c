//! A job queue with priorities, delays and a drain. Jobs are lines on standard input; its end, or Ctrl-C, drains.
//!
//! ```text
//! printf '5 0 200 report\n1 0 10 login\n1 500 10 remind\ngo\n' | cargo run --example jobs
//! ```
//!
//! A line is `PRIORITY DELAY-MS WORK-MS NAME`, the lowest priority first, and among equals in order. `go` lets the
//! workers begin, and so does the end of the input.
//!
//! Three tasks hand the jobs on: the one that reads, the one that keeps those whose time has not come, and a worker or
//! more. A drain closes what is behind each of them, one after the other: nothing that was taken in is lost.

use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use filch::io::{AsyncBufReadExt, BufReader};
use filch::stream::StreamExt;
use filch::sync::{DelayQueue, Event, PriorityQueue, mpsc};
use filch::time::sleep;
use filch::{GroupError, TaskGroup};

const USAGE: &str = "\
A job queue. It reads lines `PRIORITY DELAY-MS WORK-MS NAME`, and `go`.

  --workers N    jobs at a time (default 2)
";

/// What there is to do. The order of the fields is that of the queue: by priority, then by when it was taken in.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Job {
    priority: u32,
    number: usize,
    delay: Duration,
    work: Duration,
    name: String,
}

/// What the task that reads tells the one that keeps.
enum Taken {
    Job(Job),
    /// All that came before is there: workers may begin.
    Go,
}

/// Jobs whose time has come, and whether workers may begin.
struct Jobs {
    ready: PriorityQueue<Job>,
    go: Event,
}

#[filch::main]
async fn main() {
    let workers = match workers(std::env::args().skip(1)) {
        Ok(workers) => workers,
        Err(error) => {
            eprintln!("jobs: {error}\n\n{USAGE}");
            std::process::exit(2)
        }
    };
    match serve(workers).await {
        Ok(done) => println!("drained: {done} done"),
        Err(error) => {
            eprintln!("jobs: {error}");
            std::process::exit(1)
        }
    }
}

fn workers(mut arguments: impl Iterator<Item = String>) -> Result<usize, String> {
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(2),
        (Some("--workers"), Some(count)) => match count.parse() {
            Ok(count) if count > 0 => Ok(count),
            _ => Err(format!("{count:?} is no number of workers")),
        },
        (Some(other), _) => Err(format!("{other:?} makes no sense")),
    }
}

/// Runs until all jobs are done, and says how many. An error of any task ends them all.
async fn serve(workers: usize) -> Result<usize, GroupError<io::Error>> {
    TaskGroup::run(async |group| {
        let jobs = Arc::new(Jobs {
            ready: PriorityQueue::unbounded(),
            go: Event::new(),
        });
        let (sender, taken) = mpsc::channel(16);
        group.spawn(take_in(sender));
        group.spawn_ok(keep_delayed(taken, jobs.clone()));
        let working: Vec<_> = (0..workers)
            .map(|_| group.spawn_ok(work(jobs.clone())))
            .collect();
        let mut done = 0;
        for worker in working {
            done += worker.await;
        }
        Ok(done)
    })
    .await
}

/// Reads jobs until there are no more, or until somebody wants the program to stop.
async fn take_in(taken: mpsc::Sender<Taken>) -> io::Result<()> {
    let mut lines = BufReader::new(filch::io::stdin()).lines();
    let mut stop = filch::signal::ctrl_c();
    let mut number = 0;
    loop {
        let line = filch::select! {
            line = lines.next() => line.transpose()?,
            stopped = &mut stop => stopped.map(|_| None)?,
        };
        let taken_in = match line.as_deref().map(str::trim) {
            None => return Ok(()),
            Some("") => continue,
            Some("go") => Taken::Go,
            Some(line) => match line.parse::<Job>() {
                Ok(job) => Taken::Job(Job { number, ..job }),
                Err(error) => {
                    println!("refused {line:?}: {error}");
                    continue;
                }
            },
        };
        number += 1;
        // It cannot fail: who keeps the jobs stays until this sender is gone.
        let _ = taken.send(taken_in).await;
    }
}

/// Hands on what is due, and ends when nothing is left and nothing more will come.
async fn keep_delayed(taken: mpsc::Receiver<Taken>, shared: Arc<Jobs>) {
    let mut delayed = DelayQueue::new();
    let mut is_open = true;
    while is_open || !delayed.is_empty() {
        filch::select! {
            taken_in = taken.recv(), if is_open => match taken_in {
                Some(Taken::Job(job)) if job.delay.is_zero() => hand_on(&shared, job),
                Some(Taken::Job(job)) => keep(&mut delayed, job),
                Some(Taken::Go) => shared.go.set(),
                None => {
                    is_open = false;
                    shared.go.set();
                }
            },
            Some(due) = delayed.next(), if !delayed.is_empty() => hand_on(&shared, due.into_inner()),
        }
    }
    shared.ready.close();
}

fn keep(delayed: &mut DelayQueue<Job>, job: Job) {
    let delay = job.delay;
    delayed.insert(job, delay);
}

fn hand_on(shared: &Jobs, job: Job) {
    let put = shared.ready.try_put(job);
    put.expect("it has no bound, and this task alone closes it");
}

/// Does jobs until the queue is closed and empty; how many.
async fn work(shared: Arc<Jobs>) -> usize {
    shared.go.wait().await;
    let mut done = 0;
    while let Ok(job) = shared.ready.get().await {
        // A real job would compute or talk to somebody here.
        sleep(job.work).await;
        println!("done {}", job.name);
        shared.ready.task_done();
        done += 1;
    }
    done
}

impl FromStr for Job {
    type Err = &'static str;

    fn from_str(line: &str) -> Result<Job, &'static str> {
        let mut words = line.split_whitespace();
        let mut number = |what| {
            let word = words.next().ok_or(what)?;
            word.parse::<u32>().map_err(|_| what)
        };
        let priority = number("a priority comes first")?;
        let delay = number("a delay in milliseconds comes second")?;
        let work = number("milliseconds of work come third")?;
        Ok(Job {
            priority,
            number: 0,
            delay: Duration::from_millis(delay.into()),
            work: Duration::from_millis(work.into()),
            name: words.next().ok_or("a name comes last")?.to_owned(),
        })
    }
}
