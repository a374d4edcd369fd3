//! Wilcoxon's signed-rank test with its exact distribution, computed from the averages of all
//! pairs.

use std::borrow::Cow;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::calibration::MOST_PAIRS;

/// Wilcoxon's signed-rank test of some differences. It stores the averages (dᵢ + dⱼ)/2 for all i <=
/// j (Walsh averages) in order. The rank sum of the differences above a shift equals the number of
/// averages above it, so this list gives test, estimate and interval.
#[derive(Debug, Clone)]
pub struct SignedRank {
    averages: Vec<f64>,
    /// Index t: probability that at most t averages are positive, if both signs are equally likely.
    at_most: Cow<'static, [f64]>,
}

/// A closed interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl SignedRank {
    /// Tests `differences`, which must be finite.
    pub fn new(differences: &[f64]) -> Self {
        let n = differences.len();
        let mut averages = Vec::with_capacity(n * (n + 1) / 2);
        for (index, one) in differences.iter().enumerate() {
            averages.extend(differences[index..].iter().map(|other| f64::midpoint(*one, *other)));
        }
        averages.sort_by(f64::total_cmp);
        Self { averages, at_most: rank_distribution(n) }
    }

    /// Hodges–Lehmann estimate: the median of the averages. `None` without differences.
    pub fn estimate(&self) -> Option<f64> {
        let middle = self.averages.len() / 2;
        let upper = *self.averages.get(middle)?;
        if self.averages.len() % 2 == 1 {
            return Some(upper);
        }
        Some(f64::midpoint(self.averages[middle - 1], upper))
    }

    /// Confidence interval of the shift, with confidence of at least 1 − alpha. `None` if there are
    /// too few differences. Ties make it wider than necessary, never narrower.
    pub fn interval(&self, alpha: f64) -> Option<Interval> {
        // Maximum number of averages that may be left out at either end.
        let out = self.at_most.partition_point(|&p| p <= alpha / 2.0);
        let last = self.averages.len().checked_sub(out)?;
        (out > 0).then(|| Interval { low: self.averages[out - 1], high: self.averages[last] })
    }

    /// One-sided p-value of the hypothesis that the true shift is at most `shift`.
    pub(crate) fn p_above(&self, shift: f64) -> f64 {
        let above = self.averages.iter().filter(|&&average| average > shift).count();
        self.at_least(above)
    }

    /// One-sided p-value of the hypothesis that the true shift is at least `shift`.
    pub(crate) fn p_below(&self, shift: f64) -> f64 {
        let below = self.averages.iter().filter(|&&average| average < shift).count();
        self.at_least(below)
    }

    /// Probability that at least `averages` averages are positive. The distribution is symmetric.
    fn at_least(&self, averages: usize) -> f64 {
        self.at_most.get(self.averages.len() - averages).copied().unwrap_or(1.0)
    }
}

/// The distribution for n differences. It is computed once for each practical n.
fn rank_distribution(n: usize) -> Cow<'static, [f64]> {
    static KNOWN: [OnceLock<Vec<f64>>; MOST_PAIRS + 1] = [const { OnceLock::new() }; MOST_PAIRS + 1];
    match KNOWN.get(n) {
        Some(known) => Cow::Borrowed(known.get_or_init(|| distribution(n))),
        None => Cow::Owned(distribution(n)),
    }
}

/// Probability that the rank sum of n fair signs is at most t, for t from 0 to n(n + 1)/2. Ranks
/// are added one by one; each is in the sum with probability 1/2.
fn distribution(n: usize) -> Vec<f64> {
    let mut exactly = vec![0.0; n * (n + 1) / 2 + 1];
    exactly[0] = 1.0;
    for rank in 1..=n {
        for sum in (0..exactly.len()).rev() {
            let with = if sum >= rank { exactly[sum - rank] } else { 0.0 };
            exactly[sum] = f64::midpoint(exactly[sum], with);
        }
    }
    exactly
        .iter()
        .scan(0.0, |sum, p| {
            *sum += p;
            Some(*sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Upper tail over all flips of signs, by enumeration.
    fn by_flips(differences: &[f64]) -> f64 {
        let mut sizes: Vec<_> = differences.iter().map(|difference| difference.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let rank = |difference: f64| sizes.iter().position(|size| *size == difference.abs()).unwrap() + 1;
        let seen: usize = differences.iter().filter(|d| **d > 0.0).map(|d| rank(*d)).sum();
        let flips = 1_u32 << differences.len();
        let as_much = (0..flips).filter(|flip| {
            let ranks = (1..=differences.len()).filter(|rank| flip >> (rank - 1) & 1 == 1);
            ranks.sum::<usize>() >= seen
        });
        as_much.count() as f64 / f64::from(flips)
    }

    /// Table A.4 in Hollander, Wolfe and Chicken; R's `psignrank(t, n)` and SciPy give the same.
    #[test]
    fn the_distribution_is_the_published_one() {
        let p = |t: usize, n: usize| distribution(n)[t];
        for (t, n, known) in [(0, 5, 0.031_25), (8, 10, 0.024_414_06), (10, 10, 0.041_992_19), (52, 20, 0.024_220_47)] {
            assert!((p(t, n) - known).abs() < 5e-9, "psignrank({t}, {n}) = {}", p(t, n));
        }
    }

    /// Depression factors of nine patients: Hollander, Wolfe and Chicken, examples 3.1, 3.3 and
    /// 3.4. R's `wilcox.test(conf.int = TRUE)` gives the same.
    #[test]
    #[expect(clippy::approx_constant, reason = "a patient's 3.14")]
    fn a_textbook_example_gives_the_published_results() {
        let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
        let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
        let differences: Vec<f64> = before.iter().zip(after).map(|(before, after)| after - before).collect();
        let test = SignedRank::new(&differences);
        assert!((test.p_below(0.0) - 0.019_531_25).abs() < 1e-9, "{}", test.p_below(0.0));
        assert!((test.estimate().unwrap() + 0.46).abs() < 1e-9, "{:?}", test.estimate());
        let interval = test.interval(0.04).unwrap();
        assert!((interval.low + 0.786).abs() < 1e-9 && (interval.high + 0.010).abs() < 1e-9, "{interval:?}");
    }

    #[test]
    fn too_few_differences_have_no_interval() {
        assert_eq!(SignedRank::new(&[1.0; 5]).interval(0.05), None);
        assert!(SignedRank::new(&[1.0; 6]).interval(0.05).is_some());
        assert_eq!(SignedRank::new(&[]).estimate(), None);
        assert!((SignedRank::new(&[]).p_above(0.0) - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_p_value_counts_flips_of_signs(differences in prop::collection::hash_set(1_i32..1_000, 1..9), signs in any::<u16>()) {
            let signed = differences.iter().enumerate();
            let differences: Vec<_> = signed.map(|(index, d)| f64::from(if signs >> index & 1 == 1 { *d } else { -*d })).collect();
            prop_assert!((SignedRank::new(&differences).p_above(0.0) - by_flips(&differences)).abs() < 1e-12);
        }

        /// The interval contains exactly the shifts that the test does not reject.
        #[test]
        fn the_interval_inverts_the_test(differences in prop::collection::vec(-1.0..1.0_f64, 6..25)) {
            let test = SignedRank::new(&differences);
            let interval = test.interval(0.05).unwrap();
            let inside = f64::midpoint(interval.low, interval.high);
            prop_assert!(test.p_above(inside) > 0.025 && test.p_below(inside) > 0.025);
            prop_assert!(test.p_above(interval.low - 1e-9) <= 0.025);
            prop_assert!(test.p_below(interval.high + 1e-9) <= 0.025);
        }
    }
}
