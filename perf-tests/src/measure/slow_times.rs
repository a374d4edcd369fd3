//! Times of slow requests in segments that an objective judges. They show in which segments virtual
//! users waited while the target stalled.

use std::time::Duration;

use perf_report::evidence::Layout;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::sample::SampleKey;

/// No stall is shorter. Anything shorter may be the machine's.
pub(crate) const SHORTEST_STALL: Duration = Duration::from_millis(200);
/// If a worker or the supervisor has not run for longer than this, the generator stood still.
/// Nothing that happened meanwhile is blamed on the target.
pub(crate) const STANDSTILL: Duration = Duration::from_millis(250);
/// Limit on times that are kept apart. Further ones extend the last one of their segment.
const MOST: usize = 1_000;

/// The longest time in which a worker did not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pause {
    /// Its beginning, from the start of the load.
    pub(crate) from: Duration,
    pub(crate) length: Duration,
    /// The number of the agent, if agents make the load.
    pub(crate) agent: Option<u32>,
    /// The sum of all times over [`STANDSTILL`] in which a worker did not run, of the worker that
    /// ran least.
    pub(crate) total: Duration,
}

impl Pause {
    pub(crate) fn longer(self, other: Self) -> Self {
        let longer = if other.length > self.length { other } else { self };
        Self { total: self.total.max(other.total), ..longer }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlowPlace {
    pub(crate) part: usize,
    /// Index of the endpoint in the catalogue.
    pub(crate) endpoint: usize,
    /// Index of the segment among those that an objective judges.
    pub(crate) segment: usize,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct SlowTimes(Vec<(SlowPlace, Instant, Instant)>);

impl SlowTimes {
    /// Adds a request that lasted `from` one time `to` another, if it is slow.
    pub(super) fn add(&mut self, layout: &Layout, at: &SampleKey, from: Instant, to: Instant) {
        if layout.judged_segments() == 0 {
            return;
        }
        if to.duration_since(from) <= layout.threshold(at.endpoint).unwrap_or_default().max(SHORTEST_STALL) {
            return;
        }
        for segment in layout.judged_among(&at.segments) {
            let place = SlowPlace { part: at.part, endpoint: at.endpoint, segment };
            let is_full = self.0.len() >= MOST;
            match self.0.iter_mut().rev().find(|(known, ..)| *known == place) {
                Some((_, begin, end)) if from <= *end || is_full => (*begin, *end) = (from.min(*begin), to.max(*end)),
                _ => self.0.push((place, from, to)),
            }
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Segments in which requests of a part to an endpoint were slow between two times.
    pub(crate) fn segments(&self, part: usize, endpoint: usize, from: Instant, to: Instant) -> Vec<usize> {
        let overlaps = |(place, begin, end): &&(SlowPlace, Instant, Instant)| {
            (place.part, place.endpoint) == (part, endpoint) && *begin < to && *end > from
        };
        let mut segments: Vec<_> = self.0.iter().filter(overlaps).map(|(place, ..)| place.segment).collect();
        segments.sort_unstable();
        segments.dedup();
        segments
    }
}
