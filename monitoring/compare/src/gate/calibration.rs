//! What a machine can see: from rounds in which both sides are the same.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};
use statrs::statistics::Statistics;

use perf_report::comparison::Rule;

use super::{Looks, count};

/// How surely a change of [`Rule::detect`] is to be found.
const POWER: f64 = 0.95;
/// How surely the spread is no greater than what is reckoned with: a few rounds tell it only roughly.
const CONFIDENCE: f64 = 0.90;
/// Signed ranks want so many times the pairs that means would, where differences are normal (Hodges and Lehmann 1956: the
/// efficiency is 3/π). Where they are not, they want fewer.
const RANKS: f64 = std::f64::consts::FRAC_PI_3;
/// More pairs than this are no gate for anyone.
pub(crate) const MOST_PAIRS: usize = 200;

/// How far apart two rounds of the same code come out, by the endpoint that varies most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The endpoint.
    pub endpoint: String,
    /// The standard deviation of the differences of logarithms: an upper bound, with 90 % confidence.
    pub spread: f64,
    /// From how many pairs.
    pub pairs: usize,
    /// How many endpoints are judged together.
    pub hypotheses: usize,
}

impl Calibration {
    /// From differences of logarithms, endpoint by endpoint; none if there are fewer than two of any.
    pub fn of<'a>(family: impl Iterator<Item = (&'a str, &'a [f64])> + Clone) -> Option<Self> {
        let hypotheses = family.clone().count();
        let spreads = family.map(|(endpoint, differences)| {
            let spread = upper_bound(differences)?;
            Some(Self { endpoint: endpoint.to_owned(), spread, pairs: differences.len(), hypotheses })
        });
        let spreads: Option<Vec<_>> = spreads.collect();
        spreads?.into_iter().max_by(|one, other| one.spread.total_cmp(&other.spread))
    }

    /// How many pairs a rule needs here; none if more than anyone would wait for.
    pub fn needed_pairs(&self, rule: Rule, alpha: f64) -> Option<usize> {
        needed_pairs(self.spread, self.hypotheses, rule, alpha)
    }

    /// The same, looked at so many times: the last look has what the others left of the level, and how much that is depends on how many
    /// pairs there are.
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

    /// The least slow-down that so many pairs find; none if they are too few to find any.
    pub fn visible(&self, rule: Rule, alpha: f64, pairs: usize) -> Option<f64> {
        // Tenths of a percent, up to a doubling.
        let mut changes = (1..=1_000).map(|step| f64::from(step) / 1e3).filter(|change| *change > rule.margin);
        changes.find(|&detect| self.needed_pairs(Rule { detect, ..rule }, alpha).is_some_and(|needed| needed <= pairs))
    }
}

/// The standard deviation's upper bound (chi-squared, e.g. Hahn and Meeker, Statistical Intervals, 4.4).
fn upper_bound(differences: &[f64]) -> Option<f64> {
    let freedom = count(differences.len().checked_sub(1).filter(|&freedom| freedom > 0)?);
    let low = ChiSquared::new(freedom).ok()?.inverse_cdf(1.0 - CONFIDENCE);
    Some(differences.std_dev() * (freedom / low).sqrt())
}

/// Pairs that find a slow-down of [`Rule::detect`] in one of so many hypotheses with 95 %, when differences have that standard
/// deviation: by the normal approximation (e.g. Noether, JASA 82, 1987), an even number, as order is balanced over two pairs. None if
/// more than anyone would wait for.
pub fn needed_pairs(spread: f64, hypotheses: usize, rule: Rule, alpha: f64) -> Option<usize> {
    let normal = Normal::standard();
    let effect = rule.unseen() - rule.slower();
    let level = normal.inverse_cdf(1.0 - alpha / 2.0 / count(hypotheses.max(1)));
    let reach = level + normal.inverse_cdf(POWER);
    // The second term is what a variance that is not known costs (Guenther, The American Statistician 35, 1981).
    let pairs = RANKS * (reach * spread / effect).powi(2) + level * level / 2.0;
    let fewest = Rule::fewest_pairs(alpha, hypotheses);
    (0..=MOST_PAIRS).step_by(2).find(|&n| n >= fewest && count(n) >= pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_spreads_need_more_pairs_and_some_are_hopeless() {
        let needed = |spread| needed_pairs(spread, 7, Rule::default(), 0.05);
        assert_eq!(needed(0.001), Some(10));
        assert!(needed(0.03) > needed(0.02) && needed(0.03).is_some());
        assert_eq!(needed(0.5), None);
    }

    #[test]
    fn looks_take_their_share_of_certainty_and_want_more_pairs_for_it() {
        let quiet = Calibration { endpoint: "a".to_owned(), spread: 0.001, pairs: 20, hypotheses: 7 };
        let rule = Rule::default();
        let needed = |looks| quiet.needed_pairs_with_looks(rule, looks).unwrap();
        assert_eq!(needed(1), quiet.needed_pairs(rule, rule.alpha).unwrap());
        let last = Looks::new(needed(10), 10, rule.alpha).last();
        // Else the last look could reject nothing, however slow the head.
        assert!(needed(10) > needed(1) && needed(10) >= Rule::fewest_pairs(last, 7), "{}", needed(10));
    }

    #[test]
    fn the_worst_endpoint_counts() {
        let quiet: Vec<_> = (0..20).map(|index| f64::from(index % 2) * 0.01).collect();
        let wild: Vec<_> = (0..20).map(|index| f64::from(index % 2) * 0.04).collect();
        let family = [("a", &quiet[..]), ("b", &wild[..])];
        let found = Calibration::of(family.into_iter()).unwrap();
        assert_eq!((found.endpoint.as_str(), found.hypotheses), ("b", 2));
        // The sample's own, 0.0205, times the square root of 19/11.65.
        assert!((found.spread - 0.026_21).abs() < 1e-4, "{}", found.spread);
        let pairs = found.needed_pairs(Rule::default(), 0.05).unwrap();
        let visible = found.visible(Rule::default(), 0.05, pairs).unwrap();
        assert!(visible <= 0.10 && visible > 0.08, "{visible}");
        assert_eq!(found.visible(Rule::default(), 0.05, 3), None);
        assert_eq!(Calibration::of([("a", &[0.1][..])].into_iter()), None);
    }
}
