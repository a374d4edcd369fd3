//! Counts of one endpoint in one phase, and other small sums that workers merge.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use monitoring::metric::Part;
use serde::{Deserialize, Serialize};

use super::histogram::{Bounds, Buckets, Latency, Spread};
use crate::failure::FailureKind;

/// Counts of one endpoint in one phase of one scenario.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndpointCounts {
    /// Latencies of all requests, the failed ones beyond all bounds.
    pub latency: Latency,
    /// Response times likewise; only open loads have them.
    pub response: Option<Latency>,
    /// Durations by status code, 0 where no answer came.
    pub by_status: BTreeMap<u16, StatusCounts>,
    /// What requests' time went into, by [`Part`].
    pub parts: Vec<Buckets>,
    /// Failed requests by kind, as in [`FailureKind::ALL`].
    failures: [u64; FailureKind::ALL.len()],
    /// Requests that were begun and not seen through.
    pub unknown: u64,
    /// Requests of iterations that the generator began late.
    pub late: u64,
    /// What the backend said of some of them.
    pub server: ServerTimes,
}

/// Requests of which the backend said how long it took: how long that was, and how long they were by our clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerTimes {
    /// How many.
    pub requests: u64,
    /// By the backend, all together.
    pub server: Duration,
    /// By us: sending, waiting and receiving, all together.
    pub client: Duration,
}

impl ServerTimes {
    /// Adds the times of other requests.
    #[inline]
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.server = self.server.saturating_add(other.server);
        self.client = self.client.saturating_add(other.client);
    }
}

/// Counts of one status code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusCounts {
    /// Real durations, of failed requests too.
    pub durations: Buckets,
    /// Requests that failed.
    pub failed: u64,
}

/// Counts of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// Made, failed ones included.
    pub sent: u64,
    /// Failed.
    pub failed: u64,
    /// Begun and not seen through.
    pub unknown: u64,
}

/// Counts of iterations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationCounts {
    /// Ran to their end, failed ones included.
    pub completed: u64,
    /// Of them, ended by an error.
    pub failed: u64,
    /// Cut off.
    pub interrupted: u64,
}

/// How often a check was tried and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCounts {
    /// Tried.
    pub tried: u64,
    /// Of them, not passed.
    pub failed: u64,
}

/// What a scenario tells its requests apart by: `("day", 3)`.
pub type SegmentKey = (Cow<'static, str>, u32);

/// Latencies of one endpoint in one segment, to two significant digits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SegmentCounts {
    /// Requests that succeeded.
    pub succeeded: Spread,
    /// Requests that failed.
    pub failed: u64,
}

/// What a worker's thread did, in nanoseconds since it began. None where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadTimes {
    /// Since it began.
    pub wall: u64,
    /// On a processor.
    pub cpu: Option<u64>,
    /// Ready to run, without a processor.
    pub waited: Option<u64>,
}

/// How the generator does, as shares from 0 to 1. None where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct GeneratorHealth {
    /// How busy the busiest worker is.
    pub cpu: Option<f64>,
    /// How long the worst off of them waited for a processor.
    pub run_queue: Option<f64>,
    /// Processor time that the hypervisor gave to others.
    pub steal: Option<f64>,
}

impl EndpointCounts {
    /// No requests yet, with those bucket bounds; `open` if response times are counted, too.
    pub fn new(bounds: &Bounds, coarse: &Bounds, open: bool) -> Self {
        Self {
            latency: Latency::new(bounds.clone()),
            response: open.then(|| Latency::new(bounds.clone())),
            by_status: BTreeMap::new(),
            parts: vec![Buckets::new(coarse.clone()); Part::ALL.len()],
            failures: [0; FailureKind::ALL.len()],
            unknown: 0,
            late: 0,
            server: ServerTimes::default(),
        }
    }

    /// Counts a failed request by kind.
    #[inline]
    pub const fn fail(&mut self, failure: FailureKind) {
        self.failures[failure as usize] += 1;
    }

    /// Failed requests by kind; only kinds that there were.
    pub fn failures(&self) -> impl Iterator<Item = (FailureKind, u64)> {
        FailureKind::ALL.into_iter().zip(self.failures).filter(|(_, count)| *count > 0)
    }

    /// The endpoint's requests.
    pub fn requests(&self) -> RequestCounts {
        let failed = self.failures.iter().sum();
        RequestCounts { sent: self.latency.buckets().count(), failed, unknown: self.unknown }
    }

    /// Adds other counts of requests with the same bounds.
    pub fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        match (&mut self.response, &other.response) {
            (_, None) => {}
            (None, Some(theirs)) => self.response = Some(theirs.clone()),
            (Some(mine), Some(theirs)) => mine.merge(theirs),
        }
        for (&status, theirs) in &other.by_status {
            self.by_status
                .entry(status)
                .and_modify(|mine| {
                    mine.durations.merge(&theirs.durations);
                    mine.failed += theirs.failed;
                })
                .or_insert_with(|| theirs.clone());
        }
        self.server.add(other.server);
        for (mine, theirs) in self.parts.iter_mut().zip(&other.parts) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.failures.iter_mut().zip(other.failures) {
            *mine += theirs;
        }
        self.unknown += other.unknown;
        self.late += other.late;
    }
}

/// No requests yet.
impl Default for SegmentCounts {
    fn default() -> Self {
        Self { succeeded: Spread::new(2), failed: 0 }
    }
}

impl SegmentCounts {
    /// Counts a request.
    #[inline]
    pub fn record(&mut self, duration: Duration, failed: bool) {
        if failed {
            self.failed += 1;
        } else {
            self.succeeded.record(duration);
        }
    }

    /// Adds another's latencies.
    pub fn merge(&mut self, other: &Self) {
        self.succeeded.merge(&other.succeeded);
        self.failed += other.failed;
    }
}

impl ThreadTimes {
    /// What was added since an earlier state.
    pub fn since(self, earlier: Self) -> Self {
        let grown = |now: Option<u64>, then: Option<u64>| now.map(|now| now.saturating_sub(then.unwrap_or(0)));
        let wall = self.wall.saturating_sub(earlier.wall);
        Self { wall, cpu: grown(self.cpu, earlier.cpu), waited: grown(self.waited, earlier.waited) }
    }
}

impl RequestCounts {
    /// Adds other requests.
    pub const fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.failed += other.failed;
        self.unknown += other.unknown;
    }

    /// What was added since an earlier state.
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(earlier.sent),
            failed: self.failed.saturating_sub(earlier.failed),
            unknown: self.unknown.saturating_sub(earlier.unknown),
        }
    }
}

impl IterationCounts {
    /// Adds other iterations.
    pub const fn add(&mut self, other: Self) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.interrupted += other.interrupted;
    }
}

impl CheckCounts {
    /// Adds other tries.
    pub const fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.failed += other.failed;
    }
}
