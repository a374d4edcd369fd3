//! All findings of a run or a comparison, in their order: those made from objectives and changes,
//! those recorded with it, and those that interpret it. Renderers only leave some out.

mod changes;
mod failures;
mod objectives;
mod verdicts;

pub(crate) use failures::{FailureText, describe_failures, has_cause_of_finding};
pub use objectives::{describe_measured, describe_miss, finding, table_notes};
pub(crate) use verdicts::{inconclusive, missed};

use std::cmp::Reverse;
use std::collections::BTreeMap;

use monitoring::backend_slo::BackendSlo;

use crate::Report;
use crate::comparison::Comparison;
use crate::finding::{Finding, FindingKind, Subject};
use crate::interpretation::interpret;
use crate::verdict::Reason;

/// All findings of a run, the most severe first: about objectives that were not met, recorded with
/// the run, and about what the result means.
pub fn run_findings(report: &Report) -> Vec<Finding> {
    findings_with(report, || [verdicts::missed(report), verdicts::inconclusive(report, |_| true)].concat())
}

/// Findings of a run, with these about objectives.
pub(crate) fn findings_with(report: &Report, not_met: impl FnOnce() -> Vec<Finding>) -> Vec<Finding> {
    // Without load, every objective lacks data, which follows from the cause.
    if !report.was_loaded() {
        return sorted(recorded(report));
    }
    sorted([not_met(), recorded(report), not_available(report), interpret(report)].concat())
}

/// Findings in their order: the most severe first.
fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| Reverse(finding.severity));
    findings
}

/// Findings as text, one a line.
pub(crate) fn lines(findings: &[Finding]) -> String {
    findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
}

/// Findings recorded with the run. A store that refused metrics also gets no marks of the end of
/// series.
fn recorded(report: &Report) -> Vec<Finding> {
    let follows = |it: &&Finding| it.kind == FindingKind::SeriesNotEnded && report.has(FindingKind::StoreRefused);
    report.findings.iter().filter(|it| !follows(it)).cloned().collect()
}

/// Warnings about objectives on the backend's own metrics that have no value, one per reason. None
/// if another finding has the cause.
fn not_available(report: &Report) -> Vec<Finding> {
    if [FindingKind::StoreRefused, FindingKind::NoBackendMetrics].iter().any(|kind| report.has(*kind)) {
        return Vec::new();
    }
    let mut by_reason = BTreeMap::<&Reason, Vec<&str>>::new();
    for objective in &report.objectives {
        if let Some(why) = objective.not_available() {
            by_reason.entry(why).or_default().push(BackendSlo::name_without_prefix(&objective.id));
        }
    }
    let warning = |(why, names): (&Reason, Vec<&str>)| {
        let message = format!("not available from the backend's own metrics: {}: {why}", names.join(", "));
        Finding::warning(Subject::Backend, FindingKind::BackendResource, message)
    };
    by_reason.into_iter().map(warning).collect()
}

/// The warning that the backend has no metrics. It names its objectives without a value, and these
/// other values that are missing.
pub fn no_backend_metrics(report: &Report, why: &str, remedy: Option<&str>, missing: &[&str]) -> Finding {
    let unknown = report.objectives.iter().filter(|objective| objective.not_available().is_some());
    let names: Vec<_> = unknown
        .map(|objective| BackendSlo::name_without_prefix(&objective.id))
        .chain(missing.iter().copied())
        .collect();
    let (last, others) = names.split_last().unwrap_or((&"metrics", &[]));
    let listed = if others.is_empty() { (*last).to_owned() } else { format!("{} and {last}", others.join(", ")) };
    let message = format!("{why}, so the backend's {listed} are not available");
    let finding = Finding::warning(Subject::Backend, FindingKind::NoBackendMetrics, message);
    let mut letters = remedy.unwrap_or_default().chars();
    match letters.next() {
        Some(first) => finding.with_advice(format!("{}{}", first.to_uppercase(), letters.as_str())),
        None => finding,
    }
}

/// All findings of a comparison, the most severe first: about changed endpoints, about objectives
/// of the head that were not met, and recorded with the comparison.
pub fn comparison_findings(compared: &Comparison) -> Vec<Finding> {
    let objectives = compared.objectives.iter().filter_map(objectives::head_finding);
    sorted(changes::findings(compared).chain(objectives).chain(compared.findings.iter().cloned()).collect())
}
