//! Quantiles by nearest rank, with failed requests beyond all that succeeded.
//!
//! This is the one definition of "a failed request is infinitely slow": whoever reads a quantile of requests reads it here.

use std::time::Duration;

use hdrhistogram::Histogram;
use monitoring::ratio::Ratio;
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::millis::Millis;

/// The q-quantile of requests: durations in nanoseconds of those that succeeded, and the number of those that failed.
pub fn quantile(succeeded: &Histogram<u64>, failed: u64, q: Ratio) -> Millis {
    let rank = nearest_rank(q, succeeded.len() + failed);
    at_rank(succeeded, rank).map_or(Millis::INFINITE, Millis::from)
}

/// The duration of that rank (1-based, from the shortest) of a histogram of nanoseconds; none beyond the last.
pub fn at_rank(histogram: &Histogram<u64>, rank: u64) -> Option<Duration> {
    let share = share_of_rank(rank, histogram.len());
    (rank <= histogram.len()).then(|| Duration::from_nanos(histogram.value_at_quantile(share)))
}

/// The rank (1-based, from the fastest) of the q-quantile of `n` values by the nearest-rank definition: ⌈q·n⌉.
pub fn nearest_rank(q: Ratio, n: u64) -> u64 {
    let scaled = u128::from(q.as_ppm()) * u128::from(n);
    let rank = scaled.div_ceil(u128::from(Ratio::WHOLE));
    u64::try_from(rank).unwrap_or(u64::MAX).clamp(1, n.max(1))
}

/// The share of so many values at which a histogram is asked for the value of a rank: half a rank below it, so that no rounding of this
/// division can reach the next one.
#[expect(clippy::cast_precision_loss, reason = "half a rank away from any other")]
fn share_of_rank(rank: u64, of: u64) -> f64 {
    ((rank as f64 - 0.5) / of as f64).max(0.0)
}

/// Ranks between which the true q-quantile lies with a confidence of at least 95 %: the order statistics `lower` and
/// `upper` of `n` values, `None` where no value of the sample bounds it from above.
///
/// The number of values below the true quantile is binomial, whatever the values' distribution, so the interval asks
/// nothing of it (David and Nagaraja, "Order Statistics", 3rd ed., section 7.1). It takes requests for independent. They
/// are not quite (a slow moment slows many), so it is a lower bound on the uncertainty of a run.
pub fn interval_ranks(q: Ratio, n: u64) -> (u64, Option<u64>) {
    const TAIL: f64 = 0.025;
    let share = f64::from(q.as_ppm()) / f64::from(Ratio::WHOLE);
    let Ok(below) = Binomial::new(share, n) else { return (1, None) };
    let lower = below.inverse_cdf(TAIL).max(1);
    let upper = below.inverse_cdf(1.0 - TAIL) + 1;
    (lower, (upper <= n).then_some(upper))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nearest_ranks() {
        let p95 = Ratio::percent(95);
        assert_eq!(nearest_rank(p95, 20), 19);
        assert_eq!(nearest_rank(p95, 60), 57);
        assert_eq!(nearest_rank(p95, 61), 58);
        assert_eq!(nearest_rank(p95, 1), 1);
    }

    /// Table values: for n = 100 and q = 0.95 the 2.5 % and 97.5 % points of Bin(100, 0.95) are 90 and 99.
    #[test]
    fn interval_of_a_hundred() {
        assert_eq!(interval_ranks(Ratio::percent(95), 100), (90, Some(100)));
        assert_eq!(interval_ranks(Ratio::percent(95), 20).1, None);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_quantile(n in 20_u64..100_000) {
            let q = Ratio::percent(95);
            let (lower, upper) = interval_ranks(q, n);
            let rank = nearest_rank(q, n);
            prop_assert!(lower <= rank);
            prop_assert!(upper.is_none_or(|upper| upper >= rank));
        }
    }
}
