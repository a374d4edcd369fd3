//! Objectives on requests: the share that must be good, and the definition of good.
//!
//! With nearest-rank quantiles, "p95 <= 300 ms" means exactly "at least 95 % of all requests were
//! good". A request is good if it succeeded within 300 ms. So every objective is one comparison of
//! two integers. It is evaluated here, and again by Prometheus from the same integers (see
//! [`crate::prometheus::recording_rules`]). No floating point takes part in a verdict.

use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::label::{SCENARIO, SEGMENT};
use crate::measure::Measure;
use crate::metric::{self, Metric};
use crate::phase::Phases;
use crate::promql::Selector;
use crate::ratio::{Ratio, millis};
use crate::span::Span;

/// Service level indicator: the requests that count, and the condition that makes one good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sli {
    /// The request succeeded, and a span of its time was at most the threshold.
    Span {
        /// Endpoint whose requests are counted.
        endpoint: Endpoint,
        /// Span of the request's time.
        span: Span,
        /// Longest good duration. It is always a bucket bound.
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
    /// A value of the scenario's own measure was at most the limit or, without one, not zero.
    Measure {
        /// The measure.
        measure: Measure,
        /// Highest good value of a trend. It is always a bucket bound. `None` for a rate.
        at_most: Option<u64>,
    },
    /// Successful requests in each second of the judged phases, on average.
    Throughput {
        /// Endpoint whose requests are counted. `None` counts all endpoints.
        endpoint: Option<Endpoint>,
        /// Least number of successful requests a second.
        per_second: u32,
    },
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
    /// Share that must be good: at least this share for spans, strictly more for success, checks
    /// and errors. Throughput has no share.
    pub objective: Ratio,
    /// Effect of a miss on the exit code.
    pub on_miss: OnMiss,
    /// Phases whose requests are judged.
    pub phases: Phases,
    /// Part of the scenario whose requests are judged. `None` judges all parts together.
    pub part: Option<&'static str>,
    /// Segment whose requests are judged, by name and number. `None` judges all requests.
    pub segment: Option<(&'static str, u32)>,
}

impl Slo {
    /// At least 95 % of the endpoint's requests succeed within the threshold.
    pub const fn p95(endpoint: Endpoint, threshold: Duration) -> Self {
        Self::latency(endpoint, Ratio::percent(95), threshold)
    }

    /// At least `objective` of the endpoint's requests succeed within the threshold.
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

    /// More than `objective` of the check's evaluations pass.
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
    /// # use monitoring::services::stock_ai::GET_NEWS;
    /// # use monitoring::slo::Slo;
    /// const LAST_DAY: Slo = Slo::p95(GET_NEWS, Duration::from_millis(300)).in_segment("day", 30);
    /// ```
    #[must_use]
    pub const fn in_segment(mut self, name: &'static str, number: u32) -> Self {
        self.segment = Some((name, number));
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
            Sli::Measure { measure, .. } => Some(measure),
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

    /// Whether it is an objective on latency.
    pub const fn is_latency(&self) -> bool {
        matches!(self.sli, Sli::Span { span: Span::Latency, .. })
    }

    /// Name of the judged metric, such as "join_room_latency" or "checks:NAME". The main objective
    /// on a metric has it as its ID.
    pub fn metric_name(&self) -> String {
        match &self.sli {
            Sli::Span { endpoint, span, .. } => Metric::span(endpoint, *span).name,
            Sli::Success { endpoint } => Metric::success(endpoint).name,
            Sli::NoError => Metric::api_errors().name,
            Sli::Check { name } => format!("{}:{name}", Metric::checks().name),
            Sli::Measure { measure, .. } => Metric::measure(measure).name,
            Sli::Throughput { endpoint: Some(endpoint), .. } => format!("{}_throughput", endpoint.name),
            Sli::Throughput { endpoint: None, .. } => "throughput".to_owned(),
        }
    }

    /// The limit as a part of a name: "p99_under_1000ms", "above_95", "at_least_50_per_second".
    pub(crate) fn name_of_limit(&self) -> String {
        let limit = match &self.sli {
            Sli::Span { threshold, .. } => format!("{}_under_{}ms", self.quantile(), millis(*threshold)),
            Sli::Measure { at_most: Some(value), .. } => format!("{}_at_most_{value}", self.quantile()),
            Sli::Success { .. } | Sli::Check { .. } | Sli::Measure { .. } => {
                format!("above_{}", self.objective.as_percent())
            }
            Sli::NoError => format!("below_{}", self.objective.rest().as_percent()),
            Sli::Throughput { per_second, .. } => format!("at_least_{per_second}_per_second"),
        };
        limit.replace('.', "_")
    }

    /// Phases, part and segment as a part of a name: "_in_steady", "_in_part_readers",
    /// "_in_day_7"; empty by default.
    pub(crate) fn name_of_scope(&self) -> String {
        let phases = self.phases.describe().replace(' ', "_");
        let part = self.part.map(|part| format!("_in_part_{part}")).unwrap_or_default();
        let segment = self.segment_value().map(|segment| format!("_in_{segment}")).unwrap_or_default();
        format!("{phases}{part}{segment}").replace(|c: char| !c.is_ascii_alphanumeric(), "_")
    }

    /// Name of the endpoint, the check or the measure, or "all endpoints".
    pub fn subject(&self) -> &'static str {
        match self.sli {
            Sli::Check { name } => name,
            Sli::Measure { measure, .. } => measure.name,
            _ => self.endpoint().map_or("all endpoints", |endpoint| endpoint.name),
        }
    }

    /// Short text: "p95 <= 300 ms", "success > 95 %", "errors < 1 %".
    pub fn describe(&self) -> String {
        let limit = match &self.sli {
            Sli::Span { threshold, .. } => format!("{} <= {} ms", self.describe_kind(), millis(*threshold)),
            Sli::Measure { at_most: Some(value), .. } => format!("{} <= {value}", self.describe_kind()),
            Sli::Success { .. } | Sli::Check { .. } | Sli::Measure { .. } => {
                format!("{} > {} %", self.describe_kind(), self.objective.as_percent())
            }
            Sli::NoError => format!("errors < {} %", self.objective.rest().as_percent()),
            Sli::Throughput { per_second, .. } => format!("at least {per_second} requests/s"),
        };
        limit + &self.describe_scope()
    }

    /// Phases, part and segment, if they are not the default: " in steady", " in part readers",
    /// " in day 7".
    pub fn describe_scope(&self) -> String {
        let part = self.part.map(|part| format!(" in part {part}")).unwrap_or_default();
        let segment = self.segment_value().map(|segment| format!(" in {segment}")).unwrap_or_default();
        self.phases.describe() + &part + &segment
    }

    /// Value of the label `segment`: "day 7".
    pub fn segment_value(&self) -> Option<String> {
        self.segment.map(|(name, number)| metric::segment_value(name, number))
    }

    /// Kind of the objective, without the limit: "p95", "response p95", "success", "check",
    /// "errors", "throughput".
    pub fn describe_kind(&self) -> String {
        match &self.sli {
            Sli::Span { span, .. } => format!("{}{}", span.prefix(), self.quantile()),
            Sli::Measure { at_most: Some(_), .. } => self.quantile(),
            Sli::Measure { at_most: None, .. } => "rate".to_owned(),
            Sli::Success { .. } => "success".to_owned(),
            Sli::Check { .. } => "check".to_owned(),
            Sli::NoError => "errors".to_owned(),
            Sli::Throughput { .. } => "throughput".to_owned(),
        }
    }

    /// Name of the quantile: "p95", "p99.9".
    pub fn quantile(&self) -> String {
        self.objective.as_quantile()
    }

    /// Restricts a selector to the series that the objective judges.
    pub fn select(&self, selector: Selector) -> Selector {
        let mut selected = self.phases.select(selector);
        if let Some(part) = self.part {
            selected = selected.with(SCENARIO, part);
        }
        match self.segment_value() {
            Some(segment) => selected.prefixed(metric::IN_SEGMENT).with(SEGMENT, segment),
            None => selected,
        }
    }

    /// Reason why a query for the objective may have no data after a run that has none for the
    /// objective, or is too short for it.
    pub fn may_be_missing(&self) -> Option<&'static str> {
        let of_part = self.part.map(|_| "not every scenario has this part");
        let of_segment = self.segment.map(|_| "not every scenario has this segment");
        let of_phase = (self.phases != Phases::AFTER_WARM_UP).then_some("not every load has these phases");
        let of_kind = match self.sli {
            Sli::Measure { .. } => Some("not every scenario records this measure"),
            Sli::Check { .. } => Some("not every scenario has every check"),
            Sli::Throughput { .. } => Some("a run of a minute has no whole window"),
            Sli::Span { span, .. } => span.may_be_missing(),
            Sli::Success { .. } | Sli::NoError => None,
        };
        of_part.or(of_segment).or(of_phase).or(of_kind)
    }

    /// Whether `good` of `total` requests meet the objective. Without requests it is not met. For
    /// throughput, `total` is the least number of good requests.
    pub fn holds(&self, good: u64, total: u64) -> bool {
        let good = u128::from(good) * u128::from(Ratio::WHOLE);
        let needed = u128::from(total) * u128::from(self.objective.as_ppm());
        total > 0
            && match self.sli {
                Sli::Span { .. } | Sli::Throughput { .. } | Sli::Measure { at_most: Some(_), .. } => good >= needed,
                _ => good > needed,
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
            _ => !(1..Ratio::WHOLE).contains(&self.objective.as_ppm()),
        };
        is_limit_vacuous || self.threshold().is_some_and(|threshold| threshold.is_zero()) || self.phases.is_empty()
    }
}

#[cfg(test)]
mod tests;
