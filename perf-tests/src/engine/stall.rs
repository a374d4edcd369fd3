//! Detects a target that accepts requests and finishes none.

use std::time::Duration;

use crate::measure::Snapshot;

/// The longest time with requests under way in which no request finished. In a closed load a stall
/// leaves few samples: each virtual user waits with one request, so percentiles hardly change.
#[derive(Debug, Default)]
pub(super) struct StallWatch {
    since: Duration,
    finished: u64,
    longest: Duration,
}

impl StallWatch {
    pub(super) fn notice(&mut self, elapsed: Duration, snapshot: &Snapshot) {
        let mut all = snapshot.requests();
        all.add(snapshot.around);
        if all.sent != self.finished || snapshot.in_flight == 0 {
            (self.finished, self.since) = (all.sent, elapsed);
        }
        self.longest = self.longest.max(elapsed.saturating_sub(self.since));
    }

    pub(super) const fn longest(&self) -> Duration {
        self.longest
    }
}
