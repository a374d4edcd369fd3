//! Folds samples into counts. Each worker has its own recorder, so it needs no locks. Its memory
//! does not grow with the length of a run.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use monitoring::metric::RequestPart;
use monitoring::phase::Phase;
use monitoring::segment::Segment;
use tokio::time::Instant;

use perf_report::evidence::{
    BodyBytes, Buckets, EndpointCounts, FailedRequest, Layout, PartCounts, ServerTimes, Snapshot, StatusCounts,
    ThreadTimes,
};
use perf_report::whole_ms;

use super::pause::{Pause, STANDSTILL};
use super::pulse::Pulse;
use super::sample::{Sample, SampleKey, Segments};
use super::slow_times::{RequestTime, SlowTimes};

/// An iteration is late if it begins more than this after it was due. The latencies of its requests
/// may then be the generator's fault.
pub(crate) const LATE_AFTER: Duration = Duration::from_millis(5);
/// Limit on segments. Further segments are not recorded: a scenario with more of them uses an
/// unbounded value, such as an id, as a segment.
const MAX_SEGMENTS: usize = 1_000;

/// A worker's counts.
#[derive(Debug)]
pub struct Recorder {
    layout: Layout,
    counts: Snapshot,
    slow_times: SlowTimes,
    pulse: Arc<Pulse>,
    /// When the worker last showed that it runs.
    beat: Option<Instant>,
    /// The end of the last time in which it did not run.
    paused_until: Option<Instant>,
    longest_pause: Pause,
}

/// Where a check or a value of a scenario's own measure is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentedKey {
    pub(crate) part: usize,
    pub(crate) phase: Phase,
    /// The segments and tags that the scenario has set.
    pub(crate) segments: Segments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IterationEnd {
    Completed,
    Failed,
    Interrupted,
    /// It sent no request, because the target accepted no connections.
    NotStarted,
}

impl Recorder {
    /// A recorder without samples.
    pub fn new(layout: Layout) -> Self {
        let pulse = Arc::new(Pulse::new(&Snapshot::new(&layout)));
        Self::with_pulse(layout, pulse)
    }

    /// A recorder without samples, which also counts in a pulse.
    pub(crate) fn with_pulse(layout: Layout, pulse: Arc<Pulse>) -> Self {
        let (counts, slow_times) = (Snapshot::new(&layout), SlowTimes::default());
        let longest_pause = Pause::default();
        Self { counts, layout, slow_times, pulse, beat: None, paused_until: None, longest_pause }
    }

    /// Records that the worker runs now. It does so more often than [`STANDSTILL`].
    pub(crate) fn beat(&mut self, now: Instant, load_start: Instant) {
        let elapsed = now.saturating_duration_since(load_start);
        let from = self.pulse.beat(elapsed);
        let length = elapsed.saturating_sub(from);
        let total = self.longest_pause.total + if length > STANDSTILL { length } else { Duration::ZERO };
        self.longest_pause = self.longest_pause.longer(Pause { from, length, agent: None, total });
        if self.is_paused_at(now) {
            self.paused_until = Some(now);
        }
        self.beat = Some(now);
    }

    pub(crate) const fn longest_pause(&self) -> Pause {
        self.longest_pause
    }

    /// Whether the worker did not run for some time before.
    fn is_paused_at(&self, now: Instant) -> bool {
        self.beat.is_some_and(|beat| now.saturating_duration_since(beat) > STANDSTILL)
    }

    fn is_paused_between(&self, from: Instant, to: Instant) -> bool {
        self.paused_until.is_some_and(|until| from < until) || self.is_paused_at(to)
    }

    /// Counts a request. It is late if the worker stood still meanwhile, because the response may
    /// have arrived earlier. A future of the scenario may itself have stopped the worker.
    pub fn record(&mut self, mut at: SampleKey, sample: &Sample) {
        let paused = sample.is_http() && self.is_paused_between(sample.started, sample.finished);
        at.late |= paused;
        let part = &mut self.counts.parts[at.part];
        record_in(part.cell_mut(at.endpoint, at.phase), &self.layout, &at, sample, paused);
        for segment in self.layout.judged_among(&at.segments) {
            record_in(part.judged[segment].cell_mut(at.endpoint, at.phase), &self.layout, &at, sample, paused);
        }
        let (from, to) = (sample.started, sample.finished);
        self.slow_times.add(&self.layout, &at, RequestTime { from, to, paused });
        for &Segment(name, number) in at.segments.numbered.iter().flatten() {
            let segment = Segment(Cow::Borrowed(name), number);
            if part.segments.len() >= MAX_SEGMENTS && !part.segments.contains_key(&segment) {
                continue;
            }
            let endpoints = part.segments.entry(segment).or_default();
            let counts = endpoints.entry(at.endpoint).or_default();
            counts.record(sample.duration(), sample.failure.is_some());
        }
    }

    /// Records why a request failed. `since_start` counts from the start of the load.
    pub(crate) fn record_cause(&mut self, failed: FailedRequest<'_>, since_start: Duration) {
        self.counts.failures.record(failed, whole_ms(since_start));
    }

    /// Records the processing time that the backend reported (`server`), and the same request's
    /// duration by this machine's clock (`client`).
    pub(crate) fn record_server_time(&mut self, at: &SampleKey, server: Duration, client: Duration) {
        let counts = self.counts.parts[at.part].cell_mut(at.endpoint, at.phase);
        counts.server.add(ServerTimes { requests: 1, server, client });
    }

    /// Counts a request of a part as in flight. An unjudged request has no endpoint.
    pub(crate) fn begin_request(&mut self, part: usize, endpoint: Option<usize>) {
        self.counts.in_flight += 1;
        self.pulse.request_began(part, endpoint);
    }

    /// Counts a request as no longer in flight, whether or not it succeeded.
    pub(crate) fn end_request(&mut self, part: usize, endpoint: Option<usize>) {
        self.counts.in_flight = self.counts.in_flight.saturating_sub(1);
        self.pulse.request_ended(part, endpoint);
    }

    /// Counts an unjudged request. It belongs to no objective.
    pub(crate) fn record_unjudged(&mut self, failed: bool) {
        self.counts.unjudged.sent += 1;
        self.counts.unjudged.failed += u64::from(failed);
    }

    /// Counts a request whose end is not known. It was under way between these times.
    pub(crate) fn record_unknown(&mut self, at: Option<&SampleKey>, from: Instant, to: Instant) {
        let Some(at) = at else {
            self.counts.unjudged.unknown += 1;
            return;
        };
        self.count_in(at.part, at.segments, |counts| counts.cell_mut(at.endpoint, at.phase).unknown += 1);
        let paused = self.is_paused_between(from, to);
        self.slow_times.add(&self.layout, at, RequestTime { from, to, paused });
    }

    pub(crate) fn record_reconnect(&mut self, at: &SampleKey) {
        self.counts.parts[at.part].cell_mut(at.endpoint, at.phase).reconnects += 1;
    }

    pub(crate) fn record_body(&mut self, at: &SampleKey, body: BodyBytes) {
        self.counts.parts[at.part].cell_mut(at.endpoint, at.phase).bodies.add(body);
    }

    pub(crate) fn record_check(&mut self, key: SegmentedKey, name: &'static str, passed: bool) {
        self.count_in(key.part, key.segments, |counts| {
            let tries = &mut counts.checks.entry(Cow::Borrowed(name)).or_default()[key.phase.index()];
            tries.tried += 1;
            tries.failed += u64::from(!passed);
        });
    }

    /// Records a value of a measure. `at` is in nanoseconds from the start of the load.
    pub(crate) fn record_measure(&mut self, key: SegmentedKey, measure: usize, at: u64, value: u64) {
        let SegmentedKey { part, phase, segments } = key;
        self.count_in(part, segments, |counts| counts.measures.cell_mut(measure, phase).record(at, value));
    }

    /// Counts an iteration that began `lateness` after it was due. Returns whether it is late.
    pub(crate) fn record_arrival(&mut self, part: usize, lateness: Duration) -> bool {
        let part = &mut self.counts.parts[part];
        part.lateness.record(lateness);
        part.late += u64::from(lateness > LATE_AFTER);
        lateness > LATE_AFTER
    }

    pub(crate) fn record_dropped(&mut self, part: usize, phase: Phase, count: u64) {
        self.count_in_all(part, |counts| counts.dropped[phase.index()] += count);
    }

    /// Counts planned iterations that were not started, because a host accepted no connections.
    /// `endpoints` has for each endpoint whether it is on the host.
    pub(crate) fn record_refused(&mut self, part: usize, phase: Phase, count: u64, endpoints: &[bool]) {
        self.record_dropped(part, phase, count);
        self.count_in_all(part, |counts| {
            counts.refused[phase.index()] += count;
            let down = endpoints.iter().enumerate().filter(|(_, is_down)| **is_down);
            down.for_each(|(endpoint, _)| counts.cell_mut(endpoint, phase).refused_iterations += count);
        });
    }

    /// Counts an iteration that began, and then could not connect to a host. `endpoints` has for
    /// each endpoint whether it is on the host. `made` has the iteration's requests.
    pub(crate) fn record_stopped(&mut self, part: usize, phase: Phase, made: &[u64], endpoints: &[bool]) {
        self.count_in_all(part, |counts| {
            let down = endpoints.iter().zip(made).enumerate().filter(|(_, (is_down, _))| **is_down);
            for (endpoint, (_, made)) in down {
                let cell = counts.cell_mut(endpoint, phase);
                cell.stopped_iterations += 1;
                cell.refused_iterations += u64::from(*made == 0);
            }
        });
    }

    /// Gives requests a tag. A value that no objective judges is not recorded.
    pub(crate) fn set_tag(&self, segments: &mut Segments, name: &str, value: &str) {
        self.layout.set_tag(segments, name, value);
    }

    /// Counts an iteration. `made` has its requests, as [`Recorder::count_made`] counted them.
    pub(crate) fn record_iteration(&mut self, part: usize, end: IterationEnd, took: Duration, made: &[u64]) {
        let mut made = made.chunks(self.layout.endpoints().max(1));
        self.count_in_all(part, |counts| {
            match end {
                IterationEnd::NotStarted => {}
                IterationEnd::Interrupted => counts.iterations.interrupted += 1,
                IterationEnd::Completed | IterationEnd::Failed => {
                    counts.iterations.completed += 1;
                    counts.iterations.failed += u64::from(end == IterationEnd::Failed);
                    counts.iteration_duration.record(took);
                }
            }
            for (most, &made) in counts.most_per_iteration.iter_mut().zip(made.next().into_iter().flatten()) {
                *most = (*most).max(made);
            }
        });
    }

    /// Records how long after the start of the load an iteration ended, rounded up.
    pub(crate) fn iteration_ended(&mut self, part: usize, elapsed: Duration) {
        let ended_ms = &mut self.counts.parts[part].ended_ms;
        *ended_ms = (*ended_ms).max(whole_ms(elapsed).saturating_add(1));
    }

    /// Counters of an iteration's requests, at zero: one for each endpoint, and again for each
    /// segment that an objective judges.
    pub(crate) fn made(&self) -> Vec<u64> {
        vec![0; self.layout.endpoints() * (1 + self.layout.judged_segments())]
    }

    pub(crate) fn count_made(&self, made: &mut [u64], at: &SampleKey) {
        made[at.endpoint] += 1;
        for segment in self.layout.judged_among(&at.segments) {
            made[self.layout.endpoints() * (1 + segment) + at.endpoint] += 1;
        }
    }

    /// Counts in a part and in each judged segment of a request.
    fn count_in(&mut self, part: usize, segments: Segments, mut count: impl FnMut(&mut PartCounts)) {
        let part = &mut self.counts.parts[part];
        count(part);
        self.layout.judged_among(&segments).for_each(|segment| count(&mut part.judged[segment]));
    }

    /// Counts in a part and in all judged segments of it.
    fn count_in_all(&mut self, part: usize, mut count: impl FnMut(&mut PartCounts)) {
        let part = &mut self.counts.parts[part];
        count(part);
        part.judged.iter_mut().for_each(count);
    }

    /// Changes the number of active virtual users by one: up if `active`, otherwise down.
    pub(crate) fn vu_started(&mut self, part: usize) {
        let vus = &mut self.counts.parts[part].vus;
        *vus += 1;
        self.pulse.vus_active(part, *vus);
    }

    pub(crate) fn vu_stopped(&mut self, part: usize) {
        let vus = &mut self.counts.parts[part].vus;
        *vus = vus.saturating_sub(1);
        self.pulse.vus_active(part, *vus);
    }

    /// Everything recorded so far.
    pub fn snapshot(&self) -> Snapshot {
        self.counts.clone()
    }

    /// Takes the times of slow requests in segments that an objective judges.
    pub(crate) fn take_slow_times(&mut self) -> SlowTimes {
        std::mem::take(&mut self.slow_times)
    }

    /// Everything recorded so far, and the times of the worker's thread.
    pub(crate) fn snapshot_with(&self, worked: ThreadTimes) -> Snapshot {
        Snapshot { worked: vec![worked], ..self.snapshot() }
    }
}

/// Counts a request in a cell. `paused` is whether the worker did not run meanwhile.
#[inline]
fn record_in(counts: &mut EndpointCounts, layout: &Layout, at: &SampleKey, sample: &Sample, paused: bool) {
    let duration = sample.duration();
    let connecting = sample.parts.connecting();
    let threshold = layout.threshold(at.endpoint).filter(|_| !connecting.is_zero());
    counts.slow_connecting += u64::from(threshold.is_some_and(|it| connecting > it));
    match sample.failure {
        None => {
            counts.latency.record(duration);
            let is_slow = threshold.is_some_and(|it| duration <= it && duration + connecting > it);
            counts.slow_with_connecting += u64::from(is_slow);
            counts.response.iter_mut().for_each(|response| response.record(sample.response_time()));
        }
        Some(failure) => {
            counts.latency.record_failed(duration);
            counts.response.iter_mut().for_each(|response| response.record_failed(sample.response_time()));
            counts.fail(failure);
            counts.late_failures += u64::from(paused);
        }
    }
    for counted in &mut counts.spans {
        match (sample.span(counted.span), sample.failure) {
            (None, _) => {}
            (Some(time), None) => counted.durations.record(time),
            (Some(time), Some(_)) => counted.durations.record_failed(time),
        }
    }
    counts.late += u64::from(at.late);
    let status = counts
        .by_status
        .entry(sample.status.into())
        .or_insert_with(|| StatusCounts { durations: Buckets::new(layout.bounds.clone()), failed: 0 });
    status.durations.record(duration);
    status.failed += u64::from(sample.failure.is_some());
    // A future that is not an HTTP request has no parts.
    if sample.is_http() {
        for (buckets, part) in counts.parts.iter_mut().zip(RequestPart::ALL) {
            match sample.parts.get(part) {
                // On a reused connection, most parts take no time.
                Duration::ZERO => buckets.record_zero(),
                time => buckets.record(time),
            }
        }
    }
}

#[cfg(test)]
mod tests;
