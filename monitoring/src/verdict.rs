//! The verdict on one objective, from integers.
//!
//! Absence is not success: a verdict is met only if it would be so with every unknown request counted bad, missed only
//! if it would be so with every one counted good, and inconclusive otherwise.

use statrs::distribution::{Binomial, DiscreteCDF};

use crate::slo::{Objective, Slo};

/// Requests that an objective speaks of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Good ones.
    pub good: u64,
    /// All that were made and recorded.
    pub total: u64,
    /// Requests that the generator itself failed to make or to see through: nobody knows what they would have been.
    pub unknown: u64,
    /// Of those made, requests of iterations that the generator started late: were they slow, that may be its doing.
    pub late: u64,
}

/// Whether a promise was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was, whatever the unknown requests would have been.
    Met,
    /// It was not, whatever the unknown requests would have been.
    Missed,
    /// Nobody can say, and why.
    Inconclusive(Reason),
}

/// Why nobody can say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Not one request.
    #[error("no requests were made")]
    NoData,
    /// Fewer than the objective needs.
    #[error("{total} requests are too few: {} needs at least {needed}", .quantile)]
    TooFew {
        /// How many there were.
        total: u64,
        /// How many it takes.
        needed: u64,
        /// Of which percentile.
        quantile: String,
    },
    /// What was not seen could have turned it.
    #[error("{unknown} requests were cut off or never made, enough to turn the verdict either way")]
    Unknown {
        /// How many.
        unknown: u64,
    },
    /// A miss that the generator's own lateness may account for.
    #[error("{late} requests belong to iterations that the generator started late, enough to have caused the miss")]
    Late {
        /// How many.
        late: u64,
    },
}

/// The verdict on an objective.
pub fn judge(slo: &Slo, tally: Tally) -> Verdict {
    let Tally { good, total, unknown, late } = tally;
    if total == 0 {
        return Verdict::Inconclusive(Reason::NoData);
    }
    let needed = slo.min_requests();
    if total < needed {
        return Verdict::Inconclusive(Reason::TooFew { total, needed, quantile: slo.quantile() });
    }
    let all = total.saturating_add(unknown);
    let doubtful = late.min(total.saturating_sub(good));
    let known_good = good.saturating_add(unknown);
    if slo.holds(good, all) {
        Verdict::Met
    } else if slo.holds(known_good, all) {
        Verdict::Inconclusive(Reason::Unknown { unknown })
    } else if slo.holds(known_good.saturating_add(doubtful), all) {
        // Lateness never makes a promise kept; it only takes the certainty from a broken one.
        Verdict::Inconclusive(Reason::Late { late })
    } else {
        Verdict::Missed
    }
}

/// The rank (1-based, from the fastest) of the q-quantile of `n` values by the nearest-rank definition: ⌈q·n⌉.
pub fn nearest_rank(q: Objective, n: u64) -> u64 {
    let scaled = u128::from(q.as_ppm()) * u128::from(n);
    let rank = scaled.div_ceil(u128::from(Objective::WHOLE));
    u64::try_from(rank).unwrap_or(u64::MAX).clamp(1, n.max(1))
}

/// The share of so many values at which a histogram is asked for the value of a rank: half a rank below it, so that no rounding of this
/// division can reach the next one.
#[expect(clippy::cast_precision_loss, reason = "half a rank away from any other")]
pub fn share_of_rank(rank: u64, of: u64) -> f64 {
    ((rank as f64 - 0.5) / of as f64).max(0.0)
}

/// Ranks between which the true q-quantile lies with a confidence of at least 95 %: the order statistics `lower` and
/// `upper` of `n` values, `None` where no value of the sample bounds it from above.
///
/// The number of values below the true quantile is binomial, whatever the values' distribution, so the interval asks
/// nothing of it (David and Nagaraja, "Order Statistics", 3rd ed., section 7.1). It takes requests for independent. They
/// are not quite (a slow moment slows many), so it is a lower bound on the uncertainty of a run.
pub fn interval_ranks(q: Objective, n: u64) -> (u64, Option<u64>) {
    const TAIL: f64 = 0.025;
    let share = f64::from(q.as_ppm()) / f64::from(Objective::WHOLE);
    let Ok(below) = Binomial::new(share, n) else { return (1, None) };
    let lower = below.inverse_cdf(TAIL).max(1);
    let upper = below.inverse_cdf(1.0 - TAIL) + 1;
    (lower, (upper <= n).then_some(upper))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::JOIN_ROOM;

    const P95: Slo = Slo::p95(JOIN_ROOM, Duration::from_millis(300));

    fn tally(good: u64, total: u64, unknown: u64) -> Tally {
        Tally { good, total, unknown, late: 0 }
    }

    #[test]
    fn lateness_turns_a_miss_into_a_doubt_and_nothing_into_a_kept_promise() {
        let late = |late| judge(&P95, Tally { good: 80, total: 100, unknown: 0, late });
        assert_eq!(late(14), Verdict::Missed);
        assert_eq!(late(15), Verdict::Inconclusive(Reason::Late { late: 15 }));
        assert_eq!(late(100), Verdict::Inconclusive(Reason::Late { late: 100 }));
        assert_eq!(judge(&P95, Tally { good: 95, total: 100, unknown: 0, late: 100 }), Verdict::Met);
    }

    #[test]
    fn exactly_the_share_is_met() {
        assert_eq!(judge(&P95, tally(57, 60, 0)), Verdict::Met);
        assert_eq!(judge(&P95, tally(56, 60, 0)), Verdict::Missed);
    }

    #[test]
    fn nothing_and_too_little_are_inconclusive_however_good_or_bad() {
        assert_eq!(judge(&P95, tally(0, 0, 0)), Verdict::Inconclusive(Reason::NoData));
        for good in [0, 19] {
            assert!(matches!(judge(&P95, tally(good, 19, 0)), Verdict::Inconclusive(Reason::TooFew { .. })));
        }
        assert_eq!(judge(&P95, tally(20, 20, 0)), Verdict::Met);
    }

    #[test]
    fn unknown_requests_count_against_either_verdict() {
        assert_eq!(judge(&P95, tally(100, 100, 5)), Verdict::Met);
        assert_eq!(judge(&P95, tally(100, 100, 6)), Verdict::Inconclusive(Reason::Unknown { unknown: 6 }));
        assert_eq!(judge(&P95, tally(80, 100, 300)), Verdict::Inconclusive(Reason::Unknown { unknown: 300 }));
        assert_eq!(judge(&P95, tally(80, 100, 10)), Verdict::Missed);
    }

    #[test]
    fn nearest_ranks() {
        let p95 = Objective::percent(95);
        assert_eq!(nearest_rank(p95, 20), 19);
        assert_eq!(nearest_rank(p95, 60), 57);
        assert_eq!(nearest_rank(p95, 61), 58);
        assert_eq!(nearest_rank(p95, 1), 1);
    }

    /// Table values: for n = 100 and q = 0.95 the 2.5 % and 97.5 % points of Bin(100, 0.95) are 90 and 99.
    #[test]
    fn interval_of_a_hundred() {
        assert_eq!(interval_ranks(Objective::percent(95), 100), (90, Some(100)));
        assert_eq!(interval_ranks(Objective::percent(95), 20).1, None);
    }

    proptest! {
        /// "p95 <= T" and "95 % within T" are one statement: the verdict agrees with the nearest-rank quantile.
        #[test]
        fn share_and_nearest_rank_agree(mut ms in prop::collection::vec(1_u64..600, 20..200)) {
            ms.sort_unstable();
            let total = ms.len() as u64;
            let good = ms.iter().filter(|&&value| value <= 300).count() as u64;
            let p95 = ms[nearest_rank(Objective::percent(95), total) as usize - 1];
            prop_assert_eq!(judge(&P95, tally(good, total, 0)) == Verdict::Met, p95 <= 300);
        }

        /// More knowledge never turns met into missed or back.
        #[test]
        fn resolving_the_unknown_keeps_a_verdict(total in 20_u64..500, bad in 0_u64..50, unknown in 0_u64..50, good in 0_u64..50) {
            let before = judge(&P95, tally(total.saturating_sub(bad), total, unknown));
            let good = good.min(unknown);
            let after = judge(&P95, tally(total.saturating_sub(bad) + good, total + unknown, 0));
            prop_assert!(before == after || matches!(before, Verdict::Inconclusive(_)));
        }

        #[test]
        fn the_interval_holds_the_quantile(n in 20_u64..100_000) {
            let q = Objective::percent(95);
            let (lower, upper) = interval_ranks(q, n);
            let rank = nearest_rank(q, n);
            prop_assert!(lower <= rank);
            prop_assert!(upper.is_none_or(|upper| upper >= rank));
        }
    }
}
