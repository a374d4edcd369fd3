//! One request, as it is measured.

use std::time::Duration;

use monitoring::metric::Part;
use tokio::time::Instant;

use crate::plan::nanos;

pub use perf_report::FailureKind as Failure;

/// A request that was made, or tried.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// The status code, if an answer came.
    pub status: Option<u16>,
    /// Whether it failed, and how.
    pub failure: Option<Failure>,
    /// When it was to start. In a closed load that is when it did: the virtual user had to be free.
    pub due: Instant,
    /// When it started.
    pub started: Instant,
    /// When its last byte was there, or it failed.
    pub finished: Instant,
    /// What its time went into.
    pub parts: DurationParts,
}

impl Sample {
    /// Sending, waiting and receiving: k6's `http_req_duration`. Making a connection is not in it.
    pub fn duration(&self) -> Duration {
        self.finished.duration_since(self.started).saturating_sub(self.parts.before_sending())
    }

    /// From when it was due to when it was over.
    pub fn response_time(&self) -> Duration {
        self.finished.duration_since(self.due)
    }
}

/// What the time of a request went into, in nanoseconds: half as large as durations, and every request under way has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DurationParts([u64; Part::ALL.len()]);

impl DurationParts {
    /// Sets the time of a part.
    pub fn set(&mut self, part: Part, time: Duration) {
        self.0[part as usize] = nanos(time);
    }

    /// The time of a part.
    pub const fn get(&self, part: Part) -> Duration {
        Duration::from_nanos(self.0[part as usize])
    }

    /// What passed before there was a connection to send on.
    pub fn before_sending(&self) -> Duration {
        [Part::Blocked, Part::LookingUp, Part::Connecting, Part::TlsHandshaking].map(|part| self.get(part)).iter().sum()
    }
}
