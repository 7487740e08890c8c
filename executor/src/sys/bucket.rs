//! Which condition variable stands in for a word, on systems that do not let threads sleep on one.

/// How many condition variables stand in for a system that lets threads sleep on a word.
pub(super) const BUCKETS: usize = 64;

/// 2^64 by the golden ratio: Fibonacci hashing.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Which of them is a word's, by its address. The workers' words are a multiple of 128 bytes apart, so the low bits of
/// their addresses are alike. A product's upper bits depend on all bits of the address; mixed in twice, words at any
/// distance share buckets as if thrown.
pub(super) fn bucket_of(address: usize) -> usize {
    let mixed = (address as u64).wrapping_mul(ODD);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(ODD);
    (mixed >> (u64::BITS - BUCKETS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_at_any_distance_are_spread_over_the_buckets() {
        for distance in (1..=64).map(|lines| lines * 128) {
            let mut words = [0; BUCKETS];
            (0..BUCKETS).for_each(|word| words[bucket_of(0x7f12_3456_7000 + word * distance)] += 1);
            let most = words.iter().max();
            assert!(most <= Some(&6), "{distance} bytes apart: {words:?}");
        }
    }
}
