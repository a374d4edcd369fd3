//! Everything that was measured up to a moment, cumulatively.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::histogram::{Buckets, Latency};
use super::sample::Failure;

/// Counts since the start of the run. Those of several workers merge into the counts of all.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// One for each endpoint of the catalogue, in its order.
    pub endpoints: Vec<EndpointCounts>,
    /// Iterations of the scenario.
    pub iterations: IterationCounts,
    /// Virtual users now active.
    pub vus: u32,
    /// Requests now under way.
    pub in_flight: u64,
    /// Requests that no objective speaks of: those of setup and teardown, and those to no endpoint of the catalogue.
    pub around: RequestCounts,
}

/// Counts of one endpoint.
#[derive(Debug, Clone)]
pub struct EndpointCounts {
    /// Latencies of all requests, the failed ones beyond all bounds.
    pub latency: Latency,
    /// Durations by status code, 0 where no answer came.
    pub by_status: BTreeMap<u16, StatusCounts>,
    /// Failed requests by kind.
    pub failures: BTreeMap<Failure, u64>,
    /// Requests that were begun and not seen through.
    pub unknown: u64,
    /// The most requests that one iteration has made.
    pub most_per_iteration: u64,
}

/// Counts of one status code.
#[derive(Debug, Clone)]
pub struct StatusCounts {
    /// Real durations, of failed requests too.
    pub durations: Buckets,
    /// Requests that failed.
    pub failed: u64,
}

/// Counts of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Made, failed ones included.
    pub sent: u64,
    /// Failed.
    pub failed: u64,
    /// Begun and not seen through.
    pub unknown: u64,
}

/// Counts of iterations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IterationCounts {
    /// Ran to their end, failed ones included.
    pub completed: u64,
    /// Of them, ended by an error.
    pub failed: u64,
    /// Cut off.
    pub interrupted: u64,
}

impl Snapshot {
    /// Nothing measured yet, of so many endpoints.
    pub fn new(endpoints: usize, bounds: &Arc<[Duration]>) -> Self {
        let nothing = EndpointCounts {
            latency: Latency::new(bounds.clone()),
            by_status: BTreeMap::new(),
            failures: BTreeMap::new(),
            unknown: 0,
            most_per_iteration: 0,
        };
        Self {
            endpoints: vec![nothing; endpoints],
            iterations: IterationCounts::default(),
            vus: 0,
            in_flight: 0,
            around: RequestCounts::default(),
        }
    }

    /// Adds what another worker measured.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.endpoints.iter_mut().zip(&other.endpoints) {
            mine.merge(theirs);
        }
        self.iterations.completed += other.iterations.completed;
        self.iterations.failed += other.iterations.failed;
        self.iterations.interrupted += other.iterations.interrupted;
        self.vus += other.vus;
        self.in_flight += other.in_flight;
        self.around.add(other.around);
    }

    /// Requests of all endpoints.
    pub fn requests(&self) -> RequestCounts {
        let mut all = RequestCounts::default();
        self.endpoints.iter().for_each(|endpoint| all.add(endpoint.requests()));
        all
    }
}

impl EndpointCounts {
    /// The endpoint's requests.
    pub fn requests(&self) -> RequestCounts {
        let failed = self.failures.values().sum();
        RequestCounts { sent: self.latency.buckets().count(), failed, unknown: self.unknown }
    }

    fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        for (&status, theirs) in &other.by_status {
            self.by_status
                .entry(status)
                .and_modify(|mine| {
                    mine.durations.merge(&theirs.durations);
                    mine.failed += theirs.failed;
                })
                .or_insert_with(|| theirs.clone());
        }
        for (&failure, count) in &other.failures {
            *self.failures.entry(failure).or_default() += count;
        }
        self.unknown += other.unknown;
        self.most_per_iteration = self.most_per_iteration.max(other.most_per_iteration);
    }
}

impl RequestCounts {
    /// Adds other requests.
    pub const fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.failed += other.failed;
        self.unknown += other.unknown;
    }
}
