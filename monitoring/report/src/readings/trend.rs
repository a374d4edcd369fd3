//! Whether latency depends on what a scenario told its requests apart by: the day of a game, the players in a room.

use std::collections::{BTreeMap, BTreeSet};

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::{Millis, Report, SegmentResult};

/// A straight line needs that many points before a word is said of it.
const LEAST_POINTS: usize = 5;
/// As many requests in a segment before its median counts.
const LEAST_REQUESTS: u64 = 10;
/// A change that matters, from the first segment to the last, as a share of the first.
const MATTERS: f64 = 0.2;
/// The chance of seeing a dependence anywhere in a report where there is none.
const FALSE_ALARM: f64 = 0.01;

/// An endpoint's median latency, by a number.
type Points = Vec<Point>;

#[derive(Debug, Clone, Copy)]
struct Point {
    number: f64,
    median_ms: f64,
    requests: f64,
}

/// A line through points, at the first and the last of them.
#[derive(Debug)]
struct Trend {
    endpoint: String,
    numbers: (f64, f64),
    ms: (f64, f64),
    /// How often there is as steep a line where there is none.
    chance: f64,
}

/// A sentence for each kind of segment.
pub(super) fn readings(report: &Report) -> Vec<Finding> {
    let parts = |segment: &'_ SegmentResult| {
        let (name, number) = segment.name.rsplit_once(' ')?;
        Some((name.to_owned(), number.parse::<u32>().ok()?))
    };
    let kinds: BTreeSet<_> = report.segments.iter().filter_map(parts).map(|(name, _)| name).collect();
    let of_kind = |kind: String| {
        let mut points: BTreeMap<&str, Points> = BTreeMap::new();
        for segment in &report.segments {
            let Some((_, number)) = parts(segment).filter(|(name, _)| *name == kind) else { continue };
            for (endpoint, latency) in &segment.endpoints {
                if let Some(Millis::Finite(median_ms)) = latency.p50_ms.filter(|_| latency.requests >= LEAST_REQUESTS) {
                    #[expect(clippy::cast_precision_loss, reason = "a weight")]
                    let point = Point { number: number.into(), median_ms, requests: latency.requests as f64 };
                    points.entry(endpoint).or_default().push(point);
                }
            }
        }
        reading(&kind, &points)
    };
    kinds.into_iter().filter_map(of_kind).collect()
}

fn reading(kind: &str, points: &BTreeMap<&str, Points>) -> Option<Finding> {
    let trends: Vec<_> = points.iter().filter_map(|(endpoint, points)| line(endpoint, points)).collect();
    let first = trends.first()?;
    #[expect(clippy::cast_precision_loss, reason = "a number of endpoints")]
    // Bonferroni: each endpoint is one more occasion for chance.
    let seen = |trend: &&Trend| trend.chance < FALSE_ALARM / trends.len() as f64 && trend.change().abs() > MATTERS;
    let mut depend: Vec<_> = trends.iter().filter(seen).collect();
    depend.sort_by(|one, other| other.change().abs().total_cmp(&one.change().abs()));
    if depend.is_empty() {
        let (from, to) = first.numbers;
        let message = format!("no endpoint's latency depends on {kind}, from {from:.0} to {to:.0}");
        return Some(Finding::new(Severity::Good, Subject::Target, FindingKind::SegmentTrend, message));
    }
    let named: Vec<_> = depend.iter().map(|trend| trend.describe()).collect();
    let grows = depend.iter().any(|trend| trend.change() > 0.0);
    let advice = if grows { ": what it reads or writes grows with that" } else { "" };
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
        format!("{endpoint} p50 {first:.1} ms at {from:.0}, {last:.1} ms at {to:.0}")
    }
}

/// A straight line by least squares, each point weighted by its requests, and Student's t test of its slope (e.g. Draper
/// and Smith, Applied Regression Analysis, 3rd ed., 1.4 and 9.2).
fn line(endpoint: &str, points: &Points) -> Option<Trend> {
    if points.len() < LEAST_POINTS {
        return None;
    }
    let weighted = |of: &dyn Fn(&Point) -> f64| points.iter().map(|point| point.requests * of(point)).sum::<f64>();
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
mod tests {
    use super::*;
    use crate::SegmentLatency;

    fn report(kind: &str, medians: &dyn Fn(u32) -> [f64; 2]) -> Report {
        let mut report = Report::sample();
        let latency = |ms| SegmentLatency { requests: 30, failed: 0, p50_ms: Some(Millis::Finite(ms)), p95_ms: None };
        let segment = |number| SegmentResult {
            name: format!("{kind} {number}"),
            endpoints: ["get_state", "leaderboard"]
                .into_iter()
                .zip(medians(number))
                .map(|(name, ms)| (name.to_owned(), latency(ms)))
                .collect(),
        };
        report.segments = (1..=9).map(segment).collect();
        report
    }

    /// Some per cent up or down, the same each time.
    fn noise(number: u32) -> f64 {
        1.0 + f64::from(number * 7919 % 13) / 130.0
    }

    #[test]
    fn what_grows_with_the_players_is_named_and_noise_is_not() {
        let level = report("day", &|number| [20.0 * noise(number), 50.0 * noise(number + 3)]);
        let said: Vec<_> = readings(&level).iter().map(Finding::to_string).collect();
        assert_eq!(said, ["reading: good: no endpoint's latency depends on day, from 1 to 9"]);
        let grows =
            report("players", &|number| [20.0 * noise(number), (20.0 + 10.0 * f64::from(number)) * noise(number)]);
        let said: Vec<_> = readings(&grows).iter().map(Finding::to_string).collect();
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("reading: warning: latency depends on players: leaderboard p50 3"), "{said:?}");
        assert!(!said[0].contains("get_state"), "{said:?}");
    }

    #[test]
    fn four_points_are_no_line() {
        let mut few = report("players", &|number| [f64::from(number), f64::from(number)]);
        few.segments.truncate(4);
        assert_eq!(readings(&few), []);
    }
}
