//! Folds samples into counts. Each worker has one, which nobody else touches: no locks, and nothing that grows with the
//! length of a run.

use std::sync::Arc;
use std::time::Duration;

use super::histogram::Buckets;
use super::sample::Sample;
use super::snapshot::{Snapshot, StatusCounts};

/// A worker's counts.
#[derive(Debug)]
pub struct Recorder {
    bounds: Arc<[Duration]>,
    counts: Snapshot,
}

/// How an iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IterationEnd {
    Completed,
    Failed,
    Interrupted,
}

impl Recorder {
    /// Nothing recorded yet, of so many endpoints.
    pub fn new(endpoints: usize, bounds: Arc<[Duration]>) -> Self {
        Self { counts: Snapshot::new(endpoints, &bounds), bounds }
    }

    /// Counts a request to the endpoint of that index in the catalogue.
    pub fn record(&mut self, endpoint: usize, sample: &Sample) {
        let duration = sample.duration();
        let counts = &mut self.counts.endpoints[endpoint];
        match sample.failure {
            None => counts.latency.record(duration),
            Some(failure) => {
                counts.latency.record_failed(duration);
                *counts.failures.entry(failure).or_default() += 1;
            }
        }
        let status = counts
            .by_status
            .entry(sample.status.unwrap_or(0))
            .or_insert_with(|| StatusCounts { durations: Buckets::new(self.bounds.clone()), failed: 0 });
        status.durations.record(duration);
        status.failed += u64::from(sample.failure.is_some());
    }

    /// A request has been begun.
    pub(crate) const fn begin_request(&mut self) {
        self.counts.in_flight += 1;
    }

    /// A request is over, whatever became of it.
    pub(crate) const fn end_request(&mut self) {
        self.counts.in_flight = self.counts.in_flight.saturating_sub(1);
    }

    /// Counts a request that no objective speaks of.
    pub fn record_around(&mut self, failed: bool) {
        self.counts.around.sent += 1;
        self.counts.around.failed += u64::from(failed);
    }

    /// Counts a request that was begun and not seen through.
    pub fn record_unknown(&mut self, endpoint: Option<usize>) {
        match endpoint {
            Some(endpoint) => self.counts.endpoints[endpoint].unknown += 1,
            None => self.counts.around.unknown += 1,
        }
    }

    /// Counts an iteration, which made so many requests to each endpoint.
    pub(crate) fn record_iteration(&mut self, end: IterationEnd, requests: &[u64]) {
        let iterations = &mut self.counts.iterations;
        match end {
            IterationEnd::Completed => iterations.completed += 1,
            IterationEnd::Failed => {
                iterations.completed += 1;
                iterations.failed += 1;
            }
            IterationEnd::Interrupted => iterations.interrupted += 1,
        }
        for (counts, &made) in self.counts.endpoints.iter_mut().zip(requests) {
            counts.most_per_iteration = counts.most_per_iteration.max(made);
        }
    }

    /// One more, or one less, virtual user is active.
    pub(crate) const fn vu_active(&mut self, active: bool) {
        self.counts.vus = if active { self.counts.vus + 1 } else { self.counts.vus.saturating_sub(1) };
    }

    /// Everything recorded so far.
    pub fn snapshot(&self) -> Snapshot {
        self.counts.clone()
    }
}
