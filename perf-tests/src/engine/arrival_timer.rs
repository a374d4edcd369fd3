//! Waits until an arrival is due.
//!
//! A sleep and a wake-up cost more processor time than a request. So by default arrivals start on a
//! grid: at most half a millisecond late, several at once. The resolution of tokio's own timer is
//! one millisecond. On Linux the kernel's timerfd is used instead; other systems use tokio's timer.

use std::time::Duration;

use tokio::time::{self, Instant};

/// The time between wake-ups, unless arrivals are exact.
const GRID: Duration = Duration::from_micros(400);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WakeupMode {
    /// Until the next point of the grid.
    Grid,
    /// Until the arrival is due, with one wake-up for each.
    Exact,
    /// By tokio's timer, which tests can control.
    Runtime,
}

impl WakeupMode {
    pub(crate) const fn new(exact: bool) -> Self {
        if exact { Self::Exact } else { Self::Grid }
    }
}

pub(super) struct ArrivalTimer {
    load_start: Instant,
    grid: Duration,
    timer: Timer,
}

impl ArrivalTimer {
    pub(super) fn new(wakeup: WakeupMode, load_start: Instant) -> Self {
        let grid = if wakeup == WakeupMode::Grid { GRID } else { Duration::ZERO };
        let timer = if wakeup == WakeupMode::Runtime { Timer::runtime() } else { Timer::new() };
        Self { load_start, grid, timer }
    }

    /// Waits until `due`, or slightly longer.
    pub(super) async fn until(&self, due: Instant) {
        self.timer.until(self.on_grid(due)).await;
    }

    fn on_grid(&self, due: Instant) -> Instant {
        if self.grid.is_zero() {
            return due;
        }
        let (elapsed, grid) = (due.saturating_duration_since(self.load_start).as_nanos(), self.grid.as_nanos());
        let next = u64::try_from(elapsed.div_ceil(grid) * grid).unwrap_or(u64::MAX);
        self.load_start + Duration::from_nanos(next)
    }
}

#[cfg(target_os = "linux")]
use linux::Timer;

#[cfg(target_os = "linux")]
mod linux {
    //! The kernel's timer, as a file that becomes readable.

    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::{Instant, time};
    use crate::clock;

    /// `None` if the kernel gives no such timer; then tokio's timer is used.
    pub(super) struct Timer(Option<AsyncFd<OwnedFd>>);

    impl Timer {
        pub(super) const fn runtime() -> Self {
            Self(None)
        }

        #[expect(
            deprecated,
            reason = "its replacement is unsafe, for a guarantee that an owned descriptor gives by itself"
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
                // tokio reports the change to readable. Setting the timer again makes the file
                // unreadable, so it need not be read, which would be another system call.
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
mod tests;
