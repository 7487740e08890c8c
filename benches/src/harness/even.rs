//! When a row is *even* between two builds of filch: a statistic over the turns of one run, by rank like all of them.
//!
//! In each turn this build ran twice and the other once. Their ratio is the row's figure. This build against itself
//! says how much of that means nothing: the noise. It is the larger of two things: how far a median of so many turns
//! moves by chance, and how far the median of this build against itself is from 1.

use serde::{Deserialize, Serialize};

use super::stats;

/// What a row may differ by before it counts, noise aside.
pub(crate) const TOLERANCE: f64 = 0.05;
/// With fewer turns there is no verdict.
pub(crate) const LEAST_TURNS: usize = 5;
/// A row whose noise is above this is marked: it would be called even if it had lost as much. Three times the
/// tolerance; chosen, not measured.
pub(crate) const NOISY: f64 = 0.15;

/// What came of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Within tolerance and noise.
    Even,
    /// This build is better by more than that.
    Faster,
    /// This build is worse by more than that.
    Slower,
    /// Fewer than [`LEAST_TURNS`] turns have all three figures.
    TooFewTurns,
}

/// What the turns of one row say. A ratio above 1: this build is better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Judgement {
    /// Turns that have all three figures.
    pub(crate) turns: usize,
    /// The median over the turns of how many times better this build was than the other.
    pub(crate) ratio: f64,
    /// The smallest such ratio.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
    /// The median over the turns of this build against itself.
    pub(crate) again: f64,
    /// The noise, as a share.
    pub(crate) noise: f64,
    /// What may differ: tolerance and noise.
    pub(crate) allowed: f64,
    /// Even or not.
    pub(crate) verdict: Verdict,
}

impl Judgement {
    /// Whether the noise is so large that even says little.
    pub(crate) fn is_noisy(&self) -> bool {
        self.noise > NOISY
    }
}

/// Judges the turns of a row, each as its ratio to the other build and its ratio to itself. A turn whose figures make
/// no ratio does not count; `None` if none does.
pub(crate) fn judge(turns: impl IntoIterator<Item = (f64, f64)>) -> Option<Judgement> {
    let is_ratio = |ratio: f64| ratio.is_finite() && ratio > 0.0;
    let (ratios, again): (Vec<f64>, Vec<f64>) = turns
        .into_iter()
        .filter(|&(other, again)| is_ratio(other) && is_ratio(again))
        .unzip();
    let turns = ratios.len();
    let (ratios, again) = (stats::summarise(ratios)?, stats::summarise(again)?);
    let noise = by_chance(again.noise, turns).max(away_from_one(again.median));
    let allowed = TOLERANCE + noise;
    let verdict = match ratios.median {
        _ if turns < LEAST_TURNS => Verdict::TooFewTurns,
        ratio if away_from_one(ratio) <= allowed => Verdict::Even,
        ratio if ratio > 1.0 => Verdict::Faster,
        _ => Verdict::Slower,
    };
    Some(Judgement {
        turns,
        ratio: ratios.median,
        min: ratios.min,
        max: ratios.max,
        again: again.median,
        noise,
        allowed,
        verdict,
    })
}

/// How far a median of `turns` ratios moves by chance, with the distance between their quartiles as a share. Where they
/// scatter normally, the standard error of their median is 0.93 of that distance over the root of the number; this is
/// about two of them.
fn by_chance(quartiles: f64, turns: usize) -> f64 {
    2.0 * quartiles / (turns as f64).sqrt()
}

/// How far a ratio is from 1, the same for twice as much and half as much.
fn away_from_one(ratio: f64) -> f64 {
    ratio.max(1.0 / ratio) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(ratios: &[f64], again: &[f64]) -> Verdict {
        let turns = ratios.iter().copied().zip(again.iter().copied());
        judge(turns).unwrap().verdict
    }

    const QUIET: [f64; 5] = [1.0; 5];

    #[test]
    fn a_row_is_even_within_the_tolerance_and_not_beyond_it() {
        assert_eq!(verdict(&[1.0; 5], &QUIET), Verdict::Even);
        assert_eq!(verdict(&[1.049; 5], &QUIET), Verdict::Even);
        assert_eq!(verdict(&[1.051; 5], &QUIET), Verdict::Faster);
        assert_eq!(verdict(&[1.0 / 1.049; 5], &QUIET), Verdict::Even);
        assert_eq!(verdict(&[1.0 / 1.051; 5], &QUIET), Verdict::Slower);
    }

    #[test]
    fn one_turn_that_went_wrong_decides_nothing() {
        assert_eq!(verdict(&[1.0, 0.3, 1.01, 0.99, 1.0], &QUIET), Verdict::Even);
        assert_eq!(verdict(&[0.8, 1.0, 0.8, 0.8, 0.8], &QUIET), Verdict::Slower);
    }

    #[test]
    fn the_spread_of_a_against_a_widens_what_is_allowed() {
        let again = [0.9, 0.95, 1.0, 1.05, 1.1];
        let judged = judge([0.88; 5].into_iter().zip(again)).unwrap();
        let noise = 2.0 * 0.1 / 5.0_f64.sqrt();
        assert!((judged.noise - noise).abs() < 1e-9, "{judged:?}");
        assert!((judged.allowed - noise - 0.05).abs() < 1e-9, "{judged:?}");
        assert_eq!(judged.verdict, Verdict::Even);
        assert_eq!(verdict(&[0.86; 5], &again), Verdict::Slower);
    }

    #[test]
    fn more_turns_see_more() {
        let turns = |times: usize| {
            let again = [0.9, 0.95, 1.0, 1.05, 1.1].repeat(times);
            judge(again.into_iter().map(|again| (0.9, again))).unwrap()
        };
        assert_eq!(turns(1).verdict, Verdict::Even);
        assert_eq!(turns(4).verdict, Verdict::Slower);
        assert!(turns(4).noise < turns(1).noise / 1.9);
    }

    #[test]
    fn a_against_a_that_is_off_counts_as_noise_too() {
        let judged = judge([(1.12, 0.9); 5]).unwrap();
        assert!((judged.noise - 1.0 / 9.0).abs() < 1e-9, "{judged:?}");
        assert_eq!(judged.verdict, Verdict::Even);
    }

    #[test]
    fn the_spread_of_the_other_build_excuses_nothing() {
        let wild = [0.5, 0.7, 0.8, 1.2, 1.4];
        assert_eq!(verdict(&wild, &QUIET), Verdict::Slower);
    }

    #[test]
    fn fewer_than_five_turns_give_no_verdict() {
        assert_eq!(verdict(&[0.5; 4], &QUIET), Verdict::TooFewTurns);
        assert_eq!(verdict(&[0.5; 5], &QUIET), Verdict::Slower);
    }

    #[test]
    fn turns_without_a_ratio_do_not_count() {
        let some = judge([
            (1.0, 1.0),
            (f64::NAN, 1.0),
            (1.0, f64::INFINITY),
            (0.0, 1.0),
        ])
        .unwrap();
        assert_eq!((some.turns, some.verdict), (1, Verdict::TooFewTurns));
        assert_eq!(judge([(f64::NAN, 1.0)]), None);
        assert_eq!(judge([]), None);
    }

    #[test]
    fn much_noise_is_marked() {
        assert!(judge([(1.0, 1.2); 5]).unwrap().is_noisy());
        assert!(!judge([(1.0, 1.1); 5]).unwrap().is_noisy());
    }
}
