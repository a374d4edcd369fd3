//! The clock of this machine, read here and nowhere else in this crate, and times as Prometheus has them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment, Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    #[expect(clippy::disallowed_methods, reason = "the one place")]
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// How long ago it was.
    pub(crate) fn elapsed(self) -> Duration {
        Duration::from_millis(u64::try_from(Self::now().0 - self.0).unwrap_or(0))
    }

    /// As the standard library has it.
    pub(crate) fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }

    /// Seconds since 1970, as Prometheus has it.
    #[expect(clippy::cast_precision_loss, reason = "seconds have digits enough")]
    pub(crate) fn seconds(self) -> f64 {
        self.0 as f64 / 1e3
    }
}
