//! What only some tasks carry beside their header: a name, task-locals, what their future left behind, and who
//! cancelled them.

use crate::foreign::discard;
use crate::task::board::Board;
use crate::task::cancelled::Cancelled;
use crate::task::locals::Node;
use crate::task::remains::Remainder;
use std::cell::UnsafeCell;
use std::fmt;
use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::sync::{Arc, OnceLock};

/// What only some tasks carry.
#[derive(Default)]
pub(crate) struct Extras {
    pub(crate) name: Option<Box<str>>,
    /// What was bound where it was spawned.
    pub(crate) locals: Option<Arc<Node>>,
    /// What was bound around all of its future, for the drop of the output. Rule 2 says whose it is, as of the stage.
    left: UnsafeCell<Option<Arc<Node>>>,
    /// What scopes in its future left behind. Rule 2 says whose it is, as of the stage.
    remainder: UnsafeCell<Option<Box<Remainder>>>,
    /// What its branches wait for. Anybody with a reference may make it.
    board: OnceLock<Arc<Board>>,
    /// Who was the first to cancel it. Anybody with a reference may write.
    pub(crate) cancelled: OnceLock<Cancelled>,
}

impl Extras {
    /// `None`: there are none.
    #[inline]
    pub(crate) fn new(name: Option<Box<str>>, locals: Option<Arc<Node>>) -> Option<Box<Extras>> {
        let any = name.is_some() || locals.is_some();
        any.then(|| {
            Box::new(Extras {
                name,
                locals,
                ..Extras::default()
            })
        })
    }
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extras")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A task's extras, if it has any: from the start, or since its future left some. Owned; `take` is its drop.
#[derive(Debug)]
pub(crate) struct Carried(AtomicPtr<Extras>);

impl Carried {
    #[inline]
    pub(crate) fn new(extras: Option<Box<Extras>>) -> Carried {
        let extras = extras.map_or(ptr::null_mut(), Box::into_raw);
        Carried(AtomicPtr::new(extras))
    }

    /// Orderings: Acquire pairs with the Release in `leave`.
    #[inline]
    pub(crate) fn get(&self) -> Option<&Extras> {
        // SAFETY: it came from a box, and stays until `take`, which has `&mut`.
        unsafe { self.0.load(Acquire).as_ref() }
    }

    /// Leaves a binding to the drop of the output, unless an inner one was left before.
    ///
    /// # Safety
    /// Rule 2 gives the caller the stage.
    pub(crate) unsafe fn leave(&self, node: &Arc<Node>) {
        // SAFETY: rule 2.
        let left = unsafe { &mut *self.get_or_make().left.get() };
        left.get_or_insert_with(|| Arc::clone(node));
    }

    /// The extras, which are made now if there are none. Anybody with a reference may come.
    ///
    /// Orderings: Release publishes those that are made here; Acquire brings those of whoever came first.
    #[cold]
    pub(crate) fn get_or_make(&self) -> &Extras {
        if let Some(extras) = self.get() {
            return extras;
        }
        let fresh = Box::into_raw(Box::default());
        match self
            .0
            .compare_exchange(ptr::null_mut(), fresh, AcqRel, Acquire)
        {
            // SAFETY: as in `get`.
            Ok(_) => unsafe { &*fresh },
            Err(others) => {
                // SAFETY: it was made above, and nobody has seen it.
                drop(unsafe { Box::from_raw(fresh) });
                // SAFETY: as in `get`; only `take` makes it null again.
                unsafe { &*others }
            }
        }
    }

    /// Where branches of the task have their records, if one ever had.
    pub(crate) fn board(&self) -> Option<&Board> {
        self.get()?.board.get().map(Arc::as_ref)
    }

    /// The same, and made now if there is none.
    pub(crate) fn board_or_make(&self) -> &Arc<Board> {
        let extras = self.get().unwrap_or_else(|| self.get_or_make());
        extras.board.get_or_init(|| Arc::new(Board::new()))
    }

    /// What the future left behind, if anything.
    ///
    /// # Safety
    /// Rule 2 gives the caller the stage.
    #[inline]
    pub(crate) unsafe fn remainder(&self) -> Option<&Remainder> {
        // SAFETY: rule 2; it is taken out by nobody else, and stays where it is in its box.
        unsafe { (*self.get()?.remainder.get()).as_deref() }
    }

    /// The same, and made now if there is none.
    ///
    /// # Safety
    /// Rule 2 gives the caller the stage.
    #[cold]
    pub(crate) unsafe fn make_remainder(&self) -> &Remainder {
        // SAFETY: rule 2.
        if let Some(remainder) = unsafe { self.remainder() } {
            return remainder;
        }
        // SAFETY: rule 2; there is none that anybody could have borrowed.
        let remainder = unsafe { &mut *self.get_or_make().remainder.get() };
        remainder.get_or_insert_with(Box::default)
    }

    /// What the future left behind goes elsewhere.
    ///
    /// # Safety
    /// Rule 2 gives the caller the stage, and nobody has what `remainder` returned.
    pub(crate) unsafe fn take_remainder(&self) -> Option<Box<Remainder>> {
        let extras = self.get()?;
        // SAFETY: rule 2.
        unsafe { &mut *extras.remainder.get() }.take()
    }

    /// The output has gone elsewhere: what was left to it goes.
    ///
    /// # Safety
    /// Rule 2 gives the caller the stage.
    #[inline]
    pub(crate) unsafe fn drop_left(&self) {
        if let Some(extras) = self.get() {
            // SAFETY: rule 2.
            let left = unsafe { &mut *extras.left.get() }.take();
            discard(left);
        }
    }

    /// The innermost binding for the drop of future or output; null: none. It stays as long as these extras.
    ///
    /// # Safety
    /// Rule 2 gives the caller the stage.
    pub(crate) unsafe fn innermost(&self) -> *const Node {
        let node = self.get().and_then(|extras| {
            // SAFETY: rule 2.
            let left = unsafe { &*extras.left.get() };
            left.as_ref().or(extras.locals.as_ref())
        });
        node.map_or(ptr::null(), Arc::as_ptr)
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Option<Box<Extras>> {
        let extras = std::mem::replace(self.0.get_mut(), ptr::null_mut());
        // SAFETY: it came from a box, and nobody else takes it.
        (!extras.is_null()).then(|| unsafe { Box::from_raw(extras) })
    }
}
