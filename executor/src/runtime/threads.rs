//! The threads of a runtime: what each kind does from start to end.

use crate::blocking::Pushed;
use crate::figures::slow_polls::{SlowPoll, Warning};
use crate::figures::standstill::Standstill;
use crate::registry::delay::Word;
use crate::registry::threads::Kind;
use crate::rescue::backstop;
use crate::seats::context::{self, Role};
use crate::seats::core::Core;
use crate::seats::scope;
use crate::seats::shared::{NewThread, Shared};
use crate::sys::standard_error::say;
use crate::sys::{self, Prompt};
use crate::worker::{AbortOnUnwind, Exit, Worker};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::thread;

/// Starts a thread that is needed.
///
/// If the system refuses it, others go on, and the next who would need it tries again; the backstop does so
/// as long as a task waits that nobody runs, and sleeps no longer than an interval meanwhile.
pub(crate) fn start_new(shared: &Arc<Shared>, thread: NewThread) {
    match thread {
        NewThread::Worker => hire(shared),
        NewThread::Spare(core) => start_spare(shared, *core),
        NewThread::Warning => start_warning(shared),
        NewThread::Standstill(standstill) => start_standstill(shared, standstill),
        NewThread::Late(word) => start_late(shared, word),
    }
}

/// Starts a thread that says that nobody is left who could run tasks. If the system refuses it, nobody hears of that.
fn start_standstill(shared: &Arc<Shared>, standstill: Standstill) {
    let name = format!("{}-warning", shared.config.thread_name);
    let _ = start(shared, Kind::Voice, name, move |shared| {
        let sites = shared.registry.sites(&standstill.blocked);
        say(format_args!("{}", standstill.at(&sites)));
    });
}

/// Starts a thread that says which polls last too long. If the system refuses it, nobody hears of those.
fn start_warning(shared: &Arc<Shared>) {
    let name = format!("{}-warning", shared.config.thread_name);
    let started = start(shared, Kind::Voice, name, |shared| {
        while let Some(warning) = shared.slow_polls.next_warning() {
            warn(shared, &warning);
        }
    });
    if started.is_err() {
        shared.slow_polls.refuse_warnings();
    }
}

/// Starts a thread that says what an end waits for.
fn start_late(shared: &Arc<Shared>, word: Word) {
    let name = format!("{}-warning", shared.config.thread_name);
    let say_it = move |shared: &Arc<Shared>| {
        if let Some(late) = shared.late(word) {
            say(format_args!("{late}"));
        }
    };
    if start(shared, Kind::Voice, name, say_it).is_err() {
        say_it(shared);
    }
}

/// Says that a poll lasts too long.
fn warn(shared: &Shared, warning: &Warning) {
    let task = shared.registry.info(warning.task, shared.clock.now());
    let asleep = warning.still.and_then(sys::waits_for_ever);
    let slow = SlowPoll {
        task: task.as_ref(),
        warning,
        waits_for_ever: asleep == Some(true),
        unsaid: shared.slow_polls.take_unsaid(),
    };
    say(format_args!("{slow}"));
}

/// Starts a worker thread if a seat is vacant and there are still threads to be had.
fn hire(shared: &Arc<Shared>) {
    let Some(number) = shared.seats.hire() else {
        return;
    };
    if let Err(error) = start_worker(shared, number) {
        if shared.seats.hire_failed() {
            say(format_args!(
                "filch: cannot start worker thread {number}, will try again: {error}"
            ));
        }
        shared.leave_idle();
    }
}

/// Starts a thread that works whatever seat is vacant.
fn start_worker(shared: &Arc<Shared>, number: usize) -> io::Result<bool> {
    let name = format!("{}-{number}", shared.config.thread_name);
    start(shared, Kind::Crew, name, |shared| {
        let _prompt = Prompt::start_own();
        shared.seats.has_come();
        while let Some(core) = shared.seats.take() {
            let exit = work(shared, &core);
            shared.seats.vacate(core);
            if exit == Exit::Drained {
                break;
            }
        }
    })
}

/// Starts a thread that works a spare seat, and others after that for as long as it is called.
fn start_spare(shared: &Arc<Shared>, core: Core) {
    let name = format!("{}-spare", shared.config.thread_name);
    // The seat goes to the thread through here, so that it is not lost with a thread that does not start.
    let seat = Arc::new(Mutex::new(Some(core)));
    let theirs = Arc::clone(&seat);
    let started = start(shared, Kind::Crew, name, move |shared| {
        let prompt = Prompt::start_own();
        shared.seats.spare_has_come();
        let mut seat = theirs.lock().take();
        while let Some(core) = seat {
            work(shared, &core);
            seat = shared.seats.rest(core, &shared.remotes);
        }
        drop(prompt);
        shared.seats.spare_gone();
    });
    let given_back = match started {
        Ok(true) => None,
        _ => seat.lock().take(),
    };
    let Some(core) = given_back else { return };
    let Err(error) = started else {
        return shared.seats.call_came_late(core, &shared.remotes);
    };
    if shared.seats.call_failed(core, &shared.remotes) {
        say(format_args!(
            "filch: cannot start a spare thread beside stuck workers, will try again: {error}"
        ));
    }
    shared.leave_idle();
}

/// Starts the reactor thread, which is the undertaker in the end.
pub(crate) fn start_backstop(shared: &Arc<Shared>) -> io::Result<bool> {
    let name = format!("{}-reactor", shared.config.thread_name);
    start(shared, Kind::Undertaker, name, |shared| {
        let _prompt = Prompt::start_own();
        backstop::run(shared);
        shared.see_to_the_end(None);
    })
}

/// Starts the undertaker of a runtime that has no reactor thread.
pub(crate) fn start_undertaker(shared: &Arc<Shared>) -> io::Result<bool> {
    let name = format!("{}-end", shared.config.thread_name);
    start(shared, Kind::Undertaker, name, |shared| {
        shared.see_to_the_end(None);
    })
}

/// Does what the blocking pool asks for after a push.
pub(crate) fn staff_blocking(shared: &Arc<Shared>, pushed: Pushed) {
    match pushed {
        Pushed::Queued => {}
        Pushed::Closed(task) => {
            drop(task);
            shared.release_clock();
        }
        Pushed::NeedsThread => {
            if let Err(error) = start_blocking(shared) {
                // What nobody else can take is cancelled: the handles say so.
                say(format_args!(
                    "filch: cannot start a thread for spawn_blocking: {error}"
                ));
                for task in shared.blocking.start_failed() {
                    drop(task);
                    shared.release_clock();
                }
            }
        }
    }
}

/// Starts a thread for blocking calls. The pool has counted it already.
fn start_blocking(shared: &Arc<Shared>) -> io::Result<bool> {
    let name = format!("{}-blocking", shared.config.thread_name);
    start(shared, Kind::Crew, name, |shared| {
        let _entered = scope::enter(shared, Role::Blocking, None, None);
        let mut arriving = true;
        while let Some((task, then)) = shared.blocking.next(std::mem::take(&mut arriving)) {
            staff_blocking(shared, then);
            // SAFETY: the task is run before the scope ends, and nothing else is.
            let again = unsafe {
                let _scope = scope::enter_task(task.header());
                task.run(|_| false)
            };
            // The closure ends in one poll, but what scopes in it left behind may take longer: that is waited for by a
            // worker.
            if let Some(task) = again {
                shared.schedule_unclaimed(task);
            }
            // Whoever awaits it has been woken by now.
            shared.release_clock();
        }
    })
}

/// Works a seat as one of the runtime's own threads, until the seat is wanted or no task is left.
fn work(shared: &Arc<Shared>, core: &Core) -> Exit {
    let _entered = scope::enter(shared, Role::Worker, Some(core), None);
    Worker::new(shared, core, None).run()
}

/// Helps a shutdown along: works a vacant seat until no task is left.
pub(crate) fn drain(shared: &Arc<Shared>) {
    if let Some(core) = shared.seats.try_take() {
        work(shared, &core);
        shared.seats.vacate(core);
    }
}

/// Starts a thread of the runtime; see `registry/threads.rs` for who joins it. `false`: nobody, as the end has been.
fn start(
    shared: &Arc<Shared>,
    kind: Kind,
    name: String,
    body: impl FnOnce(&Arc<Shared>) + Send + 'static,
) -> io::Result<bool> {
    let own = Arc::clone(shared);
    shared.threads.start(kind, name.clone(), |number| {
        let mut builder = thread::Builder::new().name(name);
        if let Some(size) = own.config.stack_size {
            builder = builder.stack_size(size);
        }
        builder.spawn(move || {
            let bomb = AbortOnUnwind;
            context::with(|context| context.set_home(Arc::as_ptr(&own)));
            let is_crew = kind == Kind::Crew;
            if is_crew {
                own.config.hooks.start();
            }
            body(&own);
            if is_crew {
                own.config.hooks.stop();
            }
            if let Some(before) = own.threads.end(number) {
                own.threads.join(before);
            }
            drop(own);
            std::mem::forget(bomb);
        })
    })
}
