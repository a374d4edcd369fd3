//! Kinds of failed requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Kind of failure of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No connection: refused, unreachable, or an unknown host name.
    Refused,
    /// The proxy of the load failed. The target is not the cause.
    Proxy,
    /// The connection broke, or was closed before the response was complete.
    Reset,
    /// The server closed a reused connection without a response, and the request's method is not
    /// idempotent. An idempotent request is sent once more.
    Unanswered,
    /// The response was not complete in time.
    Timeout,
    /// TLS handshake failed, or the certificate is wrong.
    Tls,
    /// The response was not valid HTTP, or exceeded a limit.
    Protocol,
    /// Response with a status that is not expected, by default one outside 200-299. k6
    /// accepts 300-399, because it follows redirects.
    Status,
    /// Response that did not pass a check of the scenario.
    Check,
    /// Error of a future that is not an HTTP request. For an HTTP request it is an error of the
    /// generator, which is not recorded.
    #[serde(other)]
    Other,
}

impl FailureKind {
    /// All kinds, in the order of tables.
    pub const ALL: [Self; 10] = [
        Self::Refused,
        Self::Proxy,
        Self::Reset,
        Self::Unanswered,
        Self::Timeout,
        Self::Tls,
        Self::Protocol,
        Self::Status,
        Self::Check,
        Self::Other,
    ];

    /// Name in the report and in the label `kind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Proxy => "proxy",
            Self::Reset => "reset",
            Self::Unanswered => "unanswered",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Status => "status",
            Self::Check => "check",
            Self::Other => "other",
        }
    }
}
