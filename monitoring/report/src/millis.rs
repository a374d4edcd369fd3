//! Quantiles in milliseconds. A quantile among failed requests is infinite.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number of milliseconds, or infinity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Millis {
    /// Finite number of milliseconds.
    Finite(f64),
    /// The quantile lies among failed requests.
    Infinite(Infinity),
}

/// Infinity as text, because JSON has no number for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Infinity {
    /// Spelled as Prometheus spells it.
    #[serde(rename = "+Inf")]
    Plus,
}

impl Millis {
    /// Infinity.
    pub const INFINITE: Self = Self::Infinite(Infinity::Plus);

    /// The number as floating point, which may be infinite.
    pub const fn as_f64(self) -> f64 {
        match self {
            Self::Finite(ms) => ms,
            Self::Infinite(_) => f64::INFINITY,
        }
    }
}

/// A duration in milliseconds.
pub fn exact_ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A duration in whole milliseconds, rounded down. One that is too long becomes the largest number.
pub fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Converts the duration of a request. `None` is a failed request and becomes infinite.
impl From<Option<Duration>> for Millis {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
    fn from(duration: Option<Duration>) -> Self {
        duration.map_or(Self::INFINITE, |duration| Self::Finite(duration.as_nanos() as f64 / 1e6))
    }
}

#[cfg(test)]
mod tests;
