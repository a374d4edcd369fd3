//! Watches for a target that takes requests and answers none.

use std::time::Duration;

use crate::measure::Snapshot;

/// The longest time in which requests were under way and none came to its end. In a closed load that costs few samples: every
/// virtual user waits with one, and percentiles stay as they were.
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
