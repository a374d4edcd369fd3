//! Findings about latency that depends on the number of a segment: the day of a game, the players
//! in a room.

use std::collections::{BTreeMap, BTreeSet};

use monitoring::segment::Segment;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::format::finite_millis;
use crate::judgement::SegmentResult;
use crate::{Millis, Report};

/// Minimum number of points for a line.
const LEAST_POINTS: usize = 5;
/// Minimum number of requests in a segment for its median to count.
const LEAST_REQUESTS: u64 = 10;
/// Smallest relevant change from the first segment to the last, as a share of the first.
const RELEVANT: f64 = 0.2;
/// Probability that a report without any dependence has such a finding.
const FALSE_ALARM: f64 = 0.01;

/// Median latencies of an endpoint by the number of the segment.
type Points = Vec<Point>;

#[derive(Debug, Clone, Copy)]
struct Point {
    number: f64,
    median_ms: f64,
    requests: f64,
}

/// A line through the points of an endpoint.
#[derive(Debug)]
struct Trend {
    endpoint: String,
    /// Smallest and largest number.
    numbers: (f64, f64),
    /// Latency on the line at these numbers, in milliseconds.
    ms: (f64, f64),
    /// Probability of a line that is at least as steep without any dependence.
    chance: f64,
}

/// A finding for each name of a segment that has a number.
pub(super) fn findings(report: &Report) -> Vec<Finding> {
    let kinds: BTreeSet<_> = report.segments.iter().map(|result| &*result.segment.0).collect();
    let with_name = |kind: &str| {
        let mut points: BTreeMap<&str, Points> = BTreeMap::new();
        for SegmentResult { segment: Segment(_, number), endpoints } in
            report.segments.iter().filter(|result| result.segment.0 == kind)
        {
            for (endpoint, latency) in endpoints {
                if let Some(Millis::Finite(median_ms)) = latency.p50_ms.filter(|_| latency.requests >= LEAST_REQUESTS) {
                    #[expect(clippy::cast_precision_loss, reason = "a weight")]
                    let point = Point { number: (*number).into(), median_ms, requests: latency.requests as f64 };
                    points.entry(endpoint).or_default().push(point);
                }
            }
        }
        finding(kind, &points)
    };
    kinds.into_iter().filter_map(with_name).collect()
}

fn finding(kind: &str, points: &BTreeMap<&str, Points>) -> Option<Finding> {
    let trends: Vec<_> = points.iter().filter_map(|(endpoint, points)| line(endpoint, points)).collect();
    let first = trends.first()?;
    #[expect(clippy::cast_precision_loss, reason = "a number of endpoints")]
    // Bonferroni: each endpoint is one more test.
    let depends = |trend: &&Trend| trend.chance < FALSE_ALARM / trends.len() as f64 && trend.change().abs() > RELEVANT;
    let mut dependent: Vec<_> = trends.iter().filter(depends).collect();
    dependent.sort_by(|one, other| other.change().abs().total_cmp(&one.change().abs()));
    if dependent.is_empty() {
        let (from, to) = first.numbers;
        let message = format!("no endpoint's latency depends on {kind} ({from:.0} to {to:.0})");
        return Some(Finding::new(Severity::Good, Subject::Target, FindingKind::SegmentTrend, message));
    }
    let named: Vec<_> = dependent.iter().map(|trend| trend.describe()).collect();
    let grows = dependent.iter().any(|trend| trend.change() > 0.0);
    let advice = if grows { ". Look for data that grows with it" } else { "" };
    let message = format!("latency depends on {kind}: {}{advice}", named.join(", "));
    let severity = if grows { Severity::Warning } else { Severity::Good };
    Some(Finding::new(severity, Subject::Target, FindingKind::SegmentTrend, message))
}

impl Trend {
    fn change(&self) -> f64 {
        (self.ms.1 - self.ms.0) / self.ms.0.max(f64::MIN_POSITIVE)
    }

    fn describe(&self) -> String {
        let Self { endpoint, numbers: (from, to), ms: (first, last), .. } = self;
        format!("{endpoint} p50 {} at {from:.0}, {} at {to:.0}", finite_millis(*first), finite_millis(*last))
    }
}

/// Fits a line by least squares, each point weighted by its requests, and tests its slope with
/// Student's t test (e.g. Draper and Smith, Applied Regression Analysis, 3rd ed., 1.4 and 9.2).
fn line(endpoint: &str, points: &Points) -> Option<Trend> {
    if points.len() < LEAST_POINTS {
        return None;
    }
    let weighted =
        |value: &dyn Fn(&Point) -> f64| points.iter().map(|point| point.requests * value(point)).sum::<f64>();
    let all = weighted(&|_| 1.0);
    let (x, y) = (weighted(&|point| point.number) / all, weighted(&|point| point.median_ms) / all);
    let spread = weighted(&|point| (point.number - x).powi(2));
    let slope = weighted(&|point| (point.number - x) * (point.median_ms - y)) / spread;
    let at = |number: f64| y + slope * (number - x);
    #[expect(clippy::cast_precision_loss, reason = "a number of points")]
    let freedom = (points.len() - 2) as f64;
    let error = (weighted(&|point| (point.median_ms - at(point.number)).powi(2)) / freedom / spread).sqrt();
    let chance = if error > 0.0 {
        2.0 * StudentsT::new(0.0, 1.0, freedom).ok()?.sf((slope / error).abs())
    } else {
        f64::from(u8::from(slope == 0.0))
    };
    let numbers = points.iter().map(|point| point.number);
    let (from, to) =
        numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), number| (least.min(number), most.max(number)));
    (spread > 0.0).then(|| Trend { endpoint: endpoint.to_owned(), numbers: (from, to), ms: (at(from), at(to)), chance })
}

#[cfg(test)]
mod tests;
