//! The findings of a run or a comparison: those that follow from its objectives and changes, and those that it was left with.

mod changes;
mod objectives;

pub use objectives::{finding, measured};

use crate::Report;
use crate::comparison::Comparison;
use crate::finding::Finding;

/// What a failed run says: each objective that was not met, then each problem and each warning.
pub fn run_findings(report: &Report) -> Vec<Finding> {
    let (problems, others): (Vec<_>, Vec<_>) = report.findings.iter().cloned().partition(Finding::is_problem);
    report.objectives.iter().filter_map(finding).chain(problems).chain(others).collect()
}

/// What is not as before, the head's objectives that were not met, then each problem and each warning.
pub fn comparison_findings(compared: &Comparison) -> Vec<Finding> {
    let (problems, others): (Vec<_>, Vec<_>) = compared.findings.iter().cloned().partition(Finding::is_problem);
    let objectives = compared.objectives.iter().filter_map(objectives::head_finding);
    changes::findings(compared).chain(objectives).chain(problems).chain(others).collect()
}
