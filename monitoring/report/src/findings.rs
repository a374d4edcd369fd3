//! All findings of a run or a comparison, in their order: those made from objectives and changes,
//! those recorded with it, and those that interpret it. Renderers only leave some out.

mod changes;
mod objectives;

pub use objectives::{describe_measured, describe_miss, finding};

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
    // Without load, every objective lacks data, which follows from the cause.
    let made = |list: fn(&Report) -> Vec<Finding>| if report.was_loaded() { list(report) } else { Vec::new() };
    sorted([made(not_met), report.findings.clone(), made(not_available), made(interpret)].concat())
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

/// A finding for each objective that was not met.
fn not_met(report: &Report) -> Vec<Finding> {
    let shown = report.objectives.iter().filter(|objective| objective.has_row());
    shown.filter_map(|objective| finding(objective, report.main_failure(objective))).collect()
}

/// Warnings about objectives on the backend's own metrics that have no value, one per reason.
fn not_available(report: &Report) -> Vec<Finding> {
    let mut by_reason = BTreeMap::<&Reason, Vec<&str>>::new();
    for objective in &report.objectives {
        if let Some(why) = objective.not_available() {
            by_reason.entry(why).or_default().push(BackendSlo::name_of(&objective.id));
        }
    }
    let warning = |(why, names): (&Reason, Vec<&str>)| {
        let message = format!("not available from the backend's own metrics: {}: {why}", names.join(", "));
        Finding::warning(Subject::Backend, FindingKind::BackendResource, message)
    };
    by_reason.into_iter().map(warning).collect()
}

/// All findings of a comparison, the most severe first: about changed endpoints, about objectives
/// of the head that were not met, and recorded with the comparison.
pub fn comparison_findings(compared: &Comparison) -> Vec<Finding> {
    let objectives = compared.objectives.iter().filter_map(objectives::head_finding);
    sorted(changes::findings(compared).chain(objectives).chain(compared.findings.iter().cloned()).collect())
}
