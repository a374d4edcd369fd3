//! Quantiles by nearest rank, with failed requests beyond all that succeeded.
//!
//! This is the one definition of "a failed request is infinitely slow": whoever reads a quantile of requests reads it here.

use std::time::Duration;

use hdrhistogram::Histogram;
use monitoring::ratio::Ratio;
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::millis::Millis;

/// Requests by rank, 1 and up, the fastest first.
#[derive(Debug, Clone, Copy)]
pub struct RankedLatencies<'run> {
    succeeded: Option<&'run Histogram<u64>>,
    requests: u64,
}

impl<'run> RankedLatencies<'run> {
    /// Requests that succeeded, in nanoseconds, if there are any, and the number of those that failed.
    pub fn new(succeeded: Option<&'run Histogram<u64>>, failed: u64) -> Self {
        Self { succeeded, requests: succeeded.map_or(0, Histogram::len) + failed }
    }

    /// Number of requests, failed ones included.
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// The duration of a rank; none for a request that failed.
    pub fn at_rank(&self, rank: u64) -> Option<Duration> {
        let succeeded = self.succeeded.filter(|succeeded| rank <= succeeded.len())?;
        Some(Duration::from_nanos(succeeded.value_at_quantile(share_of_rank(rank, succeeded.len()))))
    }

    /// The q-quantile; none without requests.
    pub fn quantile(&self, q: Ratio) -> Option<Millis> {
        (self.requests > 0).then(|| self.at_rank(nearest_rank(q, self.requests)).into())
    }
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
    fn failed_requests_rank_after_all_that_succeeded() {
        let mut succeeded = Histogram::new(3).unwrap();
        [1_000_000, 2_000_000, 3_000_000].into_iter().for_each(|nanos| succeeded.record(nanos).unwrap());
        let ranked = RankedLatencies::new(Some(&succeeded), 1);
        let ms = |percent| match ranked.quantile(Ratio::percent(percent)) {
            Some(Millis::Finite(ms)) => ms.round(),
            _ => f64::INFINITY,
        };
        assert_eq!((ranked.requests(), [25, 50, 75, 76].map(ms)), (4, [1.0, 2.0, 3.0, f64::INFINITY]));
        assert_eq!(RankedLatencies::new(None, 0).quantile(Ratio::percent(50)), None);
        assert_eq!(RankedLatencies::new(None, 1).quantile(Ratio::percent(50)), Some(Millis::INFINITE));
    }

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
