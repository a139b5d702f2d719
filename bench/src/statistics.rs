//! Medians and their confidence intervals.

/// A median and the 95 % confidence interval around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Median {
    pub lower: f64,
    pub value: f64,
    pub upper: f64,
}

impl Median {
    /// Summarizes values, which may be distributed in any way: the ends of the
    /// interval are the values at the ranks between which the true median lies
    /// in 95 of 100 cases (binomial, by its normal approximation).
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let below = (count / 2.0 - 1.96 / 2.0 * count.sqrt()).round() as usize;
        let first = below.max(1) - 1;
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        Self {
            lower: at(first),
            value: quantile(&sorted, 0.5),
            upper: at(sorted.len().saturating_sub(first + 1)),
        }
    }

    /// Divides each value by the reference's of the same round: what disturbs a
    /// whole round, such as a busy neighbour, falls out.
    pub fn of_paired_ratios(values: &[f64], reference: &[f64]) -> Self {
        let ratios: Vec<f64> = values.iter().zip(reference).map(|(a, b)| a / b).collect();
        Self::of(&ratios)
    }
}

/// The value below which this share of all lies, between two neighbours in
/// proportion. NaN without values.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share * last as f64;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_middle() {
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(quantile(&[4.0, 1.0, 2.0, 3.0], 0.5), 2.5);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
    }

    #[test]
    fn the_interval_holds_the_ranks_of_the_binomial() {
        // For 20 values, 95.9 % lie between the 6th and the 15th.
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        let median = Median::of(&values);
        assert_eq!(
            (median.lower, median.value, median.upper),
            (6.0, 10.5, 15.0)
        );
        assert_eq!(Median::of(&[3.0]).lower, 3.0);
    }

    #[test]
    fn pairs_by_round() {
        let median = Median::of_paired_ratios(&[1.0, 20.0, 3.0], &[2.0, 40.0, 6.0]);
        assert_eq!(
            median,
            Median {
                lower: 0.5,
                value: 0.5,
                upper: 0.5
            }
        );
    }
}
