//! Times of slow requests. In segments that an objective judges, they show in which ones virtual
//! users waited while the target stalled.

use std::time::Duration;

use perf_report::evidence::Layout;
use tokio::time::Instant;

use super::longest_requests::{LongRequest, LongestRequests};
use super::sample::SampleKey;

/// Lower limit of a stall. The generator may cause shorter waits.
pub(crate) const SHORTEST_STALL: Duration = Duration::from_millis(200);
/// Limit on times that are kept apart. Further ones extend the last one of their segment.
const MOST: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlowPlace {
    pub(crate) part: usize,
    /// Index of the endpoint in the catalogue.
    pub(crate) endpoint: usize,
    /// Index of the segment among those that an objective judges.
    pub(crate) segment: usize,
}

/// A time in which requests were slow.
#[derive(Debug, Clone)]
struct SlowTime {
    place: SlowPlace,
    from: Instant,
    to: Instant,
}

/// The time of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestTime {
    pub(super) from: Instant,
    pub(super) to: Instant,
    /// Whether the worker did not run meanwhile, so that the target may have been faster.
    pub(super) paused: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct SlowTimes {
    in_segments: Vec<SlowTime>,
    longest: LongestRequests,
}

impl SlowTimes {
    /// Adds a request, if it is slow.
    pub(super) fn add(&mut self, layout: &Layout, at: &SampleKey, time: RequestTime) {
        let RequestTime { from, to, paused } = time;
        if to.duration_since(from) <= layout.threshold(at.endpoint).unwrap_or_default().max(SHORTEST_STALL) {
            return;
        }
        if !paused {
            self.longest.add(LongRequest { part: at.part, endpoint: at.endpoint, from, to, count: 1 });
        }
        for segment in layout.judged_among(&at.segments) {
            let place = SlowPlace { part: at.part, endpoint: at.endpoint, segment };
            let is_full = self.in_segments.len() >= MOST;
            match self.in_segments.iter_mut().rev().find(|slow| slow.place == place) {
                Some(slow) if from <= slow.to || is_full => {
                    slow.from = from.min(slow.from);
                    slow.to = to.max(slow.to);
                }
                _ => self.in_segments.push(SlowTime { place, from, to }),
            }
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.in_segments.extend(other.in_segments);
        self.longest.extend(other.longest);
    }

    pub(crate) const fn longest(&self) -> &LongestRequests {
        &self.longest
    }

    /// Segments in which requests of a part to an endpoint were slow between two times.
    pub(crate) fn segments(&self, part: usize, endpoint: usize, from: Instant, to: Instant) -> Vec<usize> {
        let overlaps = |slow: &&SlowTime| {
            (slow.place.part, slow.place.endpoint) == (part, endpoint) && slow.from < to && slow.to > from
        };
        let mut segments: Vec<_> = self.in_segments.iter().filter(overlaps).map(|slow| slow.place.segment).collect();
        segments.sort_unstable();
        segments.dedup();
        segments
    }
}
