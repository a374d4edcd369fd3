//! Decides the verdict on an objective, from integers.
//!
//! Absence of data is never success. A verdict is met only if it would be met with every unknown
//! request counted as bad. It is missed only if it would be missed with every unknown request
//! counted as good. Otherwise it is inconclusive.

use std::time::Duration;

use monitoring::backend_slo::BackendSlo;
use monitoring::measure::{Limit, Reading};
use monitoring::slo::{Sli, Slo};
use monitoring::span::Span;

use super::{Goal, Judge, LimitSide, ObjectiveResult, Scope};
use crate::evidence::{AgentResult, BackendValue, Evidence, LoadModel, MissingValue, judged_ms};
use crate::finding::{Finding, FindingKind};
use crate::millis::whole_ms;
use crate::verdict::{Reason, Tally, Verdict};

/// Judges an objective by its requests.
pub fn judge(slo: &Slo, tally: Tally) -> Verdict {
    let Tally { good, total, unknown, refused, late } = tally;
    // Requests that could not be made are as good as failed: the target was down.
    let down = refused.min(unknown);
    let needed = slo.min_requests();
    if total < needed && slo.limited_span() == Some(Span::Connecting) {
        return Verdict::Inconclusive(Reason::TooFewConnections { total, needed, quantile: slo.quantile() });
    }
    if total.saturating_add(down) == 0 {
        return Verdict::Inconclusive(Reason::NoData);
    }
    if total.saturating_add(down) < needed {
        let quantile = slo.quantile();
        return Verdict::Inconclusive(match slo.sli {
            Sli::Measure { .. } => Reason::TooFewValues { total, needed, quantile },
            _ => Reason::TooFew { total, needed, quantile },
        });
    }
    let all = total.saturating_add(unknown);
    let doubtful = late.min(total.saturating_sub(good));
    let known_good = good.saturating_add(unknown - down);
    if slo.holds(good, all) {
        Verdict::Met
    } else if slo.holds(known_good, all) {
        Verdict::Inconclusive(Reason::Unknown { unknown })
    } else if slo.holds(known_good.saturating_add(doubtful), all) {
        // Late requests never make an objective met. They only make a miss uncertain.
        Verdict::Inconclusive(Reason::Late { late })
    } else {
        Verdict::Missed
    }
}

/// Judges an objective on a value: whether the good requests are within the limit. With the judged
/// time in milliseconds, those in each second of it, on average.
pub fn judge_value(limit: Limit, judged_ms: Option<u64>, tally: Tally) -> Verdict {
    let Tally { good, total, unknown, .. } = tally;
    if judged_ms == Some(0) {
        return Verdict::Inconclusive(Reason::Unavailable(MissingValue::NoJudgedTime));
    }
    if total == 0 {
        return Verdict::Inconclusive(Reason::NoData);
    }
    match [good, tally.most_good()].map(|value| limit.holds(value, judged_ms)) {
        [true, true] => Verdict::Met,
        [false, false] => Verdict::Missed,
        _ => Verdict::Inconclusive(Reason::Unknown { unknown }),
    }
}

/// Makes verdicts inconclusive that another load could have changed: more of it, or one without
/// requests after its planned end.
pub(super) fn doubt(judge: &Judge<'_>, evidence: &Evidence, objectives: &mut [ObjectiveResult]) {
    let less_load_ms = less_load_ms(&evidence.findings, &evidence.run.agents, evidence.paused_ms);
    for (slo, objective) in judge.catalogue.slos.iter().zip(objectives.iter_mut()) {
        let Some(scope) = judge.scope(slo) else { continue };
        let judged_ms = judged_ms(&evidence.phases, scope.phases, scope.only.part);
        doubt_overtime(slo, objective, judged_ms, overtime_ms(evidence, scope));
        if let Some(less_load_ms) = less_load_ms {
            excuse_less_load(slo, objective, judged_ms, less_load_ms);
        }
    }
    doubt_rates(judge.catalogue.slos, objectives, &evidence.findings);
}

/// Time after the planned end of closed loads in which iterations ended.
fn overtime_ms(evidence: &Evidence, scope: Scope) -> u64 {
    let parts = evidence.phases.iter().zip(&evidence.counts.parts).zip(&evidence.run.plan.parts).enumerate();
    let ends = parts.filter_map(|(index, ((times, counts), part))| {
        let last = times.last().filter(|last| scope.phases.contains(last.phase))?;
        let is_judged = scope.only.part.is_none_or(|only| only == index);
        // Each iteration of an open load is due before the end.
        let ended_ms = if matches!(part.model, LoadModel::Closed) { counts.ended_ms } else { 0 };
        is_judged.then_some((last.to_ms, ended_ms))
    });
    let (planned, ended) = ends.fold((0, 0), |(planned, ended), end| (end.0.max(planned), end.1.max(ended)));
    ended.saturating_sub(planned)
}

/// Makes a verdict on a rate inconclusive if it is another one with the overtime as judged time.
/// VUs end one after another, so the requests of the overtime are at most as many.
fn doubt_overtime(slo: &Slo, objective: &mut ObjectiveResult, judged_ms: u64, overtime_ms: u64) {
    let (Some(limit), Some(tally)) = (slo.limit().filter(|_| slo.is_per_second()), objective.tally()) else { return };
    let holds = |ms| limit.holds(tally.good, Some(ms));
    if objective.verdict.is_decided() && holds(judged_ms) != holds(judged_ms.saturating_add(overtime_ms)) {
        objective.verdict = Verdict::Inconclusive(Reason::Overtime);
    }
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

/// Makes a miss inconclusive if less load may have caused it. The missing load is assumed to be
/// that of the rest of the judged time. With it, the objective must be met.
fn excuse_less_load(slo: &Slo, objective: &mut ObjectiveResult, judged_ms: u64, less_load_ms: u64) {
    let grows_with_load = matches!(
        objective.goal,
        Goal::Throughput { .. }
            | Goal::Value { reading: Reading::Count | Reading::PerSecond, side: LimitSide::AtLeast, .. }
    );
    let (Some(limit), Some(tally)) = (slo.limit().filter(|_| grows_with_load), objective.tally()) else { return };
    let with_all_load = match judged_ms.saturating_sub(less_load_ms) {
        0 => u64::MAX,
        rest_ms => {
            let all = (u128::from(tally.most_good()) * u128::from(judged_ms)).div_ceil(rest_ms.into());
            u64::try_from(all).unwrap_or(u64::MAX)
        }
    };
    if objective.verdict == Verdict::Missed
        && limit.holds(with_all_load, slo.is_per_second().then_some(judged_ms.max(1)))
    {
        objective.verdict = Verdict::Inconclusive(Reason::LessLoad);
    }
}

/// Makes objectives on a rate inconclusive if shards ran apart, since these never made the whole
/// load.
fn doubt_rates(slos: &[Slo], objectives: &mut [ObjectiveResult], findings: &[Finding]) {
    let is_apart = findings.iter().any(|finding| finding.kind == FindingKind::ShardsApart);
    for (slo, objective) in slos.iter().zip(objectives).filter(|_| is_apart) {
        if slo.is_per_second() && objective.verdict.is_decided() {
            objective.verdict = Verdict::Inconclusive(Reason::ShardsApart);
        }
    }
}

/// Gives a verdict without data a more exact reason, if there is one. `is_elsewhere` tells whether
/// there is data outside the objective's segment, and `is_requested` whether its endpoint has
/// requests.
pub(super) fn name_absence(
    slo: &Slo,
    verdict: Verdict,
    is_elsewhere: impl FnOnce() -> bool,
    is_requested: impl FnOnce() -> bool,
) -> Verdict {
    let Verdict::Inconclusive(Reason::NoData) = verdict else { return verdict };
    Verdict::Inconclusive(match (slo.segment, slo.sli) {
        (Some(segment), _) if is_elsewhere() => Reason::NotInSegment { segment: segment.to_string() },
        (_, Sli::Span { span: Span::ResponseTime, .. }) if is_requested() => Reason::ClosedLoad,
        (_, Sli::Measure { .. } | Sli::Value { reading: Reading::Last, .. }) => Reason::NoValue,
        (_, Sli::Check { .. }) => Reason::NotChecked,
        _ => Reason::NoData,
    })
}

/// Judges an objective on the backend's own metrics by its value, or by the reason why there is
/// none.
pub(crate) fn judge_backend(slo: &BackendSlo, value: &Result<BackendValue, MissingValue>) -> Verdict {
    let unavailable = |reason| Verdict::Inconclusive(Reason::Unavailable(reason));
    match value {
        Ok(found) if !found.value.is_finite() => unavailable(MissingValue::NotFinite(found.value.to_string())),
        Ok(found) if slo.holds(found.value) => Verdict::Met,
        Ok(_) => Verdict::Missed,
        Err(reason) => unavailable(reason.clone()),
    }
}

/// Judges an objective in a run of one iteration: one failure is a miss. Such a run has too few
/// requests for a percentile, and does not judge values.
pub(super) fn judge_strictly(objective: &ObjectiveResult) -> Verdict {
    match (&objective.goal, &objective.verdict, objective.tally()) {
        (_, Verdict::NotInScenario, _) => Verdict::NotInScenario,
        (Goal::Success(_) | Goal::Check(_) | Goal::Errors(_), _, Some(tally)) if tally.total > 0 => {
            if tally.good == tally.total { Verdict::Met } else { Verdict::Missed }
        }
        (Goal::Backend { .. }, verdict @ (Verdict::Met | Verdict::Missed), _) => verdict.clone(),
        _ => Verdict::NotJudged,
    }
}

#[cfg(test)]
mod tests;
