//! Random choices of code that waits for several things.

use crate::seats::context;

/// A number below `bound`, which is not 0, by the runtime's generator: from the builder's seed, in a stream of the
/// worker that asks, or of the call of `block_on`. Outside a runtime each thread has a stream of its own.
#[inline]
#[must_use]
pub fn choose(bound: u32) -> u32 {
    context::with(|context| context.choose(bound))
}
