//! Measures of rounds, and their differences between the two rounds of a pair.

use std::collections::BTreeSet;

use crate::significance::{self, SignedRank};
use perf_report::comparison::Change;
use perf_report::judgement::EndpointResult;
use perf_report::{Millis, Report};

/// A pair of neighboring rounds.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// Report of the base's round.
    pub base: &'a Report,
    /// Report of the head's round.
    pub head: &'a Report,
}

pub(crate) fn base_report<'a>(pair: &Pair<'a>) -> &'a Report {
    pair.base
}

pub(crate) fn head_report<'a>(pair: &Pair<'a>) -> &'a Report {
    pair.head
}

/// Minimum number of requests for a p95. With fewer, it is just the slowest request.
pub(crate) const MIN_REQUESTS_P95: u64 = 20;
const MIN_REQUESTS_P99: u64 = 100;

/// A measure of an endpoint in a round. `None` if the round has too little data.
pub(crate) type MeasureFn = fn(&Report, &EndpointResult) -> Option<f64>;

pub(crate) fn p50(_: &Report, endpoint: &EndpointResult) -> Option<f64> {
    endpoint.p50_ms.map(Millis::as_f64)
}

pub(crate) fn p95(_: &Report, endpoint: &EndpointResult) -> Option<f64> {
    endpoint.p95_ms.filter(|_| endpoint.requests.sent >= MIN_REQUESTS_P95).map(Millis::as_f64)
}

pub(crate) fn p99(_: &Report, endpoint: &EndpointResult) -> Option<f64> {
    endpoint.p99_ms.filter(|_| endpoint.requests.sent >= MIN_REQUESTS_P99).map(Millis::as_f64)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a round")]
pub(crate) fn success(_: &Report, endpoint: &EndpointResult) -> Option<f64> {
    let requests = &endpoint.requests;
    (requests.sent > 0).then(|| requests.sent.saturating_sub(requests.failed) as f64 / requests.sent as f64)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a round")]
pub(crate) fn throughput(report: &Report, endpoint: &EndpointResult) -> Option<f64> {
    let seconds = report.duration().as_secs_f64();
    (seconds > 0.0).then(|| endpoint.requests.sent as f64 / seconds)
}

pub(crate) fn find<'a>(report: &'a Report, name: &str) -> Option<&'a EndpointResult> {
    report.endpoints.iter().find(|endpoint| endpoint.name == name)
}

/// Endpoints that either side has, in the order of reports.
pub(crate) fn endpoints(pairs: &[Pair<'_>]) -> Vec<String> {
    let reports = pairs.iter().flat_map(|pair| [pair.head, pair.base]);
    let all = reports.flat_map(|report| report.endpoints.iter().map(|endpoint| &endpoint.name));
    let mut known = BTreeSet::new();
    all.filter(|name| known.insert(name.as_str())).cloned().collect()
}

fn measured(report: &Report, name: &str, measure: MeasureFn) -> Option<f64> {
    measure(report, find(report, name)?)
}

/// Differences of logarithms, for pairs in which both sides have the measure.
pub(crate) fn differences(pairs: &[Pair<'_>], name: &str, measure: MeasureFn) -> Vec<f64> {
    let both = pairs.iter().map(|pair| (measured(pair.base, name, measure), measured(pair.head, name, measure)));
    both.filter_map(|(base, head)| significance::difference(base, head)).collect()
}

/// Differences of the logarithms of p95, for pairs that have one. A side is stalled if it has too
/// few requests for a p95 and less than a quarter of the other side's. See [`stalled_p95`].
pub(crate) fn p95_differences(pairs: &[Pair<'_>], name: &str) -> Vec<f64> {
    const STALLED_DIVISOR: u64 = 4;
    let sent = |report: &Report| find(report, name).map_or(0, |endpoint| endpoint.requests.sent);
    let difference_of_pair = |pair: &Pair<'_>| {
        let (base, head) = (measured(pair.base, name, p95), measured(pair.head, name, p95));
        let (before, after) = (sent(pair.base), sent(pair.head));
        // An endpoint that is missing on one side is not stalled.
        let on_both = find(pair.base, name).is_some() && find(pair.head, name).is_some();
        match (base, head) {
            (Some(base), None) if on_both && after * STALLED_DIVISOR < before => {
                significance::difference(Some(base), stalled_p95(pair.head, pair.base, name))
            }
            (None, Some(head)) if on_both && before * STALLED_DIVISOR < after => {
                significance::difference(stalled_p95(pair.base, pair.head, name), Some(head))
            }
            (base, head) => significance::difference(base, head),
        }
    };
    pairs.iter().filter_map(difference_of_pair).collect()
}

/// The p95 of an endpoint on a stalled side. It is infinite, unless slow endpoints explain why
/// there are few requests: in a closed load, virtual users that wait there do not get to others.
/// Then a slow endpoint has its p95 of few requests, and the others have none.
fn stalled_p95(side: &Report, other: &Report, name: &str) -> Option<f64> {
    /// With fewer requests, a freeze could make a median large.
    const FEWEST: u64 = 5;
    let is_slow = |endpoint: &&EndpointResult| {
        let usual = find(other, &endpoint.name).and_then(|usual| usual.p95_ms);
        let is_slower = endpoint.p50_ms.zip(usual).is_some_and(|(p50, usual)| p50.as_f64() > usual.as_f64());
        is_slower && endpoint.requests.sent >= FEWEST
    };
    let slow: Vec<_> = side.endpoints.iter().filter(is_slow).collect();
    if slow.is_empty() {
        return Some(f64::INFINITY);
    }
    slow.into_iter().find(|endpoint| endpoint.name == name)?.p95_ms.map(Millis::as_f64)
}

/// Differences of the logarithms of p95 by endpoint, as input of [`significance::Calibration`].
pub fn differences_of_p95(pairs: &[Pair<'_>]) -> Vec<(String, Vec<f64>)> {
    endpoints(pairs).into_iter().map(|name| (name.clone(), p95_differences(pairs, &name))).collect()
}

pub(crate) fn rounds(pairs: &[Pair<'_>], name: &str) -> Vec<(Option<Millis>, Option<Millis>)> {
    let p95 = |report: &Report| find(report, name).and_then(|endpoint| endpoint.p95_ms);
    pairs.iter().map(|pair| (p95(pair.base), p95(pair.head))).collect()
}

/// Medians of both sides over rounds.
pub(crate) fn medians(pairs: &[Pair<'_>], name: &str, measure: MeasureFn) -> Change {
    let side = |side: for<'a> fn(&Pair<'a>) -> &'a Report| {
        median(pairs.iter().filter_map(|pair| measured(side(pair), name, measure)).collect())
    };
    Change { before: side(base_report), after: side(head_report), ..Change::default() }
}

/// Median, if it is finite.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper)).filter(|median| median.is_finite())
}

/// Relative change: 0.1 is 10 % more than before.
pub(crate) fn ratio(pairs: &[Pair<'_>], name: &str, measure: MeasureFn, alpha: f64) -> Change {
    let test = SignedRank::new(&differences(pairs, name, measure));
    let interval = test.interval(alpha).map(|interval| (interval.low.exp_m1(), interval.high.exp_m1()));
    Change { change: test.estimate().map(f64::exp_m1), interval, ..medians(pairs, name, measure) }
}

/// Change of a share, as a difference: 0.1 is 10 percentage points more.
pub(crate) fn difference(pairs: &[Pair<'_>], name: &str, measure: MeasureFn, alpha: f64) -> Change {
    let both =
        pairs.iter().filter_map(|pair| Some(measured(pair.head, name, measure)? - measured(pair.base, name, measure)?));
    let test = SignedRank::new(&both.collect::<Vec<_>>());
    let interval = test.interval(alpha).map(|interval| (interval.low, interval.high));
    Change { change: test.estimate(), interval, ..medians(pairs, name, measure) }
}
