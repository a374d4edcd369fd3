//! Judges a run of one iteration: does everything work at all? It has too few requests for a
//! percentile.

use super::ObjectiveResult;
use super::objective_verdict::judge_strictly;
use crate::evidence::Snapshot;
use crate::exit_code::ExitCode;
use crate::finding::{Finding, FindingKind, Subject};

/// Judges shares strictly: one failure is a miss. Percentiles are not judged. Any failed request is
/// a problem with the exit code of a miss.
///
/// An endpoint that the scenario declares and does not request is a problem, too: nothing is known
/// about it.
pub(super) fn judge(
    objectives: &mut [ObjectiveResult],
    counts: &Snapshot,
    exercised: &[String],
    requested: &[&String],
) -> Option<Finding> {
    for objective in objectives {
        objective.verdict = judge_strictly(objective);
    }
    let problem = |code, kind, message| Some(Finding::problem(code, Subject::Target, kind, message));
    if let Some(cause) = counts.failures.clone().into_sorted().first() {
        let message = format!("{}: {}", cause.request, cause.describe());
        return problem(ExitCode::Missed, FindingKind::FailedRequests, message);
    }
    let unrequested: Vec<_> = exercised.iter().filter(|name| !requested.contains(name)).map(String::as_str).collect();
    let message = || format!("not requested in this iteration: {}", unrequested.join(", "));
    if unrequested.is_empty() { None } else { problem(ExitCode::Inconclusive, FindingKind::Inconclusive, message()) }
}
