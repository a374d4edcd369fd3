//! Metrics: their names, kinds, labels and bucket bounds, derived from the catalogue.

use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::label::{self, Label};
use crate::measure::{Measure, MeasureKind};
use crate::phase::Phase;
use crate::ratio::millis;
use crate::span::Span;

/// Bucket bounds in milliseconds that every catalogue has, for charts. The threshold of each
/// objective is added to them; objectives are judged only at thresholds.
pub(crate) const LADDER_MS: &[u64] = &[
    1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000,
    7_500, 10_000, 30_000, 60_000,
];

/// Bucket bounds in microseconds for the parts of a request and the lateness of iterations. They
/// are few, because there are many such series and no objective is judged by them.
const COARSE_US: &[u64] =
    &[100, 500, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000, 10_000_000];

/// Labels of a metric's series, besides `testid`, `scenario` and the user's tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelSet {
    /// No other label: one series for the whole scenario.
    Run,
    /// `phase`.
    Phase,
    /// `name`, `method` and `phase`.
    Endpoint,
    /// `name`, `method`, `phase` and `status`.
    Status,
    /// `name`, `method`, `phase` and `kind`.
    Kind,
    /// `check` and `phase`.
    Check,
}

/// Label by which a metric's series of one endpoint and phase differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesKey<'a> {
    /// No label: there is one series.
    None,
    /// Status of the response, "0" for no response.
    Status(&'a str),
    /// Kind of the failure.
    Failure(&'a str),
    /// Name of the check.
    Check(&'a str),
}

impl SeriesKey<'_> {
    fn label(self) -> Option<(Label, String)> {
        let (label, value) = match self {
            Self::None => return None,
            Self::Status(status) => (label::STATUS, status),
            Self::Failure(kind) => (label::KIND, kind),
            Self::Check(name) => (label::CHECK, name),
        };
        Some((label, value.to_owned()))
    }
}

/// A part of a request's time, in the order of time. Parts and names are those of k6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestPart {
    /// Waiting until a connection is free or a new one is begun.
    Blocked,
    /// DNS look-up.
    LookingUp,
    /// TCP connect.
    Connecting,
    /// TLS handshake.
    TlsHandshaking,
    /// Writing the request.
    Sending,
    /// From the last byte of the request to the first byte of the response.
    Waiting,
    /// From the first to the last byte of the response.
    Receiving,
}

impl RequestPart {
    /// All parts.
    pub const ALL: [Self; 7] = [
        Self::Blocked,
        Self::LookingUp,
        Self::Connecting,
        Self::TlsHandshaking,
        Self::Sending,
        Self::Waiting,
        Self::Receiving,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::LookingUp => "looking_up",
            Self::Connecting => "connecting",
            Self::TlsHandshaking => "tls_handshaking",
            Self::Sending => "sending",
            Self::Waiting => "waiting",
            Self::Receiving => "receiving",
        }
    }
}

/// Health of the generator, as shares from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthMetric {
    /// CPU use of the busiest worker's thread.
    Cpu,
    /// Largest share of time that a worker was ready to run but had no processor.
    RunQueue,
    /// CPU time that the hypervisor gave to other machines.
    Steal,
}

/// Type of a metric in its metadata, see <https://prometheus.io/docs/concepts/metric_types/>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations counted by bucket.
    Histogram,
}

/// Metadata of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricDescription {
    /// Type of the metric.
    pub kind: MetricKind,
    /// Unit as OpenMetrics names it, such as "milliseconds"; empty for plain numbers.
    pub unit: &'static str,
    /// Help text, one sentence.
    pub help: &'static str,
}

/// A metric that a run sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Value of the label `__name__`. Series of a histogram append `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// Labels of its series.
    pub label_set: LabelSet,
    /// Its metadata.
    pub description: MetricDescription,
}

#[expect(missing_docs, reason = "each help text says what the metric is")]
impl Metric {
    fn counter(name: impl Into<String>, label_set: LabelSet, help: &'static str) -> Self {
        let description = MetricDescription { kind: MetricKind::Counter, unit: "", help };
        Self { name: name.into(), label_set, description }
    }

    fn histogram(name: impl Into<String>, label_set: LabelSet, help: &'static str) -> Self {
        let description = MetricDescription { kind: MetricKind::Histogram, unit: "milliseconds", help };
        Self { name: name.into(), label_set, description }
    }

    fn gauge(name: impl Into<String>, unit: &'static str, help: &'static str) -> Self {
        let description = MetricDescription { kind: MetricKind::Gauge, unit, help };
        Self { name: name.into(), label_set: LabelSet::Run, description }
    }

    /// `<endpoint>_latency`, a histogram in milliseconds: the time of sending, waiting and
    /// receiving. Latency objectives are judged by it. A failed request counts only in `_count`,
    /// `_sum` and the bucket `+Inf`. There is no label `status`, so that all series exist from the
    /// start.
    pub fn latency(endpoint: &Endpoint) -> Self {
        Self::histogram(
            format!("{}_latency", endpoint.name),
            LabelSet::Endpoint,
            "Time of sending, waiting and receiving.",
        )
    }

    /// `<endpoint>_response_time`, a histogram in milliseconds: the time from when the request was
    /// due to its end. Failed requests count as in [`Metric::latency`]. Only open loads have it.
    pub fn response_time(endpoint: &Endpoint) -> Self {
        let help = "Time from when the request was due to its end.";
        Self::histogram(format!("{}_response_time", endpoint.name), LabelSet::Endpoint, help)
    }

    /// `<endpoint>_latency`, `<endpoint>_connecting` and so on: a histogram in milliseconds of a
    /// span of each request's time. Failed requests count as in [`Metric::latency`].
    pub fn span(endpoint: &Endpoint, span: Span) -> Self {
        let help = match span {
            Span::Latency => return Self::latency(endpoint),
            Span::ResponseTime => return Self::response_time(endpoint),
            Span::Connecting => "Time of DNS, TCP and TLS of requests that open a connection.",
            Span::WithConnecting => "Time from the start of a request to its end, connecting included.",
            Span::FirstByte => "Time of sending and waiting, to the first byte of the response.",
        };
        Self::histogram(format!("{}_{}", endpoint.name, span.metric_suffix()), LabelSet::Endpoint, help)
    }

    /// `<endpoint>_success`: requests that succeeded. Divide by `<endpoint>_latency_count` for a
    /// share.
    pub fn success(endpoint: &Endpoint) -> Self {
        Self::counter(format!("{}_success", endpoint.name), LabelSet::Endpoint, "Requests that succeeded.")
    }

    /// `http_req_duration`, a histogram in milliseconds: the time of sending, waiting and receiving
    /// of every request, by status.
    pub fn http_req_duration() -> Self {
        let help = "Time of sending, waiting and receiving, failed requests included.";
        Self::histogram("http_req_duration", LabelSet::Status, help)
    }

    /// `http_req_blocked`, `http_req_looking_up`, `http_req_connecting`,
    /// `http_req_tls_handshaking`, `http_req_sending`, `http_req_waiting`, `http_req_receiving`:
    /// histograms in milliseconds.
    pub fn part(part: RequestPart) -> Self {
        Self::histogram(format!("http_req_{}", part.name()), LabelSet::Endpoint, "Time of one part of a request.")
    }

    pub fn http_reqs() -> Self {
        Self::counter("http_reqs", LabelSet::Status, "Requests, failed ones included.")
    }

    pub fn http_req_failed() -> Self {
        Self::counter("http_req_failed", LabelSet::Status, "Requests that failed.")
    }

    pub fn http_req_errors() -> Self {
        Self::counter("http_req_errors", LabelSet::Kind, "Requests that failed, by kind of failure.")
    }

    pub fn reconnects() -> Self {
        let help = "Requests sent once more, because the server had closed a reused connection.";
        Self::counter("http_req_reconnects", LabelSet::Endpoint, help)
    }

    pub fn body_bytes() -> Self {
        Self::counter("http_res_body_bytes", LabelSet::Endpoint, "Bytes of response bodies as they were sent.")
    }

    pub fn decoded_bytes() -> Self {
        Self::counter("http_res_decoded_bytes", LabelSet::Endpoint, "Bytes of response bodies after decompression.")
    }

    /// `api_errors`: requests that failed, by endpoint. Its series exist from the start, at zero.
    pub fn api_errors() -> Self {
        Self::counter("api_errors", LabelSet::Endpoint, "Requests that failed.")
    }

    pub fn checks() -> Self {
        Self::counter("checks", LabelSet::Check, "Tries of a check.")
    }

    pub fn checks_failed() -> Self {
        Self::counter("checks_failed", LabelSet::Check, "Tries of a check that did not pass.")
    }

    /// `measure_<name>`: a scenario's own measure. It is a histogram, the sum, the last value, or
    /// the number of values of a rate.
    pub fn measure(measure: &Measure) -> Self {
        let kind = match measure.kind {
            MeasureKind::Trend => MetricKind::Histogram,
            MeasureKind::Counter | MeasureKind::Rate => MetricKind::Counter,
            MeasureKind::Gauge => MetricKind::Gauge,
        };
        let label_set = if kind == MetricKind::Gauge { LabelSet::Run } else { LabelSet::Phase };
        let description = MetricDescription { kind, unit: "", help: "A measure of the scenario." };
        Self { name: format!("measure_{}", measure.name), label_set, description }
    }

    pub fn measure_passed(measure: &Measure) -> Self {
        Self::counter(format!("measure_{}_passed", measure.name), LabelSet::Phase, "Values that are not zero.")
    }

    pub fn iterations() -> Self {
        Self::counter("iterations", LabelSet::Run, "Completed iterations, failed ones included.")
    }

    pub fn iteration_duration() -> Self {
        Self::histogram("iteration_duration", LabelSet::Run, "Duration of completed iterations.")
    }

    pub fn iteration_lateness() -> Self {
        Self::histogram("iteration_lateness", LabelSet::Run, "Time from when an iteration was due to its start.")
    }

    pub fn dropped_iterations() -> Self {
        Self::counter("dropped_iterations", LabelSet::Phase, "Iterations that were planned but never started.")
    }

    pub fn vus() -> Self {
        Self::gauge("vus", "", "Virtual users that are active now.")
    }

    /// `generator_cpu`, `generator_run_queue`, `generator_steal`: shares from 0 to 1, since the
    /// last push.
    pub fn health(health: HealthMetric) -> Self {
        let name = match health {
            HealthMetric::Cpu => "generator_cpu",
            HealthMetric::RunQueue => "generator_run_queue",
            HealthMetric::Steal => "generator_steal",
        };
        Self::gauge(name, "ratio", "Health of the generator since the last push.")
    }

    /// Labels of the series for an endpoint and a phase. `endpoint` is `None` for metrics that are
    /// not by endpoint.
    pub fn labels(&self, endpoint: Option<&Endpoint>, phase: Phase, key: SeriesKey<'_>) -> Vec<(Label, String)> {
        if self.label_set == LabelSet::Run {
            return Vec::new();
        }
        let of_endpoint =
            endpoint.filter(|_| !matches!(self.label_set, LabelSet::Phase | LabelSet::Check)).map(|endpoint| {
                [(label::NAME, endpoint.name.to_owned()), (label::METHOD, endpoint.method.as_str().to_owned())]
            });
        let mut labels: Vec<_> = of_endpoint.into_iter().flatten().collect();
        labels.push((label::PHASE, phase.as_str().to_owned()));
        labels.extend(key.label());
        labels
    }

    /// Name of the metric that a series belongs to: the suffix of a histogram's series is removed.
    pub fn family(name: &str, kind: MetricKind) -> &str {
        let own = ["_bucket", "_sum", "_count"].into_iter().find_map(|part| name.strip_suffix(part));
        own.filter(|_| kind == MetricKind::Histogram).unwrap_or(name)
    }

    /// Name of the histogram's bucket series.
    pub fn bucket(&self) -> String {
        format!("{}_bucket", self.name)
    }

    /// Name of the histogram's count series.
    pub fn count(&self) -> String {
        format!("{}_count", self.name)
    }

    /// Name of the histogram's sum series.
    pub fn sum(&self) -> String {
        format!("{}_sum", self.name)
    }
}

/// Finite upper bounds, ascending, of histograms that no objective is judged by.
pub fn coarse_bounds() -> Vec<Duration> {
    COARSE_US.iter().map(|&us| Duration::from_micros(us)).collect()
}

/// Formats a bound for the label `le`: milliseconds with a decimal point ("300.0"), as OpenMetrics
/// writes floats. Prometheus stores `le` unchanged from remote write, so "300" and "300.0" would be
/// two buckets.
pub fn le(bound: Duration) -> String {
    let text = millis(bound);
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// Beginning of the metric names that count only requests, checks and values in a segment. They are
/// metrics of their own, so that a sum over the others counts each request once.
pub const IN_SEGMENT: &str = "segment_";

/// Label `le` of the last bucket.
pub const LE_INFINITY: &str = "+Inf";

#[cfg(test)]
mod tests;
