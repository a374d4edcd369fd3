//! The one definition of a quantile of requests: by nearest rank, where a failed request is slower than any that succeeded.

use std::time::Duration;

use hdrhistogram::Histogram;
use monitoring::judgement::Millis;
use monitoring::slo::Objective;
use monitoring::verdict;

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
        Some(Duration::from_nanos(succeeded.value_at_quantile(verdict::share_of_rank(rank, succeeded.len()))))
    }

    /// The q-quantile; none without requests.
    pub fn quantile(&self, q: Objective) -> Option<Millis> {
        (self.requests > 0).then(|| millis(self.at_rank(verdict::nearest_rank(q, self.requests))))
    }
}

/// The duration of a request in milliseconds, infinite if it has none.
pub(super) fn millis(duration: Option<Duration>) -> Millis {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
    duration.map_or(Millis::INFINITE, |duration| Millis::Finite(duration.as_nanos() as f64 / 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_requests_rank_after_all_that_succeeded() {
        let mut succeeded = Histogram::new(3).unwrap();
        [1_000_000, 2_000_000, 3_000_000].into_iter().for_each(|nanos| succeeded.record(nanos).unwrap());
        let ranked = RankedLatencies::new(Some(&succeeded), 1);
        let ms = |percent| match ranked.quantile(Objective::percent(percent)) {
            Some(Millis::Finite(ms)) => ms.round(),
            _ => f64::INFINITY,
        };
        assert_eq!((ranked.requests(), [25, 50, 75, 76].map(ms)), (4, [1.0, 2.0, 3.0, f64::INFINITY]));
        assert_eq!(RankedLatencies::new(None, 0).quantile(Objective::percent(50)), None);
        assert_eq!(RankedLatencies::new(None, 1).quantile(Objective::percent(50)), Some(Millis::INFINITE));
    }
}
