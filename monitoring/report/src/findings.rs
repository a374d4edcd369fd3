//! All findings of a run or a comparison, in their order. They are made from objectives and
//! changes, recorded with it, or interpret it. Renderers only leave some out.

mod changes;
mod failures;
mod objectives;
mod verdicts;

pub(crate) use failures::{advise_on_failure, describe_failures, has_cause_of_finding};
pub(crate) use objectives::{describe_measured, table_notes};
pub use objectives::{describe_miss, finding};
pub(crate) use verdicts::{inconclusive, missed};

use std::cmp::Reverse;
use std::collections::BTreeMap;

use monitoring::backend_slo::BackendSlo;

use crate::Report;
use crate::comparison::Comparison;
use crate::evidence::MissingValue;
use crate::finding::{Finding, FindingKind, Subject};
use crate::interpretation::interpret;

/// All findings of a run, the most severe first. They are about objectives that were not met,
/// recorded with the run, or about the meaning of the result.
pub fn run_findings(report: &Report) -> Vec<Finding> {
    let not_met = || [verdicts::missed(report, None), verdicts::inconclusive(report, |_| true)].concat();
    findings_with(report, not_met).into_iter().map(|it| it.finding).collect()
}

#[derive(Debug, Clone)]
pub(crate) struct SourcedFinding<'a> {
    pub(crate) source: FindingSource<'a>,
    pub(crate) finding: Finding,
}

/// Source of a finding. It identifies what the finding says, whatever its words.
#[derive(Debug, Clone)]
pub(crate) enum FindingSource<'a> {
    /// This finding was recorded with the run.
    Recorded(&'a Finding),
    /// IDs of objectives that were not met, all for one reason.
    NotMet(Vec<&'a str>),
    /// Explains the result.
    Interpretation,
}

impl SourcedFinding<'_> {
    const fn interpretation(finding: Finding) -> Self {
        Self { source: FindingSource::Interpretation, finding }
    }
}

/// Findings of a run, with these about objectives.
pub(crate) fn findings_with<'a>(
    report: &'a Report,
    not_met: impl FnOnce() -> Vec<SourcedFinding<'a>>,
) -> Vec<SourcedFinding<'a>> {
    let mut findings: Vec<_> = recorded(report).collect();
    // Without load, every objective lacks data, which follows from the cause.
    if report.was_loaded() {
        findings.splice(0..0, not_met());
        let explanations = not_available(report).into_iter().chain(interpret(report));
        findings.extend(explanations.map(SourcedFinding::interpretation));
    }
    findings.sort_by_key(|it| Reverse(it.finding.severity));
    findings
}

/// Findings as text, one a line.
pub(crate) fn lines(findings: &[Finding]) -> String {
    findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
}

/// Findings recorded with the run. A store that refused metrics also gets no marks of the end of
/// series.
fn recorded(report: &Report) -> impl Iterator<Item = SourcedFinding<'_>> {
    let follows = |it: &&Finding| it.kind == FindingKind::SeriesNotEnded && report.has(FindingKind::StoreRefused);
    let findings = report.findings.iter().filter(move |it| !follows(it));
    findings.map(|it| SourcedFinding { source: FindingSource::Recorded(it), finding: it.clone() })
}

/// Warnings about objectives on the backend's own metrics that have no value, one per reason. Empty
/// if another finding has the cause.
fn not_available(report: &Report) -> Vec<Finding> {
    if [FindingKind::StoreRefused, FindingKind::NoBackendMetrics].iter().any(|kind| report.has(*kind)) {
        return Vec::new();
    }
    let mut by_reason = BTreeMap::<&MissingValue, Vec<&str>>::new();
    for objective in &report.objectives {
        if let Some(why) = objective.not_available() {
            by_reason.entry(why).or_default().push(BackendSlo::name_without_prefix(&objective.id));
        }
    }
    let warning = |(why, names): (&MissingValue, Vec<&str>)| {
        let message = format!("no values of the backend's {}: {why}", names.join(", "));
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
    let message = format!("{why}, so these values of the backend are not available: {listed}");
    let finding = Finding::warning(Subject::Backend, FindingKind::NoBackendMetrics, message);
    let mut letters = remedy.unwrap_or_default().chars();
    match letters.next() {
        Some(first) => finding.with_advice(format!("{}{}", first.to_uppercase(), letters.as_str())),
        None => finding,
    }
}

/// All findings of a comparison, the most severe first. They are about changed endpoints or about
/// missed objectives of the head, or recorded with the comparison.
pub fn comparison_findings(compared: &Comparison) -> Vec<Finding> {
    let objectives = compared.objectives.iter().filter_map(objectives::head_finding);
    let findings = changes::findings(compared).chain(objectives).chain(compared.findings.iter().cloned());
    let mut findings: Vec<_> = findings.collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    findings
}
