//! Is it slower than before, and could we have seen it? The statistics of comparisons.
//!
//! # The question
//!
//! A service is measured before and after a change. Its p95 differs, as it does between any two runs of the same code. We want
//! to say *regressed* only when the code is to blame, *no change seen* only when a change worth the name would have been seen, and
//! nothing otherwise.
//!
//! # The unit is the round
//!
//! Requests of one run are not independent: they share a machine, its other tenants, the backend's caches and queues. Ten
//! thousand of them in one run say less about the next run than ten runs of a thousand. So base and head run in short
//! rounds, interleaved (base, head, head, base …), and what counts is one number a pair of neighbouring rounds: the difference
//! of the logarithms of their p95, d = ln(head) − ln(base). What both rounds of a pair share (a slow machine, a busy
//! neighbour) cancels, and a drift that goes on changes its sign from pair to pair because the order does.
//!
//! Of two recorded runs, slices of the same part of the same plan are paired: then the machine's state is *not* the same, and a machine that
//! became slower between the runs looks like a change of every endpoint. What all endpoints have in common therefore counts for nothing there: an
//! endpoint is only called slower if it is so beyond the median of all, too ([`judge_recorded`]). A change that slows all alike goes
//! unjudged, which is said; only rounds that take turns can tell it from the machine.
//!
//! A p95 that lies among failed requests is infinite. A difference is cut at a factor of [`FARTHEST`] either way.
//!
//! # Estimator, test and interval are one thing
//!
//! If the code is not to blame, each d is as likely to be +x as −x. Wilcoxon's signed-rank test asks how likely the ranks of
//! the positive ones would then be, over all 2ⁿ flips of signs, exactly: no normal distribution, no variance to estimate, and one
//! round ruined by a burst counts for one rank, not for its size. The estimate that belongs to it is the Hodges–Lehmann median of all
//! averages (dᵢ + dⱼ)/2, and the interval holds every shift that the test does not reject (Tukey): two of those averages, in order.
//! See [`SignedRank`]. (Wilcoxon, Biometrics Bulletin 1, 1945; Hodges and Lehmann, Ann. Math. Stat. 34, 1963; Hollander,
//! Wolfe and Chicken, Nonparametric Statistical Methods, 3rd ed., 3.1 to 3.3.)
//!
//! # The margin is part of the hypothesis
//!
//! With enough rounds every difference becomes significant, also one of 0.3 % that nobody cares about. So what is tested is not "no
//! change" but "no change beyond the margin" (default 5 %): *regressed* says that the whole interval lies beyond it, as in
//! Criterion. A true change within the margin is called regressed as rarely as no change at all.
//!
//! # And so is what must be seen
//!
//! Not rejecting is no evidence. *No change seen* says that the interval excludes a slow-down of [`Rule::detect`] (default 10 %) and more.
//! Where it excludes neither that nor the margin there is *too little data*: more rounds, or a quieter machine. This is decided from the
//! interval at hand, not from a power computed after the fact (Hoenig and Heisey, The American Statistician 55, 2001).
//!
//! # Seven questions at once
//!
//! A p95 per endpoint is a family of hypotheses, and one in twenty of true ones is rejected by chance. Holm's step-down
//! procedure keeps the chance of even one false *regressed* or *improved* within [`Rule::alpha`], whatever the dependence between endpoints (Scand.
//! J. Statist. 6, 1979). Intervals are Bonferroni's, which hold together: Holm may reject where an interval just touches the
//! margin. An exact test of seven two-sided hypotheses at 5 % needs nine pairs, as 2·2⁻⁹ is the first power of two within 0.05/7.
//! Only p95 gates; p50, p99, success and throughput are shown, each with an interval of its own.
//!
//! # Looks before the end
//!
//! Whoever looks after each round and stops at the first significance finds one where there is none. Looks are planned before, and
//! each has its share of alpha ([`Looks`]), spent as Lan and DeMets do (Biometrika 70, 1983), with the function
//! α·ln(1 + (e − 1)t) that is like Pocock's. Shares are added up by the union bound, which needs no joint distribution.

mod calibration;
mod looks;
mod signed_rank;
pub mod simulation;

pub use calibration::{Calibration, needed_pairs};
pub use looks::Looks;
pub use signed_rank::{Interval, SignedRank};

use perf_report::comparison::{Conclusion, Rule};

/// The factor at which a difference is cut: a p95 among failed requests is infinite.
pub const FARTHEST: f64 = 1_000.0;

/// A hypothesis, judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The Hodges–Lehmann estimate of the difference of logarithms; none without pairs.
    pub estimate: Option<f64>,
    /// Where the difference lies, for all of the family together with 1 − alpha; none if there are too few pairs for that.
    pub interval: Option<Interval>,
    /// How likely such ranks are if the change is within the margin, on either side; not yet corrected.
    pub p: f64,
    /// What that comes to.
    pub conclusion: Conclusion,
}

/// Judges a family of hypotheses at once, each by the differences of logarithms of its pairs.
pub fn judge(family: &[Vec<f64>], rule: Rule, alpha: f64) -> Vec<Judged> {
    let each = alpha / count(family.len().max(1));
    let tests: Vec<_> = family.iter().map(|differences| SignedRank::new(differences)).collect();
    let p: Vec<_> = tests.iter().map(|test| beyond(test, rule)).collect();
    let rejected = holm(&p, alpha);
    let judged = tests.iter().zip(&p).zip(rejected).map(|((test, &p), rejected)| {
        let (estimate, interval) = (test.estimate(), test.interval(each));
        let seen = interval.is_some_and(|interval| interval.high < rule.unseen());
        let conclusion = match (rejected, estimate) {
            (true, Some(estimate)) if estimate > 0.0 => Conclusion::Regressed,
            (true, Some(_)) => Conclusion::Improved,
            _ if seen => Conclusion::NoChangeSeen,
            _ => Conclusion::TooLittleData,
        };
        Judged { estimate, interval, p, conclusion }
    });
    judged.collect()
}

/// Fewer endpoints than this have no median that one of them leaves alone.
const FEWEST_FOR_A_MEDIAN: usize = 3;

/// Judges a family of hypotheses about two runs that did not take turns. What the machine did to all is not blamed on any.
pub fn judge_recorded(family: &[Vec<f64>], rule: Rule, alpha: f64) -> Vec<Judged> {
    let mut judged = judge(family, rule, alpha);
    let Some(common) = common(judged.iter().filter_map(|judged| judged.estimate)) else { return judged };
    let apart: Vec<Vec<f64>> =
        family.iter().map(|of| of.iter().map(|difference| difference - common).collect()).collect();
    for (judged, apart) in judged.iter_mut().zip(judge(&apart, rule, alpha)) {
        // Nor is what is called unchanged, if it only is because the machine became faster.
        let is_said = judged.conclusion != Conclusion::TooLittleData;
        if is_said && judged.conclusion != apart.conclusion {
            judged.conclusion = Conclusion::TooLittleData;
        }
    }
    judged
}

/// What several endpoints' changes have in common: their median; none of too few.
pub(crate) fn common(changes: impl Iterator<Item = f64>) -> Option<f64> {
    let mut changes: Vec<_> = changes.collect();
    changes.sort_by(f64::total_cmp);
    (changes.len() >= FEWEST_FOR_A_MEDIAN).then(|| changes[changes.len() / 2])
}

/// How likely such ranks are if the change is within the margin. Both sides are looked at, hence twice the smaller.
fn beyond(test: &SignedRank, rule: Rule) -> f64 {
    (2.0 * test.p_above(rule.slower()).min(test.p_below(rule.faster()))).min(1.0)
}

/// Which of the hypotheses Holm's procedure rejects: the smallest p at alpha/k, the next at alpha/(k − 1), until one stands.
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

/// The difference of two rounds' quantiles, as logarithms, each none where the endpoint had no request.
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

/// A number of things, to compute with.
#[expect(clippy::cast_precision_loss, reason = "numbers of rounds and of hypotheses")]
const fn count(of: usize) -> f64 {
    of as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { alpha: 0.05, margin: 0.05, detect: 0.10 };

    /// So many differences around a change, spread evenly and alike on both sides.
    fn around(change: f64, spread: f64, pairs: i32) -> Vec<f64> {
        let middle = f64::from(pairs - 1) / 2.0;
        (0..pairs).map(|pair| change.ln_1p() + spread * (f64::from(pair) - middle) / middle).collect()
    }

    fn findings(family: &[Vec<f64>]) -> Vec<Conclusion> {
        judge(family, RULE, RULE.alpha).iter().map(|judged| judged.conclusion).collect()
    }

    #[test]
    fn seven_exact_hypotheses_need_nine_pairs() {
        assert_eq!(Rule::fewest_pairs(0.05, 7), 9);
        assert_eq!(Rule::fewest_pairs(0.05, 1), 6);
        let far = |pairs| vec![around(1.0, 0.01, pairs); 7];
        assert_eq!(findings(&far(8)), [Conclusion::TooLittleData; 7]);
        assert_eq!(findings(&far(9)), [Conclusion::Regressed; 7]);
    }

    #[test]
    fn each_finding_has_its_case() {
        assert_eq!(findings(&[around(0.10, 0.02, 20)]), [Conclusion::Regressed]);
        assert_eq!(findings(&[around(-0.10, 0.02, 20)]), [Conclusion::Improved]);
        assert_eq!(findings(&[around(0.0, 0.02, 20)]), [Conclusion::NoChangeSeen]);
        assert_eq!(
            findings(&[around(0.03, 0.02, 20)]),
            [Conclusion::NoChangeSeen],
            "significant, and within the margin"
        );
        assert_eq!(
            findings(&[around(0.07, 0.2, 20)]),
            [Conclusion::TooLittleData],
            "neither 0 % nor 20 % is ruled out"
        );
        assert_eq!(findings(&[Vec::new()]), [Conclusion::TooLittleData]);
    }

    #[test]
    fn of_recorded_runs_only_what_one_endpoint_has_alone_is_blamed_on_it() {
        let found = |changes: [f64; 4]| {
            let family = changes.map(|change| around(change, 0.02, 20));
            judge_recorded(&family, RULE, RULE.alpha).iter().map(|judged| judged.conclusion).collect::<Vec<_>>()
        };
        use Conclusion::{Improved, NoChangeSeen, Regressed, TooLittleData};
        assert_eq!(found([0.12, 0.0, 0.0, 0.0]), [Regressed, NoChangeSeen, NoChangeSeen, NoChangeSeen]);
        assert_eq!(found([0.12, 0.12, 0.12, 0.12]), [TooLittleData; 4], "the machine, as like as not");
        assert_eq!(found([0.40, 0.12, 0.12, 0.12])[0], Regressed);
        assert_eq!(found([-0.12, 0.0, 0.0, 0.0])[0], Improved);
        assert_eq!(found([0.0, -0.12, -0.12, -0.12])[0], TooLittleData, "slower, on a machine that became faster");
        let alone = judge_recorded(&[around(0.12, 0.02, 20)], RULE, RULE.alpha);
        assert_eq!(alone[0].conclusion, Regressed, "there is nothing to compare it with");
    }

    #[test]
    fn holm_rejects_until_one_stands() {
        assert_eq!(holm(&[0.01, 0.04, 0.03], 0.05), [true, false, false], "0.03 > 0.05/2, and 0.04 is not asked");
        assert_eq!(holm(&[0.01, 0.04, 0.02], 0.05), [true, true, true]);
        assert_eq!(holm(&[0.02, 0.9], 0.05), [true, false]);
        assert_eq!(holm(&[], 0.05), [false; 0]);
    }

    #[test]
    fn failures_are_far_apart_and_do_not_poison_what_is_computed() {
        assert_eq!(difference(Some(10.0), Some(f64::INFINITY)), Some(FARTHEST.ln()));
        assert_eq!(difference(Some(f64::INFINITY), Some(f64::INFINITY)), Some(0.0));
        assert_eq!(difference(None, Some(1.0)), None);
        let broken = vec![difference(Some(10.0), Some(f64::INFINITY)).unwrap(); 9];
        assert_eq!(findings(&[broken]), [Conclusion::Regressed]);
    }
}
