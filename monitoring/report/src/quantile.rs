//! Quantiles by nearest rank, in which failed requests rank after all successful ones.
//!
//! This is the only definition of "a failed request is infinitely slow". All quantiles of requests
//! are computed here.

use std::time::Duration;

use hdrhistogram::Histogram;
use monitoring::ratio::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::millis::Millis;

/// Requests by rank, from 1, the fastest first.
#[derive(Debug, Clone, Copy)]
pub struct RankedLatencies<'run> {
    succeeded: Option<&'run Histogram<u64>>,
    requests: u64,
}

impl<'run> RankedLatencies<'run> {
    /// `succeeded` has the durations of successful requests in nanoseconds; `failed` is the number
    /// of failed requests.
    pub fn new(succeeded: Option<&'run Histogram<u64>>, failed: u64) -> Self {
        Self { succeeded, requests: succeeded.map_or(0, Histogram::len) + failed }
    }

    /// Number of requests, failed ones included.
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Duration at a rank. `None` for a failed request.
    pub(crate) fn at_rank(&self, rank: u64) -> Option<Duration> {
        let succeeded = self.succeeded.filter(|succeeded| rank <= succeeded.len())?;
        Some(Duration::from_nanos(succeeded.value_at_quantile(share_of_rank(rank, succeeded.len()))))
    }

    /// The q-quantile. `None` without requests.
    pub fn quantile(&self, q: Ratio) -> Option<Millis> {
        (self.requests > 0).then(|| self.at_rank(nearest_rank(q, self.requests)).into())
    }
}

/// A percentile and its value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// Percentile in parts per million: 950,000 is p95.
    pub ppm: u32,
    /// Latency that this share of requests did not exceed.
    pub ms: Millis,
}

/// Rank of the q-quantile of `n` values by the nearest-rank definition: ⌈q·n⌉, from 1, the fastest
/// first.
pub fn nearest_rank(q: Ratio, n: u64) -> u64 {
    let scaled = u128::from(q.as_ppm()) * u128::from(n);
    let rank = scaled.div_ceil(u128::from(Ratio::WHOLE));
    u64::try_from(rank).unwrap_or(u64::MAX).clamp(1, n.max(1))
}

/// Quantile at which a histogram of `of` values returns the value of a rank. It lies half a rank
/// below the rank, so that rounding cannot reach the next rank.
#[expect(clippy::cast_precision_loss, reason = "half a rank away from any other")]
fn share_of_rank(rank: u64, of: u64) -> f64 {
    ((rank as f64 - 0.5) / of as f64).max(0.0)
}

/// Ranks of a confidence interval for the true q-quantile, with a confidence of at least 95 %. They
/// are the order statistics `lower` and `upper` of `n` values. `upper` is `None` if no value of the
/// sample is an upper bound.
///
/// The number of values below the true quantile is binomial, whatever the distribution of the
/// values (David and Nagaraja, "Order Statistics", 3rd ed., section 7.1). The interval assumes
/// independent requests. Requests are not quite independent, because a slow moment slows many of
/// them. So the interval is a lower bound on the uncertainty of a run.
pub(crate) fn interval_ranks(q: Ratio, n: u64) -> (u64, Option<u64>) {
    const TAIL: f64 = 0.025;
    let Ok(below) = Binomial::new(q.as_f64(), n) else { return (1, None) };
    let lower = below.inverse_cdf(TAIL).max(1);
    let upper = below.inverse_cdf(1.0 - TAIL) + 1;
    (lower, (upper <= n).then_some(upper))
}

#[cfg(test)]
mod tests;
