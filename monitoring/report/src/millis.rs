//! A quantile in milliseconds, which is infinite where it lies among failed requests.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Milliseconds, or beyond all bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Millis {
    /// A number of milliseconds.
    Finite(f64),
    /// Among the failed requests.
    Infinite(Infinity),
}

/// How infinity is written in JSON, which has no number for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Infinity {
    /// As Prometheus writes it.
    #[serde(rename = "+Inf")]
    Plus,
}

impl Millis {
    /// Beyond all bounds.
    pub const INFINITE: Self = Self::Infinite(Infinity::Plus);

    /// The number of milliseconds, or infinity.
    pub const fn as_f64(self) -> f64 {
        match self {
            Self::Finite(ms) => ms,
            Self::Infinite(_) => f64::INFINITY,
        }
    }
}

/// A duration of a request, which is infinite for one that failed and has none.
impl From<Option<Duration>> for Millis {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
    fn from(duration: Option<Duration>) -> Self {
        duration.map_or(Self::INFINITE, |duration| Self::Finite(duration.as_nanos() as f64 / 1e6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinity_survives_json() {
        let text = serde_json::to_string(&[Millis::Finite(1.5), Millis::INFINITE]).unwrap();
        assert_eq!(text, r#"[1.5,"+Inf"]"#);
        let back: Vec<Millis> = serde_json::from_str(&text).unwrap();
        assert_eq!(back, [Millis::Finite(1.5), Millis::INFINITE]);
    }
}
