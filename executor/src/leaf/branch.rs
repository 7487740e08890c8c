//! Records of branches: how a combinator says what each of its futures waits for.
//!
//! While a branch is polled, a *pen* lies on the stack, and leaves write with it instead of into the task's header:
//! the first that returns Pending says why, as there. When the branch has returned Pending too, what the pen has
//! written goes into the branch's slot of the task's board (`task/board.rs`); when it is ready, the slot is empty. So
//! a branch that is ready at once costs no slot, and one that is not polled keeps what it has.
//!
//! Without a task, as in `block_on`, nothing is recorded.

use crate::seats::context;
use crate::seats::pen::Pen;
use crate::task::board::{Board, NIL};
use crate::task::wait::{Wait, WaitKind};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::task::Poll;

/// The slots of one combinator: the first is its own, the others are its branches'. Of a future in a set, only its own.
pub struct Records<const SLOTS: usize> {
    kind: WaitKind,
    at: &'static Location<'static>,
    held: Option<Held<SLOTS>>,
}

/// Slots of a board. They are given back when this is dropped, wherever that is.
struct Held<const SLOTS: usize> {
    board: Arc<Board>,
    indices: [u32; SLOTS],
}

impl<const SLOTS: usize> Records<SLOTS> {
    /// Of a combinator of this kind that stands where the caller was called.
    #[track_caller]
    #[must_use]
    pub fn here(kind: WaitKind) -> Records<SLOTS> {
        Records {
            kind,
            at: Location::caller(),
            held: None,
        }
    }

    /// Polls the branch of this number.
    #[inline]
    pub fn poll<R>(&mut self, number: usize, poll: impl FnOnce() -> Poll<R>) -> Poll<R> {
        if context::with(|context| context.task().is_none()) {
            return poll();
        }
        let pen = Pen::new(NIL);
        let polled = within(&pen, poll);
        if polled.is_pending() {
            self.note(number, &pen);
        } else if let Some(held) = &self.held {
            held.board.slot(held.indices[1 + number]).end();
        }
        polled
    }

    fn note(&mut self, number: usize, pen: &Pen) {
        context::with(|context| {
            if !self.hold(context) {
                return;
            }
            let (Some(held), Some(shared)) = (&self.held, context.shared()) else {
                return;
            };
            let (node, branch) = (held.indices[0], held.indices[1 + number]);
            let slot = held.board.slot(branch);
            slot.note(node, number as u32, pen.wait.get(), shared.coarse_shown());
            held.enclose(branch, pen);
            tell_outer(context, node);
        });
    }

    /// Has slots of the current task's board, if it can; new ones have the node begun.
    fn hold(&mut self, context: &context::Context) -> bool {
        let wait = Wait {
            kind: self.kind,
            resource: 0,
            at: self.at,
        };
        Held::renew(&mut self.held, context, |held| {
            if let Some(shared) = context.shared() {
                let node = held.board.slot(held.indices[0]);
                node.begin_node(wait, shared.coarse_shown());
            }
        })
    }
}

impl Records<1> {
    /// Polls a set, whose futures have records of their own.
    pub fn poll_set<R>(&mut self, poll: impl FnOnce() -> Poll<R>) -> Poll<R> {
        let holds = context::with(|context| context.task().is_some() && self.hold(context));
        let Some(held) = self.held.as_ref().filter(|_| holds) else {
            return poll();
        };
        let pen = Pen::new(held.indices[0]);
        let polled = within(&pen, poll);
        if polled.is_pending() {
            context::with(|context| tell_outer(context, held.indices[0]));
        }
        polled
    }

    /// Polls the future of this number in the set that is being polled.
    pub fn poll_in_set<R>(&mut self, number: usize, poll: impl FnOnce() -> Poll<R>) -> Poll<R> {
        let set = context::with(|context| context.pen().map_or(NIL, |outer| outer.set));
        if set == NIL {
            return poll();
        }
        let pen = Pen::new(NIL);
        let polled = within(&pen, poll);
        if polled.is_ready() {
            self.held = None;
            return polled;
        }
        context::with(|context| {
            if !Held::renew(&mut self.held, context, |_| ()) {
                return;
            }
            if let (Some(held), Some(shared)) = (&self.held, context.shared()) {
                let slot = held.board.slot(held.indices[0]);
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                slot.note(set, number, pen.wait.get(), shared.coarse_shown());
                held.enclose(held.indices[0], &pen);
            }
        });
        polled
    }
}

impl<const SLOTS: usize> Held<SLOTS> {
    /// Makes `held` slots of the current task's board. Those of another task, where it was polled before, are given
    /// back. `false`: there are none.
    fn renew(
        held: &mut Option<Self>,
        context: &context::Context,
        begin: impl FnOnce(&Self),
    ) -> bool {
        let Some(task) = context.task() else {
            return false;
        };
        let board = task.extras.board_or_make();
        if held
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(&held.board, board))
        {
            return true;
        }
        *held = None;
        let mut indices = [NIL; SLOTS];
        if !board.take(&mut indices) {
            return false;
        }
        let board = Arc::clone(board);
        begin(held.insert(Held { board, indices }));
        true
    }

    /// The combinator that the pen has met lies in this branch.
    fn enclose(&self, branch: u32, pen: &Pen) {
        if pen.inner.get() != NIL {
            self.board.slot(pen.inner.get()).set_outer(branch);
        }
    }
}

impl<const SLOTS: usize> Drop for Held<SLOTS> {
    fn drop(&mut self) {
        self.board.give(&self.indices);
    }
}

impl<const SLOTS: usize> fmt::Debug for Records<SLOTS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("kind", &self.kind)
            .field("at", &format_args!("{}", self.at))
            .finish_non_exhaustive()
    }
}

/// Tells the branch that is around a combinator that this one waits in it.
fn tell_outer(context: &context::Context, node: u32) {
    if let Some(outer) = context.pen() {
        if outer.inner.get() == NIL && outer.wait.get().is_none() {
            outer.inner.set(node);
        }
    }
}

/// Polls with a pen.
fn within<R>(pen: &Pen, poll: impl FnOnce() -> R) -> R {
    // SAFETY: it is put back before `pen` goes, also by a panic.
    let _inside = unsafe { context::enter_branch(pen) };
    poll()
}
