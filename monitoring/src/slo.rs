//! Objectives: which share of requests must be good, and what good means.
//!
//! With nearest-rank quantiles "p95 <= 300 ms" says exactly "at least 95 % of all requests were good", where a request
//! is good if it succeeded within 300 ms. So every objective is one comparison of two integers, made here in integers,
//! and again by Prometheus from the same integers (see [`crate::prometheus::recording_rules`]). No float takes part in a decision.

use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::metric::Metric;
use crate::phase::Phases;
use crate::ratio::{Ratio, millis};

/// What makes a request good, and whose requests are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sli {
    /// The endpoint's request succeeded and its latency was at most the threshold. Exactly the threshold is good.
    Latency {
        /// Whose requests.
        endpoint: Endpoint,
        /// The slowest latency that is good; a bucket bound by construction.
        threshold: Duration,
    },
    /// The same of the response time: from when the request was due, so that time spent waiting for a free virtual user
    /// or a connection is in it. Only open loads have it.
    ResponseTime {
        /// Whose requests.
        endpoint: Endpoint,
        /// The slowest response time that is good; a bucket bound by construction.
        threshold: Duration,
    },
    /// The endpoint's request succeeded.
    Success {
        /// Whose requests.
        endpoint: Endpoint,
    },
    /// A check of the scenario passed.
    Check {
        /// The check's name, as the scenario gives it.
        name: &'static str,
    },
    /// The request, of whichever endpoint, did not fail.
    NoError,
}

/// What a miss means for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMiss {
    /// The run fails.
    Fail,
    /// It is reported and does not gate.
    Warn,
}

/// A service level objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slo {
    /// Which requests are meant, and which of them are good.
    pub sli: Sli,
    /// The share that must be good: at least it for latency, strictly more for availability.
    pub objective: Ratio,
    /// What a miss means.
    pub on_miss: OnMiss,
    /// Requests of which phases are judged.
    pub phases: Phases,
}

impl Slo {
    /// 95 % of an endpoint's requests succeed within the threshold.
    pub const fn p95(endpoint: Endpoint, threshold: Duration) -> Self {
        Self::latency(endpoint, Ratio::percent(95), threshold)
    }

    /// That share of an endpoint's requests succeeds within the threshold.
    pub const fn latency(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::new(Sli::Latency { endpoint, threshold }, objective)
    }

    /// That share of an endpoint's requests succeeds within the threshold of when they were due.
    pub const fn response_time(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::new(Sli::ResponseTime { endpoint, threshold }, objective)
    }

    /// More than that share of an endpoint's requests succeeds.
    pub const fn success_above(endpoint: Endpoint, objective: Ratio) -> Self {
        Self::new(Sli::Success { endpoint }, objective)
    }

    /// More than that share of a check's tries passes.
    pub const fn check_above(name: &'static str, objective: Ratio) -> Self {
        Self::new(Sli::Check { name }, objective)
    }

    /// Less than that share of all requests fails.
    pub const fn errors_below(share: Ratio) -> Self {
        Self::new(Sli::NoError, share.rest())
    }

    const fn new(sli: Sli, objective: Ratio) -> Self {
        Self { sli, objective, on_miss: OnMiss::Fail, phases: Phases::AFTER_WARM_UP }
    }

    /// The same objective, judged by requests of those phases only.
    #[must_use]
    pub const fn judging(mut self, phases: Phases) -> Self {
        self.phases = phases;
        self
    }

    /// The same objective, reported but not gating.
    #[must_use]
    pub const fn warn(mut self) -> Self {
        self.on_miss = OnMiss::Warn;
        self
    }

    /// The endpoint that the objective speaks of, or none if it speaks of all.
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        match &self.sli {
            Sli::Latency { endpoint, .. } | Sli::ResponseTime { endpoint, .. } | Sli::Success { endpoint } => {
                Some(endpoint)
            }
            Sli::NoError | Sli::Check { .. } => None,
        }
    }

    /// The threshold of an objective on a duration.
    pub const fn threshold(&self) -> Option<Duration> {
        match self.sli {
            Sli::Latency { threshold, .. } | Sli::ResponseTime { threshold, .. } => Some(threshold),
            Sli::Success { .. } | Sli::NoError | Sli::Check { .. } => None,
        }
    }

    /// The objective's name, which is the name of the metric that it judges.
    pub fn id(&self) -> String {
        match &self.sli {
            Sli::Latency { endpoint, .. } => Metric::latency(endpoint).name,
            Sli::ResponseTime { endpoint, .. } => Metric::response_time(endpoint).name,
            Sli::Success { endpoint } => Metric::success(endpoint).name,
            Sli::NoError => Metric::api_errors().name,
            Sli::Check { name } => format!("{}:{name}", Metric::checks().name),
        }
    }

    /// "join_room", a check's name, or "all endpoints".
    pub fn subject(&self) -> &'static str {
        match self.sli {
            Sli::Check { name } => name,
            _ => self.endpoint().map_or("all endpoints", |endpoint| endpoint.name),
        }
    }

    /// The promise in a few words: "p95 <= 300 ms", "success > 95 %", "errors < 1 %".
    pub fn describe(&self) -> String {
        let promise = match &self.sli {
            Sli::Latency { threshold, .. } => format!("{} <= {} ms", self.quantile(), millis(*threshold)),
            Sli::ResponseTime { threshold, .. } => {
                format!("response {} <= {} ms", self.quantile(), millis(*threshold))
            }
            Sli::Success { .. } => format!("success > {} %", self.objective.as_percent()),
            Sli::Check { .. } => format!("check > {} %", self.objective.as_percent()),
            Sli::NoError => format!("errors < {} %", self.objective.rest().as_percent()),
        };
        promise + &self.phases.describe()
    }

    /// What is promised, without how much: "p95", "response p95", "success", "check", "errors".
    pub fn describe_kind(&self) -> String {
        match &self.sli {
            Sli::Latency { .. } => self.quantile(),
            Sli::ResponseTime { .. } => format!("response {}", self.quantile()),
            Sli::Success { .. } => "success".to_owned(),
            Sli::Check { .. } => "check".to_owned(),
            Sli::NoError => "errors".to_owned(),
        }
    }

    /// The quantile's name: "p95", "p99.9".
    pub fn quantile(&self) -> String {
        self.objective.as_quantile()
    }

    /// Whether so many good requests of so many in all keep the promise. No requests keep none.
    pub fn holds(&self, good: u64, total: u64) -> bool {
        let good = u128::from(good) * u128::from(Ratio::WHOLE);
        let needed = u128::from(total) * u128::from(self.objective.as_ppm());
        total > 0
            && match self.sli {
                Sli::Latency { .. } | Sli::ResponseTime { .. } => good >= needed,
                Sli::Success { .. } | Sli::NoError | Sli::Check { .. } => good > needed,
            }
    }

    /// How many requests there must be for the objective to mean anything. With fewer than 1/(1-q), the q-quantile is
    /// just the slowest request.
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
    fn a_latency_objective_is_met_at_exactly_its_share_and_an_error_objective_is_not() {
        let p95 = Slo::p95(JOIN_ROOM, Duration::from_millis(300));
        assert!(p95.holds(57, 60));
        assert!(!p95.holds(56, 60));
        let errors = Slo::errors_below(Ratio::percent(1));
        assert!(!errors.holds(99, 100));
        assert!(errors.holds(991, 1000));
        assert!(!errors.holds(990, 1000));
    }

    #[test]
    fn no_requests_keep_no_promise() {
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
    fn promises_read_as_sentences() {
        assert_eq!(Slo::p95(JOIN_ROOM, Duration::from_millis(300)).describe(), "p95 <= 300 ms");
        assert_eq!(Slo::success_above(JOIN_ROOM, Ratio::percent(95)).describe(), "success > 95 %");
        assert_eq!(Slo::errors_below(Ratio::percent(1)).describe(), "errors < 1 %");
    }
}
