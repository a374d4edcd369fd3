//! How a request failed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No connection could be made: refused, unreachable, no such name.
    Refused,
    /// The connection broke, or was closed before the whole response was there.
    Reset,
    /// No whole response in time.
    Timeout,
    /// No agreement on encryption, or the wrong certificate.
    Tls,
    /// What came was not the HTTP that it should have been, or too much of it.
    Protocol,
    /// A response with a status outside 200-299. k6 lets 300-399 pass, since it follows redirects.
    Status,
    /// A response that a check of the scenario found wrong.
    Check,
    /// A future that is not an HTTP request and gave an error. Of an HTTP request: the generator's own, which is not recorded.
    #[serde(other)]
    Other,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: [Self; 8] =
        [Self::Refused, Self::Reset, Self::Timeout, Self::Tls, Self::Protocol, Self::Status, Self::Check, Self::Other];

    /// The kind's name in the report and in the label `kind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Status => "status",
            Self::Check => "check",
            Self::Other => "other",
        }
    }
}
