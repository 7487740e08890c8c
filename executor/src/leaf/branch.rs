//! Records of branches: how a combinator says what each of its futures waits for.
//!
//! While a branch is polled, a *pen* lies on the stack, and leaves write with it instead of into the task's header:
//! the first that returns Pending says why, as there. What it has written is kept in [`Notes`] on the stack until the
//! combinator itself is about to return Pending, and then goes into the branch's slot of the task's board
//! (`task/board.rs`); when the branch is ready, the slot is empty. So a combinator that is ready at once costs no
//! slot, and a branch that is not polled keeps what it has.
//!
//! Without a task, as in `block_on`, nothing is recorded.

use crate::seats::context;
use crate::seats::pen::Pen;
use crate::seats::scope;
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

/// What the branches of a combinator have said in one poll of it.
#[derive(Debug)]
pub struct Notes<const SLOTS: usize>([Note; SLOTS]);

#[derive(Clone, Copy, Debug)]
enum Note {
    /// It was not polled, or is ready.
    Nothing,
    /// What it waits for, if that is known, and the node of the combinator in it.
    Waits(Option<Wait>, u32),
}

impl<const SLOTS: usize> Notes<SLOTS> {
    /// Nobody has said anything yet.
    #[inline]
    #[must_use]
    pub fn new() -> Notes<SLOTS> {
        Notes([Note::Nothing; SLOTS])
    }
}

impl<const SLOTS: usize> Default for Notes<SLOTS> {
    fn default() -> Notes<SLOTS> {
        Notes::new()
    }
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
    pub fn poll<R>(
        &self,
        notes: &mut Notes<SLOTS>,
        number: usize,
        poll: impl FnOnce() -> Poll<R>,
    ) -> Poll<R> {
        if context::with(|context| context.task().is_none()) {
            return poll();
        }
        let pen = Pen::new(NIL);
        let polled = within(&pen, poll);
        if polled.is_pending() {
            notes.0[number] = Note::Waits(pen.wait.get(), pen.inner.get());
        } else if let Some(held) = &self.held {
            held.board.slot(held.indices[1 + number]).end();
        }
        polled
    }

    /// The combinator returns Pending: its branches wait for what they have said.
    pub fn wait(&mut self, notes: &Notes<SLOTS>) {
        context::with(|context| {
            if !self.hold(context) {
                return;
            }
            let (Some(held), Some(shared)) = (&self.held, context.shared()) else {
                return;
            };
            let (node, now) = (held.indices[0], shared.coarse_shown());
            for (number, note) in notes.0.iter().enumerate() {
                if let Note::Waits(wait, inner) = *note {
                    let branch = held.indices[1 + number];
                    held.board.slot(branch).note(node, number as u32, wait, now);
                    held.enclose(branch, inner);
                }
            }
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
                held.enclose(held.indices[0], pen.inner.get());
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

    /// The combinator of this node, if it is one, lies in this branch.
    fn enclose(&self, branch: u32, inner: u32) {
        if inner != NIL {
            self.board.slot(inner).set_outer(branch);
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
    let _inside = unsafe { scope::enter_branch(pen) };
    poll()
}
