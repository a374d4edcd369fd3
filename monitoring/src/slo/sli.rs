//! Service level indicators: the requests or values that an objective judges.

use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::measure::{Limit, Measure, Reading};
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
    /// The sum or the rate of a scenario's counter, or the last value of a gauge.
    Value {
        /// The measure.
        measure: Measure,
        /// Its sum, its rate or its last value.
        reading: Reading,
        /// The limit.
        limit: Limit,
    },
    /// Successful requests in each second of the judged phases, on average.
    Throughput {
        /// Endpoint whose requests are counted. `None` counts all endpoints.
        endpoint: Option<Endpoint>,
        /// Least number of successful requests a second.
        per_second: u32,
    },
}

/// Comparison of the share of good requests with the share that an objective needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThresholdRule {
    /// At exactly the needed share, the objective is met.
    AtLeast,
    /// At exactly the needed share, the objective is missed.
    MoreThan,
}

impl Sli {
    /// The comparison that Rust and PromQL make. A rate or a value has no share: it is compared
    /// with its limit.
    pub const fn threshold_rule(&self) -> ThresholdRule {
        match self {
            Self::Span { .. }
            | Self::Measure { at_most: Some(_), .. }
            | Self::Throughput { .. }
            | Self::Value { .. } => ThresholdRule::AtLeast,
            Self::Success { .. } | Self::Check { .. } | Self::NoError | Self::Measure { at_most: None, .. } => {
                ThresholdRule::MoreThan
            }
        }
    }
}
