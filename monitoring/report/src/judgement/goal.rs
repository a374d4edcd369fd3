//! Objectives in numbers.

use monitoring::backend_slo::ValueUnit;
use monitoring::measure::{Limit, Reading};
use monitoring::slo::{Sli, Slo};
use monitoring::span::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::millis::exact_ms;

/// Noun of what most objectives count.
pub(crate) const REQUEST: &str = "request";

/// Condition of an objective, and the least share of requests that must meet it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Goal {
    /// A percentile of an endpoint's latency.
    Latency(Percentile),
    /// A percentile of an endpoint's response time.
    ResponseTime(Percentile),
    /// A percentile of another span of an endpoint's requests.
    Span {
        /// Part of the request that is timed.
        span: Span,
        /// Share in parts per million: 950,000 is p95.
        share_ppm: u32,
        /// Longest good duration, in milliseconds.
        threshold_ms: f64,
    },
    /// The share of an endpoint's requests that succeed.
    Success(Share),
    /// The share of a check's tries that pass.
    Check(Share),
    /// The share of all requests that do not fail.
    Errors(Share),
    /// Values of the scenario's own measure.
    Measure {
        /// Share in parts per million: 950,000 is p95.
        share_ppm: u32,
        /// Highest good value of a trend. `None` for a rate.
        at_most: Option<u64>,
    },
    /// The sum or the rate of the scenario's counter, or the last value of its gauge.
    Value {
        /// Sum, rate or last value.
        reading: Reading,
        /// Limit of the value. A value equal to it is good.
        limit: u64,
        /// Whether the limit is the largest or the smallest good value.
        side: LimitSide,
    },
    /// Successful requests a second.
    Throughput {
        /// Smallest rate that is good.
        per_second: u32,
    },
    /// A value of the backend's own metrics.
    Backend {
        /// Limit of the value. A value equal to it is good.
        bound: f64,
        /// Unit of the limit and of the value.
        measure: ValueUnit,
        /// Which values are good. `None` if an older version did not write it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        side: Option<LimitSide>,
    },
}

impl Goal {
    pub(super) fn new(slo: &Slo) -> Self {
        let share_ppm = slo.objective.as_ppm();
        let percentile = |threshold| Percentile { share_ppm: Some(share_ppm), threshold_ms: exact_ms(threshold) };
        let share = Share { share_ppm: Some(share_ppm) };
        match slo.sli {
            Sli::Span { span: Span::Latency, threshold, .. } => Self::Latency(percentile(threshold)),
            Sli::Span { span: Span::ResponseTime, threshold, .. } => Self::ResponseTime(percentile(threshold)),
            Sli::Span { span, threshold, .. } => Self::Span { span, share_ppm, threshold_ms: exact_ms(threshold) },
            Sli::Success { .. } => Self::Success(share),
            Sli::Check { .. } => Self::Check(share),
            Sli::NoError => Self::Errors(share),
            Sli::Measure { at_most, .. } => Self::Measure { share_ppm, at_most },
            Sli::Throughput { per_second, .. } => Self::Throughput { per_second },
            Sli::Value { reading, limit, .. } => Self::Value { reading, limit: limit.value(), side: limit.into() },
        }
    }

    /// Share of requests that must be good, in parts per million. `None` if it is unknown, or if
    /// the objective has no share.
    pub(crate) const fn share_ppm(&self) -> Option<u32> {
        match *self {
            Self::Latency(Percentile { share_ppm, .. }) | Self::ResponseTime(Percentile { share_ppm, .. }) => share_ppm,
            Self::Success(Share { share_ppm })
            | Self::Check(Share { share_ppm })
            | Self::Errors(Share { share_ppm }) => share_ppm,
            Self::Span { share_ppm, .. } | Self::Measure { share_ppm, .. } => Some(share_ppm),
            Self::Value { .. } | Self::Throughput { .. } | Self::Backend { .. } => None,
        }
    }

    /// Noun of what the objective counts, in the singular. `None` if it judges one value.
    pub(crate) const fn counted_noun(&self) -> Option<&'static str> {
        match self {
            Self::Value { .. } | Self::Backend { .. } => None,
            Self::Check(_) => Some("try"),
            Self::Measure { .. } => Some("value"),
            _ => Some(REQUEST),
        }
    }

    /// Threshold of an objective on a duration, in milliseconds.
    pub const fn threshold_ms(&self) -> Option<f64> {
        match self {
            Self::Latency(goal) | Self::ResponseTime(goal) => Some(goal.threshold_ms),
            Self::Span { threshold_ms, .. } => Some(*threshold_ms),
            _ => None,
        }
    }

    /// Whether the objective is on a percentile of latency.
    pub const fn is_latency(&self) -> bool {
        matches!(self, Self::Latency(_))
    }

    /// Whether the objective is on a value a second.
    pub const fn is_per_second(&self) -> bool {
        matches!(self, Self::Throughput { .. } | Self::Value { reading: Reading::PerSecond, .. })
    }

    /// Whether the objective is on the backend's own metrics.
    pub const fn is_backend(&self) -> bool {
        matches!(self, Self::Backend { .. })
    }
}

/// Which side of a limit is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitSide {
    /// The limit and smaller values.
    AtMost,
    /// The limit and larger values.
    AtLeast,
}

impl<V> From<Limit<V>> for LimitSide {
    fn from(limit: Limit<V>) -> Self {
        match limit {
            Limit::AtMost(_) => Self::AtMost,
            Limit::AtLeast(_) => Self::AtLeast,
        }
    }
}

impl LimitSide {
    /// Sign between a bad value and the limit.
    pub(crate) const fn missed_sign(self) -> char {
        match self {
            Self::AtMost => '>',
            Self::AtLeast => '<',
        }
    }
}

/// A share of requests must succeed within a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentile {
    /// Share in parts per million: 950,000 is p95. Missing if an older version did not write it.
    #[serde(default, deserialize_with = "known_share", skip_serializing_if = "Option::is_none")]
    pub share_ppm: Option<u32>,
    /// Longest good duration, in milliseconds.
    pub threshold_ms: f64,
}

/// A share of requests or tries must be good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// Share in parts per million. Missing if an older version did not write it.
    #[serde(default, deserialize_with = "known_share", skip_serializing_if = "Option::is_none")]
    pub share_ppm: Option<u32>,
}

/// Reads a share. Older versions wrote 0 for an unknown one.
fn known_share<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(Option::deserialize(deserializer)?.filter(|&ppm| ppm > 0))
}

#[cfg(test)]
mod tests;
