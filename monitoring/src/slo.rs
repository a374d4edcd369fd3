//! Objectives on requests: the share that must be good, and the definition of good.
//!
//! With nearest-rank quantiles, "p95 <= 300 ms" means exactly "at least 95 % of all requests were
//! good". A request is good if it succeeded within 300 ms. So every objective is one comparison of
//! two integers. It is evaluated here, and again by Prometheus from the same integers (see
//! [`crate::prometheus::recording_rules`]). No floating point takes part in a verdict.

use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::excuse::Excuse;
use crate::label::{SCENARIO, SEGMENT};
use crate::measure::{Limit, Measure, Reading};
use crate::metric;
use crate::phase::Phases;
use crate::promql::Selector;
use crate::ratio::Ratio;
use crate::segment::{JudgedSegment, Segment, Tag};
use crate::span::Span;

mod sli;
mod text;

pub use sli::{Sli, ThresholdRule};

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
    /// Share that must be good: at least this share for spans, strictly more for success, checks
    /// and errors. Throughput has no share.
    pub objective: Ratio,
    /// Effect of a miss on the exit code.
    pub on_miss: OnMiss,
    /// Phases whose requests are judged.
    pub phases: Phases,
    /// Part of the scenario whose requests are judged. `None` judges all parts together.
    pub part: Option<&'static str>,
    /// Segment or tag whose requests are judged. `None` judges all requests.
    pub segment: Option<JudgedSegment>,
}

impl Slo {
    /// At least 50 % of the endpoint's requests succeed within the threshold.
    pub const fn p50(endpoint: Endpoint, threshold: Duration) -> Self {
        Self::latency(endpoint, Ratio::percent(50), threshold)
    }

    /// At least 90 % of the endpoint's requests succeed within the threshold.
    pub const fn p90(endpoint: Endpoint, threshold: Duration) -> Self {
        Self::latency(endpoint, Ratio::percent(90), threshold)
    }

    /// At least 95 % of the endpoint's requests succeed within the threshold.
    pub const fn p95(endpoint: Endpoint, threshold: Duration) -> Self {
        Self::latency(endpoint, Ratio::percent(95), threshold)
    }

    /// At least 99 % of the endpoint's requests succeed within the threshold.
    pub const fn p99(endpoint: Endpoint, threshold: Duration) -> Self {
        Self::latency(endpoint, Ratio::percent(99), threshold)
    }

    /// At least `objective` of the endpoint's requests succeed within the threshold, for any
    /// percentile: `Ratio::ppm(999_000)` is p99.9.
    pub const fn latency(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::span(endpoint, Span::Latency, objective, threshold)
    }

    /// At least `objective` of the endpoint's requests succeed within the threshold after they were
    /// due.
    pub const fn response_time(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::span(endpoint, Span::ResponseTime, objective, threshold)
    }

    /// At least `objective` of the endpoint's requests that open a connection succeed, and have
    /// their connection (DNS, TCP and TLS) within the threshold. Requests on a reused connection
    /// are not counted, because they would hide slow ones.
    pub const fn connecting(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::span(endpoint, Span::Connecting, objective, threshold)
    }

    /// At least `objective` of the endpoint's requests succeed within the threshold, including the
    /// time to connect.
    pub const fn with_connecting(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::span(endpoint, Span::WithConnecting, objective, threshold)
    }

    /// At least `objective` of the endpoint's requests succeed and have the first byte of their
    /// response within the threshold, without the time to connect.
    pub const fn first_byte(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::span(endpoint, Span::FirstByte, objective, threshold)
    }

    /// More than `objective` of the endpoint's requests succeed.
    pub const fn success_above(endpoint: Endpoint, objective: Ratio) -> Self {
        Self::new(Sli::Success { endpoint }, objective)
    }

    /// More than `objective` of the check's tries pass.
    pub const fn check_above(name: &'static str, objective: Ratio) -> Self {
        Self::new(Sli::Check { name }, objective)
    }

    /// Less than `share` of all requests fail.
    pub const fn errors_below(share: Ratio) -> Self {
        Self::new(Sli::NoError, share.rest())
    }

    /// At least `per_second` successful requests of the endpoint in each second of the judged
    /// phases, on average.
    pub const fn throughput(endpoint: Endpoint, per_second: u32) -> Self {
        Self::new(Sli::Throughput { endpoint: Some(endpoint), per_second }, Ratio::percent(100))
    }

    /// At least `per_second` successful requests of all endpoints in each second of the judged
    /// phases, on average.
    pub const fn total_throughput(per_second: u32) -> Self {
        Self::new(Sli::Throughput { endpoint: None, per_second }, Ratio::percent(100))
    }

    /// At least `objective` of the values of a trend are at most `at_most`.
    pub const fn trend(measure: Measure, objective: Ratio, at_most: u64) -> Self {
        Self::new(Sli::Measure { measure, at_most: Some(at_most) }, objective)
    }

    /// More than `objective` of the values of a rate are not zero.
    pub const fn rate_above(measure: Measure, objective: Ratio) -> Self {
        Self::new(Sli::Measure { measure, at_most: None }, objective)
    }

    /// The sum of a counter's values is within the limit, such as at most 0 lost orders.
    ///
    /// ```
    /// # use monitoring::measure::{Limit, Measure};
    /// # use monitoring::slo::Slo;
    /// const LOST_ORDERS: Measure = Measure::counter("lost_orders", "Lost orders");
    /// const NONE_IS_LOST: Slo = Slo::counter(LOST_ORDERS, Limit::AtMost(0));
    /// ```
    pub const fn counter(measure: Measure, limit: Limit) -> Self {
        Self::value(measure, Reading::Count, limit)
    }

    /// The sum of a counter's values in each second of the judged phases, on average, is within the
    /// limit.
    pub const fn counter_per_second(measure: Measure, limit: Limit) -> Self {
        Self::value(measure, Reading::PerSecond, limit)
    }

    /// The last value of a gauge is within the limit. Of several parts, each must be.
    pub const fn gauge(measure: Measure, limit: Limit) -> Self {
        Self::value(measure, Reading::Last, limit)
    }

    const fn value(measure: Measure, reading: Reading, limit: Limit) -> Self {
        Self::new(Sli::Value { measure, reading, limit }, Ratio::percent(100))
    }

    const fn span(endpoint: Endpoint, span: Span, objective: Ratio, threshold: Duration) -> Self {
        Self::new(Sli::Span { endpoint, span, threshold }, objective)
    }

    const fn new(sli: Sli, objective: Ratio) -> Self {
        Self { sli, objective, on_miss: OnMiss::Fail, phases: Phases::AFTER_WARM_UP, part: None, segment: None }
    }

    /// Judges only requests of these phases. The default is all phases after warm-up.
    #[must_use]
    pub const fn judging(mut self, phases: Phases) -> Self {
        self.phases = phases;
        self
    }

    /// Judges only requests of one part of the scenario.
    #[must_use]
    pub const fn in_part(mut self, part: &'static str) -> Self {
        self.part = Some(part);
        self
    }

    /// Judges only requests, checks and values in a segment of the scenario, such as day 7. If the
    /// segment never occurs, the objective is inconclusive. Throughput has no segments.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// const LAST_DAY: Slo = Slo::p95(OFFERS, Duration::from_millis(300)).in_segment("day", 30);
    /// ```
    ///
    /// # Panics
    /// If it already has a segment or a tag. In a constant, this is an error of the compiler.
    #[must_use]
    pub const fn in_segment(self, name: &'static str, number: u32) -> Self {
        self.in_judged(JudgedSegment::Numbered(Segment(name, number)))
    }

    /// Judges only requests, checks and values with a tag's value, such as those of large rooms. If
    /// none has it, the objective is inconclusive. Throughput has no tags.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// const LARGE: Slo = Slo::p95(OFFERS, Duration::from_millis(500)).in_tag("room", "large");
    /// ```
    ///
    /// # Panics
    /// As [`Slo::in_segment`].
    #[must_use]
    pub const fn in_tag(self, name: &'static str, value: &'static str) -> Self {
        self.in_judged(JudgedSegment::Tagged(Tag(name, value)))
    }

    const fn in_judged(mut self, segment: JudgedSegment) -> Self {
        assert!(self.segment.is_none(), "an objective has at most one segment or tag");
        self.segment = Some(segment);
        self
    }

    /// Only warns about a miss; the run does not fail.
    #[must_use]
    pub const fn warn(mut self) -> Self {
        self.on_miss = OnMiss::Warn;
        self
    }

    /// Endpoint of the objective. `None` for checks and for objectives that count all endpoints.
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        match &self.sli {
            Sli::Span { endpoint, .. }
            | Sli::Success { endpoint }
            | Sli::Throughput { endpoint: Some(endpoint), .. } => Some(endpoint),
            _ => None,
        }
    }

    /// Measure of the objective.
    pub const fn measure(&self) -> Option<&Measure> {
        match &self.sli {
            Sli::Measure { measure, .. } | Sli::Value { measure, .. } => Some(measure),
            _ => None,
        }
    }

    /// Threshold of an objective on a span.
    pub const fn threshold(&self) -> Option<Duration> {
        match self.sli {
            Sli::Span { threshold, .. } => Some(threshold),
            _ => None,
        }
    }

    /// Span that the objective limits.
    pub const fn limited_span(&self) -> Option<Span> {
        match self.sli {
            Sli::Span { span, .. } => Some(span),
            _ => None,
        }
    }

    /// Whether it is judged by the growth in each second, which needs a whole window.
    pub const fn is_per_second(&self) -> bool {
        matches!(self.sli, Sli::Throughput { .. } | Sli::Value { reading: Reading::PerSecond, .. })
    }

    /// Limit that is compared with a value. `None` for objectives on a share of requests.
    pub fn limit(&self) -> Option<Limit> {
        match self.sli {
            Sli::Value { limit, .. } => Some(limit),
            Sli::Throughput { per_second, .. } => Some(Limit::AtLeast(per_second.into())),
            _ => None,
        }
    }

    /// Whether it is an objective on latency.
    pub const fn is_latency(&self) -> bool {
        matches!(self.sli, Sli::Span { span: Span::Latency, .. })
    }

    /// Restricts a selector to the series that the objective judges.
    pub fn select(&self, selector: Selector) -> Selector {
        let mut selected = self.phases.select(selector);
        if let Some(part) = self.part {
            selected = selected.with(SCENARIO, part);
        }
        match self.segment {
            Some(segment) => selected.prefixed(metric::IN_SEGMENT).with(SEGMENT, segment.to_string()),
            None => selected,
        }
    }

    /// Reason why a query for the objective may have no data after a run. The run has no data for
    /// the objective, or is too short for it.
    pub fn excuse(&self) -> Option<Excuse> {
        let of_part = self.part.map(|_| Excuse::OtherParts);
        let of_segment = self.segment.map(|_| Excuse::OtherSegments);
        let of_phase = (self.phases != Phases::AFTER_WARM_UP).then_some(Excuse::OtherPhases);
        let of_kind = match self.sli {
            Sli::Measure { .. } | Sli::Value { .. } => Some(Excuse::OtherMeasures),
            Sli::Check { .. } => Some(Excuse::OtherChecks),
            Sli::Throughput { .. } => Some(Excuse::NoWholeWindow),
            Sli::Span { span, .. } => span.excuse(),
            Sli::Success { .. } | Sli::NoError => None,
        };
        of_part.or(of_segment).or(of_phase).or(of_kind)
    }

    /// Whether `good` of `total` requests meet the objective. Without requests it is not met.
    pub fn holds(&self, good: u64, total: u64) -> bool {
        let good = u128::from(good) * u128::from(Ratio::WHOLE);
        let needed = u128::from(total) * u128::from(self.objective.as_ppm());
        total > 0
            && match self.sli.threshold_rule() {
                ThresholdRule::AtLeast => good >= needed,
                ThresholdRule::MoreThan => good > needed,
            }
    }

    /// Minimum number of requests for a verdict. With fewer than 1/(1-q) requests, the q-quantile
    /// is just the slowest request.
    pub fn min_requests(&self) -> u64 {
        match self.sli {
            Sli::Span { .. } | Sli::Measure { at_most: Some(_), .. } => {
                u64::from(Ratio::WHOLE).div_ceil(u64::from(self.objective.rest().as_ppm()).max(1))
            }
            _ => 1,
        }
    }

    pub(crate) fn is_vacuous(&self) -> bool {
        let is_limit_vacuous = match self.sli {
            Sli::Throughput { per_second, .. } => per_second == 0,
            Sli::Value { limit, .. } => limit == Limit::AtLeast(0),
            _ => !(1..Ratio::WHOLE).contains(&self.objective.as_ppm()),
        };
        is_limit_vacuous || self.threshold().is_some_and(|threshold| threshold.is_zero()) || self.phases.is_empty()
    }
}

#[cfg(test)]
mod tests;
