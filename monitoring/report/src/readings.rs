//! What a result means, in words with numbers: how well things stand, what is slowest, and whether it is one endpoint or all.
//!
//! The bands are those of the dashboard. Latency: good below 80 % of what is promised, a warning up to it, a problem beyond. Errors: good
//! up to the share that is promised, a warning up to that of which an alert tells, a problem beyond.

mod backend;
mod over_time;
mod slope;
mod trend;

pub use over_time::{Break, first_break};
pub use slope::Slope;

use std::collections::BTreeMap;

use monitoring::prometheus::alerts::TOO_MANY_ERRORS;
use monitoring::ratio::Ratio;

use crate::failure::FailureKind;
use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::format::millis;
use crate::{EndpointResult, Goal, Millis, ObjectiveResult, Report};

/// From this share of a promise on, there is little left for a busier day.
const NEAR: f64 = 0.8;
/// Above this share of failed requests, an endpoint fails rather than is slow, where no share is promised.
const FAILS: f64 = 0.01;

/// An endpoint's latency against its promise.
struct Slow<'a> {
    objective: &'a ObjectiveResult,
    /// Of what is promised.
    share: f64,
}

impl Slow<'_> {
    fn describe(&self) -> String {
        let Self { objective, share } = self;
        let subject = &objective.subject;
        let seen = objective.quantile_ms().map(millis).unwrap_or_default();
        let promised = objective.goal.threshold_ms().map(|ms| millis(Millis::Finite(ms))).unwrap_or_default();
        if share.is_finite() {
            format!("{subject} at {:.0} % ({seen} of {promised})", share * 100.0)
        } else {
            format!("{subject} beyond all bounds, since too many of its requests failed")
        }
    }
}

/// What a report means, the most severe first.
pub fn readings(report: &Report) -> Vec<Finding> {
    let may_fail = may_fail(report);
    let failing: Vec<_> = report.endpoints.iter().filter(|endpoint| failed_share(endpoint) > may_fail).collect();
    let mut readings: Vec<Finding> = errors(report, &failing).into_iter().collect();
    readings.extend(latency(report, &failing));
    readings.extend(backend::resources(report));
    readings.extend(backend::caches(report));
    readings.extend(over_time::readings(report));
    readings.extend(trend::readings(report));
    readings.sort_by_key(|reading| std::cmp::Reverse(reading.severity));
    readings
}

/// The share of requests that may fail, by what is promised of all.
fn may_fail(report: &Report) -> f64 {
    let promised = report.objectives.iter().find(|objective| matches!(objective.goal, Goal::Errors(_)));
    let share = |ppm: u32| 1.0 - f64::from(ppm) / f64::from(Ratio::WHOLE);
    promised.and_then(|objective| objective.goal.share_ppm()).map_or(FAILS, share)
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn failed_share(endpoint: &EndpointResult) -> f64 {
    endpoint.requests.failed as f64 / endpoint.requests.sent.max(1) as f64
}

/// Which requests fail, and how.
fn errors(report: &Report, failing: &[&EndpointResult]) -> Option<Finding> {
    let worst = failing.iter().max_by(|one, other| failed_share(one).total_cmp(&failed_share(other)))?;
    let (kind, count) = kinds(failing).into_iter().max_by_key(|(_, count)| *count)?;
    let failed: u64 = failing.iter().map(|endpoint| endpoint.requests.failed).sum();
    let all = failing.len() == report.endpoints.len() && failing.len() > 1;
    let whose = if all {
        "requests to all endpoints".to_owned()
    } else {
        let names: Vec<_> = failing.iter().map(|endpoint| endpoint.name.as_str()).collect();
        format!("requests to {} alone", names.join(", "))
    };
    let cause = match (kind, all) {
        (FailureKind::Refused, _) => "nobody listens there, or its backlog is full: is the service up?",
        (FailureKind::Timeout, _) => "no answer came in time: a deadlock, an exhausted pool, or too much load",
        (FailureKind::Reset, _) => "connections broke: a crash, a restart, or a proxy that gave up",
        (FailureKind::Tls | FailureKind::Protocol, _) => {
            "the two ends do not speak the same: certificates, versions, something in between"
        }
        (_, true) => "what they have in common fails: a database, a migration, a login",
        (_, false) => "what is theirs alone: see the service's log for them",
    };
    let too_many = f64::from(TOO_MANY_ERRORS.as_ppm()) / f64::from(Ratio::WHOLE);
    let severity = if failed_share(worst) > too_many { Severity::Problem } else { Severity::Warning };
    let message = format!(
        "{failed} {whose} failed, up to {:.1} % ({}), {count} of them by {}: {cause}",
        failed_share(worst) * 100.0,
        worst.name,
        kind.as_str()
    );
    Some(Finding::new(severity, Subject::Target, FindingKind::FailedRequests, message))
}

/// Kinds of failure, and how often.
fn kinds(failing: &[&EndpointResult]) -> BTreeMap<FailureKind, u64> {
    let mut kinds = BTreeMap::new();
    for (kind, count) in failing.iter().flat_map(|endpoint| &endpoint.errors) {
        *kinds.entry(*kind).or_default() += count;
    }
    kinds
}

/// How near latencies are to what is promised, and whether it is one endpoint or all.
fn latency(report: &Report, failing: &[&EndpointResult]) -> Option<Finding> {
    let judged = report.objectives.iter().filter(|it| it.goal.is_latency() && it.verdict.is_decided());
    let mut slow: Vec<_> =
        judged.filter_map(|objective| Some(Slow { objective, share: objective.share_of_threshold()? })).collect();
    slow.sort_by(|one, other| other.share.total_cmp(&one.share));
    // Where requests fail, that is what is wrong, and not that the others are slow.
    let fails = |slow: &Slow<'_>| failing.iter().any(|endpoint| endpoint.name == slow.objective.subject);
    let (worst, of) = (slow.iter().find(|slow| !fails(slow))?, slow.len());
    let over: Vec<_> = slow.iter().filter(|slow| slow.share > 1.0 && !fails(slow)).collect();
    let rest = slow.iter().find(|slow| slow.share <= 1.0);
    let named_worst = worst.describe();
    let (severity, message) = if over.is_empty() && worst.share < NEAR {
        (Severity::Good, format!("all latencies are below 80 % of what is promised; the slowest is {named_worst}"))
    } else if over.is_empty() {
        (Severity::Warning, format!("promises are kept with little to spare: {named_worst}"))
    } else if over.len() * 3 >= of * 2 && of > 1 {
        let text = format!(
            "{} of {of} endpoints are slower than promised, first of all {named_worst}: what they have in common is short: \
             overload, connection pool or network",
            over.len()
        );
        (Severity::Problem, text)
    } else {
        let named: Vec<_> = over.iter().map(|slow| slow.describe()).collect();
        let others = rest.map(|rest| format!("; of the others, {}", rest.describe())).unwrap_or_default();
        let own =
            if over.len() == 1 { "its own query logic" } else { "their own query logic, or what those have in common" };
        (Severity::Problem, format!("slower than promised: {}{others}: {own}", named.join(", ")))
    };
    Some(Finding::new(severity, Subject::Target, FindingKind::LatencyMargin, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{self, Tally};
    use crate::{Measured, Requests};
    use monitoring::services::stock_ai::STOCK_AI;

    /// A run with those p95s in ms by endpoint; infinite where so many percent failed, by a kind.
    fn read(p95s: [f64; 7], failed: &[(usize, u64, FailureKind)]) -> Vec<String> {
        let mut report = Report::sample();
        let failed_of =
            |at: usize| failed.iter().find(|(index, ..)| *index == at).map_or(0, |(_, percent, _)| percent * 10);
        let objectives = STOCK_AI.slos.iter().take(7).zip(p95s).enumerate().map(|(at, (slo, p95))| {
            let good =
                if p95 * 1e3 <= slo.threshold().unwrap().as_micros() as f64 { 1000 - failed_of(at) } else { 500 };
            let tally = Tally { good, total: 1000, ..Tally::default() };
            let result = ObjectiveResult::judged(slo, tally, verdict::judge(slo, tally));
            let infinite = failed_of(at) > 50;
            let quantile_ms = Some(if infinite { Millis::INFINITE } else { Millis::Finite(p95) });
            let measured = Measured::Percentile { tally, quantile_ms, interval_ms: None, response_ms: None };
            ObjectiveResult { measured: Some(measured), ..result }
        });
        report.objectives = objectives.collect();
        for (at, endpoint) in report.endpoints.iter_mut().enumerate() {
            endpoint.requests = Requests { sent: 1000, failed: failed_of(at), unknown: 0 };
            endpoint.errors = failed
                .iter()
                .filter(|(index, ..)| *index == at)
                .map(|(_, percent, kind)| (*kind, percent * 10))
                .collect();
        }
        readings(&report).iter().map(Finding::to_string).collect()
    }

    const WELL: [f64; 7] = [100.0, 50.0, 120.0, 80.0, 75.0, 140.0, 160.0];

    #[test]
    fn a_result_is_read_as_somebody_who_knows_would() {
        let slow = |at: usize, factor: f64| {
            let mut p95s = WELL;
            p95s[at] *= factor;
            p95s
        };
        let status = |at| (at, 20, FailureKind::Status);
        for (p95s, failed, parts) in [
            (WELL, vec![], vec!["good", "the slowest is get_recommendations at 35 % (140.0 ms of 400.0 ms)"]),
            (slow(0, 2.6), vec![], vec!["warning", "little to spare: join_room at 87 %"]),
            (
                slow(6, 5.0),
                vec![],
                vec![
                    "problem: slower than promised: get_game_data at 160 %",
                    "get_recommendations at 35 %",
                    "its own query",
                ],
            ),
            (slow(1, 9.0), vec![], vec!["get_state at 225 %", "its own query"]),
            (WELL.map(|ms| ms * 5.0), vec![], vec!["7 of 7 endpoints", "first of all get_recommendations", "overload"]),
            ([310.0, 210.0, 410.0, 310.0, 310.0, 100.0, 100.0], vec![], vec!["5 of 7 endpoints", "overload"]),
            (
                [310.0, 210.0, 100.0, 80.0, 75.0, 100.0, 100.0],
                vec![],
                vec!["join_room at 103 %", "get_state at 105 %", "have in common"],
            ),
            (
                WELL,
                vec![status(4)],
                vec!["200 requests to get_news alone failed, up to 20.0 % (get_news), 200 of them by status", "log"],
            ),
            (WELL, (0..7).map(status).collect(), vec!["1400 requests to all endpoints failed", "a database"]),
            (WELL, (0..7).map(|at| (at, 100, FailureKind::Refused)).collect(), vec!["is the service up"]),
            (
                WELL,
                vec![(0, 30, FailureKind::Timeout), (1, 5, FailureKind::Status)],
                vec!["join_room, get_state alone", "300 of them by timeout", "exhausted pool"],
            ),
            (slow(6, 5.0), vec![(0, 10, FailureKind::Reset)], vec!["a crash", "get_game_data at 160 %"]),
        ] {
            let said = read(p95s, &failed).join("\n");
            for part in parts {
                assert!(said.contains(part), "{part:?} is not in\n{said}");
            }
        }
    }
}
