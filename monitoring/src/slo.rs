//! Objectives on requests: the share that must be good, and the definition of good.
//!
//! With nearest-rank quantiles, "p95 <= 300 ms" means exactly "at least 95 % of all requests were
//! good". A request is good if it succeeded within 300 ms. So every objective is one comparison of
//! two integers. It is evaluated here, and again by Prometheus from the same integers (see
//! [`crate::prometheus::recording_rules`]). No floating point takes part in a verdict.

use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::metric::Metric;
use crate::phase::Phases;
use crate::ratio::{Ratio, millis};

/// Service level indicator: the requests that count, and the condition that makes one good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sli {
    /// The request succeeded and its latency was at most the threshold.
    Latency {
        /// Endpoint whose requests are counted.
        endpoint: Endpoint,
        /// Longest good latency. It is always a bucket bound.
        threshold: Duration,
    },
    /// The request succeeded and its response time was at most the threshold. Response time begins
    /// when the request was due, so it includes waiting for a free VU or a connection. Only open
    /// loads have it.
    ResponseTime {
        /// Endpoint whose requests are counted.
        endpoint: Endpoint,
        /// Longest good response time. It is always a bucket bound.
        threshold: Duration,
    },
    /// The request succeeded.
    Success {
        /// Endpoint whose requests are counted.
        endpoint: Endpoint,
    },
    /// A check of the scenario passed.
    Check {
        /// Name of the check in the scenario.
        name: &'static str,
    },
    /// The request did not fail, whatever its endpoint.
    NoError,
}

/// Effect of a missed objective on the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMiss {
    /// A miss fails the run.
    Fail,
    /// A miss is only reported.
    Warn,
}

/// A service level objective on requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slo {
    /// The requests that count, and the condition that makes one good.
    pub sli: Sli,
    /// Share that must be good: at least this share for latency and response time, strictly more
    /// for success, checks and errors.
    pub objective: Ratio,
    /// Effect of a miss on the exit code.
    pub on_miss: OnMiss,
    /// Phases whose requests are judged.
    pub phases: Phases,
}

impl Slo {
    /// At least 95 % of the endpoint's requests succeed within the threshold.
    pub const fn p95(endpoint: Endpoint, threshold: Duration) -> Self {
        Self::latency(endpoint, Ratio::percent(95), threshold)
    }

    /// At least `objective` of the endpoint's requests succeed within the threshold.
    pub const fn latency(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::new(Sli::Latency { endpoint, threshold }, objective)
    }

    /// At least `objective` of the endpoint's requests succeed within the threshold after they were
    /// due.
    pub const fn response_time(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::new(Sli::ResponseTime { endpoint, threshold }, objective)
    }

    /// More than `objective` of the endpoint's requests succeed.
    pub const fn success_above(endpoint: Endpoint, objective: Ratio) -> Self {
        Self::new(Sli::Success { endpoint }, objective)
    }

    /// More than `objective` of the check's evaluations pass.
    pub const fn check_above(name: &'static str, objective: Ratio) -> Self {
        Self::new(Sli::Check { name }, objective)
    }

    /// Less than `share` of all requests fail.
    pub const fn errors_below(share: Ratio) -> Self {
        Self::new(Sli::NoError, share.rest())
    }

    const fn new(sli: Sli, objective: Ratio) -> Self {
        Self { sli, objective, on_miss: OnMiss::Fail, phases: Phases::AFTER_WARM_UP }
    }

    /// Judges only requests of these phases. The default is all phases after warm-up.
    #[must_use]
    pub const fn judging(mut self, phases: Phases) -> Self {
        self.phases = phases;
        self
    }

    /// Only warns about a miss; the run does not fail.
    #[must_use]
    pub const fn warn(mut self) -> Self {
        self.on_miss = OnMiss::Warn;
        self
    }

    /// Endpoint of the objective. `None` for checks and for errors, which count all endpoints.
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        match &self.sli {
            Sli::Latency { endpoint, .. } | Sli::ResponseTime { endpoint, .. } | Sli::Success { endpoint } => {
                Some(endpoint)
            }
            Sli::NoError | Sli::Check { .. } => None,
        }
    }

    /// Threshold of a latency or response-time objective.
    pub const fn threshold(&self) -> Option<Duration> {
        match self.sli {
            Sli::Latency { threshold, .. } | Sli::ResponseTime { threshold, .. } => Some(threshold),
            Sli::Success { .. } | Sli::NoError | Sli::Check { .. } => None,
        }
    }

    /// ID in reports: the name of the judged metric, such as "join_room_latency" or "checks:NAME".
    pub fn id(&self) -> String {
        match &self.sli {
            Sli::Latency { endpoint, .. } => Metric::latency(endpoint).name,
            Sli::ResponseTime { endpoint, .. } => Metric::response_time(endpoint).name,
            Sli::Success { endpoint } => Metric::success(endpoint).name,
            Sli::NoError => Metric::api_errors().name,
            Sli::Check { name } => format!("{}:{name}", Metric::checks().name),
        }
    }

    /// Name of the endpoint or the check, or "all endpoints".
    pub fn subject(&self) -> &'static str {
        match self.sli {
            Sli::Check { name } => name,
            _ => self.endpoint().map_or("all endpoints", |endpoint| endpoint.name),
        }
    }

    /// Short text: "p95 <= 300 ms", "success > 95 %", "errors < 1 %".
    pub fn describe(&self) -> String {
        let limit = match &self.sli {
            Sli::Latency { threshold, .. } => format!("{} <= {} ms", self.quantile(), millis(*threshold)),
            Sli::ResponseTime { threshold, .. } => {
                format!("response {} <= {} ms", self.quantile(), millis(*threshold))
            }
            Sli::Success { .. } => format!("success > {} %", self.objective.as_percent()),
            Sli::Check { .. } => format!("check > {} %", self.objective.as_percent()),
            Sli::NoError => format!("errors < {} %", self.objective.rest().as_percent()),
        };
        limit + &self.phases.describe()
    }

    /// Kind of the objective, without the limit: "p95", "response p95", "success", "check",
    /// "errors".
    pub fn describe_kind(&self) -> String {
        match &self.sli {
            Sli::Latency { .. } => self.quantile(),
            Sli::ResponseTime { .. } => format!("response {}", self.quantile()),
            Sli::Success { .. } => "success".to_owned(),
            Sli::Check { .. } => "check".to_owned(),
            Sli::NoError => "errors".to_owned(),
        }
    }

    /// Name of the quantile: "p95", "p99.9".
    pub fn quantile(&self) -> String {
        self.objective.as_quantile()
    }

    /// Whether `good` of `total` requests meet the objective. Without requests it is not met.
    pub fn holds(&self, good: u64, total: u64) -> bool {
        let good = u128::from(good) * u128::from(Ratio::WHOLE);
        let needed = u128::from(total) * u128::from(self.objective.as_ppm());
        total > 0
            && match self.sli {
                Sli::Latency { .. } | Sli::ResponseTime { .. } => good >= needed,
                Sli::Success { .. } | Sli::NoError | Sli::Check { .. } => good > needed,
            }
    }

    /// Minimum number of requests for a verdict. With fewer than 1/(1-q) requests, the q-quantile
    /// is just the slowest request.
    pub fn min_requests(&self) -> u64 {
        match self.sli {
            Sli::Latency { .. } | Sli::ResponseTime { .. } => {
                u64::from(Ratio::WHOLE).div_ceil(u64::from(self.objective.rest().as_ppm()).max(1))
            }
            Sli::Success { .. } | Sli::NoError | Sli::Check { .. } => 1,
        }
    }

    pub(crate) fn is_vacuous(&self) -> bool {
        let share = self.objective.as_ppm();
        let threshold_is_zero = self.threshold().is_some_and(|threshold| threshold.is_zero());
        share == 0 || share >= Ratio::WHOLE || threshold_is_zero || self.phases.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::stock_ai::JOIN_ROOM;

    #[test]
    fn at_exactly_its_share_latency_is_met_and_errors_are_not() {
        let p95 = Slo::p95(JOIN_ROOM, Duration::from_millis(300));
        assert!(p95.holds(57, 60));
        assert!(!p95.holds(56, 60));
        let errors = Slo::errors_below(Ratio::percent(1));
        assert!(!errors.holds(99, 100));
        assert!(errors.holds(991, 1000));
        assert!(!errors.holds(990, 1000));
    }

    #[test]
    fn objectives_are_not_met_without_requests() {
        assert!(!Slo::p95(JOIN_ROOM, Duration::from_millis(300)).holds(0, 0));
        assert!(!Slo::errors_below(Ratio::percent(1)).holds(0, 0));
    }

    #[test]
    fn counts_beyond_32_bits_are_compared_exactly() {
        let p95 = Slo::p95(JOIN_ROOM, Duration::from_millis(300));
        let total = 20 * (1_u64 << 40);
        assert!(p95.holds(19 * (1 << 40), total));
        assert!(!p95.holds(19 * (1 << 40) - 1, total));
    }

    #[test]
    fn a_percentile_needs_one_over_one_minus_q_requests() {
        assert_eq!(Slo::p95(JOIN_ROOM, Duration::from_millis(1)).min_requests(), 20);
        let p999 = Slo::latency(JOIN_ROOM, Ratio::ppm(999_000), Duration::from_millis(1));
        assert_eq!(p999.min_requests(), 1000);
    }

    #[test]
    fn decimals_are_printed_from_integers() {
        assert_eq!(Ratio::ppm(999_000).as_percent(), "99.9");
        assert_eq!(Ratio::percent(1).rest().as_percent(), "99");
        assert_eq!(Ratio::percent(95).as_fraction(), (19, 20));
        assert_eq!(millis(Duration::from_micros(250)), "0.25");
        assert_eq!(millis(Duration::from_secs(60)), "60000");
    }

    #[test]
    fn objectives_have_a_short_text() {
        assert_eq!(Slo::p95(JOIN_ROOM, Duration::from_millis(300)).describe(), "p95 <= 300 ms");
        assert_eq!(Slo::success_above(JOIN_ROOM, Ratio::percent(95)).describe(), "success > 95 %");
        assert_eq!(Slo::errors_below(Ratio::percent(1)).describe(), "errors < 1 %");
    }
}
