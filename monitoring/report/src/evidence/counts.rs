//! Counts of one endpoint in one phase, and other small counts that workers merge.

use std::collections::BTreeMap;
use std::time::Duration;

use monitoring::metric::RequestPart;
use monitoring::span::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::histogram::{Bounds, Buckets, DurationHistogram, Latency};
use super::status_key::StatusKey;
use crate::failure::FailureKind;

/// Counts of one endpoint in one phase of one part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndpointCounts {
    /// Latencies of all requests; failed ones count beyond all bounds.
    pub latency: Latency,
    /// Response times of all requests; failed ones count beyond all bounds. Only open loads have
    /// them.
    pub response: Option<Latency>,
    /// Other spans of the requests' time, those that an objective limits.
    #[serde(default)]
    pub spans: Vec<SpanCounts>,
    /// Durations by status code.
    pub by_status: BTreeMap<StatusKey, StatusCounts>,
    /// Time of requests by [`RequestPart`].
    pub parts: Vec<Buckets>,
    /// Failed requests by kind, in the order of [`FailureKind::ALL`].
    #[serde(with = "by_kind")]
    pub(super) failures: [u64; FailureKind::ALL.len()],
    /// Requests that were started but not finished.
    pub unknown: u64,
    /// Requests that are within the threshold of the endpoint's latency objective, but not with the
    /// time that connecting took.
    #[serde(default)]
    pub slow_with_connecting: u64,
    /// Requests for which connecting alone took longer than that threshold.
    #[serde(default)]
    pub slow_connecting: u64,
    /// Requests that a steady load would have made while the target stalled.
    #[serde(default)]
    pub omitted: u64,
    /// Iterations that did not get to the endpoint, because its host accepted no connections.
    #[serde(default)]
    pub refused_iterations: u64,
    /// Iterations that began, and then could not reach the endpoint's host. They may have sent it
    /// requests before.
    #[serde(default)]
    pub stopped_iterations: u64,
    /// Requests that were sent once more, because the server closed a reused connection.
    #[serde(default)]
    pub reconnects: u64,
    /// Bodies of the responses.
    #[serde(default)]
    pub bodies: BodyBytes,
    /// Requests of iterations that the generator started late, and requests during which it stood
    /// still.
    pub late: u64,
    /// Failed requests during which the generator stood still. They are part of `late`.
    #[serde(default)]
    pub late_failures: u64,
    /// Requests whose duration the backend reported.
    pub server: ServerTimes,
}

/// A span of the time of an endpoint's requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpanCounts {
    /// Part of the request that is timed.
    pub span: Span,
    /// Its durations; failed requests count beyond all bounds.
    pub durations: Latency,
}

/// Requests whose duration the backend reported in a response header, with their durations on both
/// sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerTimes {
    /// Number of requests.
    pub requests: u64,
    /// Sum of the durations reported by the backend.
    pub server: Duration,
    /// Sum of the durations measured here: sending, waiting and receiving.
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

/// Bytes of response bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BodyBytes {
    /// Bytes as they were sent: compressed, but without transfer coding.
    pub received: u64,
    /// Bytes after decompression. It equals `received` for bodies that are not compressed.
    pub decoded: u64,
}

impl BodyBytes {
    /// Adds other bodies.
    #[inline]
    pub const fn add(&mut self, other: Self) {
        self.received = self.received.saturating_add(other.received);
        self.decoded = self.decoded.saturating_add(other.decoded);
    }

    /// Whether there were no bytes.
    pub const fn is_empty(&self) -> bool {
        self.received == 0 && self.decoded == 0
    }
}

/// Counts of one status code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusCounts {
    /// Actual durations, also of failed requests.
    pub durations: Buckets,
    /// Requests that failed.
    pub failed: u64,
}

/// Requests of several endpoints and phases together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// Requests that were sent, failed ones included.
    pub sent: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests that were started but not finished, or not made.
    pub unknown: u64,
    /// Unknown requests that were not made because the target accepted no connections. They are
    /// part of `unknown`.
    #[serde(default)]
    pub refused: u64,
    /// Failed requests during which the generator stood still. They are part of `failed`.
    #[serde(default)]
    pub late_failures: u64,
}

/// Iterations by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationCounts {
    /// Completed iterations, failed ones included.
    pub completed: u64,
    /// Completed iterations that ended with an error.
    pub failed: u64,
    /// Iterations that were cut off at the end of the run.
    pub interrupted: u64,
}

/// Tries of a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCounts {
    /// Number of tries.
    pub tried: u64,
    /// Tries that did not pass.
    pub failed: u64,
}

/// Latencies of one endpoint in one segment, with two significant digits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SegmentCounts {
    /// Latencies of successful requests.
    pub succeeded: DurationHistogram,
    /// Requests that failed.
    pub failed: u64,
}

/// Times of a worker's thread, in nanoseconds. `None` if the system does not provide them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadTimes {
    /// Wall-clock time since the thread started.
    pub wall: u64,
    /// Processor time, in nanoseconds. `None` if the system does not provide it.
    pub cpu: Option<u64>,
    /// Time in which the thread was ready to run but had no processor.
    pub waited: Option<u64>,
}

impl EndpointCounts {
    /// Empty counts with the given bucket bounds. With `open`, response times are counted, too, and
    /// so are `spans`.
    pub fn new(bounds: &Bounds, coarse: &Bounds, open: bool, spans: &[Span]) -> Self {
        let span_counts = |&span| SpanCounts { span, durations: Latency::new(bounds.clone()) };
        Self {
            latency: Latency::new(bounds.clone()),
            response: open.then(|| Latency::new(bounds.clone())),
            spans: spans.iter().map(span_counts).collect(),
            by_status: BTreeMap::new(),
            parts: vec![Buckets::new(coarse.clone()); RequestPart::ALL.len()],
            failures: [0; FailureKind::ALL.len()],
            unknown: 0,
            slow_with_connecting: 0,
            slow_connecting: 0,
            omitted: 0,
            refused_iterations: 0,
            stopped_iterations: 0,
            reconnects: 0,
            bodies: BodyBytes::default(),
            late: 0,
            late_failures: 0,
            server: ServerTimes::default(),
        }
    }

    /// Counts a failed request by kind.
    #[inline]
    pub const fn fail(&mut self, failure: FailureKind) {
        self.failures[failure as usize] += 1;
    }

    /// Failed requests by kind, without kinds that did not occur.
    pub fn failures(&self) -> impl Iterator<Item = (FailureKind, u64)> {
        FailureKind::ALL.into_iter().zip(self.failures).filter(|(_, count)| *count > 0)
    }

    /// Durations of a span. `None` if it was not counted.
    pub fn span(&self, span: Span) -> Option<&Latency> {
        match span {
            Span::Latency => Some(&self.latency),
            Span::ResponseTime => self.response.as_ref(),
            _ => self.spans.iter().find(|counts| counts.span == span).map(|counts| &counts.durations),
        }
    }

    /// Number of requests of the endpoint.
    pub fn requests(&self) -> RequestCounts {
        let failed = self.failures.iter().sum();
        let (sent, unknown) = (self.latency.buckets().count(), self.unknown + self.omitted);
        RequestCounts { sent, failed, unknown, refused: 0, late_failures: self.late_failures }
    }

    /// Adds other counts, which must have the same bounds.
    pub fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        match (&mut self.response, &other.response) {
            (_, None) => {}
            (None, Some(theirs)) => self.response = Some(theirs.clone()),
            (Some(mine), Some(theirs)) => mine.merge(theirs),
        }
        for (mine, theirs) in self.spans.iter_mut().zip(&other.spans) {
            mine.durations.merge(&theirs.durations);
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
        self.slow_with_connecting += other.slow_with_connecting;
        self.slow_connecting += other.slow_connecting;
        self.omitted += other.omitted;
        self.refused_iterations += other.refused_iterations;
        self.stopped_iterations += other.stopped_iterations;
        self.reconnects += other.reconnects;
        self.bodies.add(other.bodies);
        self.late += other.late;
        self.late_failures += other.late_failures;
    }
}

impl Default for SegmentCounts {
    fn default() -> Self {
        Self { succeeded: DurationHistogram::new(2), failed: 0 }
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

    /// Adds the latencies of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.succeeded.merge(&other.succeeded);
        self.failed += other.failed;
    }
}

impl ThreadTimes {
    /// Difference to an earlier state.
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
        // Iterations that were not made, multiplied by the requests of the largest one.
        self.unknown = self.unknown.saturating_add(other.unknown);
        self.refused = self.refused.saturating_add(other.refused);
        self.late_failures += other.late_failures;
    }

    /// Difference to an earlier state.
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(earlier.sent),
            failed: self.failed.saturating_sub(earlier.failed),
            unknown: self.unknown.saturating_sub(earlier.unknown),
            refused: self.refused.saturating_sub(earlier.refused),
            late_failures: self.late_failures.saturating_sub(earlier.late_failures),
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

/// Serializes counts of failures as a map by kind, without kinds that did not occur.
mod by_kind {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::failure::FailureKind;

    type Counts = [u64; FailureKind::ALL.len()];

    pub(super) fn serialize<S: Serializer>(counts: &Counts, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(FailureKind::ALL.into_iter().zip(counts).filter(|(_, count)| **count > 0))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Counts, D::Error> {
        let mut counts = [0; FailureKind::ALL.len()];
        for (kind, count) in BTreeMap::<FailureKind, u64>::deserialize(deserializer)? {
            counts[kind as usize] += count;
        }
        Ok(counts)
    }
}
