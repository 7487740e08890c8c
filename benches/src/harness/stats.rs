//! Median, extremes, noise, geometric mean. Few samples, so everything is by rank, nothing assumes a distribution.

/// What a handful of runs say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    /// The middle one (of two, their mean).
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
    /// The distance between the quartiles as a share of the median: 0.05 means that half of the runs lie within 5 %.
    pub(crate) noise: f64,
}

/// Summarises `values`; `None` if there are none.
pub(crate) fn summarise(values: impl IntoIterator<Item = f64>) -> Option<Summary> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let median = quantile(&sorted, 0.5)?;
    let spread = quantile(&sorted, 0.75)? - quantile(&sorted, 0.25)?;
    let noise = if median == 0.0 { 0.0 } else { spread / median };
    Some(Summary {
        median,
        min: sorted[0],
        max: sorted[sorted.len() - 1],
        noise,
    })
}

/// The value at `share` (0 to 1) of the sorted values, interpolated between ranks; `None` if there are none.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = share * last as f64;
    let below = rank.floor() as usize;
    let above = rank.ceil() as usize;
    Some(sorted[below] + (sorted[above] - sorted[below]) * (rank - below as f64))
}

/// The geometric mean of positive values; `None` if there are none.
pub(crate) fn geometric_mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    Some((values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_summary() {
        assert_eq!(summarise([]), None);
        assert_eq!(geometric_mean(&[]), None);
    }

    #[test]
    fn one_value_is_its_own_summary_without_noise() {
        assert_eq!(
            summarise([3.0]),
            Some(Summary {
                median: 3.0,
                min: 3.0,
                max: 3.0,
                noise: 0.0
            })
        );
    }

    #[test]
    fn order_does_not_matter_and_the_median_of_four_is_a_mean() {
        let summary = summarise([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((summary.median, summary.min, summary.max), (2.5, 1.0, 4.0));
    }

    #[test]
    fn noise_ignores_one_outlier_of_five() {
        let summary = summarise([100.0, 101.0, 99.0, 100.0, 900.0]).unwrap();
        assert!((summary.noise - 0.01).abs() < 1e-9, "{summary:?}");
    }

    #[test]
    fn a_median_of_zero_has_no_noise_rather_than_infinite_noise() {
        assert_eq!(summarise([0.0, 0.0, 1.0]).unwrap().noise, 0.0);
    }

    #[test]
    fn a_geometric_mean_balances_ratios() {
        assert!((geometric_mean(&[0.5, 2.0]).unwrap() - 1.0).abs() < 1e-12);
    }
}
