//! Metrics: their names, kinds, labels and bucket bounds, derived from the catalogue.

use std::time::Duration;

use crate::catalogue::{Catalogue, Endpoint};
use crate::label::{self, Label};
use crate::slo::{Sli, millis};

/// Bucket bounds in milliseconds that every catalogue has, for eyes. The bounds that decide are added to them: each
/// objective's threshold.
const LADDER_MS: &[u64] = &[
    1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000,
    7_500, 10_000, 30_000, 60_000,
];

/// What a metric's series are told apart by, besides `testid`, `scenario` and the user's tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Nothing: it speaks of the whole run.
    Run,
    /// `name` and `method`.
    Endpoint,
    /// `name`, `method` and `status`.
    Status,
}

/// A metric that a run sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// The name as it stands in `__name__`; a histogram's series add `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// What its series are told apart by.
    pub by: By,
}

impl Metric {
    fn new(name: impl Into<String>, by: By) -> Self {
        Self { name: name.into(), by }
    }

    /// `<endpoint>_latency`, a histogram in milliseconds: what the objective of the endpoint is judged by. A failed request counts in `_count`,
    /// `_sum` and the bucket `+Inf` only. It has no `status` label, so that all its series are there from the start.
    pub fn latency(endpoint: &Endpoint) -> Self {
        Self::new(format!("{}_latency", endpoint.name), By::Endpoint)
    }

    /// `<endpoint>_success`: requests that succeeded; their denominator is `<endpoint>_latency_count`.
    pub fn success(endpoint: &Endpoint) -> Self {
        Self::new(format!("{}_success", endpoint.name), By::Endpoint)
    }

    /// `http_req_duration`, a histogram in milliseconds: sending, waiting and receiving, of every request, by status.
    pub fn http_req_duration() -> Self {
        Self::new("http_req_duration", By::Status)
    }

    /// `http_reqs`: all requests, by status.
    pub fn http_reqs() -> Self {
        Self::new("http_reqs", By::Status)
    }

    /// `http_req_failed`: requests that failed, by status.
    pub fn http_req_failed() -> Self {
        Self::new("http_req_failed", By::Status)
    }

    /// `api_errors`: requests that failed, by endpoint; there from the start, at zero.
    pub fn api_errors() -> Self {
        Self::new("api_errors", By::Endpoint)
    }

    /// `iterations`: iterations of the scenario that ran to their end, failed ones included.
    pub fn iterations() -> Self {
        Self::new("iterations", By::Run)
    }

    /// `vus`: virtual users now active.
    pub fn vus() -> Self {
        Self::new("vus", By::Run)
    }

    /// The labels of its series for an endpoint and a status; 0 stands for no answer.
    pub fn labels(&self, endpoint: &Endpoint, status: u16) -> Vec<(Label, String)> {
        let name = || (label::NAME, endpoint.name.to_owned());
        let method = || (label::METHOD, endpoint.method.as_str().to_owned());
        match self.by {
            By::Run => Vec::new(),
            By::Endpoint => vec![name(), method()],
            By::Status => vec![name(), method(), (label::STATUS, status.to_string())],
        }
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

/// The endpoints whose successes are counted in a metric of their own: those with a success objective.
pub fn with_success(catalogue: &Catalogue) -> impl Iterator<Item = &'static Endpoint> {
    catalogue.slos.iter().filter_map(|slo| match &slo.sli {
        Sli::Success { endpoint } => Some(endpoint),
        _ => None,
    })
}

/// The finite upper bounds of all histograms, ascending. Each threshold of the catalogue is one of them.
pub fn bucket_bounds(catalogue: &Catalogue) -> Vec<Duration> {
    let thresholds = catalogue.slos.iter().filter_map(|slo| match slo.sli {
        Sli::Latency { threshold, .. } => Some(threshold),
        Sli::Success { .. } | Sli::NoError => None,
    });
    let mut bounds: Vec<_> = LADDER_MS.iter().map(|&ms| Duration::from_millis(ms)).chain(thresholds).collect();
    bounds.sort_unstable();
    bounds.dedup();
    bounds
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
    use crate::catalogue::{JOIN_ROOM, STOCK_AI};
    use crate::slo::Slo;

    #[test]
    fn every_threshold_is_a_bound() {
        const ODD: Catalogue = Catalogue { slos: &[Slo::p95(JOIN_ROOM, Duration::from_micros(123_456))], ..STOCK_AI };
        let bounds = bucket_bounds(&ODD);
        assert!(bounds.contains(&Duration::from_micros(123_456)));
        assert!(bounds.is_sorted());
        assert_eq!(le(Duration::from_micros(123_456)), "123.456");
    }

    #[test]
    fn le_has_a_decimal_point() {
        assert_eq!(le(Duration::from_millis(300)), "300.0");
    }
}
