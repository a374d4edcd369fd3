//! Metrics: their names, kinds, labels and bucket bounds, derived from the catalogue.

use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::label::{self, Label};
use crate::phase::Phase;
use crate::ratio::millis;

/// Bucket bounds in milliseconds that every catalogue has, for eyes. The bounds that decide are added to them: each
/// objective's threshold.
pub(crate) const LADDER_MS: &[u64] = &[
    1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000,
    7_500, 10_000, 30_000, 60_000,
];

/// Bucket bounds in microseconds of the parts of a request, and of the lateness of iterations. Nothing is decided by
/// them, and there are many such series, so there are few.
const COARSE_US: &[u64] =
    &[100, 500, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000, 10_000_000];

/// What a metric's series are told apart by, besides `testid`, `scenario` and the user's tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Nothing: it speaks of the whole scenario.
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

/// A part of a request's time, in the order in which they pass. k6's parts and names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Until there was a connection to use, or until one began to be made.
    Blocked,
    /// Finding the address of a name.
    LookingUp,
    /// Connecting.
    Connecting,
    /// The TLS handshake.
    TlsHandshaking,
    /// Writing the request.
    Sending,
    /// From the last byte of the request to the first of the answer.
    Waiting,
    /// From there to the last byte of the answer.
    Receiving,
}

impl Part {
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

/// What the generator knows of itself, as shares from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthMetric {
    /// How busy the busiest worker's thread is.
    Cpu,
    /// The longest share of time that a worker was ready to run and had no processor.
    RunQueue,
    /// Processor time that the hypervisor gave to others.
    Steal,
}

/// What a metric is, as stores keep it beside its series: Prometheus' kinds, <https://prometheus.io/docs/concepts/metric_types/>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations by bucket.
    Histogram,
}

/// What is said of a metric beside its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Description {
    /// What it is.
    pub kind: Kind,
    /// What it is counted in, as OpenMetrics names it; empty for numbers of things.
    pub unit: &'static str,
    /// A sentence.
    pub help: &'static str,
}

/// A metric that a run sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// The name as it stands in `__name__`; a histogram's series add `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// What its series are told apart by.
    pub by: By,
    /// What it is.
    pub description: Description,
}

impl Metric {
    fn counter(name: impl Into<String>, by: By, help: &'static str) -> Self {
        Self { name: name.into(), by, description: Description { kind: Kind::Counter, unit: "", help } }
    }

    fn histogram(name: impl Into<String>, by: By, help: &'static str) -> Self {
        let description = Description { kind: Kind::Histogram, unit: "milliseconds", help };
        Self { name: name.into(), by, description }
    }

    fn gauge(name: impl Into<String>, unit: &'static str, help: &'static str) -> Self {
        Self { name: name.into(), by: By::Run, description: Description { kind: Kind::Gauge, unit, help } }
    }

    /// `<endpoint>_latency`, a histogram in milliseconds: sending, waiting and receiving, what the objective of the
    /// endpoint is judged by. A failed request counts in `_count`, `_sum` and the bucket `+Inf` only. It has no `status`
    /// label, so that all its series are there from the start.
    pub fn latency(endpoint: &Endpoint) -> Self {
        Self::histogram(format!("{}_latency", endpoint.name), By::Endpoint, "Sending, waiting and receiving.")
    }

    /// `<endpoint>_response_time`, likewise, from when the request was due. Only open loads have it.
    pub fn response_time(endpoint: &Endpoint) -> Self {
        let help = "From when the request was due to its end.";
        Self::histogram(format!("{}_response_time", endpoint.name), By::Endpoint, help)
    }

    /// `<endpoint>_success`: requests that succeeded; their denominator is `<endpoint>_latency_count`.
    pub fn success(endpoint: &Endpoint) -> Self {
        Self::counter(format!("{}_success", endpoint.name), By::Endpoint, "Requests that succeeded.")
    }

    /// `http_req_duration`, a histogram in milliseconds: sending, waiting and receiving, of every request, by status.
    pub fn http_req_duration() -> Self {
        Self::histogram("http_req_duration", By::Status, "Sending, waiting and receiving, failed requests included.")
    }

    /// `http_req_blocked`, `http_req_looking_up`, `http_req_connecting`, `http_req_tls_handshaking`,
    /// `http_req_sending`, `http_req_waiting`, `http_req_receiving`: histograms in milliseconds.
    pub fn part(part: Part) -> Self {
        Self::histogram(format!("http_req_{}", part.name()), By::Endpoint, "A part of the time of requests.")
    }

    /// `http_reqs`: all requests, by status.
    pub fn http_reqs() -> Self {
        Self::counter("http_reqs", By::Status, "Requests.")
    }

    /// `http_req_failed`: requests that failed, by status.
    pub fn http_req_failed() -> Self {
        Self::counter("http_req_failed", By::Status, "Requests that failed.")
    }

    /// `http_req_errors`: requests that failed, by kind of failure.
    pub fn http_req_errors() -> Self {
        Self::counter("http_req_errors", By::Kind, "Requests that failed, by kind of failure.")
    }

    /// `api_errors`: requests that failed, by endpoint; there from the start, at zero.
    pub fn api_errors() -> Self {
        Self::counter("api_errors", By::Endpoint, "Requests that failed.")
    }

    /// `checks`: tries of a check.
    pub fn checks() -> Self {
        Self::counter("checks", By::Check, "Tries of a check.")
    }

    /// `checks_failed`: those that did not pass.
    pub fn checks_failed() -> Self {
        Self::counter("checks_failed", By::Check, "Tries of a check that did not pass.")
    }

    /// `iterations`: iterations of the scenario that ran to their end, failed ones included.
    pub fn iterations() -> Self {
        Self::counter("iterations", By::Run, "Iterations that ran to their end.")
    }

    /// `iteration_duration`, a histogram in milliseconds: iterations that ran to their end.
    pub fn iteration_duration() -> Self {
        Self::histogram("iteration_duration", By::Run, "Iterations that ran to their end.")
    }

    /// `iteration_lateness`, a histogram in milliseconds: how long after they were due an open load's iterations began.
    pub fn iteration_lateness() -> Self {
        Self::histogram("iteration_lateness", By::Run, "How long after they were due iterations began.")
    }

    /// `dropped_iterations`: planned and never begun.
    pub fn dropped_iterations() -> Self {
        Self::counter("dropped_iterations", By::Phase, "Iterations that were planned and never begun.")
    }

    /// `vus`: virtual users now active.
    pub fn vus() -> Self {
        Self::gauge("vus", "", "Virtual users now active.")
    }

    /// `generator_cpu`, `generator_run_queue`, `generator_steal`: shares from 0 to 1 since the last push.
    pub fn health(health: HealthMetric) -> Self {
        let name = match health {
            HealthMetric::Cpu => "generator_cpu",
            HealthMetric::RunQueue => "generator_run_queue",
            HealthMetric::Steal => "generator_steal",
        };
        Self::gauge(name, "ratio", "What the generator knows of itself, since the last push.")
    }

    /// The labels of its series for an endpoint (none for metrics that are not by endpoint) in a phase. `last` is the
    /// status ("0": no answer), the kind of failure or the check's name, for metrics that are told apart by one.
    pub fn labels(&self, endpoint: Option<&Endpoint>, phase: Phase, last: &str) -> Vec<(Label, String)> {
        let own = match self.by {
            By::Run => return Vec::new(),
            By::Phase | By::Endpoint => None,
            By::Status => Some(label::STATUS),
            By::Kind => Some(label::KIND),
            By::Check => Some(label::CHECK),
        };
        let of_endpoint = endpoint.filter(|_| !matches!(self.by, By::Phase | By::Check)).map(|endpoint| {
            [(label::NAME, endpoint.name.to_owned()), (label::METHOD, endpoint.method.as_str().to_owned())]
        });
        let mut labels: Vec<_> = of_endpoint.into_iter().flatten().collect();
        labels.push((label::PHASE, phase.as_str().to_owned()));
        labels.extend(own.map(|own| (own, last.to_owned())));
        labels
    }

    /// The metric that a series with that name is of, if it is of that kind: a histogram's series have names of their own.
    pub fn family(name: &str, kind: Kind) -> &str {
        let own = ["_bucket", "_sum", "_count"].into_iter().find_map(|part| name.strip_suffix(part));
        own.filter(|_| kind == Kind::Histogram).unwrap_or(name)
    }

    /// The histogram's series of buckets.
    pub fn bucket(&self) -> String {
        format!("{}_bucket", self.name)
    }

    /// The histogram's series of counts.
    pub fn count(&self) -> String {
        format!("{}_count", self.name)
    }

    /// The histogram's series of sums.
    pub fn sum(&self) -> String {
        format!("{}_sum", self.name)
    }
}

/// The finite upper bounds of histograms that nothing is decided by, ascending.
pub fn coarse_bounds() -> Vec<Duration> {
    COARSE_US.iter().map(|&us| Duration::from_micros(us)).collect()
}

/// A bound as it stands in the label `le`: milliseconds, always with a decimal point ("300.0"), as OpenMetrics writes
/// floats. Prometheus takes `le` verbatim over remote write, so that two ways to write one number would be two buckets.
pub fn le(bound: Duration) -> String {
    let text = millis(bound);
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// The bound of the last bucket.
pub const LE_INFINITY: &str = "+Inf";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn le_has_a_decimal_point() {
        assert_eq!(le(Duration::from_millis(300)), "300.0");
        assert_eq!(le(Duration::from_micros(123_456)), "123.456");
    }
}
