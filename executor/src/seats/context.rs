//! What the current thread is doing for which runtime: the crate's one thread-local, besides the one in
//! `task/memory/`.
//!
//! It is const-initialised and has no destructor, so reading it is one instruction and works at any
//! time, even while a thread ends. The pointers in it are lent by guards on the stack (`scope.rs`): whoever
//! sets one keeps what it points to alive, and puts the previous value back.

use crate::seats::choices::Choices;
use crate::seats::core::Core;
use crate::seats::guests::GuestSeat;
use crate::seats::kit::Kit;
use crate::seats::open::Open;
use crate::seats::pen::Pen;
use crate::seats::shared::Shared;
use crate::seats::turn::Turn;
use crate::task::locals::Node;
use crate::task::{Header, TaskInfo};
use filch_timer::system_now;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::Arc;

/// In what way this thread works for the runtime it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// None, or only to spawn and to make I/O objects.
    Visitor,
    /// It runs tasks: it must not block.
    Worker,
    /// It is inside `block_on`: its future must not block either.
    BlockOn,
    /// It runs closures that block.
    Blocking,
}

/// The thread-local.
pub(crate) struct Context {
    pub(super) shared: Cell<*const Shared>,
    /// The runtime whose own thread this is; to be compared only, as that may be gone.
    home: Cell<*const Shared>,
    pub(super) core: Cell<*const Core>,
    pub(super) guest: Cell<*const GuestSeat>,
    pub(super) role: Cell<Role>,
    pub(super) frame: Cell<*const Frame>,
    pub(super) task: Cell<*const Header>,
    pub(super) locals: Cell<*const Node>,
    /// What waits for the scopes that are dropped here. Null: the task does.
    pub(super) open: Cell<*const Open>,
    /// The task whose future is being dropped after it was ready.
    pub(super) ending: Cell<*const Header>,
    /// What the current poll may still do.
    pub(crate) turn: Turn,
    /// Of the branch that is polled in the current task, if it is one.
    pub(super) pen: Cell<*const Pen>,
    /// What code on this thread chooses by where it holds no seat.
    pub(super) choices: Choices,
    /// Which kit it had last for a task that it spawned into a runtime that it does not work for.
    pub(crate) outside_kit: Cell<usize>,
    /// The running task wants to go to the tail of the queue.
    pub(crate) yielded: Cell<bool>,
}

thread_local! {
    static CONTEXT: Context = const {
        Context {
            shared: Cell::new(ptr::null()),
            home: Cell::new(ptr::null()),
            core: Cell::new(ptr::null()),
            guest: Cell::new(ptr::null()),
            role: Cell::new(Role::Visitor),
            frame: Cell::new(ptr::null()),
            task: Cell::new(ptr::null()),
            locals: Cell::new(ptr::null()),
            open: Cell::new(ptr::null()),
            ending: Cell::new(ptr::null()),
            turn: Turn::new(),
            pen: Cell::new(ptr::null()),
            choices: Choices::new(0, 0),
            outside_kit: Cell::new(0),
            yielded: Cell::new(false),
        }
    };
}

/// Runs `f` on this thread's context.
///
/// The context is fetched first, and `f` runs outside of std's closure: a larger one would not be inlined, and then
/// the context is found through two calls.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&Context) -> R) -> R {
    let context: *const Context = CONTEXT.with(ptr::from_ref);
    // SAFETY: it has no destructor, so it is there for as long as the thread is, and `f`, for which the borrow may be
    // of any length, cannot keep it.
    f(unsafe { &*context })
}

/// This thread's current runtime.
pub(crate) fn current() -> Option<Arc<Shared>> {
    with(|context| {
        let shared = context.shared.get();
        if shared.is_null() {
            return None;
        }
        // SAFETY: the guard that set the pointer borrows an `Arc<Shared>`, and `enter` made the
        // pointer from it, so it may be counted up.
        unsafe {
            Arc::increment_strong_count(shared);
            Some(Arc::from_raw(shared))
        }
    })
}

/// This thread's current runtime without counting a reference.
///
/// # Safety
/// It is used no longer than the caller's frame lasts.
#[inline]
pub(crate) unsafe fn lend_current() -> Option<ManuallyDrop<Arc<Shared>>> {
    let shared = with(|context| context.shared.get());
    // SAFETY: as in `current`, but the count is neither raised nor lowered: the guard keeps the runtime, and belongs
    // to a frame further down.
    (!shared.is_null()).then(|| ManuallyDrop::new(unsafe { Arc::from_raw(shared) }))
}

/// Whether this thread runs tasks or a `block_on` future, so that blocking it is a mistake.
pub(crate) fn may_block() -> bool {
    with(|context| matches!(context.role.get(), Role::Visitor | Role::Blocking))
}

/// # Panics
/// Inside a task or a `block_on` future.
#[track_caller]
pub(crate) fn assert_may_block(what: &str) {
    assert!(
        may_block(),
        "{what} was called inside an async task or block_on of a filch runtime, where it would \
         block the thread that has to make it finish. Use `.await` there, or move the call to \
         `filch::spawn_blocking`"
    );
}

impl Context {
    /// The runtime that this thread works for or visits.
    #[inline]
    pub(crate) fn shared(&self) -> Option<&Shared> {
        // SAFETY: as in `current`: the guard keeps it, and outlives this borrow of the context,
        // because guards are dropped by the frames that called into the code that asks.
        unsafe { self.shared.get().as_ref() }
    }

    /// The seat that this thread holds in `shared`, if it holds one there.
    #[inline]
    pub(crate) fn core_of(&self, shared: *const Shared) -> Option<&Core> {
        if !ptr::eq(self.shared.get(), shared) {
            return None;
        }
        // SAFETY: set together with `shared`, by a guard that borrows the core.
        unsafe { self.core.get().as_ref() }
    }

    /// The seat that this thread holds, if it holds one, and the runtime that this is in.
    pub(crate) fn core_and_shared(&self) -> Option<(&Core, &Shared)> {
        let shared = self.shared()?;
        Some((self.core_of(shared)?, shared))
    }

    /// Whether what runs here is a poll of ours, whose end lets others go on, and after which there is a next one.
    pub(crate) fn takes_turns(&self) -> bool {
        matches!(self.role.get(), Role::Worker | Role::BlockOn) && !self.turn.is_free()
    }

    /// Code that may block is about to run; the role that it interrupts comes back.
    pub(crate) fn start_blocking(&self) -> Role {
        match self.role.get() {
            role @ (Role::Worker | Role::BlockOn) => {
                self.role.set(Role::Blocking);
                role
            }
            role => role,
        }
    }

    /// The end of what `start_blocking` began.
    pub(crate) fn stop_blocking(&self, interrupted: Role) {
        self.role.set(interrupted);
    }

    /// What this thread spawns with in `shared`, if it has a seat or a guest's place there.
    #[inline]
    pub(crate) fn kit_of(&self, shared: *const Shared) -> Option<&Kit> {
        match self.core_of(shared) {
            Some(core) => Some(&core.kit),
            None => self.guest_of(shared).map(|guest| &guest.kit),
        }
    }

    /// The place that this thread has in `shared` while it is in `block_on`.
    #[inline]
    pub(crate) fn guest_of(&self, shared: *const Shared) -> Option<&GuestSeat> {
        if !ptr::eq(self.shared.get(), shared) {
            return None;
        }
        // SAFETY: set together with `shared`, by a guard that borrows the place.
        unsafe { self.guest.get().as_ref() }
    }

    /// This is one of the threads of `shared`, to its end: until its last thread-local is destroyed.
    pub(crate) fn set_home(&self, shared: *const Shared) {
        self.home.set(shared);
    }

    /// Whether this is one of the threads that the end of `shared` waits for, whatever it has entered since.
    pub(crate) fn belongs_to(&self, shared: *const Shared) -> bool {
        ptr::eq(self.home.get(), shared) || self.has_entered(shared, |role| role != Role::BlockOn)
    }

    /// Whether this thread runs tasks of `shared`, whatever it has entered since.
    pub(crate) fn works_for(&self, shared: *const Shared) -> bool {
        self.has_entered(shared, |role| role == Role::Worker)
    }

    fn has_entered(&self, shared: *const Shared, is_meant: fn(Role) -> bool) -> bool {
        // SAFETY: each frame lives as long as its guard, and the guards of a thread end in the reverse order.
        let frames = std::iter::successors(unsafe { self.frame.get().as_ref() }, |frame| unsafe {
            frame.outer.as_ref()
        });
        let mut of_runtime = frames.filter(|frame| ptr::eq(frame.shared, shared));
        of_runtime.any(|frame| is_meant(frame.role))
    }

    /// The task that is being polled or dropped on this thread.
    #[inline]
    pub(crate) fn task(&self) -> Option<&Header> {
        // SAFETY: set by `TaskScope`, whose creator runs the task and so keeps its header.
        unsafe { self.task.get().as_ref() }
    }

    /// What the leaves of the branch that is being polled say goes here.
    #[inline]
    pub(crate) fn pen(&self) -> Option<&Pen> {
        // SAFETY: set by `enter_branch`, whose caller keeps it.
        unsafe { self.pen.get().as_ref() }
    }

    /// A number below `bound`, from the stream of this thread's seat, or of its visit, or its own.
    #[inline]
    pub(crate) fn choose(&self, bound: u32) -> u32 {
        // SAFETY: as in `core_of`.
        let core = unsafe { self.core.get().as_ref() };
        core.map_or(&self.choices, |core| &core.choices)
            .below(bound)
    }

    /// A copy of what is known of the current task.
    pub(crate) fn task_info(&self) -> Option<TaskInfo> {
        let shown = self.shared().map(|shared| shared.clock.now());
        // A future may be dropped outside of every runtime.
        let now = shown.unwrap_or_else(system_now);
        self.task().map(|task| TaskInfo::of(task, now))
    }

    /// A counted copy of the innermost task-local binding, for a task that inherits it.
    #[inline]
    pub(crate) fn clone_locals(&self) -> Option<Arc<Node>> {
        let node = self.locals.get();
        if node.is_null() {
            return None;
        }
        // SAFETY: set by `swap_locals` from `Arc::as_ptr` of an Arc that its setter keeps.
        unsafe {
            Arc::increment_strong_count(node);
            Some(Arc::from_raw(node))
        }
    }

    /// Sets the innermost binding and returns the previous one. The caller keeps `node` alive
    /// until it puts the previous one back.
    pub(crate) fn swap_locals(&self, node: *const Node) -> *const Node {
        self.locals.replace(node)
    }

    /// A scope whose future was ready is dropped. If that is at the end of the current task's future, the scope was
    /// around all of it, so its binding is there when the output is dropped.
    pub(crate) fn leave_to_output(&self, node: &Arc<Node>) {
        let task = self.task.get();
        if !task.is_null() && ptr::eq(task, self.ending.get()) {
            // SAFETY: set by `at_end`, whose caller keeps the header and has the stage.
            unsafe { (*task).extras.leave(node) };
        }
    }

    /// The task's future is gone. What runs on this thread before the next poll (the joiner's waker,
    /// the drop of the task-locals) is no part of the task, which may be freed
    /// any moment. Another task that is current, as around a cancelled spawn, stays so.
    #[inline]
    pub(crate) fn leave_task(&self, task: &Header) {
        if ptr::eq(self.task.get(), task) {
            self.task.set(ptr::null());
            self.locals.set(ptr::null());
        }
    }

    /// A poll starts.
    #[inline]
    pub(crate) fn begin_turn(&self) {
        self.turn.reset();
        // A poll that yielded and was ready all the same, as in a `select!`, has left it set.
        self.yielded.set(false);
    }
}

/// A runtime that this thread has entered, and what it had entered before.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) shared: *const Shared,
    pub(super) role: Role,
    pub(super) outer: *const Frame,
}
