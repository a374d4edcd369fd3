//! Pauses between attempts after a store has failed. A pause doubles with each failure. It is
//! random within bounds, so that senders do not retry in step. It is at least the `Retry-After` of
//! the store. The bounds are those of Prometheus' own sender.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock;

const INITIAL: Duration = Duration::from_millis(30);
const MAX: Duration = Duration::from_secs(5);
/// Longest `Retry-After` that is respected.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    until: Option<Instant>,
    /// The end of the pause that the store asked for.
    asked_until: Option<Instant>,
}

impl Backoff {
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// The time of the next attempt; `None` if the last attempt succeeded.
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }

    /// The time of the next attempt, if the store has named it.
    pub(super) const fn asked_until(&self) -> Option<Instant> {
        self.asked_until
    }

    pub(super) fn is_over(&self) -> bool {
        self.until.is_none_or(|until| clock::now() >= until)
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    pub(super) fn failed(&mut self, retry_after: Option<Duration>) {
        let asked = retry_after.map(|asked| asked.min(MAX_RETRY_AFTER));
        let pause = asked.unwrap_or_default().max(pause(self.failures, rand::random()));
        self.failures += 1;
        let now = clock::now();
        self.until = Some(now + pause);
        self.asked_until = asked.map(|asked| now + asked);
    }
}

/// The pause after this many failures. It doubles each time, up to a limit, and is 50-100 % of
/// that. `chance` is from 0 to 1.
fn pause(failures: u32, chance: f64) -> Duration {
    let doubled = INITIAL.saturating_mul(2_u32.saturating_pow(failures)).min(MAX);
    doubled.mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests;
