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
mod tests;
