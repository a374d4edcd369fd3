//! Judges a run of one iteration: does everything work at all? It has too few requests for a
//! percentile.

use crate::ObjectiveResult;
use crate::evidence::Snapshot;
use crate::exit_code::ExitCode;
use crate::finding::{Finding, FindingKind, Subject};
use crate::format::count;
use crate::report::Goal;
use crate::verdict::Verdict;

/// Judges shares strictly: one failure is a miss. Percentiles are not judged. Any failed request is
/// a problem with the exit code of a miss.
pub(super) fn judge(objectives: &mut [ObjectiveResult], counts: &Snapshot) -> Option<Finding> {
    for objective in objectives {
        let tally = objective.tally().copied();
        objective.verdict = match (&objective.goal, &objective.verdict, tally) {
            (Goal::Success(_) | Goal::Check(_) | Goal::Errors(_), Verdict::NotInScenario, _) => continue,
            (Goal::Success(_) | Goal::Check(_) | Goal::Errors(_), _, Some(tally)) if tally.total > 0 => {
                if tally.good == tally.total { Verdict::Met } else { Verdict::Missed }
            }
            (Goal::Backend { .. }, Verdict::Met | Verdict::Missed, _) => continue,
            _ => Verdict::NotInScenario,
        };
    }
    let failed = counts.requests().failed + counts.around.failed;
    let message = format!("{} requests failed", count(failed));
    (failed > 0).then(|| Finding::problem(ExitCode::Missed, Subject::Target, FindingKind::FailedRequests, message))
}
