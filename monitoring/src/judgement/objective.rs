//! What a report says of one objective.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Measured, Millis};
use crate::run::ExitCode;
use crate::slo::{Severity, Sli, Slo};
use crate::verdict::{Tally, Verdict};

/// What became of one objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveResult {
    /// The metric that it judges: `join_room_latency`.
    pub id: String,
    /// Whose requests: an endpoint's name, or "all endpoints".
    pub subject: String,
    /// What it is about.
    pub kind: Kind,
    /// What was promised, in words.
    pub promise: String,
    /// What a miss means.
    pub severity: Severity,
    /// The verdict.
    pub verdict: Word,
    /// Why it is inconclusive.
    pub reason: Option<String>,
    /// Good requests.
    pub good: u64,
    /// All requests.
    pub total: u64,
    /// Requests of which nobody knows.
    pub unknown: u64,
    /// Of all requests, those of iterations that began late.
    #[serde(default)]
    pub late: u64,
    /// The share of good requests that is promised, in parts per million; 0 where it is not about one.
    #[serde(default)]
    pub objective_ppm: u32,
    /// The latency that is promised, if one is.
    #[serde(default)]
    pub threshold_ms: Option<f64>,
    /// The quantile that the objective is about, if it is about one.
    pub quantile_ms: Option<Millis>,
    /// Where that quantile truly lies, with 95 % confidence.
    pub interval_ms: Option<(Millis, Millis)>,
    /// For a latency under an open load: the same quantile of response times, from when requests were due.
    #[serde(default)]
    pub response_ms: Option<Millis>,
    /// For an objective on the backend's own metrics: what was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
}

/// What an objective is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A percentile of an endpoint's latency.
    Latency,
    /// A percentile of an endpoint's response time.
    ResponseTime,
    /// The share of an endpoint's requests that succeed.
    Success,
    /// The share of a check's tries that pass.
    Check,
    /// The share of all requests that fail.
    Errors,
    /// A value of the backend's own metrics.
    Backend,
}

/// A verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Kept.
    Met,
    /// Not kept.
    Missed,
    /// Nobody can say.
    Inconclusive,
    /// The scenario does not exercise it.
    NotInScenario,
}

impl ObjectiveResult {
    /// The result of an objective that the scenario exercises, as yet without its quantile.
    pub fn judged(slo: &Slo, tally: Tally, verdict: &Verdict) -> Self {
        let (word, reason) = match verdict {
            Verdict::Met => (Word::Met, None),
            Verdict::Missed => (Word::Missed, None),
            Verdict::Inconclusive(reason) => (Word::Inconclusive, Some(reason.to_string())),
        };
        Self {
            verdict: word,
            reason,
            good: tally.good,
            total: tally.total,
            unknown: tally.unknown,
            late: tally.late,
            ..Self::absent(slo)
        }
    }

    /// An objective that the scenario does not exercise.
    pub fn absent(slo: &Slo) -> Self {
        Self {
            id: slo.id(),
            subject: slo.subject().to_owned(),
            kind: match slo.sli {
                Sli::Latency { .. } => Kind::Latency,
                Sli::ResponseTime { .. } => Kind::ResponseTime,
                Sli::Check { .. } => Kind::Check,
                Sli::Success { .. } => Kind::Success,
                Sli::NoError => Kind::Errors,
            },
            promise: slo.promise(),
            severity: slo.severity,
            verdict: Word::NotInScenario,
            reason: None,
            good: 0,
            total: 0,
            unknown: 0,
            late: 0,
            objective_ppm: slo.objective.as_ppm(),
            threshold_ms: slo.threshold().map(|threshold| threshold.as_secs_f64() * 1e3),
            quantile_ms: None,
            interval_ms: None,
            response_ms: None,
            measured: None,
        }
    }

    /// The exit code that this result asks for. A warning asks for none.
    pub fn code(&self) -> ExitCode {
        match (self.severity, self.verdict) {
            (Severity::Warn, _) | (_, Word::Met | Word::NotInScenario) => ExitCode::Met,
            (Severity::Error, Word::Missed) => ExitCode::Missed,
            (Severity::Error, Word::Inconclusive) => ExitCode::Inconclusive,
        }
    }
}
