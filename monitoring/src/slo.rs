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
use crate::segment::JudgedSegment;
use crate::span::Span;

mod constructors;
mod flaw;
mod sli;
mod text;

pub use flaw::ObjectiveFlaw;
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

    pub(crate) fn flaw(&self) -> Option<ObjectiveFlaw> {
        let has_share = !matches!(self.sli, Sli::Throughput { .. } | Sli::Value { .. });
        let is_limit_vacuous = match self.sli {
            Sli::Throughput { per_second, .. } => per_second == 0,
            Sli::Value { limit, .. } => limit == Limit::AtLeast(0),
            _ => self.threshold().is_some_and(|threshold| threshold.is_zero()),
        };
        let is_share_vacuous = has_share && !(1..Ratio::WHOLE).contains(&self.objective.as_ppm());
        let flaws = [
            (is_share_vacuous, ObjectiveFlaw::Share),
            (is_limit_vacuous, ObjectiveFlaw::Limit),
            (self.phases.is_empty(), ObjectiveFlaw::Phases),
        ];
        flaws.into_iter().find_map(|(is_flawed, flaw)| is_flawed.then_some(flaw))
    }
}

#[cfg(test)]
mod tests;
