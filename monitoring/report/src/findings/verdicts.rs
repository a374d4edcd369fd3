//! Findings about objectives of a run that were not met. Objectives with one cause have one
//! finding.

use std::collections::BTreeMap;

use super::objectives::{describe_miss, finding};
use super::{FindingSource, SourcedFinding};
use crate::Report;
use crate::evidence::FailureCause;
use crate::finding::{Finding, FindingKind, Subject};
use crate::judgement::ObjectiveResult;
use crate::verdict::{Reason, Verdict};

/// Findings about missed objectives. Objectives that were missed because of the same failed
/// requests have one finding. Any other miss has its own. An objective in the headline is left out,
/// and so is its cause.
pub(crate) fn missed<'a>(report: &'a Report, in_headline: Option<&ObjectiveResult>) -> Vec<SourcedFinding<'a>> {
    let is_in_headline = |it: &ObjectiveResult| in_headline.is_some_and(|known| known.id == it.id);
    let mut groups: Vec<(Option<&FailureCause>, Vec<&ObjectiveResult>)> = Vec::new();
    let missed = report.objectives.iter().filter(|it| it.has_row() && it.verdict == Verdict::Missed);
    for objective in missed {
        let failure = report.main_failure(objective);
        let is_alike = |(known, alike): &&mut (Option<&FailureCause>, Vec<&ObjectiveResult>)| {
            failure.is_some() && *known == failure && alike[0].on_miss == objective.on_miss
        };
        match groups.iter_mut().find(is_alike) {
            Some((_, alike)) => alike.push(objective),
            None => groups.push((failure, vec![objective])),
        }
    }
    let sourced = groups.iter_mut().filter_map(|(failure, objectives)| {
        if objectives.iter().any(|it| is_in_headline(it)) {
            *failure = None;
            objectives.retain(|it| !is_in_headline(it));
        }
        let ids = objectives.iter().map(|it| it.id.as_str()).collect();
        Some(SourcedFinding { source: FindingSource::NotMet(ids), finding: joined(*failure, objectives)? })
    });
    sourced.collect()
}

/// The finding about objectives that were missed because of one failure.
fn joined(failure: Option<&FailureCause>, objectives: &[&ObjectiveResult]) -> Option<Finding> {
    let (first, rest) = objectives.split_first()?;
    let of_first = finding(first, failure)?;
    if rest.is_empty() {
        return Some(of_first);
    }
    let misses: Vec<_> = objectives.iter().map(|objective| describe_miss(objective)).collect();
    let failure = failure.map(|failure| format!(": {}", failure.describe())).unwrap_or_default();
    let message = format!("{}{failure}", misses.join("; "));
    Some(Finding::new(of_first.severity, Subject::Run, of_first.kind, message))
}

/// Findings about inconclusive objectives that are to be named: one for each reason.
pub(crate) fn inconclusive(report: &Report, is_named: impl Fn(&ObjectiveResult) -> bool) -> Vec<SourcedFinding<'_>> {
    let mut by_reason = BTreeMap::<&Reason, Vec<&ObjectiveResult>>::new();
    for objective in report.objectives.iter().filter(|objective| objective.has_row() && is_named(objective)) {
        if let Some(reason) = objective.verdict.reason() {
            by_reason.entry(reason).or_default().push(objective);
        }
    }
    by_reason.into_iter().map(|(reason, objectives)| undecided(reason, &objectives)).collect()
}

/// The finding about objectives that are inconclusive for one reason.
fn undecided<'a>(reason: &Reason, objectives: &[&'a ObjectiveResult]) -> SourcedFinding<'a> {
    let mut subjects = BTreeMap::<&str, Vec<&str>>::new();
    for objective in objectives {
        subjects.entry(&objective.subject).or_default().push(&objective.objective);
    }
    let named: Vec<_> = subjects.iter().map(|(name, objectives)| format!("{name} {}", objectives.join(", "))).collect();
    let message = format!("{}: {reason}", named.join("; "));
    SourcedFinding {
        source: FindingSource::NotMet(objectives.iter().map(|it| it.id.as_str()).collect()),
        finding: Finding::warning(Subject::Run, FindingKind::Inconclusive, message),
    }
}
