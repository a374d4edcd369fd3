//! Turns a snapshot into series. Names and labels come from [`monitoring::metric`]; values are
//! cumulative since the run's start.

use std::sync::Arc;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::label::{LE, SCENARIO, SEGMENT, TESTID};
use monitoring::measure::{Measure, MeasureKind};
use monitoring::metric::{self, Description, HealthMetric, LE_INFINITY, Metric, RequestPart};
use monitoring::phase::Phase;

use super::message::{SampleValue, SeriesLabels};
use super::native_histogram::NativeHistogram;
use super::wire_v1::Label;
use crate::measure::{
    self, Buckets, CheckCounts, EndpointCounts, Latency, MeasureCounts, PartCounts, Snapshot, SpanCounts,
};
use crate::plan::PhasePlan;

/// A series and its current value.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesValue {
    /// Labels of the series.
    pub labels: SeriesLabels,
    /// Kind, unit and help of its metric.
    pub description: Description,
    /// The current value.
    pub value: SampleValue,
    /// Whether the value was zero before the series existed: true for counters and histograms,
    /// false for gauges.
    pub from_zero: bool,
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
    (run, parts): (&SeriesIdentity, &[(SeriesIdentity, PhasePlan)]),
    snapshot: &Snapshot,
) -> Vec<SeriesValue> {
    let mut all = Vec::new();
    let with_success: Vec<_> = catalogue.with_success().collect();
    for ((identity, phases), counts) in parts.iter().zip(&snapshot.parts) {
        let mut out = SeriesWriter { run: identity, segment: None, phase: Phase::Steady, series: all };
        for phase in Phase::ALL.into_iter().filter(|&phase| phases.has(phase)) {
            out.phase = phase;
            for (index, endpoint) in catalogue.endpoints.iter().enumerate() {
                if exercised.contains(endpoint) {
                    out.endpoint(endpoint, counts.cell(index, phase), with_success.contains(&endpoint));
                }
            }
            out.counter(&Metric::dropped_iterations(), None, "", counts.dropped[phase.index()]);
            out.checks_and_measures(catalogue, counts);
            out.segments(catalogue, exercised, counts);
        }
        out.counter(&Metric::iterations(), None, "", counts.iterations.completed);
        out.histogram(&Metric::iteration_duration(), None, "", counts.iteration_duration.buckets());
        if counts.lateness.spread().count() > 0 {
            out.histogram(&Metric::iteration_lateness(), None, "", counts.lateness.buckets());
        }
        out.gauge(&Metric::vus(), counts.vus.into());
        out.gauges(catalogue, counts);
        all = out.series;
    }
    let mut out = SeriesWriter { run, segment: None, phase: Phase::Steady, series: all };
    let measure::GeneratorHealth { cpu, run_queue, steal } = snapshot.health;
    for (health, share) in [(HealthMetric::Cpu, cpu), (HealthMetric::RunQueue, run_queue), (HealthMetric::Steal, steal)]
    {
        if let Some(share) = share {
            out.gauge(&Metric::health(health), share);
        }
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
            self.histogram(&Metric::part(part), labeled, "", buckets);
        }
        for (status, counts) in &counts.by_status {
            let status = status.to_string();
            self.histogram(&Metric::http_req_duration(), labeled, &status, &counts.durations);
            if counts.failed > 0 {
                self.counter(&Metric::http_req_failed(), labeled, &status, counts.failed);
            }
        }
        self.counter(&Metric::reconnects(), labeled, "", counts.reconnects);
        self.counter(&Metric::body_bytes(), labeled, "", counts.bodies.received);
        self.counter(&Metric::decoded_bytes(), labeled, "", counts.bodies.decoded);
        for (failure, count) in counts.failures() {
            self.counter(&Metric::http_req_errors(), labeled, failure.as_str(), count);
        }
    }

    /// Series of the segments that objectives judge. They are metrics of their own.
    fn segments(&mut self, catalogue: &Catalogue, exercised: &[Endpoint], counts: &PartCounts) {
        let (phase, with_success) = (self.phase, catalogue.with_success().collect::<Vec<_>>());
        for (segment, counts) in catalogue.judged_segments().into_iter().zip(&counts.judged) {
            self.segment = Some(segment.to_string());
            for (index, endpoint) in catalogue.endpoints.iter().enumerate() {
                if exercised.contains(endpoint) {
                    self.judged(endpoint, counts.cell(index, phase), with_success.contains(&endpoint));
                }
            }
            self.checks_and_measures(catalogue, counts);
        }
        self.segment = None;
    }

    /// Series of checks and measures.
    fn checks_and_measures(&mut self, catalogue: &Catalogue, counts: &PartCounts) {
        for (name, tries) in &counts.checks {
            let CheckCounts { tried, failed } = tries[self.phase.index()];
            self.counter(&Metric::checks(), None, name, tried);
            self.counter(&Metric::checks_failed(), None, name, failed);
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
        self.counter(&Metric::api_errors(), labeled, "", requests.failed);
        if with_success {
            self.counter(&Metric::success(endpoint), labeled, "", requests.sent - requests.failed);
        }
        for (status, counts) in &counts.by_status {
            self.counter(&Metric::http_reqs(), labeled, &status.to_string(), counts.durations.count());
        }
    }

    /// Series of a measure, at zero before its first value. Gauges have no phase.
    fn measure(&mut self, measure: &Measure, counts: &MeasureCounts) {
        let metric = Metric::measure(measure);
        match (measure.kind, &counts.values) {
            (_, Some(values)) => self.histogram(&metric, None, "", values.buckets()),
            (MeasureKind::Rate, None) => {
                self.counter(&metric, None, "", counts.count);
                self.counter(&Metric::measure_passed(measure), None, "", counts.passed);
            }
            (MeasureKind::Counter, None) => self.counter(&metric, None, "", counts.sum),
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

    fn counter(&mut self, metric: &Metric, endpoint: Option<&Endpoint>, last: &str, value: u64) {
        let labels = metric.labels(endpoint, self.phase, last);
        self.push(&metric.name, metric.description, &labels, SampleValue::Number(float(value)));
    }

    fn latency(&mut self, metric: &Metric, endpoint: Option<&Endpoint>, latency: &Latency) {
        self.histogram(metric, endpoint, "", latency.buckets());
        if self.run.native {
            let labels = metric.labels(endpoint, self.phase, "");
            self.push(
                &metric.name,
                metric.description,
                &labels,
                SampleValue::Native(Arc::new(NativeHistogram::new(latency))),
            );
        }
    }

    fn histogram(&mut self, metric: &Metric, endpoint: Option<&Endpoint>, last: &str, buckets: &Buckets) {
        let labels = metric.labels(endpoint, self.phase, last);
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
        description: Description,
        labels: &[(monitoring::label::Label, String)],
        value: SampleValue,
    ) {
        let own = labels.iter().map(|(name, value)| label(name.as_str(), value));
        let prefix = if self.segment.is_some() { metric::IN_SEGMENT } else { "" };
        let mut labels: Vec<_> = own.chain([label("__name__", &format!("{prefix}{name}"))]).collect();
        labels.extend(self.segment.iter().map(|segment| label(SEGMENT.as_str(), segment)));
        labels.extend_from_slice(&self.run.labels);
        labels.sort_unstable();
        self.series.push(SeriesValue { labels: labels.into(), description, value, from_zero: true });
    }

    fn gauge(&mut self, metric: &Metric, value: f64) {
        self.push(&metric.name, metric.description, &[], SampleValue::Number(value));
        self.series.iter_mut().last().iter_mut().for_each(|series| series.from_zero = false);
    }
}

/// Prometheus' values are floats. A count is exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "exact for any count a run can reach")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use test_support::shop::{ADD_ITEM, GET_OFFERS, SHOP};
    use tokio::time::Instant;

    use super::*;
    use crate::measure::{DurationParts, Failure, Layout, Recorder, Sample, SampleKey};
    use crate::plan::constant_vus;

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn snapshot() -> Snapshot {
        let mut recorder = Recorder::new(Layout::new(&SHOP, vec![false]));
        let due = Instant::now();
        for (ms, status, failure) in [
            (300, Some(200), None),
            (301, Some(200), None),
            (1, Some(500), Some(Failure::Status)),
            (2, None, Some(Failure::Refused)),
        ] {
            let finished = due + Duration::from_millis(ms);
            let at = SampleKey { part: 0, endpoint: 0, phase: Phase::Steady, late: false, segments: [None; 3] };
            recorder
                .record(at, &Sample { status, failure, due, started: due, finished, parts: DurationParts::default() });
        }
        recorder.snapshot()
    }

    fn all() -> Vec<SeriesValue> {
        all_of(&snapshot())
    }

    fn all_of(snapshot: &Snapshot) -> Vec<SeriesValue> {
        let tags = [("team".to_owned(), "trading".to_owned())];
        let identity = SeriesIdentity::new("t1", "basic", &tags);
        let phases = constant_vus(1, Duration::from_secs(1)).plan("basic", 1, 1).unwrap().phases;
        series(&SHOP, &[ADD_ITEM, GET_OFFERS], (&identity, &[(identity.clone(), phases)]), snapshot)
    }

    fn value(series: &str) -> Option<f64> {
        value_in(&all(), series)
    }

    fn value_in(all: &[SeriesValue], name: &str) -> Option<f64> {
        let text = |series: &SeriesValue| {
            let labels = series
                .labels
                .iter()
                .filter(|label| !["__name__", "testid", "scenario", "team"].contains(&&*label.name));
            let labels: Vec<_> = labels.map(|label| format!("{}={}", label.name, label.value)).collect();
            let name = series.labels.iter().find(|label| label.name == "__name__").map(|label| label.value.clone());
            format!("{}{{{}}}", name.unwrap_or_default(), labels.join(","))
        };
        all.iter().find(|series| text(series) == name).and_then(|series| match series.value {
            SampleValue::Number(value) => Some(value),
            SampleValue::Native(_) => None,
        })
    }

    #[test]
    fn a_failed_request_counts_in_the_last_bucket_only() {
        assert_eq!(value("add_item_latency_bucket{le=300.0,method=POST,name=add_item,phase=steady}"), Some(1.0));
        assert_eq!(value("add_item_latency_bucket{le=60000.0,method=POST,name=add_item,phase=steady}"), Some(2.0));
        assert_eq!(value("add_item_latency_bucket{le=+Inf,method=POST,name=add_item,phase=steady}"), Some(4.0));
        assert_eq!(value("add_item_latency_count{method=POST,name=add_item,phase=steady}"), Some(4.0));
        assert_eq!(value("add_item_latency_sum{method=POST,name=add_item,phase=steady}"), Some(604.0));
    }

    #[test]
    fn counts_are_exact_far_beyond_32_bits() {
        const DOUBLED: i32 = 40;
        let mut snapshot = snapshot();
        for _ in 0..DOUBLED {
            let same = snapshot.clone();
            snapshot.merge(&same);
        }
        let all = all_of(&snapshot);
        for (series, once) in [
            ("add_item_latency_bucket{le=300.0,method=POST,name=add_item,phase=steady}", 1.0),
            ("add_item_latency_bucket{le=+Inf,method=POST,name=add_item,phase=steady}", 4.0),
            ("add_item_latency_count{method=POST,name=add_item,phase=steady}", 4.0),
            ("add_item_latency_sum{method=POST,name=add_item,phase=steady}", 604.0),
            ("http_reqs{method=POST,name=add_item,phase=steady,status=200}", 2.0),
            ("api_errors{method=POST,name=add_item,phase=steady}", 2.0),
        ] {
            assert_eq!(value_in(&all, series), Some(once * 2_f64.powi(DOUBLED)), "{series}");
        }
        assert_eq!(snapshot.requests().sent, 4 << DOUBLED);
    }

    #[test]
    fn durations_are_counted_by_status() {
        assert_eq!(
            value("http_req_duration_bucket{le=1.0,method=POST,name=add_item,phase=steady,status=500}"),
            Some(1.0)
        );
        assert_eq!(value("http_reqs{method=POST,name=add_item,phase=steady,status=0}"), Some(1.0));
        assert_eq!(value("http_reqs{method=POST,name=add_item,phase=steady,status=200}"), Some(2.0));
        assert_eq!(value("http_req_failed{method=POST,name=add_item,phase=steady,status=500}"), Some(1.0));
        assert_eq!(value("api_errors{method=POST,name=add_item,phase=steady}"), Some(2.0));
        assert_eq!(value("add_item_success{method=POST,name=add_item,phase=steady}"), Some(2.0));
    }

    #[test]
    fn only_exercised_endpoints_have_series_from_the_start() {
        assert_eq!(value("get_offers_latency_count{method=GET,name=get_offers,phase=steady}"), Some(0.0));
        assert_eq!(value("api_errors{method=GET,name=get_offers,phase=steady}"), Some(0.0));
        assert_eq!(value("get_cart_latency_count{method=GET,name=get_cart,phase=steady}"), None);
    }

    #[test]
    fn labels_are_sorted_and_series_are_unique() {
        let series = all();
        assert!(series.iter().all(|series| series.labels.is_sorted()));
        assert_eq!(series.iter().map(|series| &series.labels).collect::<HashSet<_>>().len(), series.len());
        let tagged =
            |series: &SeriesValue| series.labels.iter().any(|label| label.name == "team" && label.value == "trading");
        assert!(series.iter().all(tagged));
    }
}
