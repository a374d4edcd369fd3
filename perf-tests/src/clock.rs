//! The clocks, read here and nowhere else.

use std::time::{Duration, SystemTime};

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

/// The time of day when a run began, and how long ago that was: a time of day that nobody sets forward or back meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epoch {
    wall: SystemTime,
    began: Instant,
    slept: Duration,
}

impl Epoch {
    /// From now on.
    pub(crate) fn begin() -> Self {
        Self { wall: wall(), began: now(), slept: slept() }
    }

    /// The time of day.
    pub(crate) fn wall(&self) -> SystemTime {
        self.wall + (now() - self.began)
    }

    /// For how long the machine has slept since, which no clock of ours counts.
    pub(crate) fn slept(&self) -> Duration {
        slept().saturating_sub(self.slept)
    }
}

/// For how long the machine has slept since it was started.
#[cfg(target_os = "linux")]
fn slept() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    // Asked one after the other, and so off by less than what anybody calls sleep.
    let [with, without] = [ClockId::Boottime, ClockId::Monotonic].map(|clock| {
        let time = clock_gettime(clock);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    });
    with.saturating_sub(without)
}

/// Elsewhere it is not known.
#[cfg(not(target_os = "linux"))]
const fn slept() -> Duration {
    Duration::ZERO
}

/// A time of day in milliseconds since 1970, as Prometheus wants it.
pub(crate) fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_awake_has_not_slept() {
        assert!(Epoch::begin().slept() < Duration::from_millis(100));
        let slept = Epoch { slept: Duration::ZERO, ..Epoch::begin() };
        assert_eq!(slept.slept().as_secs(), super::slept().as_secs());
    }
}
