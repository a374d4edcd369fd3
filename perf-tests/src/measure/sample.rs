//! One request, as it is measured.

use std::time::Duration;

use tokio::time::Instant;

/// A request that was made, or tried.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// The status code, if an answer came.
    pub status: Option<u16>,
    /// Whether it failed, and how.
    pub failure: Option<Failure>,
    /// When it was to start. In a closed model that is when it did: the VU had to be free.
    pub due: Instant,
    /// When it started.
    pub started: Instant,
    /// When its last byte was there, or it failed.
    pub finished: Instant,
    /// The part of that which went into making a connection: finding the address, connecting, TLS.
    pub connecting: Duration,
}

impl Sample {
    /// Sending, waiting and receiving: k6's `http_req_duration`. Making a connection is not in it.
    pub fn duration(&self) -> Duration {
        self.finished.duration_since(self.started).saturating_sub(self.connecting)
    }
}

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// No connection could be made.
    Connect,
    /// No answer in time.
    Timeout,
    /// The connection broke, or what came was not HTTP.
    Transport,
    /// An answer with a status outside 200-299. k6 lets 300-399 pass, since it follows redirects; we do not.
    Status,
    /// A future that is not an HTTP request and gave an error.
    Other,
}

impl Failure {
    /// The failure's name in the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
            Self::Status => "status",
            Self::Other => "other",
        }
    }
}
