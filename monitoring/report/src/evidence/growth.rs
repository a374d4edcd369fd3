//! Whether counts can be later ones of the same process: none of them is smaller than before.

use std::collections::BTreeMap;

use super::counts::{CheckCounts, EndpointCounts, IterationCounts, SegmentCounts};
use super::histogram::{Buckets, Latency};
use super::measures::{MeasureCounts, Measures};
use super::snapshot::{PartCounts, Snapshot};

impl Snapshot {
    /// Whether no count is smaller than in `earlier`. Both fit the same layout.
    pub fn has_grown_from(&self, earlier: &Self) -> bool {
        all_grown(&self.parts, &earlier.parts, part)
    }
}

fn part(now: &PartCounts, then: &PartCounts) -> bool {
    let plain = |counts: &PartCounts| {
        let IterationCounts { completed, failed, interrupted } = counts.iterations;
        [completed, failed, interrupted, counts.late]
    };
    let checks = |now: &[CheckCounts; _], then: &[CheckCounts; _]| {
        all_grown(now, then, |now, then| now.tried >= then.tried && now.failed >= then.failed)
    };
    let segments = |now: &BTreeMap<usize, SegmentCounts>, then: &BTreeMap<usize, SegmentCounts>| {
        entries_grown(now, then, |now, then| {
            now.failed >= then.failed && now.succeeded.count() >= then.succeeded.count()
        })
    };
    numbers(plain(now), plain(then))
        && numbers(now.dropped, then.dropped)
        && numbers(now.refused, then.refused)
        && latency(&now.iteration_duration, &then.iteration_duration)
        && latency(&now.lateness, &then.lateness)
        && all_grown(&now.cells, &then.cells, endpoint)
        && entries_grown(&now.checks, &then.checks, checks)
        && measures(&now.measures, &then.measures)
        && entries_grown(&now.segments, &then.segments, segments)
        && all_grown(&now.judged, &then.judged, part)
}

fn endpoint(now: &EndpointCounts, then: &EndpointCounts) -> bool {
    let plain = |it: &EndpointCounts| {
        let refused = [it.refused_iterations, it.stopped_iterations, it.reconnects];
        let slow = [it.slow_with_connecting, it.slow_connecting, it.late, it.late_failures];
        [it.unknown, it.omitted, it.server.requests, it.bodies.received, it.bodies.decoded]
            .into_iter()
            .chain(refused)
            .chain(slow)
    };
    numbers(plain(now), plain(then))
        && numbers(now.failures, then.failures)
        && latency(&now.latency, &then.latency)
        && now.response.iter().zip(&then.response).all(|(now, then)| latency(now, then))
        && all_grown(&now.spans, &then.spans, |now, then| latency(&now.durations, &then.durations))
        && all_grown(&now.parts, &then.parts, buckets)
        && entries_grown(&now.by_status, &then.by_status, |now, then| {
            now.failed >= then.failed && buckets(&now.durations, &then.durations)
        })
}

fn measures(now: &Measures, then: &Measures) -> bool {
    all_grown(&now.0, &then.0, |now: &MeasureCounts, then| {
        numbers([now.count, now.passed, now.sum], [then.count, then.passed, then.sum])
            && now.values.iter().zip(&then.values).all(|(now, then)| latency(now, then))
    })
}

fn latency(now: &Latency, then: &Latency) -> bool {
    now.histogram().count() >= then.histogram().count() && buckets(now.buckets(), then.buckets())
}

fn buckets(now: &Buckets, then: &Buckets) -> bool {
    numbers(now.counts.iter().copied(), then.counts.iter().copied())
}

fn numbers(now: impl IntoIterator<Item = u64>, then: impl IntoIterator<Item = u64>) -> bool {
    now.into_iter().zip(then).all(|(now, then)| now >= then)
}

fn all_grown<T>(now: &[T], then: &[T], has_grown: impl Fn(&T, &T) -> bool) -> bool {
    now.len() == then.len() && now.iter().zip(then).all(|(now, then)| has_grown(now, then))
}

/// Entries are added, and none is removed.
fn entries_grown<K: Ord, V>(now: &BTreeMap<K, V>, then: &BTreeMap<K, V>, has_grown: impl Fn(&V, &V) -> bool) -> bool {
    then.iter().all(|(key, then)| now.get(key).is_some_and(|now| has_grown(now, then)))
}
