//! Folds samples into counts. Each worker has one, which nobody else touches: no locks, and nothing that grows with the
//! length of a run.

use std::borrow::Cow;
use std::time::Duration;

use monitoring::metric::Part;
use monitoring::phase::Phase;

use perf_report::evidence::{Buckets, Layout, ServerTimes, Snapshot, StatusCounts, ThreadTimes};

use super::sample::{Failure, Sample};

/// An iteration that begins later than this after it was due began late: what its requests find may be the generator's
/// doing.
pub const LATE_AFTER: Duration = Duration::from_millis(5);
/// A scenario that makes more segments than this has taken something for a segment that is none.
const MAX_SEGMENTS: usize = 1_000;

/// A worker's counts.
#[derive(Debug)]
pub struct Recorder {
    layout: Layout,
    counts: Snapshot,
}

/// What a request belongs to: `("day", 3)`.
pub type Segment = (&'static str, u32);

/// What a request belongs to, each under a name of its own.
pub type Segments = [Option<Segment>; 3];

/// Where a request is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleKey {
    /// Which of the run's scenarios made it.
    pub part: usize,
    /// Its endpoint's index in the catalogue.
    pub endpoint: usize,
    /// What the load was doing when it was due.
    pub phase: Phase,
    /// Whether its iteration began late.
    pub late: bool,
    /// What else the scenario tells its requests apart by.
    pub segments: Segments,
}

/// How an iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IterationEnd {
    Completed,
    Failed,
    Interrupted,
}

impl Recorder {
    /// Nothing recorded yet.
    pub fn new(layout: Layout) -> Self {
        Self { counts: Snapshot::new(&layout), layout }
    }

    /// Counts a request.
    pub fn record(&mut self, at: SampleKey, sample: &Sample) {
        let (duration, response_time) = (sample.duration(), sample.response_time());
        let part = &mut self.counts.parts[at.part];
        let counts = part.cell_mut(at.endpoint, at.phase);
        match sample.failure {
            None => {
                counts.latency.record(duration);
                counts.response.iter_mut().for_each(|response| response.record(response_time));
            }
            Some(failure) => {
                counts.latency.record_failed(duration);
                counts.response.iter_mut().for_each(|response| response.record_failed(response_time));
                counts.fail(failure);
            }
        }
        counts.late += u64::from(at.late);
        let status = counts
            .by_status
            .entry(sample.status.unwrap_or(0))
            .or_insert_with(|| StatusCounts { durations: Buckets::new(self.layout.bounds.clone()), failed: 0 });
        status.durations.record(duration);
        status.failed += u64::from(sample.failure.is_some());
        // A future that is no HTTP request has no parts.
        if sample.status.is_some() || sample.failure.is_some_and(|failure| failure != Failure::Other) {
            for (buckets, part) in counts.parts.iter_mut().zip(Part::ALL) {
                match sample.parts.get(part) {
                    // A request on a connection that was there already has none of most parts.
                    Duration::ZERO => buckets.record_zero(),
                    time => buckets.record(time),
                }
            }
        }
        for (name, number) in at.segments.into_iter().flatten() {
            let segment = (Cow::Borrowed(name), number);
            if part.segments.len() >= MAX_SEGMENTS && !part.segments.contains_key(&segment) {
                continue;
            }
            let endpoints = part.segments.entry(segment).or_default();
            let counts = endpoints.entry(at.endpoint).or_default();
            counts.record(duration, sample.failure.is_some());
        }
    }

    /// Notes how long the backend said that a request took, which took so long by our clock.
    pub fn record_server_time(&mut self, at: SampleKey, server: Duration, client: Duration) {
        let counts = self.counts.parts[at.part].cell_mut(at.endpoint, at.phase);
        counts.server.add(ServerTimes { requests: 1, server, client });
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
    pub fn record_unknown(&mut self, at: Option<SampleKey>) {
        match at {
            Some(at) => self.counts.parts[at.part].cell_mut(at.endpoint, at.phase).unknown += 1,
            None => self.counts.around.unknown += 1,
        }
    }

    /// Counts a try of a check.
    pub fn record_check(&mut self, part: usize, phase: Phase, name: &'static str, passed: bool) {
        let tries = &mut self.counts.parts[part].checks.entry(Cow::Borrowed(name)).or_default()[phase.index()];
        tries.tried += 1;
        tries.failed += u64::from(!passed);
    }

    /// Counts an iteration that began so long after it was due. True if that is late.
    pub(crate) fn record_arrival(&mut self, part: usize, lateness: Duration) -> bool {
        let part = &mut self.counts.parts[part];
        part.lateness.record(lateness);
        part.late += u64::from(lateness > LATE_AFTER);
        lateness > LATE_AFTER
    }

    /// Counts iterations that were planned and are never begun.
    pub(crate) fn record_dropped(&mut self, part: usize, phase: Phase, count: u64) {
        self.counts.parts[part].dropped[phase.index()] += count;
    }

    /// Counts an iteration that took so long and made so many requests to each endpoint.
    pub(crate) fn record_iteration(&mut self, part: usize, end: IterationEnd, took: Duration, requests: &[u64]) {
        let part = &mut self.counts.parts[part];
        match end {
            IterationEnd::Interrupted => part.iterations.interrupted += 1,
            IterationEnd::Completed | IterationEnd::Failed => {
                part.iterations.completed += 1;
                part.iterations.failed += u64::from(end == IterationEnd::Failed);
                part.iteration_duration.record(took);
            }
        }
        for (most, &made) in part.most_per_iteration.iter_mut().zip(requests) {
            *most = (*most).max(made);
        }
    }

    /// One more, or one less, virtual user is active.
    pub(crate) fn vu_active(&mut self, part: usize, active: bool) {
        let vus = &mut self.counts.parts[part].vus;
        *vus = if active { *vus + 1 } else { vus.saturating_sub(1) };
    }

    /// Everything recorded so far.
    pub fn snapshot(&self) -> Snapshot {
        self.counts.clone()
    }

    /// Everything recorded so far, and what the worker's thread did meanwhile.
    pub(crate) fn snapshot_with(&self, worked: ThreadTimes) -> Snapshot {
        Snapshot { worked: vec![worked], ..self.snapshot() }
    }
}
