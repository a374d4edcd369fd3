//! Causes of failed requests, each with advice.

use crate::Report;
use crate::evidence::FailureCause;
use crate::interpretation::{advise, failing_endpoints};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailureText {
    /// "get_news: 76 × 500 Internal Server Error, first at 00:00".
    pub(crate) cause: String,
    /// Advice on what to check or do.
    pub(crate) advice: Option<&'static str>,
}

impl FailureText {
    /// The cause, then the advice if there is any.
    pub(crate) fn with_advice(&self) -> String {
        let advice = self.advice.map(|advice| format!(". {advice}")).unwrap_or_default();
        format!("{}{advice}", self.cause)
    }
}

/// Causes of failed requests, the most frequent first.
pub(crate) fn describe_failures(report: &Report) -> Vec<FailureText> {
    let describe = |(requests, cause): &(Vec<&str>, FailureCause)| FailureText {
        cause: format!("{}: {}", requests.join(", "), cause.describe()),
        advice: advise(report, cause.detail.kind(), Some(cause), failed_alike(report, requests)),
    };
    merge_by_cause(&report.failures).iter().map(describe).collect()
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
                known.first_ms = known.first_ms.min(cause.first_ms);
            }
            None => merged.push((vec![&cause.request], cause.clone())),
        }
    }
    merged
}
