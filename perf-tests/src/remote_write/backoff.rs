//! How long a store is left alone after it has failed: longer each time, never exactly as long as another sender waits, and as long as it asks
//! for. The bounds are those of Prometheus' own sender.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock;

const FIRST: Duration = Duration::from_millis(30);
const MOST: Duration = Duration::from_secs(5);
/// Longer than this we do not wait, whatever we are asked for.
const MOST_ASKED: Duration = Duration::from_secs(60);

/// Since when a store has failed, and when it is tried again.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// How often in a row it has failed.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// When it is to be tried again; none if it has not failed.
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }

    pub(super) fn is_over(&self) -> bool {
        self.until.is_none_or(|until| clock::now() >= until)
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    pub(super) fn failed(&mut self, asked: Option<Duration>) {
        let pause = asked.unwrap_or_default().min(MOST_ASKED).max(pause(self.failures, rand::random()));
        self.failures += 1;
        self.until = Some(clock::now() + pause);
    }
}

/// After so many failures; between half and all of what doubling comes to.
fn pause(failures: u32, chance: f64) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(failures)).min(MOST);
    doubled.mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_bound_and_are_never_all_alike() {
        let least = |failures| pause(failures, 0.0).as_millis();
        assert_eq!([0, 1, 2, 7, 8, 40].map(least), [15, 30, 60, 1_920, 2_500, 2_500]);
        assert_eq!(pause(40, 1.0), MOST);
        let chances: Vec<_> = (0..20).map(|_| rand::random::<f64>()).collect();
        assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)), "{chances:?}");
        assert!(chances.windows(2).any(|pair| pair[0] < pair[1]) && chances.windows(2).any(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn what_a_store_asks_for_is_heard_within_bounds() {
        let mut backoff = Backoff::default();
        for (asked, least, most) in [(2, 2, 3), (7_200, 60, 61)] {
            backoff.failed(Some(Duration::from_secs(asked)));
            let left = backoff.until().unwrap() - clock::now();
            assert!(left > Duration::from_secs(least - 1) && left < Duration::from_secs(most), "{left:?}");
        }
        assert!(!backoff.is_over());
        backoff.succeeded();
        assert!(backoff.is_over() && backoff.failures() == 0);
    }
}
