//! Causes of failed requests, each with advice.

use crate::Report;
use crate::evidence::FailureCause;
use crate::interpretation::{advise, failing_endpoints};

/// Causes of failed requests with advice, the most frequent first. The headline has the cause
/// `named`, so it is left out.
pub(crate) fn describe_failures(report: &Report, named: Option<&FailureCause>) -> Vec<String> {
    let describe = |(requests, cause): &(Vec<&str>, FailureCause)| {
        let advice = advise(report, cause.detail.kind(), Some(cause), failed_alike(report, requests));
        let texts: Vec<_> = std::iter::once(&*cause.describe()).chain(advice).map(str::to_owned).collect();
        format!("{}: {}", requests.join(", "), texts.join(". "))
    };
    merge_by_cause(&report.failures).iter().filter(|(_, cause)| named != Some(cause)).map(describe).collect()
}

/// Advice on a cause of failed requests.
pub(crate) fn advise_on_failure(report: &Report, cause: &FailureCause) -> Option<&'static str> {
    advise(report, cause.detail.kind(), Some(cause), failed_alike(report, &[&cause.request]))
}

/// Whether the causes have that of the finding about failed requests.
pub(crate) fn has_cause_of_finding(report: &Report) -> bool {
    let failing = failing_endpoints(report);
    report.failures.iter().any(|cause| failing.iter().any(|endpoint| endpoint.name == cause.request))
}

/// Whether all requests to endpoints of these names failed, and in one way.
fn failed_alike(report: &Report, names: &[&str]) -> bool {
    let mut named = report.endpoints.iter().filter(|endpoint| names.contains(&&*endpoint.name)).peekable();
    named.peek().is_some() && named.all(|it| it.requests.failed == it.requests.sent && it.errors.len() == 1)
}

/// Causes that several endpoints share, as one with all their names, in the order of the first.
fn merge_by_cause(causes: &[FailureCause]) -> Vec<(Vec<&str>, FailureCause)> {
    let mut merged: Vec<(Vec<&str>, FailureCause)> = Vec::new();
    for cause in causes {
        let is_same = |known: &FailureCause| known.detail == cause.detail && known.body == cause.body;
        match merged.iter_mut().find(|(_, known)| is_same(known)) {
            Some((requests, known)) => {
                requests.push(&cause.request);
                known.count += cause.count;
                if cause.first_ms < known.first_ms {
                    known.first_ms = cause.first_ms;
                    known.first_request.clone_from(&cause.first_request);
                }
            }
            None => merged.push((vec![&cause.request], cause.clone())),
        }
    }
    merged
}
