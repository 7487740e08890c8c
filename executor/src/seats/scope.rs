//! What a thread is in for a while, as guards on its stack: a runtime, a closure, a branch of a task, a task.
//!
//! Each sets a part of the thread's [`Context`](super::context::Context), and puts the previous value back when it is
//! dropped.

use crate::seats::choices::Choices;
use crate::seats::context::{Frame, Role, with};
use crate::seats::core::Core;
use crate::seats::guests::GuestSeat;
use crate::seats::hooks::Held;
use crate::seats::open::Open;
use crate::seats::pen::Pen;
use crate::seats::shared::Shared;
use crate::seats::turn::Turn;
use crate::task::locals::Node;
use crate::task::{Header, memory};
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

/// While it lives, this thread is in a runtime.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    shared: *const Shared,
    core: *const Core,
    guest: *const GuestSeat,
    role: Role,
    /// Owned; it does not move with the guard.
    frame: *mut Frame,
    task: *const Header,
    locals: *const Node,
    open: *const Open,
    turn: Turn,
    pen: *const Pen,
    /// Replaced only where the thread holds no seat.
    choices: Option<Choices>,
    yielded: bool,
    _memory: memory::Lent<'a>,
    /// What the runtime's hook has given; first to go.
    held: Option<Held>,
    lent: PhantomData<(&'a Shared, *const ())>,
}

/// Puts this thread into a runtime until the guard is dropped. The guard is kept on the stack and
/// dropped in the reverse order of entering.
pub(crate) fn enter<'a>(
    shared: &'a Arc<Shared>,
    role: Role,
    core: Option<&'a Core>,
    guest: Option<&'a GuestSeat>,
) -> Entered<'a> {
    let mut entered = enter_without_hook(shared, role, core, guest);
    if role != Role::Visitor {
        // It finds the runtime, and when it panics the thread has left it.
        entered.held = shared.config.hooks.hold();
    }
    entered
}

fn enter_without_hook<'a>(
    shared: &'a Arc<Shared>,
    role: Role,
    core: Option<&'a Core>,
    guest: Option<&'a GuestSeat>,
) -> Entered<'a> {
    let kit = core.map(|core| &core.kit);
    let kit = kit.or(guest.map(|guest| &guest.kit));
    with(|context| {
        let frame = Box::into_raw(Box::new(Frame {
            shared: Arc::as_ptr(shared),
            role,
            outer: context.frame.get(),
        }));
        context.frame.set(frame);
        Entered {
            shared: context.shared.replace(Arc::as_ptr(shared)),
            core: context
                .core
                .replace(core.map_or(ptr::null(), ptr::from_ref)),
            guest: context
                .guest
                .replace(guest.map_or(ptr::null(), ptr::from_ref)),
            role: context.role.replace(role),
            frame,
            task: context.task.replace(ptr::null()),
            locals: context.locals.replace(ptr::null()),
            open: context.open.replace(ptr::null()),
            turn: context.turn.replace(Turn::new()),
            pen: context.pen.replace(ptr::null()),
            choices: core
                .is_none()
                .then(|| context.choices.replace(&shared.visitor_choices())),
            yielded: context.yielded.take(),
            _memory: memory::lend(kit.map(|kit| &kit.memory)),
            held: None,
            lent: PhantomData,
        }
    })
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let held = self.held.take();
        // Also if the drop of what is held panics.
        let _leave = Leave(self);
        drop(held);
    }
}

/// Leaves when it is dropped.
struct Leave<'e, 'a>(&'e mut Entered<'a>);

impl Drop for Leave<'_, '_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Entered<'_> {
    fn leave(&mut self) {
        // SAFETY: it came from a box, this is its one owner, and here it is taken out of the list.
        let frame = unsafe { Box::from_raw(self.frame) };
        with(|context| {
            context.shared.set(self.shared);
            context.core.set(self.core);
            context.guest.set(self.guest);
            context.role.set(self.role);
            context.frame.set(frame.outer);
            context.task.set(self.task);
            context.locals.set(self.locals);
            context.open.set(self.open);
            context
                .turn
                .replace(std::mem::replace(&mut self.turn, Turn::new()));
            context.pen.set(self.pen);
            if let Some(choices) = &self.choices {
                context.choices.replace(choices);
            }
            context.yielded.set(self.yielded);
        });
    }
}

/// While it lives, what runs on this thread is no poll of futures, but a closure: nothing in it is refused.
#[derive(Debug)]
pub(crate) struct Closure {
    was_free: bool,
    lent: PhantomData<*const ()>,
}

/// A closure runs until the guard is dropped.
pub(crate) fn enter_closure() -> Closure {
    Closure {
        was_free: with(|context| context.turn.set_free(true)),
        lent: PhantomData,
    }
}

impl Drop for Closure {
    fn drop(&mut self) {
        with(|context| context.turn.set_free(self.was_free));
    }
}

/// While it lives, a branch of the current task is polled.
#[derive(Debug)]
pub(crate) struct InBranch {
    outer: *const Pen,
}

/// Makes `pen` what leaves write with.
///
/// # Safety
/// The pen stays until the guard is dropped, and guards are dropped in the reverse order.
#[inline]
pub(crate) unsafe fn enter_branch(pen: *const Pen) -> InBranch {
    InBranch {
        outer: with(|context| context.pen.replace(pen)),
    }
}

impl Drop for InBranch {
    #[inline]
    fn drop(&mut self) {
        with(|context| context.pen.set(self.outer));
    }
}

/// While it lives, a task is the current one on this thread.
#[derive(Debug)]
pub(crate) struct TaskScope<'a> {
    lent: PhantomData<(&'a Header, *const ())>,
}

/// Makes `task` the current one, with a fresh budget and its own task-locals.
///
/// # Safety
/// The caller runs the task before the guard is dropped and does nothing else in between. The header
/// stays until the poll has ended; a task that completes is no longer the current one by then
/// (`leave_task`), and after a poll that ended otherwise no user code runs under this guard.
#[inline]
pub(crate) unsafe fn enter_task<'a>(task: *const Header) -> TaskScope<'a> {
    with(|context| {
        context.task.set(task);
        // SAFETY: the caller holds the task's Runnable, which keeps the header.
        let extras = unsafe { (*task).extras.get() };
        if let Some(locals) = extras.and_then(|extras| extras.locals.as_ref()) {
            context.locals.set(Arc::as_ptr(locals));
        }
        context.begin_turn();
    });
    TaskScope { lent: PhantomData }
}

impl Drop for TaskScope<'_> {
    #[inline]
    fn drop(&mut self) {
        with(|context| {
            context.task.set(ptr::null());
            context.locals.set(ptr::null());
        });
    }
}
