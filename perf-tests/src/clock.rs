//! The clocks of this crate. They are read only here.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The monotonic clock, which durations are measured with. It is virtual in a paused runtime.
#[expect(clippy::disallowed_methods, reason = "this crate's clocks are read here")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The time of day, for names and for the timestamps of pushed samples.
#[expect(clippy::disallowed_methods, reason = "this crate's clocks are read here")]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// The time of day at the start of a run, and the time since by the monotonic clock. The time of
/// day computed from both does not jump when somebody sets the system's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunClock {
    wall: SystemTime,
    began: Instant,
    slept: Duration,
}

impl RunClock {
    pub(crate) fn begin() -> Self {
        Self { wall: wall(), began: now(), slept: slept() }
    }

    /// The present time of day, by the monotonic clock since the start.
    pub(crate) fn time_of_day(&self) -> SystemTime {
        self.wall + (now() - self.began)
    }

    /// Time for which the machine was suspended since the start. The monotonic clock does not count
    /// it.
    pub(crate) fn slept(&self) -> Duration {
        slept().saturating_sub(self.slept)
    }
}

/// Time for which the machine was suspended since boot.
#[cfg(target_os = "linux")]
fn slept() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    // The two clocks are read one after the other. The error is far smaller than any suspension.
    let [with, without] = [ClockId::Boottime, ClockId::Monotonic].map(|clock| {
        let time = clock_gettime(clock);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    });
    with.saturating_sub(without)
}

/// Zero on systems other than Linux, where the time is not known.
#[cfg(not(target_os = "linux"))]
const fn slept() -> Duration {
    Duration::ZERO
}

/// A time of day in milliseconds since 1970, the unit of Prometheus' timestamps.
pub(crate) fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
