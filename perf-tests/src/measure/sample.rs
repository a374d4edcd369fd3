//! The measurement of one request, and the cell in which it is counted.

use std::time::Duration;

use monitoring::metric::RequestPart;
use monitoring::phase::Phase;
use monitoring::span::Span;
use tokio::time::Instant;

use crate::plan::nanos;

pub use perf_report::FailureKind as Failure;
pub use perf_report::evidence::Segments;

/// The measurement of one request, successful or not.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// The status code, if there was a response.
    pub status: Option<u16>,
    /// Whether it failed, and how.
    pub failure: Option<Failure>,
    /// When it was due. In a closed load, this is the same as `started`.
    pub due: Instant,
    /// When it started.
    pub started: Instant,
    /// When its last byte was read, or when it failed.
    pub finished: Instant,
    /// The parts of its time.
    pub parts: DurationParts,
}

impl Sample {
    /// Sending, waiting and receiving, without connecting: k6's `http_req_duration`.
    pub fn duration(&self) -> Duration {
        self.finished.duration_since(self.started).saturating_sub(self.parts.before_sending())
    }

    /// A span of its time. `None` if it did not connect and the span is connecting.
    pub fn span(&self, span: Span) -> Option<Duration> {
        match span {
            Span::Latency => Some(self.duration()),
            Span::ResponseTime => Some(self.response_time()),
            Span::Connecting => Some(self.parts.connecting()).filter(|time| !time.is_zero()),
            Span::WithConnecting => Some(self.finished.duration_since(self.started)),
            Span::FirstByte => Some(self.duration().saturating_sub(self.parts.get(RequestPart::Receiving))),
        }
    }

    pub(super) fn is_http(&self) -> bool {
        self.status.is_some() || self.failure.is_some_and(|failure| failure != Failure::Other)
    }

    /// The time from when it was due to when it finished.
    pub fn response_time(&self) -> Duration {
        self.finished.duration_since(self.due)
    }
}

/// The cell in which a request is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleKey {
    /// Index of the part that made it.
    pub part: usize,
    /// Index of its endpoint in the catalogue.
    pub endpoint: usize,
    /// Phase of the load in which it was due.
    pub phase: Phase,
    /// Whether its iteration began late.
    pub late: bool,
    /// Segments and tags that the scenario has set.
    pub segments: Segments,
}

/// The parts of a request's time, in nanoseconds. They take half the memory of durations, and every
/// request in flight has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DurationParts([u64; RequestPart::ALL.len()]);

impl DurationParts {
    /// Sets the time of a part.
    pub fn set(&mut self, part: RequestPart, time: Duration) {
        self.0[part as usize] = nanos(time);
    }

    /// The time of a part.
    pub const fn get(&self, part: RequestPart) -> Duration {
        Duration::from_nanos(self.0[part as usize])
    }

    /// DNS look-up, TCP connect and TLS handshake. Zero on a reused connection.
    pub fn connecting(&self) -> Duration {
        self.sum([RequestPart::LookingUp, RequestPart::Connecting, RequestPart::TlsHandshaking])
    }

    /// The time before sending: blocked, looking up, connecting and the TLS handshake.
    pub(crate) fn before_sending(&self) -> Duration {
        use RequestPart::{Blocked, Connecting, LookingUp, TlsHandshaking};
        self.sum([Blocked, LookingUp, Connecting, TlsHandshaking])
    }

    /// Added as numbers, which costs a tenth of adding durations.
    fn sum<const N: usize>(&self, parts: [RequestPart; N]) -> Duration {
        Duration::from_nanos(parts.iter().map(|part| self.0[*part as usize]).sum())
    }
}

#[cfg(test)]
mod tests;
