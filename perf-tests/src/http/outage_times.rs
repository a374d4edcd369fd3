//! The times in which hosts accepted no connections, of all hosts, workers and agents together.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limit on the number of times. Beyond it, the two with the shortest time between them are joined.
const MOST_TIMES: usize = 1_000;

/// Times in which a host accepted no connections. A time in which several hosts were down, or which
/// several workers noticed, counts once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutageTimes {
    /// Start and end of each, from the start of the run. They are sorted and do not overlap.
    times: Vec<(Duration, Duration)>,
    /// Whether the last one lasted until the end of the load.
    pub(crate) is_ongoing: bool,
    /// Whether a host accepted connections in one of them, and closed each without a response.
    #[serde(default)]
    pub(crate) has_closed: bool,
    /// Whether a host accepted no connection in one of them.
    #[serde(default)]
    pub(crate) has_refused: bool,
}

impl OutageTimes {
    /// One time. The host either accepted no connection, or closed each without a response.
    pub(super) fn new(start: Duration, end: Duration, is_ongoing: bool, is_closed: bool) -> Self {
        Self { times: vec![(start, end)], is_ongoing, has_closed: is_closed, has_refused: !is_closed }
    }

    /// The same times, all later by `time`.
    pub(super) fn later_by(mut self, time: Duration) -> Self {
        self.times.iter_mut().for_each(|(start, end)| (*start, *end) = (*start + time, *end + time));
        self
    }

    /// Whether it has no more times than this program keeps.
    pub(crate) fn is_bounded(&self) -> bool {
        self.times.len() <= MOST_TIMES
    }

    /// The start of the first one; `None` if there were none.
    pub(crate) fn first(&self) -> Option<Duration> {
        self.times.first().map(|(start, _)| *start)
    }

    /// The time in which at least one host was down.
    pub(crate) fn total(&self) -> Duration {
        self.times.iter().map(|(start, end)| end.saturating_sub(*start)).fold(Duration::ZERO, Duration::saturating_add)
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.is_ongoing |= other.is_ongoing;
        self.has_closed |= other.has_closed;
        self.has_refused |= other.has_refused;
        self.times.extend(other.times);
        self.times.sort_unstable();
        // Overlapping times become one.
        self.times.dedup_by(|next, known| {
            let overlaps = next.0 <= known.1;
            known.1 = if overlaps { known.1.max(next.1) } else { known.1 };
            overlaps
        });
        while self.times.len() > MOST_TIMES {
            let gap = |at: &usize| self.times[at + 1].0.saturating_sub(self.times[*at].1);
            let Some(at) = (0..MOST_TIMES).min_by_key(gap) else { break };
            self.times[at].1 = self.times.remove(at + 1).1;
        }
    }
}

#[cfg(test)]
mod tests;
