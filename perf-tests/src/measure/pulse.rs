//! A worker's signs of life. The supervisor reads them far more often than snapshots, and without
//! waiting for the worker.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::plan::nanos;

/// Counts of one worker. Only that worker writes them. They have a cache line of their own, so that
/// workers do not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Pulse {
    /// Requests that have ended.
    ended: AtomicU64,
    /// Requests of closed loads that have ended.
    ended_of_closed: AtomicU64,
    /// Requests in flight to endpoints with an objective on latency.
    waiting: AtomicU64,
    /// Active virtual users of closed loads.
    vus: AtomicU64,
    /// When the worker last ran, in nanoseconds from the start of the load.
    beat: AtomicU64,
}

/// The sum of the pulses of all workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PulseSum {
    /// Requests that have ended.
    pub(crate) ended: u64,
    /// Requests of closed loads that have ended.
    pub(crate) ended_of_closed: u64,
    /// Requests in flight to endpoints with an objective on latency.
    pub(crate) waiting: u64,
    /// Active virtual users of closed loads.
    pub(crate) vus: u64,
    /// When the worker that ran longest ago last ran, from the start of the load.
    pub(crate) beat: Duration,
}

impl Pulse {
    pub(super) fn request_began(&self, is_timed: bool) {
        add(&self.waiting, u64::from(is_timed));
    }

    pub(super) fn request_ended(&self, is_timed: bool, is_closed: bool) {
        add(&self.ended, 1);
        add(&self.ended_of_closed, u64::from(is_closed));
        self.waiting.store(self.waiting.load(Relaxed).saturating_sub(u64::from(is_timed)), Relaxed);
    }

    pub(super) fn vu_active(&self, active: bool) {
        let vus = self.vus.load(Relaxed);
        self.vus.store(if active { vus + 1 } else { vus.saturating_sub(1) }, Relaxed);
    }

    /// Records that the worker ran at `elapsed` from the start of the load.
    pub(crate) fn beat(&self, elapsed: Duration) {
        self.beat.store(nanos(elapsed), Relaxed);
    }

    /// The sum of all workers' pulses.
    pub(crate) fn sum<'a>(pulses: impl IntoIterator<Item = &'a Self>) -> PulseSum {
        let mut sum = PulseSum { beat: Duration::MAX, ..PulseSum::default() };
        for pulse in pulses {
            sum.ended += pulse.ended.load(Relaxed);
            sum.ended_of_closed += pulse.ended_of_closed.load(Relaxed);
            sum.waiting += pulse.waiting.load(Relaxed);
            sum.vus += pulse.vus.load(Relaxed);
            sum.beat = sum.beat.min(Duration::from_nanos(pulse.beat.load(Relaxed)));
        }
        sum
    }
}

/// Adds without an atomic operation, since there is only one writer.
fn add(to: &AtomicU64, more: u64) {
    to.store(to.load(Relaxed) + more, Relaxed);
}
