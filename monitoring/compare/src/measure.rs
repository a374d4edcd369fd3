//! What is read off pairs of rounds: numbers of one side, and differences of both.

use std::collections::BTreeSet;

use crate::gate::{self, SignedRank};
use perf_report::comparison::Change;
use perf_report::{EndpointResult, Millis, Report};

/// A pair of rounds.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// What the base did.
    pub base: &'a Report,
    /// What the head did.
    pub head: &'a Report,
}

pub(crate) fn base_of<'a>(pair: &Pair<'a>) -> &'a Report {
    pair.base
}

pub(crate) fn head_of<'a>(pair: &Pair<'a>) -> &'a Report {
    pair.head
}

/// Requests that a p95 needs to be anything but the slowest of them.
pub(crate) const FEWEST_OF_P95: u64 = 20;
const FEWEST_OF_P99: u64 = 100;

/// A number that a round gives for an endpoint; none if it cannot tell.
pub(crate) type MeasureFn = fn(&Report, &EndpointResult) -> Option<f64>;

pub(crate) fn p50(_: &Report, endpoint: &EndpointResult) -> Option<f64> {
    endpoint.p50_ms.map(Millis::as_f64)
}

pub(crate) fn p95(_: &Report, endpoint: &EndpointResult) -> Option<f64> {
    endpoint.p95_ms.filter(|_| endpoint.requests.sent >= FEWEST_OF_P95).map(Millis::as_f64)
}

pub(crate) fn p99(_: &Report, endpoint: &EndpointResult) -> Option<f64> {
    endpoint.p99_ms.filter(|_| endpoint.requests.sent >= FEWEST_OF_P99).map(Millis::as_f64)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a round")]
pub(crate) fn success(_: &Report, endpoint: &EndpointResult) -> Option<f64> {
    let requests = &endpoint.requests;
    (requests.sent > 0).then(|| requests.sent.saturating_sub(requests.failed) as f64 / requests.sent as f64)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a round, and its milliseconds")]
pub(crate) fn throughput(report: &Report, endpoint: &EndpointResult) -> Option<f64> {
    let ms = report.ended_unix_ms - report.started_unix_ms;
    (ms > 0).then(|| endpoint.requests.sent as f64 / (ms as f64 / 1e3))
}

pub(crate) fn find<'a>(report: &'a Report, name: &str) -> Option<&'a EndpointResult> {
    report.endpoints.iter().find(|endpoint| endpoint.name == name)
}

/// Every endpoint that either side has, in the order of reports.
pub(crate) fn endpoints(pairs: &[Pair<'_>]) -> Vec<String> {
    let reports = pairs.iter().flat_map(|pair| [pair.head, pair.base]);
    let all = reports.flat_map(|report| report.endpoints.iter().map(|endpoint| &endpoint.name));
    let mut seen = BTreeSet::new();
    all.filter(|name| seen.insert(name.as_str())).cloned().collect()
}

fn measured(report: &Report, name: &str, of: MeasureFn) -> Option<f64> {
    of(report, find(report, name)?)
}

/// Differences of logarithms, of those pairs that have one.
pub(crate) fn differences(pairs: &[Pair<'_>], name: &str, of: MeasureFn) -> Vec<f64> {
    let both = pairs.iter().map(|pair| (measured(pair.base, name, of), measured(pair.head, name, of)));
    both.filter_map(|(base, head)| gate::difference(base, head)).collect()
}

/// Differences of p95, of those pairs that have one. A side that answers a quarter of what the other does, and too little for a p95, stands
/// still rather than has none: it is as slow as can be.
pub(crate) fn differences_of(pairs: &[Pair<'_>], name: &str) -> Vec<f64> {
    const STANDSTILL: u64 = 4;
    let sent = |report: &Report| find(report, name).map_or(0, |endpoint| endpoint.requests.sent);
    let of_pair = |pair: &Pair<'_>| {
        let (base, head) = (measured(pair.base, name, p95), measured(pair.head, name, p95));
        let (before, after) = (sent(pair.base), sent(pair.head));
        // An endpoint that one side does not have at all is none that stands still.
        let both = find(pair.base, name).is_some() && find(pair.head, name).is_some();
        match (base, head) {
            (Some(base), None) if both && after * STANDSTILL < before => {
                gate::difference(Some(base), Some(f64::INFINITY))
            }
            (None, Some(head)) if both && before * STANDSTILL < after => {
                gate::difference(Some(f64::INFINITY), Some(head))
            }
            (base, head) => gate::difference(base, head),
        }
    };
    pairs.iter().filter_map(of_pair).collect()
}

/// Differences of logarithms of p95s, endpoint by endpoint: what [`gate::Calibration`] reads.
pub fn differences_of_p95(pairs: &[Pair<'_>]) -> Vec<(String, Vec<f64>)> {
    endpoints(pairs).into_iter().map(|name| (name.clone(), differences_of(pairs, &name))).collect()
}

pub(crate) fn rounds(pairs: &[Pair<'_>], name: &str) -> Vec<(Option<Millis>, Option<Millis>)> {
    let of = |report: &Report| find(report, name).and_then(|endpoint| endpoint.p95_ms);
    pairs.iter().map(|pair| (of(pair.base), of(pair.head))).collect()
}

/// Both sides' medians over rounds.
pub(crate) fn medians(pairs: &[Pair<'_>], name: &str, of: MeasureFn) -> Change {
    let side = |side: for<'a> fn(&Pair<'a>) -> &'a Report| {
        median(pairs.iter().filter_map(|pair| measured(side(pair), name, of)).collect())
    };
    Change { before: side(base_of), after: side(head_of), ..Change::default() }
}

/// The median, if it is finite.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper)).filter(|median| median.is_finite())
}

/// A change as a share of what was before.
pub(crate) fn ratio(pairs: &[Pair<'_>], name: &str, of: MeasureFn, alpha: f64) -> Change {
    let test = SignedRank::new(&differences(pairs, name, of));
    let interval = test.interval(alpha).map(|interval| (interval.low.exp_m1(), interval.high.exp_m1()));
    Change { change: test.estimate().map(f64::exp_m1), interval, ..medians(pairs, name, of) }
}

/// A change of a share, as a difference.
pub(crate) fn difference(pairs: &[Pair<'_>], name: &str, of: MeasureFn, alpha: f64) -> Change {
    let both = pairs.iter().filter_map(|pair| Some(measured(pair.head, name, of)? - measured(pair.base, name, of)?));
    let test = SignedRank::new(&both.collect::<Vec<_>>());
    let interval = test.interval(alpha).map(|interval| (interval.low, interval.high));
    Change { change: test.estimate(), interval, ..medians(pairs, name, of) }
}
