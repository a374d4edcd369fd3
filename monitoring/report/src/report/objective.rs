//! What a report says of an objective: what was promised, what was measured, and the verdict.

use monitoring::backend_slo::{BackendSlo, Measure};
use monitoring::slo::{OnMiss, Sli, Slo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit_code::ExitCode;
use crate::millis::Millis;
use crate::verdict::{Reason, Tally, Verdict};

/// The subject of objectives on the backend's own metrics, in the table's column of endpoints.
const BACKEND: &str = "backend";

/// The result of an objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveResult {
    /// The name of the metric that it judges.
    pub id: String,
    /// An endpoint, a check, "all endpoints" or "backend".
    pub subject: String,
    /// The objective in a few words: "p95 <= 300 ms".
    pub objective: String,
    /// What a miss means for the exit code.
    pub on_miss: OnMiss,
    /// The objective in numbers.
    pub goal: Goal,
    /// Whether it was met.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What it was judged by; none if the scenario does not exercise it, or the backend has no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
}

/// An objective in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Goal {
    /// A percentile of an endpoint's latency.
    Latency(Percentile),
    /// A percentile of an endpoint's response time.
    ResponseTime(Percentile),
    /// The share of an endpoint's requests that succeed.
    Success(Share),
    /// The share of a check's tries that pass.
    Check(Share),
    /// The share of all requests that do not fail.
    Errors(Share),
    /// A value of the backend's own metrics.
    Backend {
        /// What the value must not pass.
        bound: f64,
        /// What both are measured in.
        measure: Measure,
    },
}

/// That share of requests must succeed within a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentile {
    /// The share in parts per million: 950,000 is p95. 0 where an older version did not write it.
    pub share_ppm: u32,
    /// The slowest request that is good, in milliseconds.
    pub threshold_ms: f64,
}

/// That share of requests or tries must be good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// The share in parts per million. 0 where an older version did not write it.
    pub share_ppm: u32,
}

/// What an objective was judged by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Measured {
    /// Requests, each within the threshold or not, and the percentile for eyes.
    Percentile {
        /// The requests.
        #[serde(flatten)]
        tally: Tally,
        /// The percentile; none without requests.
        quantile_ms: Option<Millis>,
        /// Where the true percentile lies, with a confidence of 95 %.
        interval_ms: Option<(Millis, Millis)>,
        /// The same percentile of response times, from when requests were due; open loads only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        response_ms: Option<Millis>,
    },
    /// Requests or tries, each good or not.
    Share {
        /// The requests.
        #[serde(flatten)]
        tally: Tally,
    },
    /// A value of the backend's own metrics.
    Backend(BackendValue),
}

/// A value of the backend's own metrics, as the store gave it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackendValue {
    /// The value that counts: the worst of the run, or its mean.
    pub value: f64,
    /// The time before [`BackendValue::at_unix_ms`] that it is the worst or the mean of, in seconds.
    pub over_s: u64,
    /// When Prometheus was asked, Unix milliseconds: it gives the same value for that time.
    pub at_unix_ms: i64,
}

impl Goal {
    fn new(slo: &Slo) -> Self {
        let share_ppm = slo.objective.as_ppm();
        let threshold_ms = slo.threshold().map_or(0.0, |threshold| threshold.as_secs_f64() * 1e3);
        match slo.sli {
            Sli::Latency { .. } => Self::Latency(Percentile { share_ppm, threshold_ms }),
            Sli::ResponseTime { .. } => Self::ResponseTime(Percentile { share_ppm, threshold_ms }),
            Sli::Success { .. } => Self::Success(Share { share_ppm }),
            Sli::Check { .. } => Self::Check(Share { share_ppm }),
            Sli::NoError => Self::Errors(Share { share_ppm }),
        }
    }

    /// The share of requests that must be good, in parts per million; none if it is not about a share, or unknown.
    pub fn share_ppm(&self) -> Option<u32> {
        let ppm = match *self {
            Self::Latency(Percentile { share_ppm, .. }) | Self::ResponseTime(Percentile { share_ppm, .. }) => share_ppm,
            Self::Success(Share { share_ppm })
            | Self::Check(Share { share_ppm })
            | Self::Errors(Share { share_ppm }) => share_ppm,
            Self::Backend { .. } => return None,
        };
        (ppm > 0).then_some(ppm)
    }

    /// The threshold of an objective on a duration, in milliseconds.
    pub const fn threshold_ms(&self) -> Option<f64> {
        match self {
            Self::Latency(goal) | Self::ResponseTime(goal) => Some(goal.threshold_ms),
            _ => None,
        }
    }

    /// Whether it is about a percentile of latency.
    pub const fn is_latency(&self) -> bool {
        matches!(self, Self::Latency(_))
    }

    /// Whether it is about the backend's own metrics.
    pub const fn is_backend(&self) -> bool {
        matches!(self, Self::Backend { .. })
    }
}

impl ObjectiveResult {
    /// The result of an objective that the scenario exercises, as yet without its percentile.
    pub fn judged(slo: &Slo, tally: Tally, verdict: Verdict) -> Self {
        let measured = match slo.sli {
            Sli::Latency { .. } | Sli::ResponseTime { .. } => {
                Measured::Percentile { tally, quantile_ms: None, interval_ms: None, response_ms: None }
            }
            Sli::Success { .. } | Sli::Check { .. } | Sli::NoError => Measured::Share { tally },
        };
        Self { verdict, measured: Some(measured), ..Self::not_in_scenario(slo) }
    }

    /// An objective that the scenario does not exercise.
    pub fn not_in_scenario(slo: &Slo) -> Self {
        Self {
            id: slo.id(),
            subject: slo.subject().to_owned(),
            objective: slo.describe(),
            on_miss: slo.on_miss,
            goal: Goal::new(slo),
            verdict: Verdict::NotInScenario,
            measured: None,
        }
    }

    /// The result of an objective on the backend's own metrics: its value, or why there is none.
    pub fn backend(slo: &BackendSlo, value: Result<BackendValue, String>) -> Self {
        let value = value.and_then(|found| match found.value.is_finite() {
            true => Ok(found),
            false => Err(format!("its expression came to {}", found.value)),
        });
        let verdict = match &value {
            Ok(found) if slo.holds(found.value) => Verdict::Met,
            Ok(_) => Verdict::Missed,
            Err(why) => Verdict::Inconclusive(Reason::Unavailable { why: why.clone() }),
        };
        Self {
            id: slo.id(),
            subject: BACKEND.to_owned(),
            objective: slo.describe(),
            on_miss: slo.on_miss,
            goal: Goal::Backend { bound: slo.amount().value(), measure: slo.amount().measure() },
            verdict,
            measured: value.ok().map(Measured::Backend),
        }
    }

    /// The exit code that this result asks for. A warning asks for none.
    pub const fn code(&self) -> ExitCode {
        match (self.on_miss, &self.verdict) {
            (OnMiss::Warn, _) | (_, Verdict::Met | Verdict::NotInScenario) => ExitCode::Met,
            (OnMiss::Fail, Verdict::Missed) => ExitCode::Missed,
            (OnMiss::Fail, Verdict::Inconclusive(_)) => ExitCode::Inconclusive,
        }
    }

    /// Why it is inconclusive, in words; empty if it is not.
    pub fn reason(&self) -> String {
        match &self.verdict {
            Verdict::Inconclusive(reason) => reason.to_string(),
            _ => String::new(),
        }
    }

    /// The requests or tries that it was judged by; none if the scenario does not exercise it, or it is about a value.
    pub const fn tally(&self) -> Option<&Tally> {
        match &self.measured {
            Some(Measured::Percentile { tally, .. } | Measured::Share { tally }) => Some(tally),
            _ => None,
        }
    }

    /// The percentile that was measured.
    pub const fn quantile_ms(&self) -> Option<Millis> {
        match self.measured {
            Some(Measured::Percentile { quantile_ms, .. }) => quantile_ms,
            _ => None,
        }
    }

    /// Where the true percentile lies.
    pub const fn interval_ms(&self) -> Option<(Millis, Millis)> {
        match self.measured {
            Some(Measured::Percentile { interval_ms, .. }) => interval_ms,
            _ => None,
        }
    }

    /// The same percentile of response times.
    pub const fn response_ms(&self) -> Option<Millis> {
        match self.measured {
            Some(Measured::Percentile { response_ms, .. }) => response_ms,
            _ => None,
        }
    }

    /// The value of the backend's own metrics.
    pub const fn backend_value(&self) -> Option<BackendValue> {
        match self.measured {
            Some(Measured::Backend(value)) => Some(value),
            _ => None,
        }
    }

    /// The measured percentile as a share of its threshold; infinite if it lies among failed requests.
    pub fn share_of_threshold(&self) -> Option<f64> {
        Some(self.quantile_ms()?.as_f64() / self.goal.threshold_ms()?)
    }
}

#[cfg(test)]
mod tests {
    use monitoring::backend_slo::Amount;

    use super::*;
    use crate::exit_code;

    const MEMORY: BackendSlo = BackendSlo::at_most("memory", "Memory", "bytes", Amount::Mebibytes(1));

    fn value(value: f64) -> Result<BackendValue, String> {
        Ok(BackendValue { value, over_s: 30, at_unix_ms: 1 })
    }

    #[test]
    fn a_value_beyond_its_bound_fails_the_run_and_a_missing_one_leaves_it_open() {
        let code = |slo: &BackendSlo, found| exit_code(&[ObjectiveResult::backend(slo, found)], &[]);
        assert_eq!(code(&MEMORY, value(1_048_576.0)), ExitCode::Met);
        assert_eq!(code(&MEMORY, value(1_048_577.0)), ExitCode::Missed);
        assert_eq!(code(&MEMORY, Err("nothing scraped it".to_owned())), ExitCode::Inconclusive);
        assert_eq!(code(&MEMORY, value(f64::NAN)), ExitCode::Inconclusive);
        let warned = ObjectiveResult::backend(&MEMORY.warn(), value(1e9));
        assert_eq!((&warned.verdict, warned.code()), (&Verdict::Missed, ExitCode::Met));
    }
}
