//! The result of an objective: limit, measured value and verdict.

use monitoring::backend_slo::BackendSlo;
use monitoring::catalogue::Catalogue;
use monitoring::slo::{OnMiss, Sli, Slo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::goal::Goal;
use crate::evidence::{BackendValue, MissingValue};
use crate::exit_code::ExitCode;
use crate::millis::Millis;
use crate::verdict::{Reason, Tally, Verdict};

/// Subject of objectives on the backend's own metrics.
const BACKEND: &str = "backend";

/// An objective, what was measured for it, and whether it was met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveResult {
    /// ID: the name of the judged metric.
    pub id: String,
    /// Name of the endpoint, the check or the measure, "all endpoints" or "backend".
    pub subject: String,
    /// Text of the objective: "p95 <= 300 ms".
    pub objective: String,
    /// Part of the scenario that is judged. `None` if all are judged together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Segment or tag that is judged, such as "day 7" or "room=large". `None` if all are judged
    /// together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// Whether another objective is the main one on the same metric. The good requests of the
    /// timeline are those of the main one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_further: bool,
    /// Effect of a miss on the exit code.
    pub on_miss: OnMiss,
    /// The objective as numbers, from which texts and verdicts are made.
    pub goal: Goal,
    /// Whether the objective was met, or why that is unknown.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Measured value. `None` if the scenario does not exercise the objective, or if the backend
    /// has no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measurement>,
}

/// Measured value of an objective.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Measurement {
    /// Requests, which are good within the threshold. The percentile is for display.
    Percentile {
        /// Counts of requests, from which the verdict is made.
        #[serde(flatten)]
        tally: Tally,
        /// Latency at the objective's percentile. `None` without requests.
        quantile_ms: Option<Millis>,
        /// 95 % confidence interval of the true percentile.
        interval_ms: Option<(Millis, Millis)>,
        /// The same percentile of response times, which begin when requests are due. Only open
        /// loads have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        response_ms: Option<Millis>,
    },
    /// Requests that succeed, or tries of a check that pass.
    Share {
        /// Counts of requests or tries.
        #[serde(flatten)]
        tally: Tally,
    },
    /// Values of a trend, which are good up to the limit. The percentile is for display.
    Values {
        /// Counts of values, from which the verdict is made.
        #[serde(flatten)]
        tally: Tally,
        /// Value at the objective's percentile. `None` without values.
        quantile: Option<f64>,
    },
    /// The sum of a counter, or the last value of a gauge.
    Value {
        /// The value as its good requests, and all requests.
        #[serde(flatten)]
        tally: Tally,
    },
    /// Successful requests or the sum of a counter, in the judged time.
    Throughput {
        /// Counts of successful requests, or the sum of the counter as good ones.
        #[serde(flatten)]
        tally: Tally,
        /// Planned length of the judged phases, in milliseconds.
        judged_ms: u64,
    },
    /// A value of the backend's own metrics.
    Backend(BackendValue),
}

impl Measurement {
    /// Counts of an objective on a share of requests, of which no percentile is known.
    pub const fn counts(slo: &Slo, tally: Tally) -> Self {
        match slo.sli {
            Sli::Span { .. } => Self::Percentile { tally, quantile_ms: None, interval_ms: None, response_ms: None },
            _ => Self::Share { tally },
        }
    }

    /// A value or, with the judged time in milliseconds, a value a second.
    pub const fn value(tally: Tally, judged_ms: Option<u64>) -> Self {
        match judged_ms {
            Some(judged_ms) => Self::Throughput { tally, judged_ms },
            None => Self::Value { tally },
        }
    }
}

impl ObjectiveResult {
    /// Reason why the backend has no value for the objective. `None` for other objectives.
    pub(crate) fn not_available(&self) -> Option<&MissingValue> {
        match self.verdict.reason() {
            Some(Reason::Unavailable(reason)) if self.goal.is_backend() => Some(reason),
            _ => None,
        }
    }

    /// Whether it is the latency objective whose good requests the timeline counts.
    pub(crate) fn is_on_timeline(&self) -> bool {
        self.goal.is_latency() && !self.is_further
    }

    /// Whether tables have a row for it: not if it is not judged, or the backend has no value for
    /// it.
    pub(crate) fn has_row(&self) -> bool {
        self.verdict.is_judged() && self.not_available().is_none()
    }

    /// Whether it is about an endpoint that was not requested. Another part may have requested the
    /// endpoint of an objective on one part.
    pub(crate) fn is_not_requested(&self) -> bool {
        let is_endpoint =
            matches!(self.goal, Goal::Latency(_) | Goal::ResponseTime(_) | Goal::Span { .. } | Goal::Success(_));
        let is_without = matches!(self.verdict.reason(), Some(Reason::NoData | Reason::NotReached { .. }));
        is_endpoint && is_without && self.part.is_none() && self.tally().is_some_and(|tally| tally.total == 0)
    }

    /// Result of an objective that the scenario exercises.
    pub fn new(catalogue: &Catalogue, slo: &Slo, measured: Measurement, verdict: Verdict) -> Self {
        Self { verdict, measured: Some(measured), ..Self::not_in_scenario(catalogue, slo) }
    }

    /// Result of an objective that the scenario does not exercise.
    pub fn not_in_scenario(catalogue: &Catalogue, slo: &Slo) -> Self {
        Self {
            id: catalogue.slo_id(slo),
            subject: slo.subject().to_owned(),
            objective: slo.describe(),
            part: slo.part.map(str::to_owned),
            segment: slo.segment.map(|segment| segment.to_string()),
            is_further: !catalogue.is_main(slo),
            on_miss: slo.on_miss,
            goal: Goal::new(slo),
            verdict: Verdict::NotInScenario,
            measured: None,
        }
    }

    /// Result of an objective on the backend's own metrics. JSON cannot represent a value that is
    /// not finite, so it is left out.
    pub fn backend(slo: &BackendSlo, value: Option<BackendValue>, verdict: Verdict) -> Self {
        Self {
            id: slo.id(),
            subject: BACKEND.to_owned(),
            objective: slo.describe(),
            part: None,
            segment: None,
            is_further: false,
            on_miss: slo.on_miss,
            goal: Goal::Backend {
                bound: slo.bound.value().value(),
                measure: slo.bound.value().unit(),
                side: Some(slo.bound.into()),
            },
            verdict,
            measured: value.filter(|found| found.value.is_finite()).map(Measurement::Backend),
        }
    }

    /// Exit code that the result requires. Objectives that only warn require none.
    pub const fn code(&self) -> ExitCode {
        match (self.on_miss, &self.verdict) {
            (OnMiss::Warn, _) | (_, Verdict::Met | Verdict::NotInScenario | Verdict::NotJudged) => ExitCode::Met,
            (OnMiss::Fail, Verdict::Missed) => ExitCode::Missed,
            (OnMiss::Fail, Verdict::Inconclusive(_)) => ExitCode::Inconclusive,
        }
    }

    /// Counts that were judged. `None` if the scenario does not exercise the objective, or if it is
    /// on a value of the backend.
    pub const fn tally(&self) -> Option<&Tally> {
        match &self.measured {
            Some(
                Measurement::Percentile { tally, .. }
                | Measurement::Share { tally }
                | Measurement::Values { tally, .. }
                | Measurement::Value { tally }
                | Measurement::Throughput { tally, .. },
            ) => Some(tally),
            _ => None,
        }
    }

    /// Counts of good and of all requests, values or tries, and their noun. `None` if the objective
    /// judges one value.
    pub(crate) fn counted(&self) -> Option<(&Tally, &'static str)> {
        self.tally().zip(self.goal.counted_noun())
    }

    /// Latency at the objective's percentile. `None` if it is not about latency, or without
    /// requests.
    pub const fn quantile_ms(&self) -> Option<Millis> {
        match self.measured {
            Some(Measurement::Percentile { quantile_ms, .. }) => quantile_ms,
            _ => None,
        }
    }

    /// Confidence interval of the true percentile.
    pub const fn interval_ms(&self) -> Option<(Millis, Millis)> {
        match self.measured {
            Some(Measurement::Percentile { interval_ms, .. }) => interval_ms,
            _ => None,
        }
    }

    /// The same percentile of response times.
    pub const fn response_ms(&self) -> Option<Millis> {
        match self.measured {
            Some(Measurement::Percentile { response_ms, .. }) => response_ms,
            _ => None,
        }
    }

    /// Value of the backend's own metrics.
    pub const fn backend_value(&self) -> Option<BackendValue> {
        match self.measured {
            Some(Measurement::Backend(value)) => Some(value),
            _ => None,
        }
    }

    /// Measured percentile as a share of its threshold. Infinite if it lies among failed requests.
    pub fn share_of_threshold(&self) -> Option<f64> {
        Some(self.quantile_ms()?.as_f64() / self.goal.threshold_ms()?)
    }
}
