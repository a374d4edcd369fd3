//! Statistics of comparisons: is the service slower than before, and would a slow-down have been
//! detected?
//!
//! # The question
//!
//! A service is measured before and after a change. Its p95 differs, as it does between any two
//! runs of the same code. A comparison reports *regressed* only if the code is to blame. It reports
//! *no change measured* only if a relevant slow-down would have been detected. Otherwise it reports
//! *too little data*.
//!
//! # The unit is the round
//!
//! Requests of one run are not independent: they share a machine, its other tenants, and the
//! backend's caches and queues. Ten thousand requests in one run tell less about the next run than
//! ten runs of a thousand. So base and head run in short interleaved rounds (base, head, head, base
//! …). Each pair of neighboring rounds gives one number: the difference of the logarithms of their
//! p95, d = ln(head) − ln(base). Effects that both rounds of a pair share, such as a slow machine
//! or a busy neighbor, cancel. A steady drift changes its sign from pair to pair, because the order
//! does.
//!
//! For two recorded runs, slices of the same part of the same plan are paired. The state of the
//! machine is then *not* the same. A machine that became slower between the runs looks like a
//! change of every endpoint. So the change that all endpoints share is not counted. An endpoint is
//! called slower only if it is also slower relative to the median of all endpoints
//! (`judge_recorded`). A change that slows all endpoints equally is reported but not judged. Only
//! an interleaved comparison can distinguish it from the machine.
//!
//! A p95 that lies among failed requests is infinite. A difference is limited to a factor of
//! `FARTHEST` in either direction.
//!
//! # Estimator, test and interval belong together
//!
//! If the code is not to blame, each d is as likely to be +x as −x. Wilcoxon's signed-rank test
//! gives the exact probability of the ranks of the positive differences, over all 2ⁿ flips of
//! signs. It assumes no normal distribution and estimates no variance. A round ruined by a burst
//! counts with its rank, not with its size. The matching estimate is the Hodges–Lehmann median of
//! all averages (dᵢ + dⱼ)/2. The matching interval contains every shift that the test does not
//! reject (Tukey); its ends are two of those averages. See [`SignedRank`]. (Wilcoxon, Biometrics
//! Bulletin 1, 1945; Hodges and Lehmann, Ann. Math. Stat. 34, 1963; Hollander, Wolfe and Chicken,
//! Nonparametric Statistical Methods, 3rd ed., 3.1 to 3.3.)
//!
//! # The margin is part of the hypothesis
//!
//! With enough rounds every difference becomes significant, even an irrelevant one of 0.3 %. So the
//! tested hypothesis is not "no change" but "no change beyond the margin" (default 5 %).
//! *Regressed* means that the whole interval lies beyond the margin, as in Criterion. A true change
//! within the margin is called regressed as rarely as no change at all.
//!
//! # So is the slow-down to detect
//!
//! A test that does not reject proves nothing. *No change measured* means that the interval
//! excludes a slow-down of [`Rule::detect`] (default 10 %) and more. If the interval excludes
//! neither that slow-down nor the margin, the result is *too little data*: use more rounds or a
//! quieter machine.
//! The decision follows from the measured interval, not from a power computed afterward (Hoenig
//! and Heisey, The American Statistician 55, 2001).
//!
//! # Seven hypotheses at once
//!
//! A p95 per endpoint is a family of hypotheses. At a level of 5 %, one in twenty true hypotheses
//! is rejected by chance. Holm's step-down procedure keeps the probability of even one false
//! *regressed* or *improved* within [`Rule::alpha`], whatever the dependence between endpoints
//! (Scand. J. Statist. 6, 1979). The intervals are Bonferroni's, so they hold simultaneously. Holm
//! may reject where an interval just touches the margin. An exact test of seven two-sided
//! hypotheses at 5 % needs nine pairs, because 2·2⁻⁹ is the first power of two within 0.05/7. Only
//! p95 is judged. The changes of p50, p99, success and throughput are shown, each with its own
//! interval.
//!
//! # Interim checks
//!
//! Checking after every round and stopping at the first significant result finds changes that do
//! not exist. So interim checks are planned in advance, and each has its share of alpha
//! ([`Looks`]). The shares are spent as by Lan and DeMets (Biometrika 70, 1983). The function is
//! α·ln(1 + (e − 1)t), which is similar to Pocock's. They are added up by the union bound, which
//! needs no joint distribution.

mod calibration;
mod looks;
mod signed_rank;
pub mod simulation;

pub use calibration::{Calibration, needed_pairs};
pub use looks::Looks;
pub use signed_rank::{Interval, SignedRank};

use perf_report::comparison::{Conclusion, Rule};

/// Largest ratio of two p95 values that is counted. A p95 among failed requests is infinite.
pub(crate) const FARTHEST: f64 = 1_000.0;

/// Result for one hypothesis of a family: one endpoint's p95.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HypothesisResult {
    /// Hodges–Lehmann estimate of the difference of logarithms. `None` without pairs.
    pub estimate: Option<f64>,
    /// Interval of the difference, with confidence 1 − alpha for the whole family at once. `None`
    /// if there are too few pairs.
    pub interval: Option<Interval>,
    /// Two-sided p-value of a change within the margin, not corrected for the size of the family.
    pub p: f64,
    /// Conclusion for this endpoint.
    pub conclusion: Conclusion,
}

/// Judges a family of hypotheses at once. `family` has, for each endpoint, the differences of
/// logarithms of its pairs.
pub fn judge(family: &[Vec<f64>], rule: Rule, alpha: f64) -> Vec<HypothesisResult> {
    let each = alpha / count(family.len().max(1));
    let tests: Vec<_> = family.iter().map(|differences| SignedRank::new(differences)).collect();
    let p: Vec<_> = tests.iter().map(|test| two_sided_p(test, rule)).collect();
    let rejected = holm(&p, alpha);
    let judged = tests.iter().zip(&p).zip(rejected).map(|((test, &p), rejected)| {
        let (estimate, interval) = (test.estimate(), test.interval(each));
        let is_excluded = interval.is_some_and(|interval| interval.high < rule.detectable());
        let conclusion = match (rejected, estimate) {
            (true, Some(estimate)) if estimate > 0.0 => Conclusion::Regressed,
            (true, Some(_)) => Conclusion::Improved,
            _ if is_excluded => Conclusion::NoChangeMeasured,
            _ => Conclusion::TooLittleData,
        };
        HypothesisResult { estimate, interval, p, conclusion }
    });
    judged.collect()
}

/// Minimum number of endpoints for a median that a single endpoint cannot move.
const FEWEST_FOR_A_MEDIAN: usize = 3;

/// Judges a family of hypotheses about two recorded runs. A change that all endpoints share is not
/// attributed to any of them, because the machine may have caused it.
pub(crate) fn judge_recorded(family: &[Vec<f64>], rule: Rule, alpha: f64) -> Vec<HypothesisResult> {
    let mut judged = judge(family, rule, alpha);
    let Some(common) = common(judged.iter().filter_map(|judged| judged.estimate)) else { return judged };
    let relative: Vec<Vec<f64>> =
        family.iter().map(|differences| differences.iter().map(|difference| difference - common).collect()).collect();
    for (judged, relative) in judged.iter_mut().zip(judge(&relative, rule, alpha)) {
        // An endpoint that looks unchanged only because the machine became faster is not called
        // unchanged.
        let is_decided = judged.conclusion != Conclusion::TooLittleData;
        if is_decided && judged.conclusion != relative.conclusion {
            judged.conclusion = Conclusion::TooLittleData;
        }
    }
    judged
}

/// Change that the endpoints share: the median. `None` for too few endpoints.
pub(crate) fn common(changes: impl Iterator<Item = f64>) -> Option<f64> {
    let mut changes: Vec<_> = changes.collect();
    changes.sort_by(f64::total_cmp);
    (changes.len() >= FEWEST_FOR_A_MEDIAN).then(|| changes[changes.len() / 2])
}

/// Two-sided p-value of a change within the margin: twice the smaller of both sides.
fn two_sided_p(test: &SignedRank, rule: Rule) -> f64 {
    (2.0 * test.p_above(rule.slower()).min(test.p_below(rule.faster()))).min(1.0)
}

/// Hypotheses that Holm's procedure rejects: the smallest p is compared with alpha/k, the next with
/// alpha/(k − 1), until one is not rejected.
fn holm(p: &[f64], alpha: f64) -> Vec<bool> {
    let mut order: Vec<_> = (0..p.len()).collect();
    order.sort_by(|&one, &other| p[one].total_cmp(&p[other]));
    let mut rejected = vec![false; p.len()];
    for (rank, &index) in order.iter().enumerate() {
        if p[index] > alpha / count(p.len() - rank) {
            break;
        }
        rejected[index] = true;
    }
    rejected
}

/// Difference of the logarithms of two rounds' quantiles. A quantile is `None` if the round has too
/// few requests, and infinite if it lies among failed requests.
pub fn difference(base: Option<f64>, head: Option<f64>) -> Option<f64> {
    let (base, head) = (base?, head?);
    let farthest = FARTHEST.ln();
    match (base.is_finite(), head.is_finite()) {
        (true, true) if base > 0.0 && head > 0.0 => Some((head.ln() - base.ln()).clamp(-farthest, farthest)),
        (true, true) => None,
        (true, false) => Some(farthest),
        (false, true) => Some(-farthest),
        (false, false) => Some(0.0),
    }
}

/// Converts a number of rounds or hypotheses to floating point.
#[expect(clippy::cast_precision_loss, reason = "numbers of rounds and of hypotheses")]
const fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
