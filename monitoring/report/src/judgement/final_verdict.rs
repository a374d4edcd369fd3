//! The rules that make the final verdict on an objective, in their order.

use std::time::Duration;

use monitoring::backend_slo::BackendSlo;
use monitoring::measure::{Limit, Reading};
use monitoring::slo::{Sli, Slo};
use monitoring::span::Span;

use super::objective_verdict::{judge, judge_backend, judge_value};
use super::{Judge, Scope};
use crate::evidence::{AgentResult, BackendValue, Evidence, LoadModel, MissingValue};
use crate::finding::{Finding, FindingKind};
use crate::millis::whole_ms;
use crate::verdict::{Reason, Tally, Verdict};

/// Final verdict on an objective on requests or values. The rules are applied in order. Each
/// replaces only those verdicts that its comment names.
pub(super) fn final_verdict(run: &Judge<'_>, evidence: &Evidence, slo: &Slo, scope: Scope, tally: Tally) -> Verdict {
    if evidence.run.smoke {
        return judge_strictly(slo, tally);
    }
    let judged_ms = scope.judged_ms(evidence);
    let missing_ms = less_load_ms(&evidence.findings, &evidence.run.agents, evidence.paused_ms);
    let has_data_elsewhere = || run.tally(&Slo { segment: None, ..*slo }).is_some_and(|tally| tally.total > 0);
    let is_requested = || run.endpoint_counts(slo).is_some_and(|(_, counts)| counts.requests().sent > 0);

    let verdict = judge_counts(slo, tally, judged_ms);
    let verdict = name_absence(verdict, slo, has_data_elsewhere, is_requested);
    let verdict = name_failed_iterations(verdict, evidence);
    let verdict = doubt_overtime(verdict, slo, tally, judged_ms, overtime_ms(evidence, scope));
    let verdict = excuse_less_load(verdict, slo, tally, judged_ms, missing_ms);
    doubt_shards_apart(verdict, slo, &evidence.findings)
}

/// Verdict on an objective by the sums of the counts of several rounds. `rounds` are the verdicts
/// of the rounds. If less load excuses the miss of a round, it excuses the miss of all rounds
/// together.
pub fn verdict_of_rounds(slo: &Slo, sum: Tally, judged_ms: u64, rounds: &[&Verdict]) -> Verdict {
    let excused = Verdict::Inconclusive(Reason::LessLoad);
    match judge_counts(slo, sum, judged_ms) {
        Verdict::Missed if rounds.contains(&&excused) => excused,
        verdict => verdict,
    }
}

/// Final verdict on an objective on the backend's own metrics. A run of one iteration does not need
/// a value.
pub(super) fn final_backend_verdict(
    evidence: &Evidence,
    slo: &BackendSlo,
    value: &Result<BackendValue, MissingValue>,
) -> Verdict {
    let verdict = judge_backend(slo, value);
    if evidence.run.smoke && !verdict.is_decided() { Verdict::NotJudged } else { verdict }
}

/// Judges a run of one iteration: one failure is a miss. Such a run has too few requests for a
/// percentile, and does not judge values.
fn judge_strictly(slo: &Slo, tally: Tally) -> Verdict {
    match slo.sli {
        Sli::Success { .. } | Sli::Check { .. } | Sli::NoError if tally.total > 0 => {
            if tally.good == tally.total {
                Verdict::Met
            } else {
                Verdict::Missed
            }
        }
        _ => Verdict::NotJudged,
    }
}

/// Judges the counts, as if the load was made as planned.
fn judge_counts(slo: &Slo, tally: Tally, judged_ms: u64) -> Verdict {
    match slo.limit() {
        Some(limit) => judge_value(limit, slo.is_per_second().then_some(judged_ms), tally),
        None => judge(slo, tally),
    }
}

/// Gives a verdict without data a more exact reason, if there is one. `has_data_elsewhere` tells
/// whether there is data outside the objective's segment, and `is_requested` whether its endpoint
/// has requests.
fn name_absence(
    verdict: Verdict,
    slo: &Slo,
    has_data_elsewhere: impl FnOnce() -> bool,
    is_requested: impl FnOnce() -> bool,
) -> Verdict {
    let Verdict::Inconclusive(Reason::NoData) = verdict else { return verdict };
    Verdict::Inconclusive(match (slo.segment, slo.sli) {
        (Some(segment), _) if has_data_elsewhere() => Reason::NotInSegment { segment: segment.to_string() },
        (_, Sli::Span { span: Span::ResponseTime, .. }) if is_requested() => Reason::ClosedLoad,
        (_, Sli::Measure { .. } | Sli::Value { reading: Reading::Last, .. }) => Reason::NoValue,
        (_, Sli::Check { .. }) => Reason::NotChecked,
        _ => Reason::NoData,
    })
}

/// Names failed iterations as the reason why there is no data, if every iteration failed.
fn name_failed_iterations(verdict: Verdict, evidence: &Evidence) -> Verdict {
    let iterations = evidence.counts.iterations();
    let all_failed = iterations.failed > 0 && iterations.failed == iterations.completed;
    match verdict {
        Verdict::Inconclusive(reason) if all_failed && reason.is_absence() => {
            Verdict::Inconclusive(Reason::NotReached { iterations: iterations.failed })
        }
        verdict => verdict,
    }
}

/// Makes a verdict on a rate inconclusive if it would be another one with the overtime as judged
/// time. Requests of the overtime are among the counts, but their number is unknown.
///
/// It assumes that the overtime has at most as many requests per second as the judged time, because
/// VUs end one after another in it. If the target responds much faster to fewer VUs, that is wrong,
/// and a verdict that is due to the overtime is not doubted.
fn doubt_overtime(verdict: Verdict, slo: &Slo, tally: Tally, judged_ms: u64, overtime_ms: u64) -> Verdict {
    let Some(limit) = slo.limit().filter(|_| slo.is_per_second() && verdict.is_decided()) else { return verdict };
    let holds = |ms| limit.holds(tally.good, Some(ms));
    if holds(judged_ms) == holds(judged_ms.saturating_add(overtime_ms)) {
        verdict
    } else {
        Verdict::Inconclusive(Reason::Overtime)
    }
}

/// Makes a miss inconclusive if the generator made less load than planned, and all of the load
/// could have met the objective.
///
/// It assumes that the load was made only in the rest of the judged time, without `less_load_ms`.
/// The count of that rest is extrapolated to the whole judged time, and must be within the limit.
fn excuse_less_load(verdict: Verdict, slo: &Slo, tally: Tally, judged_ms: u64, less_load_ms: Option<u64>) -> Verdict {
    let grows_with_load = matches!(
        slo.sli,
        Sli::Throughput { .. }
            | Sli::Value { reading: Reading::Count | Reading::PerSecond, limit: Limit::AtLeast(_), .. }
    );
    let (Verdict::Missed, Some(limit), Some(less_load_ms)) =
        (&verdict, slo.limit().filter(|_| grows_with_load), less_load_ms)
    else {
        return verdict;
    };
    let with_all_load = match judged_ms.saturating_sub(less_load_ms) {
        0 => u64::MAX,
        rest_ms => {
            let all = (u128::from(tally.most_good()) * u128::from(judged_ms)).div_ceil(rest_ms.into());
            u64::try_from(all).unwrap_or(u64::MAX)
        }
    };
    if limit.holds(with_all_load, slo.is_per_second().then_some(judged_ms.max(1))) {
        Verdict::Inconclusive(Reason::LessLoad)
    } else {
        verdict
    }
}

/// Makes a verdict on a rate inconclusive if shards ran apart, since these never made the whole
/// load.
fn doubt_shards_apart(verdict: Verdict, slo: &Slo, findings: &[Finding]) -> Verdict {
    let are_apart = findings.iter().any(|finding| finding.kind == FindingKind::ShardsApart);
    if are_apart && slo.is_per_second() && verdict.is_decided() {
        Verdict::Inconclusive(Reason::ShardsApart)
    } else {
        verdict
    }
}

/// Time after the planned end of closed loads in which iterations ended.
fn overtime_ms(evidence: &Evidence, scope: Scope) -> u64 {
    let parts = evidence.phases.iter().zip(&evidence.counts.parts).zip(&evidence.run.plan.parts).enumerate();
    let ends = parts.filter_map(|(index, ((times, counts), part))| {
        let last = times.last().filter(|last| scope.phases.contains(last.phase))?;
        let is_judged = scope.selection.part.is_none_or(|selected| selected == index);
        // Each iteration of an open load is due before the end.
        let ended_ms = if matches!(part.model, LoadModel::Closed) { counts.ended_ms } else { 0 };
        is_judged.then_some((last.to_ms, ended_ms))
    });
    let (planned, ended) = ends.fold((0, 0), |(planned, ended), end| (end.0.max(planned), end.1.max(ended)));
    ended.saturating_sub(planned)
}

/// Time in which the generator made less load than planned. `None` if it made all of it.
///
/// A time that is not known, as with a lost agent, may explain any miss. It is the largest number.
fn less_load_ms(findings: &[Finding], agents: &[AgentResult], stood_still_ms: Option<u64>) -> Option<u64> {
    let times = findings.iter().filter_map(|finding| match finding.kind {
        FindingKind::AgentLost | FindingKind::AgentSlow => Some(u64::MAX),
        // The load of each ends by the plan, however late it began.
        FindingKind::AgentSkewed => agents.iter().map(late_ms).max(),
        FindingKind::MachineSlept => Some(stood_still_ms.unwrap_or(u64::MAX)),
        _ => None,
    });
    times.max()
}

/// Delay of an agent's or shard's start, rounded up.
fn late_ms(agent: &AgentResult) -> u64 {
    let late = Duration::try_from_secs_f64(agent.start_skew_ms.max(0.0) / 1e3);
    late.map_or(u64::MAX, |late| whole_ms(late) + 1)
}

#[cfg(test)]
mod tests;
