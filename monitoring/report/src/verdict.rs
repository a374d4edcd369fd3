//! The verdict on one objective, from integers.
//!
//! Absence is not success: a verdict is met only if it would be so with every unknown request counted bad, missed only
//! if it would be so with every one counted good, and inconclusive otherwise.

use monitoring::slo::Slo;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Requests that an objective speaks of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Good ones.
    pub good: u64,
    /// All that were made and recorded.
    pub total: u64,
    /// Requests that the generator itself failed to make or to see through: nobody knows what they would have been.
    pub unknown: u64,
    /// Of those made, requests of iterations that the generator started late: were they slow, that may be its doing.
    #[serde(default)]
    pub late: u64,
}

impl Tally {
    /// The requests of both.
    #[must_use]
    pub const fn plus(self, other: &Self) -> Self {
        Self {
            good: self.good.saturating_add(other.good),
            total: self.total.saturating_add(other.total),
            unknown: self.unknown.saturating_add(other.unknown),
            late: self.late.saturating_add(other.late),
        }
    }
}

/// Whether an objective was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", content = "reason", rename_all = "snake_case")]
pub enum Verdict {
    /// It was, whatever the unknown requests would have been.
    Met,
    /// It was not, whatever the unknown requests would have been.
    Missed,
    /// There is not enough evidence to decide.
    Inconclusive(Reason),
    /// The scenario does not exercise it.
    NotInScenario,
}

/// Why a verdict is inconclusive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// Not one request.
    #[error("no requests were made")]
    NoData,
    /// Fewer than the objective needs.
    #[error("{total} requests are too few: {quantile} needs at least {needed}")]
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
    /// The store or the backend has no value; or an older version of the report gives the reason in words only.
    #[error("{why}")]
    Unavailable {
        /// Why there is none.
        why: String,
    },
}

impl Verdict {
    /// Whether there was evidence enough to decide.
    pub const fn is_decided(&self) -> bool {
        matches!(self, Self::Met | Self::Missed)
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::quantile::nearest_rank;
    use monitoring::ratio::Ratio;
    use monitoring::services::stock_ai::JOIN_ROOM;

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

    proptest! {
        /// "p95 <= T" and "95 % within T" are one statement: the verdict agrees with the nearest-rank quantile.
        #[test]
        fn share_and_nearest_rank_agree(mut ms in prop::collection::vec(1_u64..600, 20..200)) {
            ms.sort_unstable();
            let total = ms.len() as u64;
            let good = ms.iter().filter(|&&value| value <= 300).count() as u64;
            let p95 = ms[nearest_rank(Ratio::percent(95), total) as usize - 1];
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

    }
}
