//! Calibration: the smallest slow-down that a machine can detect, from rounds in which both sides
//! run the same code.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};
use statrs::statistics::Statistics;

use perf_report::comparison::Rule;

use super::{Looks, count};

/// Probability with which a slow-down of [`Rule::detect`] must be detected.
const POWER: f64 = 0.95;
/// Confidence of the upper bound on the deviation. A few rounds determine it only roughly.
const CONFIDENCE: f64 = 0.90;
/// Signed ranks need this many times the pairs that means need, for normal differences. It is the
/// inverse of the efficiency 3/π (Hodges and Lehmann 1956). Other distributions need fewer pairs.
const RANKS: f64 = std::f64::consts::FRAC_PI_3;
/// Maximum number of pairs that is practical for a comparison.
pub(crate) const MOST_PAIRS: usize = 200;

/// Noise between two rounds of the same code, for the endpoint that varies most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Name of the endpoint.
    pub endpoint: String,
    /// Upper bound, with 90 % confidence, of the standard deviation of the differences of
    /// logarithms.
    #[serde(rename = "spread")]
    pub deviation: f64,
    /// Number of pairs that were measured.
    pub pairs: usize,
    /// Number of endpoints that are judged together.
    pub hypotheses: usize,
}

impl Calibration {
    /// Calibrates from the differences of logarithms of each endpoint. `None` without endpoints, or
    /// if any endpoint has fewer than two differences.
    pub fn from_differences<'a>(family: impl Iterator<Item = (&'a str, &'a [f64])> + Clone) -> Option<Self> {
        let hypotheses = family.clone().count();
        let deviations = family.map(|(endpoint, differences)| {
            let deviation = upper_bound(differences)?;
            Some(Self { endpoint: endpoint.to_owned(), deviation, pairs: differences.len(), hypotheses })
        });
        let deviations: Option<Vec<_>> = deviations.collect();
        deviations?.into_iter().max_by(|one, other| one.deviation.total_cmp(&other.deviation))
    }

    /// Number of pairs that a rule needs on this machine. `None` if it exceeds the practical
    /// maximum.
    pub fn needed_pairs(&self, rule: Rule, alpha: f64) -> Option<usize> {
        needed_pairs(self.deviation, self.hypotheses, rule, alpha)
    }

    /// Number of pairs that a rule needs with `looks` interim checks. The last check has the rest
    /// of alpha, which in turn depends on the number of pairs.
    pub fn needed_pairs_with_looks(&self, rule: Rule, looks: usize) -> Option<usize> {
        let mut pairs = self.needed_pairs(rule, rule.alpha)?;
        loop {
            let needed = self.needed_pairs(rule, Looks::new(pairs, looks, rule.alpha).last())?;
            if needed <= pairs {
                return Some(pairs);
            }
            pairs = needed;
        }
    }

    /// Smallest slow-down that `pairs` pairs detect. `None` if they are too few to detect any.
    pub fn visible(&self, rule: Rule, alpha: f64, pairs: usize) -> Option<f64> {
        // In steps of 0.1 %, up to a factor of two.
        let mut changes = (1..=1_000).map(|step| f64::from(step) / 1e3).filter(|change| *change > rule.margin);
        changes.find(|&detect| self.needed_pairs(Rule { detect, ..rule }, alpha).is_some_and(|needed| needed <= pairs))
    }
}

/// Upper bound of the standard deviation (chi-squared, e.g. Hahn and Meeker, Statistical Intervals,
/// 4.4).
fn upper_bound(differences: &[f64]) -> Option<f64> {
    let freedom = count(differences.len().checked_sub(1).filter(|&freedom| freedom > 0)?);
    let low = ChiSquared::new(freedom).ok()?.inverse_cdf(1.0 - CONFIDENCE);
    Some(differences.std_dev() * (freedom / low).sqrt())
}

/// Number of pairs that detect a slow-down of [`Rule::detect`] in one of `hypotheses` endpoints
/// with probability 95 %. Differences have the standard deviation `deviation`. It uses the normal
/// approximation (e.g. Noether, JASA 82, 1987). The number is even, because the order is balanced
/// over two pairs. `None` if it exceeds the practical maximum.
pub fn needed_pairs(deviation: f64, hypotheses: usize, rule: Rule, alpha: f64) -> Option<usize> {
    let normal = Normal::standard();
    let effect = rule.detectable() - rule.slower();
    let level = normal.inverse_cdf(1.0 - alpha / 2.0 / count(hypotheses.max(1)));
    let reach = level + normal.inverse_cdf(POWER);
    // The second term is the cost of an unknown variance (Guenther, The American Statistician 35,
    // 1981).
    let pairs = RANKS * (reach * deviation / effect).powi(2) + level * level / 2.0;
    let fewest = Rule::fewest_pairs(alpha, hypotheses);
    (0..=MOST_PAIRS).step_by(2).find(|&n| n >= fewest && count(n) >= pairs)
}

#[cfg(test)]
mod tests;
