//! A worker's signs of life. The supervisor reads them far more often than snapshots, and without
//! waiting for the worker.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use perf_report::evidence::Snapshot;

use crate::plan::nanos;

/// Counts of one worker. Only that worker writes them. They have cache lines of their own, so that
/// workers do not slow each other down.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Pulse {
    /// Number of endpoints of each part.
    endpoints: usize,
    /// Requests of each endpoint of each part, and after those of a part its unjudged ones.
    lanes: Box<[LaneCounters]>,
    /// Active virtual users of each part.
    vus: Box<[AtomicU64]>,
    /// When the worker last ran, in nanoseconds from the start of the load.
    beat: AtomicU64,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct LaneCounters {
    ended: AtomicU64,
    waiting: AtomicU64,
}

/// Requests of one part to one endpoint, or its unjudged requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LaneSum {
    pub(crate) ended: u64,
    pub(crate) waiting: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PulseSum {
    /// Requests of the first part to each endpoint, then its unjudged ones, then those of the
    /// second part, and so on.
    pub(crate) lanes: Vec<LaneSum>,
    pub(crate) vus: Vec<u64>,
    /// When the worker that ran longest ago last ran, from the start of the load.
    pub(crate) beat: Duration,
}

impl Pulse {
    /// The pulse of a worker that has not begun, with a place for each endpoint of the snapshot.
    pub(crate) fn new(empty: &Snapshot) -> Self {
        let endpoints = empty.parts.iter().map(|part| part.most_per_iteration.len()).max().unwrap_or_default();
        Self {
            endpoints,
            lanes: (0..(endpoints + 1) * empty.parts.len()).map(|_| LaneCounters::default()).collect(),
            vus: empty.parts.iter().map(|_| AtomicU64::default()).collect(),
            beat: AtomicU64::default(),
        }
    }

    fn lane(&self, part: usize, endpoint: Option<usize>) -> Option<&LaneCounters> {
        self.lanes.get(part * (self.endpoints + 1) + endpoint.unwrap_or(self.endpoints))
    }

    pub(super) fn request_began(&self, part: usize, endpoint: Option<usize>) {
        if let Some(lane) = self.lane(part, endpoint) {
            store(&lane.waiting, |waiting| waiting + 1);
        }
    }

    pub(super) fn request_ended(&self, part: usize, endpoint: Option<usize>) {
        if let Some(lane) = self.lane(part, endpoint) {
            store(&lane.ended, |ended| ended + 1);
            store(&lane.waiting, |waiting| waiting.saturating_sub(1));
        }
    }

    pub(super) fn vus_active(&self, part: usize, vus: u32) {
        if let Some(active) = self.vus.get(part) {
            active.store(vus.into(), Relaxed);
        }
    }

    /// Records that the worker ran at `elapsed` from the start of the load. Returns when it ran
    /// before.
    pub(super) fn beat(&self, elapsed: Duration) -> Duration {
        let before = self.beat.load(Relaxed);
        self.beat.store(nanos(elapsed), Relaxed);
        Duration::from_nanos(before)
    }
}

impl PulseSum {
    /// Replaces the sum by that of these pulses. It allocates only the first time.
    pub(crate) fn read<'a>(&mut self, pulses: impl IntoIterator<Item = &'a Pulse>) {
        self.lanes.fill(LaneSum::default());
        self.vus.fill(0);
        self.beat = Duration::MAX;
        for pulse in pulses {
            self.lanes.resize(pulse.lanes.len(), LaneSum::default());
            self.vus.resize(pulse.vus.len(), 0);
            for (sum, lane) in self.lanes.iter_mut().zip(&pulse.lanes) {
                sum.ended += lane.ended.load(Relaxed);
                sum.waiting += lane.waiting.load(Relaxed);
            }
            for (sum, vus) in self.vus.iter_mut().zip(&pulse.vus) {
                *sum += vus.load(Relaxed);
            }
            self.beat = self.beat.min(Duration::from_nanos(pulse.beat.load(Relaxed)));
        }
    }
}

/// Changes a count without an atomic operation, since there is only one writer.
fn store(count: &AtomicU64, change: impl FnOnce(u64) -> u64) {
    count.store(change(count.load(Relaxed)), Relaxed);
}
