//! Spans of a request's time that an objective can limit.

use crate::excuse::Excuse;

/// A span of a request's time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Sending, waiting and receiving.
    Latency,
    /// From when the request was due to its end, so it includes waiting for a free VU or a
    /// connection. Only open loads have it.
    ResponseTime,
    /// DNS look-up, TCP connect and TLS handshake. Only requests that open a connection have it.
    Connecting,
    /// From the start of the request to its end: waiting for a connection, connecting, sending,
    /// waiting and receiving.
    WithConnecting,
    /// Sending and waiting: to the first byte of the response, without connecting.
    FirstByte,
}

impl Span {
    /// Ending of the histogram's name: `<endpoint>_connecting`.
    pub(crate) const fn metric_suffix(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::ResponseTime => "response_time",
            Self::Connecting => "connecting",
            Self::WithConnecting => "with_connecting",
            Self::FirstByte => "first_byte",
        }
    }

    /// Part of the names of rules and alerts. Empty for latency.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Latency => "",
            Self::ResponseTime => "response",
            Self::Connecting => "connecting",
            Self::WithConnecting => "with_connecting",
            Self::FirstByte => "first_byte",
        }
    }

    /// Words before the percentile in texts: "first byte " in "first byte p95"; empty for latency.
    pub fn prefix(self) -> String {
        match self.name() {
            "" => String::new(),
            name => name.replace('_', " ") + " ",
        }
    }

    /// Whether the span is recorded only for endpoints that have an objective on it.
    pub const fn is_on_demand(self) -> bool {
        matches!(self, Self::Connecting | Self::WithConnecting | Self::FirstByte)
    }

    /// Reason why a good run may have no value of the span in a query's window.
    pub const fn excuse(self) -> Option<Excuse> {
        match self {
            Self::ResponseTime => Some(Excuse::NoResponseTimes),
            Self::Connecting => Some(Excuse::ReusedConnections),
            Self::Latency | Self::WithConnecting | Self::FirstByte => None,
        }
    }
}
