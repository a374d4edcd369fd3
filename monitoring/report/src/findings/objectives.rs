//! What an objective that was not met says.

use monitoring::slo::OnMiss;

use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::format::{millis, percent_of};
use crate::verdict::Verdict;
use crate::{Goal, Measured, Millis, ObjectiveResult};

/// What was measured, in the objective's own terms: a percentile, a share of successes or of errors, or a value.
pub fn measured(objective: &ObjectiveResult) -> Option<String> {
    match (objective.measured.as_ref()?, objective.goal) {
        (Measured::Backend(found), Goal::Backend { measure, .. }) => Some(measure.describe(found.value)),
        (Measured::Percentile { tally, quantile_ms: Some(quantile), .. }, _) if tally.total > 0 => {
            Some(millis(*quantile))
        }
        _ => {
            let tally = objective.tally().filter(|tally| tally.total > 0)?;
            let bad = tally.total - tally.good.min(tally.total);
            let share = if matches!(objective.goal, Goal::Errors(_)) { bad } else { tally.good };
            Some(percent_of(share, tally.total))
        }
    }
}

/// The severity and the kind of an objective that was not met; none if it was, or does not count.
fn classify(objective: &ObjectiveResult) -> Option<(Severity, FindingKind)> {
    match (&objective.verdict, objective.on_miss) {
        (Verdict::Missed, OnMiss::Fail) => Some((Severity::Problem, FindingKind::Missed)),
        (Verdict::Missed, OnMiss::Warn) => Some((Severity::Warning, FindingKind::MissedWarnsOnly)),
        (Verdict::Inconclusive(_), _) => Some((Severity::Warning, FindingKind::Inconclusive)),
        (Verdict::Met | Verdict::NotInScenario, _) => None,
    }
}

/// What an objective of a run says; none if it was met, or the scenario does not exercise it.
pub fn finding(objective: &ObjectiveResult) -> Option<Finding> {
    let (severity, kind) = classify(objective)?;
    let ObjectiveResult { subject, objective: promised, .. } = objective;
    let message = if let Verdict::Inconclusive(reason) = &objective.verdict {
        format!("{subject} promised {promised}: {reason}")
    } else {
        let seen = measured(objective).unwrap_or_default();
        let counts = objective.tally().map(|it| format!(" over {} requests, {} of them good", it.total, it.good));
        let infinite = match objective.quantile_ms() {
            Some(Millis::INFINITE) => " (a failed request counts as infinitely slow)",
            _ => "",
        };
        format!("{subject} promised {promised}; seen: {seen}{}{infinite}", counts.unwrap_or_default())
    };
    Some(Finding::new(severity, Subject::Objective(subject.clone()), kind, message))
}

/// What an objective of the head says, over all its rounds. A value of the backend's is not judged there.
pub(super) fn head_finding(objective: &ObjectiveResult) -> Option<Finding> {
    let (severity, kind) = classify(objective)?;
    let tally = objective.tally()?;
    let ObjectiveResult { subject, objective: promised, .. } = objective;
    let why = match &objective.verdict {
        Verdict::Inconclusive(reason) => format!(": {reason}"),
        _ => String::new(),
    };
    let message =
        format!("{subject} promised {promised}; {} of the head's {} requests were good{why}", tally.good, tally.total);
    Some(Finding::new(severity, Subject::Objective(subject.clone()), kind, message))
}
