//! Cumulative snapshot of everything measured since the start of the run.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::metric::{self, RequestPart};
use monitoring::phase::{Phase, Phases};
use monitoring::segment::Segment;
use monitoring::slo::Slo;
use monitoring::span::Span;
use serde::{Deserialize, Serialize};

use super::counts::{CheckCounts, EndpointCounts, IterationCounts, RequestCounts, SegmentCounts, ThreadTimes};
use super::failures::FailureCauses;
use super::generator_health::{AgentHealth, GeneratorHealth};
use super::histogram::{Bounds, Latency, bounds};
use super::measures::{self, MeasureCounts, MeasureLayout, Measures};
use super::segments::{JudgedSegments, Segments};

/// Dimensions of the counts. They are known before a run and the same for all workers.
#[derive(Debug, Clone)]
pub struct Layout {
    /// For each endpoint: the spans that are counted because an objective limits them.
    spans: Vec<Vec<Span>>,
    measures: MeasureLayout,
    /// For each part: whether its load is open.
    open: Vec<bool>,
    /// Upper bounds of the histograms by which objectives are judged, in nanoseconds.
    pub bounds: Bounds,
    coarse: Bounds,
    /// Segments that an objective judges.
    segments: JudgedSegments,
    /// The threshold of each endpoint's objective on latency.
    thresholds: Vec<Option<Duration>>,
}

/// Counts since the start of the run. Snapshots of several workers merge exactly.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// Counts of each part.
    pub parts: Vec<PartCounts>,
    /// Requests in flight.
    pub in_flight: u64,
    /// Requests without an objective: those of setup and teardown, and those to endpoints outside
    /// the catalogue.
    #[serde(rename = "around")]
    pub unjudged: RequestCounts,
    /// Causes of failed requests, a limited number of them.
    #[serde(default)]
    pub failures: FailureCauses,
    /// Times of each worker's thread.
    pub worked: Vec<ThreadTimes>,
    /// Recent health of the generator.
    pub health: GeneratorHealth,
    /// Recent health of each agent that makes the load. Only the coordinator knows it.
    #[serde(skip)]
    pub agents: Vec<AgentHealth>,
}

/// Counts of one of the parts that run side by side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PartCounts {
    /// Counts of each endpoint of the catalogue in each phase.
    pub(super) cells: Vec<EndpointCounts>,
    /// Iterations of the part.
    pub iterations: IterationCounts,
    /// Iterations that were planned but never started, by phase.
    pub dropped: [u64; Phase::ALL.len()],
    /// Iterations that were not started because the target accepted no connections, by phase. They
    /// are part of `dropped`.
    #[serde(default)]
    pub refused: [u64; Phase::ALL.len()],
    /// Durations of completed iterations.
    pub iteration_duration: Latency,
    /// Times from when iterations were due to their start.
    pub lateness: Latency,
    /// Iterations that started late.
    pub late: u64,
    /// Checks by name and phase.
    pub checks: BTreeMap<Cow<'static, str>, [CheckCounts; Phase::ALL.len()]>,
    /// Values of the scenario's own measures.
    #[serde(default)]
    pub measures: Measures,
    /// Latencies by numbered segment and endpoint.
    #[serde(with = "entries")]
    pub segments: BTreeMap<Segment<Cow<'static, str>>, BTreeMap<usize, SegmentCounts>>,
    /// The same counts of each segment that an objective judges, in the order of the catalogue's
    /// segments. They are part of the counts here. They have no segments of their own. A request
    /// that a stall omitted counts in each segment in which a request waited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judged: Vec<PartCounts>,
    /// Virtual users that are active now.
    pub vus: u32,
    /// When its last iteration ended, in milliseconds from the start of the load. 0 if none did.
    #[serde(default)]
    pub ended_ms: u64,
    /// Maximum number of requests in one iteration, by endpoint.
    pub most_per_iteration: Vec<u64>,
}

/// Part and segment whose counts are read. By default, all are read together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selection {
    /// Index of the part.
    pub part: Option<usize>,
    /// Index of the segment among those that an objective judges.
    pub segment: Option<usize>,
}

impl Layout {
    /// Layout for the endpoints of a catalogue. `open` has one entry for each part.
    pub fn new(catalogue: &Catalogue, open: Vec<bool>) -> Self {
        let (exact, coarse) = (catalogue.bucket_bounds(), metric::coarse_bounds());
        let threshold = |endpoint| catalogue.first_latency_slo(endpoint).and_then(Slo::threshold);
        let thresholds = catalogue.endpoints.iter().map(threshold).collect();
        let spans = catalogue.endpoints.iter().map(|endpoint| catalogue.spans_on_demand(endpoint)).collect();
        let measures = measures::layout(catalogue);
        let segments = JudgedSegments::new(&catalogue.judged_segments());
        Self { spans, measures, open, bounds: bounds(&exact), coarse: bounds(&coarse), segments, thresholds }
    }

    /// Number of endpoints.
    pub fn endpoints(&self) -> usize {
        self.spans.len()
    }

    /// Number of segments that an objective judges.
    pub fn judged_segments(&self) -> usize {
        self.segments.len()
    }

    /// Indices of the segments that an objective judges, among those of a request.
    #[inline]
    pub fn judged_among<'a>(&'a self, segments: &'a Segments) -> impl Iterator<Item = usize> + use<'a> {
        self.segments.among(segments)
    }

    /// Gives a request a tag. A value that no objective judges is not recorded.
    pub fn set_tag(&self, segments: &mut Segments, name: &str, value: &str) {
        self.segments.set_tag(segments, name, value);
    }

    /// The threshold of an endpoint's objective on latency.
    #[inline]
    pub fn threshold(&self, endpoint: usize) -> Option<Duration> {
        self.thresholds.get(endpoint).copied().flatten()
    }
}

impl Snapshot {
    /// Empty snapshot.
    pub fn new(layout: &Layout) -> Self {
        let parts = layout.open.iter().map(|&open| PartCounts::with_segments(layout, open)).collect();
        Self { parts, ..Self::default() }
    }

    /// Whether the counts have the parts, endpoints and bucket bounds of a layout. Only such counts
    /// can be added.
    pub fn fits(&self, layout: &Layout) -> bool {
        self.parts.len() == layout.open.len() && self.parts.iter().all(|part| part.fits(layout))
    }

    /// Whether counts from a file can be added without loss: they fit, and no histogram has more
    /// durations than its buckets.
    pub fn is_addable(&self, layout: &Layout) -> bool {
        self.fits(layout) && self.parts.iter().all(|part| part.is_consistent(layout))
    }

    /// Adds the counts of another worker.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.parts.iter_mut().zip(&other.parts) {
            mine.merge(theirs);
        }
        self.in_flight += other.in_flight;
        self.unjudged.add(other.unjudged);
        self.failures.merge(&other.failures);
        self.worked.extend_from_slice(&other.worked);
    }

    /// Requests of all endpoints in all phases.
    pub fn requests(&self) -> RequestCounts {
        let mut all = RequestCounts::default();
        self.parts.iter().flat_map(|part| &part.cells).for_each(|counts| all.add(counts.requests()));
        all
    }

    /// Iterations of all parts.
    pub fn iterations(&self) -> IterationCounts {
        let mut all = IterationCounts::default();
        self.parts.iter().for_each(|part| all.add(part.iterations));
        all
    }

    /// Virtual users that are active now.
    pub fn vus(&self) -> u32 {
        self.parts.iter().fold(0, |sum, part| part.vus.saturating_add(sum))
    }

    /// Counts of one endpoint in some phases, over all parts. `None` without parts or phases.
    pub fn endpoint(&self, endpoint: usize, phases: Phases) -> Option<EndpointCounts> {
        self.endpoint_in(endpoint, phases, Selection::default())
    }

    /// As [`Snapshot::endpoint`], in one part or segment.
    pub fn endpoint_in(&self, endpoint: usize, phases: Phases, selection: Selection) -> Option<EndpointCounts> {
        let mut cells =
            self.selected(selection).flat_map(|part| phases.iter().map(move |phase| part.cell(endpoint, phase)));
        let mut all = cells.next()?.clone();
        cells.for_each(|counts| all.merge(counts));
        Some(all)
    }

    /// Tries of a check in some phases, over all parts or in one.
    pub fn check(&self, name: &str, phases: Phases, selection: Selection) -> CheckCounts {
        let mut all = CheckCounts::default();
        for tries in self.selected(selection).filter_map(|part| part.checks.get(name)) {
            phases.iter().for_each(|phase| all.add(tries[phase.index()]));
        }
        all
    }

    /// Values of a measure in some phases, over all parts or in one. `None` without parts or
    /// phases.
    pub fn measure(&self, measure: usize, phases: Phases, selection: Selection) -> Option<MeasureCounts> {
        let mut all = None;
        self.selected(selection).for_each(|part| part.measures.add_to(&mut all, measure, phases));
        all
    }

    /// All parts or one, or only their counts in a segment.
    pub fn selected(&self, selection: Selection) -> impl Iterator<Item = &PartCounts> {
        let is_selected = move |index| selection.part.is_none_or(|part| part == index);
        let parts = self.parts.iter().enumerate().filter(move |(index, _)| is_selected(*index));
        parts.filter_map(move |(_, counts)| match selection.segment {
            None => Some(counts),
            Some(segment) => counts.judged.get(segment),
        })
    }
}

impl PartCounts {
    fn with_segments(layout: &Layout, open: bool) -> Self {
        let empty = Self::new(layout, open);
        Self { judged: vec![empty.clone(); layout.segments.len()], ..empty }
    }

    fn new(layout: &Layout, open: bool) -> Self {
        let cell = |spans: &Vec<Span>| EndpointCounts::new(&layout.bounds, &layout.coarse, open, spans);
        let cells = layout.spans.iter().flat_map(|spans| vec![cell(spans); Phase::ALL.len()]);
        Self {
            cells: cells.collect(),
            iterations: IterationCounts::default(),
            dropped: [0; Phase::ALL.len()],
            refused: [0; Phase::ALL.len()],
            iteration_duration: Latency::new(layout.coarse.clone()),
            lateness: Latency::new(layout.coarse.clone()),
            late: 0,
            checks: BTreeMap::new(),
            measures: Measures::new(&layout.measures),
            segments: BTreeMap::new(),
            judged: Vec::new(),
            vus: 0,
            ended_ms: 0,
            most_per_iteration: vec![0; layout.spans.len()],
        }
    }

    /// Whether the counts have the endpoints and bucket bounds of a layout.
    pub fn fits(&self, layout: &Layout) -> bool {
        self.cells_fit(layout)
            && self.judged.len() == layout.segments.len()
            && self.judged.iter().all(|counts| counts.cells_fit(layout))
    }

    /// Whether the counts agree with each other.
    fn is_consistent(&self, layout: &Layout) -> bool {
        let own = [&self.iteration_duration, &self.lateness];
        own.iter().all(|latency| latency.buckets().has_bounds(&layout.coarse) && latency.is_whole())
            && self.cells.iter().all(|cell| is_consistent(cell, &layout.coarse))
            && self.checks.values().flatten().all(|tries| tries.failed <= tries.tried)
            && self.measures.is_consistent()
            && self.dropped.iter().zip(self.refused).all(|(dropped, refused)| *dropped >= refused)
            && self.judged.iter().all(|part| part.is_consistent(layout))
    }

    fn cells_fit(&self, layout: &Layout) -> bool {
        let endpoints = layout.spans.len();
        let has_bounds = |latency: &Latency| latency.buckets().has_bounds(&layout.bounds);
        let has_spans = |cell: &EndpointCounts, spans: &[Span]| {
            cell.spans.iter().map(|counts| counts.span).eq(spans.iter().copied())
                && cell.spans.iter().all(|counts| has_bounds(&counts.durations))
        };
        let spans = layout.spans.iter().flat_map(|spans| [spans; Phase::ALL.len()]);
        self.cells.len() == endpoints * Phase::ALL.len()
            && self.cells.iter().all(|cell| has_bounds(&cell.latency) && cell.response.iter().all(has_bounds))
            && self.cells.iter().zip(spans).all(|(cell, spans)| has_spans(cell, spans))
            && self.most_per_iteration.len() == endpoints
            && self.measures.fits(&layout.measures)
            && self.segments.values().flat_map(BTreeMap::keys).all(|&endpoint| endpoint < endpoints)
    }

    /// Counts of one endpoint in one phase.
    pub fn cell(&self, endpoint: usize, phase: Phase) -> &EndpointCounts {
        &self.cells[endpoint * Phase::ALL.len() + phase.index()]
    }

    /// Mutable counts of one endpoint in one phase.
    #[inline]
    pub fn cell_mut(&mut self, endpoint: usize, phase: Phase) -> &mut EndpointCounts {
        &mut self.cells[endpoint * Phase::ALL.len() + phase.index()]
    }

    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.cells.iter_mut().zip(&other.cells) {
            mine.merge(theirs);
        }
        self.iterations.add(other.iterations);
        let not_started = self.dropped.iter_mut().chain(&mut self.refused);
        for (mine, theirs) in not_started.zip(other.dropped.into_iter().chain(other.refused)) {
            *mine += theirs;
        }
        self.iteration_duration.merge(&other.iteration_duration);
        self.lateness.merge(&other.lateness);
        self.late += other.late;
        for (name, theirs) in &other.checks {
            let mine = self.checks.entry(name.clone()).or_default();
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.add(*theirs));
        }
        self.measures.merge(&other.measures);
        for (segment, endpoints) in &other.segments {
            let mine = self.segments.entry(segment.clone()).or_default();
            for (endpoint, theirs) in endpoints {
                mine.entry(*endpoint).or_default().merge(theirs);
            }
        }
        for (mine, theirs) in self.judged.iter_mut().zip(&other.judged) {
            mine.merge(theirs);
        }
        self.vus = self.vus.saturating_add(other.vus);
        self.ended_ms = self.ended_ms.max(other.ended_ms);
        for (mine, theirs) in self.most_per_iteration.iter_mut().zip(&other.most_per_iteration) {
            *mine = (*mine).max(*theirs);
        }
    }
}

/// Whether an endpoint's counts from a file have these bounds and agree with each other.
fn is_consistent(cell: &EndpointCounts, coarse: &Bounds) -> bool {
    let spans = cell.spans.iter().map(|span| &span.durations);
    let mut latencies = [&cell.latency].into_iter().chain(&cell.response).chain(spans);
    let mut statuses = cell.by_status.values().map(|status| &status.durations);
    let requests = cell.requests();
    latencies.all(Latency::is_whole)
        && statuses.all(|buckets| buckets.has_bounds(cell.latency.buckets().bounds()))
        && cell.parts.len() == RequestPart::ALL.len()
        && cell.parts.iter().all(|buckets| buckets.has_bounds(coarse))
        && requests.failed <= requests.sent
}

/// Serializes a map as a list of entries, because keys in JSON must be text.
mod entries {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S, K, V>(map: &BTreeMap<K, V>, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        K: Serialize,
        V: Serialize,
    {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        D: Deserializer<'de>,
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
