//! Turns a snapshot into series. Names and labels come from [`monitoring::metric`]; values are
//! cumulative since the run's start.

use std::sync::Arc;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::label::{AGENT, LE, SCENARIO, SEGMENT, TESTID};
use monitoring::measure::{Measure, MeasureKind};
use monitoring::metric::{self, HealthMetric, LE_INFINITY, Metric, MetricDescription, RequestPart, SeriesKey};
use monitoring::phase::Phase;

use super::message::{SampleValue, SeriesLabels};
use super::native_histogram::NativeHistogram;
use super::wire_v1::Label;
use crate::measure::{
    AgentHealth, Buckets, CheckCounts, EndpointCounts, GeneratorHealth, Latency, MeasureCounts, PartCounts, Snapshot,
    SpanCounts,
};
use crate::plan::PhasePlan;

#[derive(Debug, Clone, PartialEq)]
pub struct SeriesValue {
    pub labels: SeriesLabels,
    /// Kind, unit and help of its metric.
    pub description: MetricDescription,
    pub value: SampleValue,
}

/// Labels that all series of a run share.
#[derive(Debug, Clone)]
pub struct SeriesIdentity {
    labels: Vec<Label>,
    native: bool,
}

impl SeriesIdentity {
    /// Labels of a run: its testid, its scenario and the user's tags.
    pub fn new(testid: &str, scenario: &str, tags: &[(String, String)]) -> Self {
        let own = [(TESTID.as_str(), testid), (SCENARIO.as_str(), scenario)];
        let tags = tags.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let labels = own.into_iter().chain(tags).map(|(name, value)| label(name, value)).collect();
        Self { labels, native: false }
    }

    /// Also exports latencies as native histograms.
    #[must_use]
    pub(crate) fn with_native_histograms(self, native: bool) -> Self {
        Self { native, ..self }
    }
}

fn label(name: &str, value: &str) -> Label {
    Label { name: name.to_owned(), value: value.to_owned() }
}

/// Every series of a run: those of each load, given by identity and phases, and those of the
/// generator. For an exercised endpoint, series without a status label exist from the start, at
/// zero, in each planned phase. Series with a status label exist once that status has occurred.
pub fn series(
    catalogue: &Catalogue,
    exercised: &[Endpoint],
    run: &SeriesIdentity,
    parts: &[(SeriesIdentity, PhasePlan)],
    snapshot: &Snapshot,
) -> Vec<SeriesValue> {
    let mut all = Vec::new();
    let with_success: Vec<_> = catalogue.with_success().collect();
    let endpoints = catalogue.endpoints.iter().enumerate().filter(|(_, endpoint)| exercised.contains(endpoint));
    let endpoints: Vec<_> = endpoints.map(|(at, endpoint)| (at, endpoint, with_success.contains(&endpoint))).collect();
    for ((identity, phases), counts) in parts.iter().zip(&snapshot.parts) {
        let mut out = SeriesWriter { run: identity, segment: None, phase: Phase::Steady, series: all };
        for phase in Phase::ALL.into_iter().filter(|&phase| phases.has(phase)) {
            out.phase = phase;
            for &(index, endpoint, with_success) in &endpoints {
                out.endpoint(endpoint, counts.cell(index, phase), with_success);
            }
            out.counter(&Metric::dropped_iterations(), None, SeriesKey::None, counts.dropped[phase.index()]);
            out.checks_and_measures(catalogue, counts);
            out.segments(catalogue, &endpoints, counts);
        }
        out.counter(&Metric::iterations(), None, SeriesKey::None, counts.iterations.completed);
        out.histogram(&Metric::iteration_duration(), None, SeriesKey::None, counts.iteration_duration.buckets());
        if counts.lateness.histogram().count() > 0 {
            out.histogram(&Metric::iteration_lateness(), None, SeriesKey::None, counts.lateness.buckets());
        }
        out.gauge(&Metric::vus(), counts.vus.into());
        out.gauges(catalogue, counts);
        all = out.series;
    }
    let mut out = SeriesWriter { run, segment: None, phase: Phase::Steady, series: all };
    if snapshot.agents.is_empty() {
        out.health(snapshot.health, None);
    }
    for AgentHealth { agent, health } in &snapshot.agents {
        out.health(*health, Some(*agent));
    }
    out.series
}

struct SeriesWriter<'run> {
    run: &'run SeriesIdentity,
    /// The segment whose counts are written, as a label value.
    segment: Option<String>,
    phase: Phase,
    series: Vec<SeriesValue>,
}

impl SeriesWriter<'_> {
    fn endpoint(&mut self, endpoint: &Endpoint, counts: &EndpointCounts, with_success: bool) {
        let labeled = Some(endpoint);
        self.judged(endpoint, counts, with_success);
        for (part, buckets) in RequestPart::ALL.into_iter().zip(&counts.parts) {
            self.histogram(&Metric::part(part), labeled, SeriesKey::None, buckets);
        }
        for (status, counts) in &counts.by_status {
            let status = status.to_string();
            let key = SeriesKey::Status(&status);
            self.histogram(&Metric::http_req_duration(), labeled, key, &counts.durations);
            if counts.failed > 0 {
                self.counter(&Metric::http_req_failed(), labeled, key, counts.failed);
            }
        }
        self.counter(&Metric::reconnects(), labeled, SeriesKey::None, counts.reconnects);
        self.counter(&Metric::body_bytes(), labeled, SeriesKey::None, counts.bodies.received);
        self.counter(&Metric::decoded_bytes(), labeled, SeriesKey::None, counts.bodies.decoded);
        for (failure, count) in counts.failures() {
            self.counter(&Metric::http_req_errors(), labeled, SeriesKey::Failure(failure.as_str()), count);
        }
    }

    /// Series of the segments that objectives judge. They are metrics of their own.
    fn segments(&mut self, catalogue: &Catalogue, endpoints: &[(usize, &Endpoint, bool)], counts: &PartCounts) {
        for (segment, counts) in catalogue.judged_segments().into_iter().zip(&counts.judged) {
            self.segment = Some(segment.to_string());
            for &(index, endpoint, with_success) in endpoints {
                self.judged(endpoint, counts.cell(index, self.phase), with_success);
            }
            self.checks_and_measures(catalogue, counts);
        }
        self.segment = None;
    }

    fn checks_and_measures(&mut self, catalogue: &Catalogue, counts: &PartCounts) {
        for (name, tries) in &counts.checks {
            let CheckCounts { tried, failed } = tries[self.phase.index()];
            self.counter(&Metric::checks(), None, SeriesKey::Check(name), tried);
            self.counter(&Metric::checks_failed(), None, SeriesKey::Check(name), failed);
        }
        for (index, measure) in catalogue.measures.iter().enumerate() {
            self.measure(measure, counts.measures.cell(index, self.phase));
        }
    }

    /// Series that objectives judge.
    fn judged(&mut self, endpoint: &Endpoint, counts: &EndpointCounts, with_success: bool) {
        let (requests, labeled) = (counts.requests(), Some(endpoint));
        // These series have no status label, so they exist before the first response.
        self.latency(&Metric::latency(endpoint), labeled, &counts.latency);
        if let Some(response) = &counts.response {
            self.latency(&Metric::response_time(endpoint), labeled, response);
        }
        for SpanCounts { span, durations } in &counts.spans {
            self.latency(&Metric::span(endpoint, *span), labeled, durations);
        }
        self.counter(&Metric::api_errors(), labeled, SeriesKey::None, requests.failed);
        if with_success {
            self.counter(&Metric::success(endpoint), labeled, SeriesKey::None, requests.sent - requests.failed);
        }
        for (status, counts) in &counts.by_status {
            let status = status.to_string();
            self.counter(&Metric::http_reqs(), labeled, SeriesKey::Status(&status), counts.durations.count());
        }
    }

    /// Series of a measure, at zero before its first value. Gauges have no phase.
    fn measure(&mut self, measure: &Measure, counts: &MeasureCounts) {
        let metric = Metric::measure(measure);
        match (measure.kind, &counts.values) {
            (_, Some(values)) => self.histogram(&metric, None, SeriesKey::None, values.buckets()),
            (MeasureKind::Rate, None) => {
                self.counter(&metric, None, SeriesKey::None, counts.count);
                self.counter(&Metric::measure_passed(measure), None, SeriesKey::None, counts.passed);
            }
            (MeasureKind::Counter, None) => self.counter(&metric, None, SeriesKey::None, counts.sum),
            (MeasureKind::Gauge | MeasureKind::Trend, None) => {}
        }
    }

    fn gauges(&mut self, catalogue: &Catalogue, counts: &PartCounts) {
        for (index, measure) in catalogue.measures.iter().enumerate() {
            if let Some(value) = counts.measures.last(index).filter(|_| measure.kind == MeasureKind::Gauge) {
                self.gauge(&Metric::measure(measure), float(value));
            }
        }
    }

    fn counter(&mut self, metric: &Metric, endpoint: Option<&Endpoint>, key: SeriesKey<'_>, value: u64) {
        let labels = metric.labels(endpoint, self.phase, key);
        self.push(&metric.name, metric.description, &labels, SampleValue::Number(float(value)));
    }

    fn latency(&mut self, metric: &Metric, endpoint: Option<&Endpoint>, latency: &Latency) {
        self.histogram(metric, endpoint, SeriesKey::None, latency.buckets());
        if self.run.native {
            let labels = metric.labels(endpoint, self.phase, SeriesKey::None);
            self.push(
                &metric.name,
                metric.description,
                &labels,
                SampleValue::Native(Arc::new(NativeHistogram::new(latency))),
            );
        }
    }

    fn histogram(&mut self, metric: &Metric, endpoint: Option<&Endpoint>, key: SeriesKey<'_>, buckets: &Buckets) {
        let labels = metric.labels(endpoint, self.phase, key);
        let (name, total) = (metric.bucket(), float(buckets.count()));
        let with_le = |le: String| [labels.as_slice(), &[(LE, le)]].concat();
        let mut push = |name: &str, labels: &[_], value| {
            self.push(name, metric.description, labels, SampleValue::Number(value));
        };
        for (bound, count) in buckets.cumulative() {
            push(&name, &with_le(metric::le(bound)), float(count));
        }
        push(&name, &with_le(LE_INFINITY.to_owned()), total);
        push(&metric.count(), &labels, total);
        push(&metric.sum(), &labels, buckets.sum_ms());
    }

    fn push(
        &mut self,
        name: &str,
        description: MetricDescription,
        labels: &[(monitoring::label::Label, String)],
        value: SampleValue,
    ) {
        let own = labels.iter().map(|(name, value)| label(name.as_str(), value));
        let prefix = if self.segment.is_some() { metric::IN_SEGMENT } else { "" };
        let mut labels: Vec<_> = own.chain([label("__name__", &format!("{prefix}{name}"))]).collect();
        labels.extend(self.segment.iter().map(|segment| label(SEGMENT.as_str(), segment)));
        labels.extend_from_slice(&self.run.labels);
        labels.sort_unstable();
        self.series.push(SeriesValue { labels: labels.into(), description, value });
    }

    /// The generator's health, or that of an agent.
    fn health(&mut self, health: GeneratorHealth, agent: Option<u32>) {
        let labels: Vec<_> = agent.map(|agent| (AGENT, agent.to_string())).into_iter().collect();
        let GeneratorHealth { cpu, run_queue, steal, .. } = health;
        for (metric, share) in
            [(HealthMetric::Cpu, cpu), (HealthMetric::RunQueue, run_queue), (HealthMetric::Steal, steal)]
        {
            if let Some(share) = share {
                self.labeled_gauge(&Metric::health(metric), &labels, share);
            }
        }
    }

    fn gauge(&mut self, metric: &Metric, value: f64) {
        self.labeled_gauge(metric, &[], value);
    }

    fn labeled_gauge(&mut self, metric: &Metric, labels: &[(monitoring::label::Label, String)], value: f64) {
        self.push(&metric.name, metric.description, labels, SampleValue::Number(value));
    }
}

/// Prometheus' values are floats. A count is exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "exact for any count a run can reach")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
