//! The problem of a run of one iteration: does everything work at all?

use crate::evidence::Snapshot;
use crate::exit_code::ExitCode;
use crate::finding::{Finding, FindingKind, Subject};

/// Any failed request is a problem with the exit code of a miss.
///
/// An endpoint that the scenario declares and does not request is a problem, too: nothing is known
/// about it.
pub(super) fn problem(counts: &Snapshot, exercised: &[String], requested: &[&String]) -> Option<Finding> {
    let problem = |code, kind, message| Some(Finding::problem(code, Subject::Target, kind, message));
    if let Some(cause) = counts.failures.clone().into_sorted().first() {
        let message = format!("{}: {}", cause.request, cause.describe());
        return problem(ExitCode::Missed, FindingKind::FailedRequests, message);
    }
    let unrequested: Vec<_> = exercised.iter().filter(|name| !requested.contains(name)).map(String::as_str).collect();
    let message = || format!("not requested in this iteration: {}", unrequested.join(", "));
    if unrequested.is_empty() { None } else { problem(ExitCode::Inconclusive, FindingKind::Inconclusive, message()) }
}
