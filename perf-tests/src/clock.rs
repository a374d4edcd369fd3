//! The clocks, read here and nowhere else.

use std::time::SystemTime;

use tokio::time::Instant;

/// A clock that only goes forward: what durations are measured by. Under a paused runtime it is virtual.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The time of day, for names and for the timestamps of pushed samples.
#[expect(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// A time of day in milliseconds since 1970, as Prometheus wants it.
pub(crate) fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
