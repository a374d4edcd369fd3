//! What a command's exit code says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a command's exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "u8", into = "u8")]
#[schemars(with = "u8")]
pub enum ExitCode {
    /// All objectives met.
    Met,
    /// Internal error.
    Internal,
    /// No verdict: no data, too few requests, load not delivered, metrics not accepted.
    Inconclusive,
    /// Worse than what it was compared with.
    Regressed,
    /// A panel, rule or alert was not shown to work.
    ProofFailed,
    /// An objective missed. The number is k6's.
    Missed,
    /// Bad configuration. The number is k6's.
    BadConfiguration,
    /// Stopped by a signal. The number is k6's.
    Interrupted,
}

impl ExitCode {
    /// From the one that outranks all others to the one that all others outrank.
    const RANKED: [Self; 8] = [
        Self::BadConfiguration,
        Self::Interrupted,
        Self::Internal,
        Self::Missed,
        Self::Regressed,
        Self::ProofFailed,
        Self::Inconclusive,
        Self::Met,
    ];

    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Met => 0,
            Self::Internal => 70,
            Self::Inconclusive => 90,
            Self::Regressed => 91,
            Self::ProofFailed => 92,
            Self::Missed => 99,
            Self::BadConfiguration => 104,
            Self::Interrupted => 105,
        }
    }

    /// What it says, in words.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Met => "every objective that gates was met",
            Self::Internal => "internal error",
            Self::Inconclusive => "inconclusive: this run proves nothing either way",
            Self::Regressed => "worse than the baseline",
            Self::ProofFailed => "the monitoring was not shown to work",
            Self::Missed => "an objective was missed",
            Self::BadConfiguration => "bad configuration",
            Self::Interrupted => "interrupted",
        }
    }

    /// The meaning of a process's exit code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::RANKED.into_iter().find(|exit| exit.code() == code)
    }

    /// The one of two that is said when both hold.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        Self::RANKED.into_iter().find(|&exit| exit == self || exit == other).unwrap_or(Self::Internal)
    }
}

/// A code that no version of this program ends with is an error of the program's own.
impl From<u8> for ExitCode {
    fn from(code: u8) -> Self {
        Self::from_code(code).unwrap_or(Self::Internal)
    }
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        code.code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_of_several_codes_is_said() {
        use ExitCode::{BadConfiguration, Inconclusive, Internal, Interrupted, Met, Missed};
        assert_eq!(Inconclusive.or_worse(Missed), Missed);
        assert_eq!(Missed.or_worse(Internal), Internal);
        assert_eq!(Internal.or_worse(Interrupted), Interrupted);
        assert_eq!(Interrupted.or_worse(BadConfiguration), BadConfiguration);
        assert_eq!(Met.or_worse(Inconclusive), Inconclusive);
        assert_eq!(ExitCode::from_code(99), Some(Missed));
    }
}
