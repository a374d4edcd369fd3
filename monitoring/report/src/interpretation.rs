//! Findings that explain a result: slow endpoints, failed requests, and whether one endpoint or all
//! are affected.
//!
//! The bands are those of the dashboard. A latency is good below 80 % of its objective, a warning
//! up to the objective, and a problem over it. A share of errors is good up to the objective's
//! share. Up to the share that fires an alert it is a warning, and over it a problem.

mod backend;
mod over_time;
mod slope;
mod trend;

pub use over_time::{FirstMiss, first_miss};
pub use slope::Slope;

use std::collections::{BTreeMap, BTreeSet};

use monitoring::phase::Phase;
use monitoring::prometheus::alerts::TOO_MANY_ERRORS;
use monitoring::ratio::Ratio;

use crate::Report;
use crate::evidence::{FailureCause, Slice};
use crate::exit_code::ExitCode;
use crate::failure::FailureKind;
use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::format::{count, counted, counted_part, millis, percent_beside, percent_with};
use crate::judgement::{EndpointResult, Goal, ObjectiveResult};
use crate::verdict::Verdict;

/// Share of its objective from which a latency is close to it.
const NEAR_OBJECTIVE: f64 = 0.8;
/// Share of failed requests over which an endpoint is failing, unless an objective sets the share.
const ERROR_SHARE: f64 = 0.01;

/// Advice on connections that the target or a proxy ended.
const CRASH: &str = "Look for a crash, a restart or a proxy that closes connections";

/// An endpoint's latency and its objective.
struct EndpointLatency<'a> {
    objective: &'a ObjectiveResult,
    /// Latency as a share of the threshold.
    share: f64,
}

impl EndpointLatency<'_> {
    fn describe(&self) -> String {
        let Self { objective, share } = self;
        let subject = &objective.subject;
        let measured = objective.quantile_ms().map(millis).unwrap_or_default();
        let threshold = objective.goal.threshold_ms().map(|ms| format!("{ms} ms")).unwrap_or_default();
        if share.is_finite() {
            format!("{subject} at {} of its limit ({measured} of {threshold})", percent_with(*share, 0))
        } else {
            format!("{subject} at ∞ (too many of its requests failed)")
        }
    }
}

/// Findings that explain a report.
pub fn interpret(report: &Report) -> Vec<Finding> {
    let failing = failing_endpoints(report);
    let mut findings: Vec<Finding> = errors(report, &failing).into_iter().collect();
    // All requests of an endpoint that fail are the cause of its miss.
    let fails = |first: &FirstMiss<'_>| failing.iter().any(|it| it.name == first.objective.subject && fails_always(it));
    let first = first_miss(report).filter(|first| !fails(first));
    let latency = latency(report, &failing, first.as_ref());
    let has_first = latency.as_ref().is_some_and(|finding| finding.kind == FindingKind::FirstMiss);
    findings.extend(latency);
    findings.extend(backend::resources(report));
    findings.extend(backend::caches(report));
    // If the load never changes, a first miss at the start adds nothing to the missed objective.
    let is_ramped = report.run.timeline.slices.iter().any(is_ramp);
    let is_told = |first: &FirstMiss<'_>| first.at_ms == 0 && !is_ramped && first.objective.verdict == Verdict::Missed;
    findings.extend(first.filter(|first| !has_first && !is_told(first)).map(|first| over_time::describe(&first)));
    findings.extend(over_time::drift(report));
    findings.extend(trend::findings(report));
    if !is_clean(report) {
        findings.retain(|finding| finding.severity != Severity::Good);
    }
    // A run that is met has no problems.
    if report.exit_code == ExitCode::Met {
        findings.iter_mut().for_each(|finding| finding.severity = finding.severity.min(Severity::Warning));
    }
    findings
}

/// Endpoints of which more requests failed than may fail.
pub(crate) fn failing_endpoints(report: &Report) -> Vec<&EndpointResult> {
    let may_fail = may_fail(report);
    report.endpoints.iter().filter(|endpoint| failed_share(endpoint) > may_fail).collect()
}

/// Whether nothing went wrong. Good findings about other runs would be misleading.
fn is_clean(report: &Report) -> bool {
    report.exit_code == ExitCode::Met
        && report.iterations.failed == 0
        && report.objectives.iter().all(|objective| objective.verdict != Verdict::Missed)
}

/// Share of requests that may fail, by the objective on errors.
fn may_fail(report: &Report) -> f64 {
    let objective = report.objectives.iter().find(|objective| matches!(objective.goal, Goal::Errors(_)));
    let share = |ppm: u32| Ratio::ppm(ppm).rest().as_f64();
    objective.and_then(|objective| objective.goal.share_ppm()).map_or(ERROR_SHARE, share)
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn failed_share(endpoint: &EndpointResult) -> f64 {
    endpoint.requests.failed as f64 / endpoint.requests.sent.max(1) as f64
}

/// Whether every request of an endpoint failed.
const fn fails_always(endpoint: &EndpointResult) -> bool {
    endpoint.requests.failed == endpoint.requests.sent
}

/// Finding about failed requests, with advice that depends on the main cause.
fn errors(report: &Report, failing: &[&EndpointResult]) -> Option<Finding> {
    let worst = failing.iter().max_by(|one, other| failed_share(one).total_cmp(&failed_share(other)))?;
    let (kind, count_of_kind) = kinds(failing).into_iter().max_by_key(|(_, count)| *count)?;
    let failed: u64 = failing.iter().map(|endpoint| endpoint.requests.failed).sum();
    let sent: u64 = failing.iter().map(|endpoint| endpoint.requests.sent).sum();
    let names: Vec<_> = failing.iter().map(|endpoint| endpoint.name.as_str()).collect();
    let all = failing.len() == report.endpoints.len() && failing.len() > 1;
    let endpoints = if all { "all endpoints".to_owned() } else { names.join(", ") };
    let cause = report.failures.iter().find(|cause| names.contains(&&*cause.request));
    // Reports with causes list them separately.
    let how = match cause {
        Some(_) => String::new(),
        None => format!("; {} by {}", count(count_of_kind), kind.as_str()),
    };
    let kind = cause.map_or(kind, |cause| cause.detail.kind());
    let severity = if failed_share(worst) > TOO_MANY_ERRORS.as_f64() { Severity::Problem } else { Severity::Warning };
    let of_worst = percent_beside(worst.requests.failed, worst.requests.sent, TOO_MANY_ERRORS.as_ppm());
    let share = match failing {
        [_] => of_worst,
        _ => format!("up to {of_worst}, {}", worst.name),
    };
    let message = format!("{} to {endpoints} failed ({share}){how}", counted_part(failed, sent, "request"));
    let finding = Finding::new(severity, Subject::Target, FindingKind::FailedRequests, message);
    Some(match advise(report, kind, cause, failed == sent && kinds(failing).len() == 1) {
        Some(advice) => finding.with_advice(advice),
        None => finding,
    })
}

/// Advice on what to check, if the kind of failure suggests any and the cause does not say it.
pub(crate) fn advise(
    report: &Report,
    kind: FailureKind,
    cause: Option<&FailureCause>,
    every_request: bool,
) -> Option<&'static str> {
    let (status, body) = cause.and_then(FailureCause::response).unzip();
    let body = body.unwrap_or_default();
    match (kind, status) {
        (FailureKind::Refused, _) if every_request => Some("Start the service, or check its address"),
        (FailureKind::Refused, _) => {
            Some("The service may have restarted, or its queue of new connections was full: see its log")
        }
        (FailureKind::Proxy, _) => Some("The proxy (--proxy) failed, not the target: see the proxy's log"),
        (FailureKind::Timeout, _) => Some("Look for a deadlock, an exhausted pool or overload"),
        // A target that ends closes its connections first.
        (FailureKind::Unanswered, _) if report.has(FindingKind::Outage) => Some(CRASH),
        (FailureKind::Reset, _) => Some(CRASH),
        (FailureKind::Unanswered, _) => Some(
            "The server closed connections that were reused: raise its idle (keep-alive) timeout above the pauses of a \
             VU, or pass --no-connection-reuse",
        ),
        (FailureKind::Tls, _) => Some("Check the certificates and TLS versions of both sides"),
        (FailureKind::Protocol, _) => Some("Check what the service, and any proxy in between, sends"),
        (_, Some(300..=399)) if cause.is_some_and(FailureCause::has_reason) => None,
        (_, Some(300..=399)) => Some("Request the final URL, or follow redirects with --max-redirects"),
        // nginx finishes the handshake in both cases, and responds.
        (_, Some(400)) if body.contains("No required SSL certificate was sent") => Some(
            "The server requires a client certificate: pass it with --client-certificate [NAME=]FILE and --client-key \
             [NAME=]FILE",
        ),
        (_, Some(400)) if body.contains("The SSL certificate error") => {
            Some("The server refuses the client certificate: pass another one with --client-certificate [NAME=]FILE")
        }
        (_, Some(401 | 403)) => Some("Check the credentials that the scenario sends"),
        (_, Some(404 | 405)) if every_request => Some("Check that the service has this route"),
        (_, Some(404 | 405 | 409 | 410)) => Some("If the service should respond so, expect it: .expect(STATUS)"),
        (_, Some(429)) => {
            Some("The service limits the rate of requests: use a lower --rate or --rps, or raise its limit")
        }
        (FailureKind::Status, None | Some(500..)) => Some("See the service's log"),
        _ => None,
    }
}

/// Number of failures of each kind.
fn kinds(failing: &[&EndpointResult]) -> BTreeMap<FailureKind, u64> {
    let mut kinds = BTreeMap::new();
    for (kind, count) in failing.iter().flat_map(|endpoint| &endpoint.errors) {
        *kinds.entry(*kind).or_default() += count;
    }
    kinds
}

/// Finding about latencies close to or over their objectives, and whether one endpoint or all are
/// slow. If one is, and `first` is about it, the finding is about both.
fn latency(report: &Report, failing: &[&EndpointResult], first: Option<&FirstMiss<'_>>) -> Option<Finding> {
    let judged = report.objectives.iter().filter(|it| it.goal.is_latency() && it.verdict.is_decided());
    let mut slow: Vec<_> = judged
        .filter_map(|objective| Some(EndpointLatency { objective, share: objective.share_of_threshold()? }))
        .collect();
    slow.sort_by(|one, other| other.share.total_cmp(&one.share));
    // An endpoint with several objectives counts once, with the one closest to its threshold.
    let mut named = BTreeSet::new();
    slow.retain(|slow| named.insert(&slow.objective.subject));
    // An endpoint whose requests fail is reported as failing, not as slow.
    let fails = |slow: &EndpointLatency<'_>| failing.iter().any(|endpoint| endpoint.name == slow.objective.subject);
    let (worst, of) = (slow.iter().find(|slow| !fails(slow))?, slow.len());
    let over: Vec<_> = slow.iter().filter(|slow| slow.share > 1.0 && !fails(slow)).collect();
    let rest = slow.iter().find(|slow| slow.share <= 1.0);
    let named_worst = worst.describe();
    let (severity, message) = if over.is_empty() && worst.share < NEAR_OBJECTIVE {
        (Severity::Good, format!("all latencies are below 80 % of their limits; the closest is {named_worst}"))
    } else if over.is_empty() {
        (Severity::Warning, format!("latencies are close to their limits: {named_worst}"))
    } else if over.len() * 3 >= of * 2 && of > 1 {
        let text = format!(
            "{} of {of} endpoints are slower than their objectives; the worst is {named_worst}. Look for a shared cause: overload, \
             connection pool or network",
            over.len()
        );
        (Severity::Problem, text)
    } else {
        let named: Vec<_> = over.iter().map(|slow| slow.describe()).collect();
        let others = rest.map(|rest| format!("; the next is {}", rest.describe())).unwrap_or_default();
        if let ([only], Some(first)) = (over.as_slice(), first)
            && only.objective.subject == first.objective.subject
        {
            return Some(slow_since(first, &others));
        }
        let own = match over.as_slice() {
            [only] => format!("Check the handler of {}", only.objective.subject),
            _ => "Check the handlers of these endpoints, or a resource that they share".to_owned(),
        };
        (Severity::Problem, format!("slower than the objective: {}{others}. {own}", named.join(", ")))
    };
    Some(Finding::new(severity, Subject::Target, FindingKind::LatencyMargin, message))
}

fn is_ramp(slice: &Slice) -> bool {
    slice.phase == Some(Phase::Ramp)
}

/// Finding about the only endpoint over its objective: since when, and which endpoint is next.
fn slow_since(first: &FirstMiss<'_>, others: &str) -> Finding {
    let FirstMiss { objective, vus, rate, .. } = first;
    let (subject, since) = (&objective.subject, first.describe_time());
    let load = format!("{} and {rate:.0} requests/s in total", counted((*vus).into(), "VU"));
    let message =
        format!("{subject} was over its objective {since} (with {load}){others}. Check the handler of {subject}");
    Finding::warning(Subject::Objective(subject.clone()), FindingKind::FirstMiss, message)
}

#[cfg(test)]
mod tests;
