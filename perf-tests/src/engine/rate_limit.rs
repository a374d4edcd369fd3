//! The limit on requests per second, k6's `rps`.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{self, Instant};

use crate::clock;

#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    interval: Option<Duration>,
    next: RefCell<Option<Instant>>,
}

/// Longest delay behind the limit that requests may still catch up.
const MAX_CATCH_UP: Duration = Duration::from_millis(10);

impl RateLimit {
    /// One worker's even share of `rps`. There is no limit without `rps`.
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
        // A request that was woken late catches up, since timers are that coarse.
        let slot = self.next.borrow().map_or(now, |next| next.max(now.checked_sub(MAX_CATCH_UP).unwrap_or(now)));
        *self.next.borrow_mut() = Some(slot + interval);
        if slot > now {
            time::sleep_until(slot).await;
        }
    }
}

#[cfg(test)]
mod tests;
