//! Pauses between attempts after a store has failed. A pause doubles with each failure, is random
//! within bounds so that senders do not retry in step, and is at least the `Retry-After` of the
//! store. The bounds are those of Prometheus' own sender.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock;

const INITIAL: Duration = Duration::from_millis(30);
const MAX: Duration = Duration::from_secs(5);
/// Longest `Retry-After` that is respected.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The number of failures in a row, and the time of the next attempt.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// Number of failures in a row.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// The time of the next attempt; `None` if the last attempt succeeded.
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }

    pub(super) fn is_over(&self) -> bool {
        self.until.is_none_or(|until| clock::now() >= until)
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    pub(super) fn failed(&mut self, retry_after: Option<Duration>) {
        let pause = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER).max(pause(self.failures, rand::random()));
        self.failures += 1;
        self.until = Some(clock::now() + pause);
    }
}

/// The pause after this many failures. It doubles each time, up to a limit, and is 50-100 % of
/// that. `chance` is from 0 to 1.
fn pause(failures: u32, chance: f64) -> Duration {
    let doubled = INITIAL.saturating_mul(2_u32.saturating_pow(failures)).min(MAX);
    doubled.mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit_and_are_random() {
        let least = |failures| pause(failures, 0.0).as_millis();
        assert_eq!([0, 1, 2, 7, 8, 40].map(least), [15, 30, 60, 1_920, 2_500, 2_500]);
        assert_eq!(pause(40, 1.0), MAX);
        let chances: Vec<_> = (0..20).map(|_| rand::random::<f64>()).collect();
        assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)), "{chances:?}");
        assert!(chances.windows(2).any(|pair| pair[0] < pair[1]) && chances.windows(2).any(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn retry_after_is_respected_within_bounds() {
        let mut backoff = Backoff::default();
        for (seconds, least, most) in [(2, 2, 3), (7_200, 60, 61)] {
            backoff.failed(Some(Duration::from_secs(seconds)));
            let left = backoff.until().unwrap() - clock::now();
            assert!(left > Duration::from_secs(least - 1) && left < Duration::from_secs(most), "{left:?}");
        }
        assert!(!backoff.is_over());
        backoff.succeeded();
        assert!(backoff.is_over() && backoff.failures() == 0);
    }
}
