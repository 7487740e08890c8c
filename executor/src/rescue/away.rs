//! `blocking`: a worker that says by itself that it is going to be stuck.

use crate::queues::permits::Kind;
use crate::seats::context::{self, Role};
use crate::signs::watch::{Known, Mark, Stuck};

/// Runs a closure that may block, in place: the worker that this task is on is taken for blocked until it
/// returns, so other tasks go on elsewhere at once, if need be on a spare thread.
///
/// For a call that blocks in the midst of a task and needs what the task has borrowed: reading a file,
/// querying an embedded database, taking a lock that is held for long. It costs about a microsecond when
/// another worker is at work, and the wake of a thread when none is. Inside the closure blocking calls of filch
/// (`Runtime::block_on`, `JoinHandle::join_blocking`) are allowed. So is another library's `block_on`; the future
/// that it drives has no cooperative budget, so nothing in it yields by itself.
///
/// The task itself waits, and with it whatever is joined with it (`join!`, `select!`); to go on meanwhile, use
/// [`spawn_blocking`](crate::spawn_blocking). On a [`LocalRuntime`](crate::LocalRuntime), whose tasks have
/// only that one thread, they all wait; so do its timers and sockets, and a closure that waits for one of them never
/// ends. Anywhere else the closure is simply called.
///
/// The counterpart of tokio's `block_in_place`, which panics on a current-thread runtime.
///
/// # Panics
/// With the closure's panic.
///
/// # Examples
/// ```
/// # extern crate filch_executor as filch;
/// # let rt = filch::Runtime::new()?;
/// # rt.run(async {
/// let mut text = String::from("# ");
/// filch::blocking(|| {
///     text.push_str(&std::fs::read_to_string("Cargo.toml")?);
///     std::io::Result::Ok(())
/// })?;
/// assert!(text.contains("[package]"));
/// # std::io::Result::Ok(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn blocking<F, T>(f: F) -> T
where
    F: FnOnce() -> T,
{
    let _away = Away::start();
    f()
}

/// While it lives, this thread may block.
struct Away {
    role: Role,
    announced: Option<Announced>,
}

/// The worker was announced as blocked.
struct Announced {
    /// What was known of its poll before.
    before: Option<Mark>,
    /// The slow lane whose permit it has lent.
    lent: Option<Kind>,
}

impl Away {
    fn start() -> Away {
        context::with(|context| {
            let role = context.start_blocking();
            let announced = context.core_and_shared().filter(|(_, shared)| {
                // A closure inside a closure changes nothing.
                role == Role::Worker && !shared.config.local
            });
            let announced = announced.map(|(core, shared)| {
                // Nor is the processor time of what comes now the poll's.
                core.sample.cancel();
                let watch = &shared.remotes[core.index].watch;
                let before = watch.mark();
                let mark = Mark {
                    stuck: Stuck::Blocked,
                    known: Known::Declared,
                };
                watch.announce(core.tick.get(), mark, shared.now());
                let lent = shared.lanes.lend(&shared.remotes[core.index].permit);
                shared.leave_work(core.index);
                Announced { before, lent }
            });
            Away { role, announced }
        })
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        context::with(|context| {
            context.stop_blocking(self.role);
            let Some(Announced { before, lent }) = self.announced else {
                return;
            };
            let Some((core, shared)) = context.core_and_shared() else {
                return;
            };
            // What comes now counts as another poll: how long the closure took is nobody's fault.
            let watch = &shared.remotes[core.index].watch;
            let tick = core.begin_anew(watch, watch.task());
            if let Some(before) = before {
                // The monitor may have corrected what was announced; that was about the poll so far.
                let expected = context.task().and_then(|task| task.habit.expected());
                watch.announce(tick, expected.unwrap_or(before), shared.now());
            }
            if let Some(lane) = lent {
                let permit = &shared.remotes[core.index].permit;
                shared.lanes.take_back(permit, lane);
            }
            shared.leave_idle();
        });
    }
}
