//! The clock of this machine. This crate reads it only here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

/// A moment of a clock that never steps, for time limits.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn instant() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

impl Moment {
    #[expect(clippy::disallowed_methods, reason = "the one place")]
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// The time since then; zero for a moment in the future.
    pub(crate) fn elapsed(self) -> Duration {
        Duration::from_millis(u64::try_from(Self::now().0 - self.0).unwrap_or(0))
    }

    pub(crate) fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }

    /// Unix seconds, Prometheus' unit of time.
    #[expect(clippy::cast_precision_loss, reason = "f64 is exact to less than a millisecond here")]
    pub(crate) fn seconds(self) -> f64 {
        self.0 as f64 / 1e3
    }
}
