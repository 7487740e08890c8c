//! Random choices that users' code asks for, as of the branch of a `select!` that is looked at first.
//!
//! A stream of numbers, one per seat and one per visit of a thread that has none (`block_on`), each from the builder's
//! seed: the same seed and the same order of things make the same choices. They are apart from the scheduler's own, so
//! that how often a worker looked for work changes nothing about what a program chooses. Outside a runtime each thread
//! has one stream, from its first number on.
//!
//! The numbers are SplitMix64's: a counter, mixed.

use std::cell::Cell;

/// One stream.
#[derive(Debug)]
pub(crate) struct Choices(Cell<u64>);

impl Choices {
    /// A stream that differs from all others of the same seed.
    pub(crate) const fn new(seed: u64, stream: u64) -> Choices {
        Choices(Cell::new(seed ^ mix(stream)))
    }

    /// A number below `bound`, which is not 0.
    #[inline]
    pub(crate) fn below(&self, bound: u32) -> u32 {
        let next = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(next);
        // The upper half of the product is as evenly spread as 32 bits can be over so few numbers.
        (((mix(next) >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// Another stream goes on here; the caller puts this one back.
    pub(crate) fn replace(&self, other: &Choices) -> Choices {
        Choices(Cell::new(self.0.replace(other.0.get())))
    }
}

const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    fn first(choices: &Choices) -> Vec<u32> {
        (0..20).map(|_| choices.below(10)).collect()
    }

    #[test]
    fn a_seed_and_a_stream_make_the_same_choices_and_others_make_others() {
        let expected = first(&Choices::new(7, 1));
        assert_eq!(first(&Choices::new(7, 1)), expected);
        assert_ne!(first(&Choices::new(7, 2)), expected);
        assert_ne!(first(&Choices::new(8, 1)), expected);
    }

    #[test]
    fn every_number_below_the_bound_comes_about_equally_often() {
        for bound in [1, 2, 3, 64] {
            let choices = Choices::new(1, 0);
            let mut counts = vec![0; bound as usize];
            let draws = 200 * bound;
            for _ in 0..draws {
                counts[choices.below(bound) as usize] += 1;
            }
            assert!(
                counts.iter().all(|count| (100..400).contains(count)),
                "{counts:?}"
            );
        }
    }
}
