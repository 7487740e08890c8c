//! What a lock for readers and writers is without its value, and who holds it.
//!
//! The permits are those of a semaphore: a reader has one, a writer all of them. So whoever waits is served in turn,
//! and a reader that comes while a writer waits stands behind it.
//!
//! The name of the holder is for whoever looks from outside. With several readers it is one of them, or nobody: a
//! reader that leaves takes back its own name only.

use crate::sync::holder::Holder;
use crate::sync::permits::Permits;
use std::ops::Deref;

/// Permits and holder.
#[derive(Debug)]
pub(crate) struct Core {
    pub(super) permits: Permits,
    pub(super) holder: Holder,
    /// How many readers there may be, and what a writer takes.
    pub(super) readers: usize,
}

/// What has a [`Core`].
pub(crate) trait HasCore {
    fn core(&self) -> &Core;
}

impl HasCore for Core {
    #[inline]
    fn core(&self) -> &Core {
        self
    }
}

/// One permit of a reader, which goes back with this.
pub(crate) struct Reading<P>
where
    P: Deref,
    P::Target: HasCore,
{
    pub(super) owner: P,
    /// What it said in [`Core::holder`].
    named: u64,
}

impl<P> Reading<P>
where
    P: Deref,
    P::Target: HasCore,
{
    /// The caller has got the permit.
    #[inline]
    pub(super) fn new(owner: P) -> Reading<P> {
        let named = owner.core().holder.set();
        Reading { owner, named }
    }
}

impl<P> Drop for Reading<P>
where
    P: Deref,
    P::Target: HasCore,
{
    #[inline]
    fn drop(&mut self) {
        let core = self.owner.core();
        core.holder.clear_if(self.named);
        core.permits.give_one();
    }
}

/// All permits, which go back with this.
pub(crate) struct Writing<P>
where
    P: Deref,
    P::Target: HasCore,
{
    /// There until it is a reader's.
    owner: Option<P>,
}

impl<P> Writing<P>
where
    P: Deref,
    P::Target: HasCore,
{
    /// The caller has got the permits.
    #[inline]
    pub(super) fn new(owner: P) -> Writing<P> {
        owner.core().holder.set();
        Writing { owner: Some(owner) }
    }

    pub(super) fn owner(&self) -> &P {
        self.owner
            .as_ref()
            .expect("a writer has its lock until it ends")
    }

    /// All permits but one go back, so that other readers come in, but no writer before them.
    pub(super) fn downgrade(mut self) -> Reading<P> {
        let owner = self.owner.take();
        let owner = owner.expect("a writer has its lock until it ends");
        let others = owner.core().readers - 1;
        let reading = Reading::new(owner);
        reading.owner.core().permits.give(others);
        reading
    }
}

impl<P> Drop for Writing<P>
where
    P: Deref,
    P::Target: HasCore,
{
    #[inline]
    fn drop(&mut self) {
        if let Some(owner) = &self.owner {
            let core = owner.core();
            core.holder.clear();
            core.permits.give(core.readers);
        }
    }
}
