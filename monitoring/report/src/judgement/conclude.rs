//! Decides the exit code of a run.

use monitoring::slo::OnMiss;

use super::ObjectiveResult;
use crate::exit_code::ExitCode;
use crate::finding::Finding;
use crate::gate::Gate;

/// The most severe exit code of all objectives and findings. A run without a verdict on an
/// objective that can fail it is inconclusive, unless it is a single iteration.
pub(crate) fn conclude(objectives: &[ObjectiveResult], findings: &[Finding], is_smoke: bool, gate: Gate) -> ExitCode {
    let mut can_fail_run = objectives.iter().filter(|objective| objective.on_miss == OnMiss::Fail);
    let floor = match is_smoke || can_fail_run.any(|objective| objective.verdict.is_decided()) {
        true => ExitCode::Met,
        false => ExitCode::Inconclusive,
    };
    let codes = objectives.iter().map(ObjectiveResult::code);
    let codes = codes.filter(|code| gate.judges_objectives() || *code != ExitCode::Missed);
    let codes = codes.chain(findings.iter().filter_map(|finding| finding.exit_code));
    codes.fold(floor, ExitCode::or_worse)
}
