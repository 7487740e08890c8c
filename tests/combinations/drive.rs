//! Plays a schedule: spawns the tasks, deals with their handles, ends the runtime, and compares what happened with
//! what may.

use crate::common::*;
use crate::subject::{Body, Foreign, Output, Record, Token, World};
use filch::task::yield_now;
use filch::{Handle, JoinError, JoinHandle, LocalRuntime, Runtime, task_local};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;

/// Where the tasks run, and where their handles are dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    Local,
    /// In `block_on`, beside so many workers.
    BlockOn(usize),
    /// In a task that `run` runs.
    Run(usize),
}

impl Site {
    pub(crate) const ALL: &[Site] = &[
        Site::Local,
        Site::BlockOn(1),
        Site::BlockOn(2),
        Site::Run(1),
        Site::Run(2),
        Site::Run(4),
    ];

    /// The ends that it can have; a local runtime cannot go elsewhere.
    pub(crate) fn ends(self) -> &'static [End] {
        match self {
            Site::Local => &[End::AfterAll, End::Early],
            _ => &[
                End::AfterAll,
                End::Early,
                End::InTime,
                End::InOwnTask,
                End::InAnothersTask,
            ],
        }
    }
}

/// Who drops the runtime and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The main thread, when all tasks have ended.
    AfterAll,
    /// The main thread, whatever the tasks are at.
    Early,
    /// `shutdown_timeout`, with time enough.
    InTime,
    /// One of its own tasks, whatever the others are at.
    InOwnTask,
    /// A task of another runtime, whatever the tasks are at.
    InAnothersTask,
}

impl End {
    /// Whether tasks may be cancelled by it.
    fn is_early(self) -> bool {
        !matches!(self, End::AfterAll | End::InTime)
    }
}

/// What becomes of a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Await,
    DropAtOnce,
    DropAfterTheEnd,
    PollThenDrop,
    /// Polled, then awaited by another task.
    PollThenMove,
    AbortThenAwait,
    AbortThenDrop,
    AbortAfterTheEnd,
    AbortElsewhere,
}

impl Fate {
    pub(crate) const ALL: &[Fate] = &[
        Fate::Await,
        Fate::DropAtOnce,
        Fate::DropAfterTheEnd,
        Fate::PollThenDrop,
        Fate::PollThenMove,
        Fate::AbortThenAwait,
        Fate::AbortThenDrop,
        Fate::AbortAfterTheEnd,
        Fate::AbortElsewhere,
    ];

    fn aborts(self) -> bool {
        matches!(
            self,
            Fate::AbortThenAwait | Fate::AbortThenDrop | Fate::AbortElsewhere
        )
    }
}

/// One task of a schedule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    pub(crate) body: Body,
    pub(crate) fate: Fate,
    pub(crate) output: Output,
}

/// A schedule.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) site: Site,
    pub(crate) end: End,
    pub(crate) tasks: Vec<Task>,
}

task_local! {
    /// Held by a task's own memory, so it shows when that is freed.
    static MEMORY: Probe;
}

/// A handle that is still to be dealt with.
struct Open {
    task: Task,
    record: Arc<Record>,
    handle: JoinHandle<Token>,
}

/// What all schedules share.
pub(crate) struct Stage {
    other: Runtime,
    foreign: Foreign,
    pub(crate) tasks: usize,
    pub(crate) unobserved: usize,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage {
            other: quiet_runtime(1),
            foreign: Foreign::new(),
            tasks: 0,
            unobserved: 0,
        }
    }

    /// Plays one schedule to its end.
    pub(crate) fn play(&mut self, plan: &Plan) {
        let world = Arc::new(World::new(self.foreign.clone()));
        let (probe, memory) = Probe::new();
        let director = Director {
            world: Arc::clone(&world),
            plan: plan.clone(),
            probe,
        };
        let handle = match plan.site {
            Site::Local => director.local(),
            Site::BlockOn(workers) => {
                let rt = quiet_runtime(workers);
                let open = rt.block_on(director.direct());
                self.end(rt, plan, &world, open)
            }
            Site::Run(workers) => {
                let rt = quiet_runtime(workers);
                let open = rt.run(director.direct());
                self.end(rt, plan, &world, open)
            }
        };
        if plan.end == End::InOwnTask {
            // Nobody waits for this end but the test.
            wait_until("the tasks end", || handle.metrics().tasks == 0);
        }
        self.foreign.flush();
        use_up(std::mem::take(&mut *lock(&world.wakers)));
        if plan.end == End::InOwnTask {
            wait_until("the workers let go of the tasks", || is_gone(&memory));
        }
        let gone = || handle.metrics().tasks == 0 && is_gone(&memory);
        if !gone() {
            world.wrong(format!(
                "{} tasks are left, their memory is held {} times",
                handle.metrics().tasks,
                memory.strong_count()
            ));
        }
        self.settle(plan, &world);
    }

    /// Ends the runtime as planned, then waits for what is still open.
    fn end(&self, rt: Runtime, plan: &Plan, world: &Arc<World>, open: Vec<Open>) -> Handle {
        let handle = rt.handle();
        match plan.end {
            End::AfterAll | End::Early => drop(rt),
            End::InTime => {
                let leftover = rt.shutdown_timeout(LIMIT);
                if !leftover.is_empty() {
                    world.wrong(format!("left over: {leftover}"));
                }
            }
            End::InOwnTask => drop(handle.spawn(async move { drop(rt) })),
            End::InAnothersTask => self
                .other
                .spawn(async move { drop(rt) })
                .join_blocking(None)
                .unwrap()
                .unwrap(),
        }
        join_all(open, plan, world);
        handle
    }

    /// Compares the records with what has to be.
    fn settle(&mut self, plan: &Plan, world: &World) {
        for record in lock(&world.records).iter() {
            self.tasks += 1;
            let get = |count: &std::sync::atomic::AtomicUsize| count.load(SeqCst);
            let outputs = (get(&record.outputs_made), get(&record.outputs_dropped));
            if get(&record.futures_dropped) != 1 || outputs.0 != outputs.1 {
                world.wrong(format!("{record:?}"));
            }
            if record.raised.load(SeqCst) && !record.delivered.load(SeqCst) {
                self.unobserved += 1;
            }
        }
        let wrong = lock(&world.wrong);
        assert!(wrong.is_empty(), "{plan:?}: {wrong:#?}");
    }
}

/// Waits on this thread for the handles that outlived the runtime.
fn join_all(open: Vec<Open>, plan: &Plan, world: &World) {
    for Open {
        task,
        record,
        handle,
    } in open
    {
        match handle.join_blocking(Some(LIMIT)) {
            Ok(joined) => deliver(task, &record, joined, plan.end, world),
            Err(handle) => world.wrong(format!("{handle:?} is not resolved: {task:?}")),
        }
    }
}

/// Uses wakers of tasks that have long ended, in every way.
fn use_up(wakers: Vec<std::task::Waker>) {
    for (i, waker) in wakers.into_iter().enumerate() {
        waker.wake_by_ref();
        let other = waker.clone();
        if i % 2 == 0 {
            waker.wake()
        } else {
            drop(waker)
        }
        other.wake();
    }
}

/// A handle gave an answer: may it be this one?
fn deliver(task: Task, record: &Record, joined: Result<Token, JoinError>, end: End, world: &World) {
    record.delivered.store(true, SeqCst);
    let may_be_cancelled = task.fate.aborts() || end.is_early();
    let right = match &joined {
        Ok(_) => !task.body.panics_in_poll() && task.body != Body::PanicsInDrop,
        Err(error) if error.is_panic() => {
            task.body.panics_in_poll() || task.body == Body::PanicsInDrop
        }
        Err(_) => may_be_cancelled && task.body != Body::PanicsInDrop,
    };
    if !right {
        world.wrong(format!("{task:?} cannot give {joined:?}"));
    }
    if record.futures_dropped.load(SeqCst) != 1 {
        world.wrong(format!("{task:?}: joined before its future was dropped"));
    }
    // The output's destructor may panic.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(joined)));
}

/// Spawns a schedule's tasks and deals with their handles, inside the runtime.
struct Director {
    world: Arc<World>,
    plan: Plan,
    probe: Probe,
}

impl Director {
    fn local(self) -> Handle {
        let (plan, world) = (self.plan.clone(), Arc::clone(&self.world));
        let rt = LocalRuntime::new().expect("a local runtime");
        let open = rt.block_on(self.direct());
        let handle = rt.handle();
        drop(rt);
        join_all(open, &plan, &world);
        handle
    }

    /// Gives back what is to be waited for after the runtime's end.
    async fn direct(self) -> Vec<Open> {
        let early = self.plan.end.is_early();
        let spawned: Vec<Open> = self
            .plan
            .tasks
            .iter()
            .map(|task| self.spawn(*task))
            .collect();
        let mut open = Vec::new();
        for one in spawned {
            open.extend(self.begin(one).await);
        }
        self.world.gate.open();
        if early {
            return open;
        }
        for one in open {
            self.finish(one).await;
        }
        // Detached ones too.
        while Handle::current().metrics().tasks > usize::from(filch::task::current().is_some()) {
            yield_now().await;
        }
        Vec::new()
    }

    fn spawn(&self, task: Task) -> Open {
        let (subject, record) = self.world.subject(task.body, task.output);
        let handle = MEMORY.sync_scope(self.probe.clone(), || filch::spawn(subject));
        Open {
            task,
            record,
            handle,
        }
    }

    /// What is done with a handle at once. `None`: it is gone.
    async fn begin(&self, mut open: Open) -> Option<Open> {
        match open.task.fate {
            Fate::Await | Fate::DropAfterTheEnd | Fate::AbortAfterTheEnd => {}
            Fate::DropAtOnce => return None,
            Fate::AbortThenAwait => open.handle.abort(),
            Fate::AbortThenDrop => {
                open.handle.abort();
                return None;
            }
            Fate::AbortElsewhere => self.world.foreign.abort(open.handle.abort_handle()),
            Fate::PollThenDrop | Fate::PollThenMove => {
                if let Poll::Ready(joined) = poll_once(&mut open.handle).await {
                    self.deliver(&open, joined);
                    return None;
                }
                if open.task.fate == Fate::PollThenDrop {
                    return None;
                }
            }
        }
        Some(open)
    }

    /// What is done with it while the runtime is there.
    async fn finish(&self, mut open: Open) {
        if matches!(
            open.task.fate,
            Fate::DropAfterTheEnd | Fate::AbortAfterTheEnd
        ) {
            while !open.handle.is_finished() {
                yield_now().await;
            }
            if open.task.fate == Fate::DropAfterTheEnd {
                return;
            }
            open.handle.abort();
        }
        if open.task.fate == Fate::PollThenMove {
            let joined = filch::spawn(async move { ((&mut open.handle).await, open) });
            let (joined, open) = joined.await.expect("nobody aborts it");
            return self.deliver(&open, joined);
        }
        let joined = (&mut open.handle).await;
        self.deliver(&open, joined);
    }

    fn deliver(&self, open: &Open, joined: Result<Token, JoinError>) {
        deliver(open.task, &open.record, joined, self.plan.end, &self.world);
    }
}

/// A runtime that does not warn of slow polls: one that drops a runtime waits for its threads, for as long as the
/// machine likes.
fn quiet_runtime(workers: usize) -> Runtime {
    let builder = Runtime::builder().workers(workers);
    builder.slow_poll_warning(HOUR).build().expect("a runtime")
}
