//! All findings of a run or a comparison: those made from objectives and changes, and those
//! recorded with it.

mod changes;
mod objectives;

pub use objectives::{describe_measured, describe_miss, finding};

use std::collections::BTreeMap;

use monitoring::backend_slo::BackendSlo;

use crate::Report;
use crate::comparison::Comparison;
use crate::finding::{Finding, FindingKind, Subject};

/// Findings of a run: each objective that was not met, then problems, then other findings.
pub fn run_findings(report: &Report) -> Vec<Finding> {
    let (problems, others): (Vec<_>, Vec<_>) = report.findings.iter().cloned().partition(Finding::is_problem);
    // Without load, every objective lacks data, which follows from the cause.
    let objectives = report.objectives.iter().filter(|objective| objective.has_row() && report.was_loaded());
    let objectives = objectives.filter_map(|objective| finding(objective, report.main_failure(objective)));
    objectives.chain(not_available(report)).chain(problems).chain(others).collect()
}

/// Warnings about objectives on the backend's own metrics that have no value, one per reason.
pub fn not_available(report: &Report) -> Vec<Finding> {
    let mut by_reason = BTreeMap::<&str, Vec<&str>>::new();
    for objective in report.objectives.iter().filter(|_| report.was_loaded()) {
        if let Some(why) = objective.not_available() {
            by_reason.entry(why).or_default().push(BackendSlo::name_of(&objective.id));
        }
    }
    let warning = |(why, names): (&str, Vec<&str>)| {
        let message = format!("not available from the backend's own metrics: {}: {why}", names.join(", "));
        Finding::warning(Subject::Backend, FindingKind::BackendResource, message)
    };
    by_reason.into_iter().map(warning).collect()
}

/// Findings of a comparison: each changed endpoint, then each objective of the head that was not
/// met, then problems, then other findings.
pub fn comparison_findings(compared: &Comparison) -> Vec<Finding> {
    let (problems, others): (Vec<_>, Vec<_>) = compared.findings.iter().cloned().partition(Finding::is_problem);
    let objectives = compared.objectives.iter().filter_map(objectives::head_finding);
    changes::findings(compared).chain(objectives).chain(problems).chain(others).collect()
}
