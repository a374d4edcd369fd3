//! The limit on requests per second, k6's `rps`.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{self, Instant};

use crate::clock;

/// Requests per second of all of a worker's virtual users together.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    interval: Option<Duration>,
    next: RefCell<Option<Instant>>,
}

/// How far requests may be behind the limit and still make up for it.
const CATCHES_UP: Duration = Duration::from_millis(10);

impl RateLimit {
    /// Shared by all workers evenly; without `rps` there is no limit.
    pub(crate) fn new(rps: Option<u64>, workers: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let interval = rps.map(|rps| Duration::from_secs_f64(workers as f64 / rps as f64));
        Self { interval, next: RefCell::default() }
    }

    pub(super) const fn is_limited(&self) -> bool {
        self.interval.is_some()
    }

    pub(super) async fn wait(&self) {
        let Some(interval) = self.interval else { return };
        let now = clock::now();
        // Who was woken a moment late makes up for it, since timers are as coarse as that.
        let slot = self.next.borrow().map_or(now, |next| next.max(now.checked_sub(CATCHES_UP).unwrap_or(now)));
        *self.next.borrow_mut() = Some(slot + interval);
        if slot > now {
            time::sleep_until(slot).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Timers are a millisecond coarse, and a pace finer than that is kept all the same.
    #[tokio::test(start_paused = true)]
    async fn a_pace_lets_so_many_go_and_no_more() {
        for (rps, workers) in [(50, 1), (50, 2), (5_000, 1)] {
            let (limit, until) = (RateLimit::new(Some(rps), workers), clock::now() + Duration::from_secs(2));
            let mut gone = 0_u64;
            while clock::now() < until {
                limit.wait().await;
                gone += 1;
            }
            let wanted = 2 * rps / workers as u64;
            assert!(gone.abs_diff(wanted) <= 2 + wanted / 100, "{gone} of {wanted}");
        }
    }
}
