//! Waits until an arrival is due.
//!
//! A sleep and a wake-up cost more processor time than a request, so by default arrivals go out on a grid: at most half a
//! millisecond late, several at once. tokio's own timer is in whole milliseconds; on Linux the kernel's timerfd is used
//! instead, and elsewhere tokio's is what there is.

use std::time::Duration;

use tokio::time::{self, Instant};

/// How far apart wake-ups are, unless arrivals are to be exact.
const GRID: Duration = Duration::from_micros(400);

/// How arrivals are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WakeupMode {
    /// At the next point of the grid.
    Grid,
    /// When they are due, with a wake-up each.
    Exact,
    /// By tokio's timer: the one that tests can turn.
    Runtime,
}

/// Waits for one arrival after another.
pub(super) struct ArrivalTimer {
    epoch: Instant,
    grid: Duration,
    timer: Timer,
}

impl ArrivalTimer {
    pub(super) fn new(wakeup: WakeupMode, epoch: Instant) -> Self {
        let grid = if wakeup == WakeupMode::Grid { GRID } else { Duration::ZERO };
        let timer = if wakeup == WakeupMode::Runtime { Timer::runtime() } else { Timer::new() };
        Self { epoch, grid, timer }
    }

    /// Waits until then, or a moment longer.
    pub(super) async fn until(&self, due: Instant) {
        self.timer.until(self.on_grid(due)).await;
    }

    fn on_grid(&self, due: Instant) -> Instant {
        if self.grid.is_zero() {
            return due;
        }
        let (elapsed, grid) = (due.saturating_duration_since(self.epoch).as_nanos(), self.grid.as_nanos());
        let next = u64::try_from(elapsed.div_ceil(grid) * grid).unwrap_or(u64::MAX);
        self.epoch + Duration::from_nanos(next)
    }
}

#[cfg(target_os = "linux")]
use linux::Timer;

#[cfg(target_os = "linux")]
mod linux {
    //! The kernel's own timer, as a file that becomes readable.

    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::{Instant, time};
    use crate::clock;

    /// None where the kernel has no such timer to give: then tokio's must do.
    pub(super) struct Timer(Option<AsyncFd<OwnedFd>>);

    impl Timer {
        pub(super) const fn runtime() -> Self {
            Self(None)
        }

        #[expect(
            deprecated,
            reason = "what takes its place asks for a promise, by unsafe, that an owned descriptor keeps by itself"
        )]
        pub(super) fn new() -> Self {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags).ok();
            Self(timer.and_then(|timer| AsyncFd::with_interest(timer, Interest::READABLE).ok()))
        }

        pub(super) async fn until(&self, due: Instant) {
            let Some(timer) = &self.0 else { return time::sleep_until(due).await };
            loop {
                let left = due.saturating_duration_since(clock::now());
                if left.is_zero() {
                    return;
                }
                let never = Timespec { tv_sec: 0, tv_nsec: 0 };
                let left = Timespec {
                    tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                    tv_nsec: left.subsec_nanos().into(),
                };
                let once = Itimerspec { it_interval: never, it_value: left };
                if timerfd_settime(timer, TimerfdTimerFlags::empty(), &once).is_err() {
                    return time::sleep_until(due).await;
                }
                // tokio watches for the change to readable, and setting the timer again makes it unreadable: so there is
                // no need to read it, which would be another system call.
                match timer.readable().await {
                    Ok(mut ready) => ready.clear_ready(),
                    Err(_) => return time::sleep_until(due).await,
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
struct Timer;

#[cfg(not(target_os = "linux"))]
impl Timer {
    const fn runtime() -> Self {
        Self
    }

    const fn new() -> Self {
        Self
    }

    async fn until(&self, due: Instant) {
        time::sleep_until(due).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[tokio::test]
    async fn nobody_is_woken_before_it_is_due() {
        let epoch = clock::now();
        for wakeup in [WakeupMode::Grid, WakeupMode::Exact, WakeupMode::Runtime] {
            let timer = ArrivalTimer::new(wakeup, epoch);
            for micros in [0, 100, 2_300, 2_300, 9_999] {
                let due = clock::now() + Duration::from_micros(micros);
                timer.until(due).await;
                assert!(clock::now() >= due, "{wakeup:?}");
            }
        }
    }

    #[tokio::test]
    async fn the_grid_is_reached_at_or_after() {
        let epoch = clock::now();
        let timer = ArrivalTimer::new(WakeupMode::Grid, epoch);
        let at = |micros| timer.on_grid(epoch + Duration::from_micros(micros)).duration_since(epoch).as_micros();
        assert_eq!([at(0), at(1), at(400), at(401)], [0, 400, 400, 800]);
    }
}
