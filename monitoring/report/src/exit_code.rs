//! Exit codes of a command.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Meaning of a command's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "u8", into = "u8")]
#[schemars(with = "u8")]
pub enum ExitCode {
    /// Every objective that can fail the run was met.
    Met,
    /// A mistake of this program, or an error of the machine.
    Internal,
    /// No verdict: too few requests, load not made, or metrics not accepted.
    Inconclusive,
    /// Slower than the base or baseline.
    Regressed,
    /// A panel, rule or alert was not proved to work.
    ProofFailed,
    /// An objective was missed. The number is k6's.
    Missed,
    /// Bad configuration. The number is k6's.
    BadConfiguration,
    /// Stopped by a signal. The number is k6's.
    Interrupted,
}

impl ExitCode {
    /// By precedence: the first code outranks all others, the last is outranked by all.
    pub const RANKED: [Self; 8] = [
        Self::BadConfiguration,
        Self::Interrupted,
        Self::Internal,
        Self::Missed,
        Self::Regressed,
        Self::ProofFailed,
        Self::Inconclusive,
        Self::Met,
    ];

    /// Number of the exit code.
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

    /// Meaning in a few words, for a line that also has the number.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Met => "every objective was met",
            Self::Internal => "internal error",
            Self::Inconclusive => "inconclusive: no verdict is possible",
            Self::Regressed => "slower than the base or baseline",
            Self::ProofFailed => "the proof failed",
            Self::Missed => "an objective was missed",
            Self::BadConfiguration => "configuration, target or scenario error",
            Self::Interrupted => "interrupted",
        }
    }

    /// Verdict on a run that ended with this code and has no report: "did not run (exit 104)".
    pub fn describe_stop(self) -> String {
        let verdict = match self {
            Self::BadConfiguration | Self::Inconclusive => "did not run",
            code => code.describe(),
        };
        format!("{verdict} (exit {})", self.code())
    }

    /// Longer text for people, with the reasons for the code. At most 73 characters, so that it and
    /// the code fit in 80 columns.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::Inconclusive => "inconclusive: too few requests, load not made, or metrics not accepted",
            Self::Regressed => "slower than the base (--against) or the baseline (--baseline)",
            Self::ProofFailed => "proof failed: a panel, rule or query has no data, or requests were lost",
            Self::BadConfiguration => "wrong configuration, target does not respond, or mistake in a scenario",
            Self::Met | Self::Internal | Self::Missed | Self::Interrupted => self.describe(),
        }
    }

    /// The code with the higher precedence.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        Self::RANKED.into_iter().find(|&exit| exit == self || exit == other).unwrap_or(Self::Internal)
    }
}

/// A number that is not one of these codes is an internal error.
impl From<u8> for ExitCode {
    fn from(code: u8) -> Self {
        Self::RANKED.into_iter().find(|exit| exit.code() == code).unwrap_or(Self::Internal)
    }
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        code.code()
    }
}

#[cfg(test)]
mod tests;
