//! Findings about the load and the generator.

use std::time::Duration;

use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::{clock, counted, counted_part, percent, seconds};

use super::agents::{describe_cut_off, describe_latest, describe_paused, describe_worst, unknown_drifts};
use crate::engine::Load;
use crate::measure::{GeneratorHealth, IterationCounts, LATE_AFTER, PartCounts, Pause};
use crate::plan::{PartPlan, Plan, Schedule};

/// Longest time for which a worker may stand still.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// Share of a worker's time from which on it may start requests late.
const BUSY: f64 = 0.9;
/// Share of time in which a limit on processor time may stop the generator.
const MAX_THROTTLED: f64 = 0.05;

/// Warns if the generator may have changed the measurements. Dropped and late arrivals are also in
/// the counts of objectives; the warning adds a remedy.
pub(crate) fn generator_warnings(plan: &Plan, load: &Load) -> Vec<Finding> {
    let GeneratorHealth { cpu, steal, throttled, .. } = load.health;
    let parts = || plan.parts.iter().zip(&load.snapshot.parts);
    let mut warnings: Vec<_> = parts().filter_map(|(part, counts)| delivery_warning(part, counts, load)).collect();
    if load.errors.unsendable.is_none() {
        warnings.extend(parts().filter_map(|(part, counts)| early_failures_warning(part, counts)));
    }
    // Arrivals of a lost agent count as dropped, too, but no VU was busy with them.
    let is_lost = load.agents.iter().any(|agent| agent.lost.is_some());
    warnings.retain(|warning| !is_lost || warning.kind != FindingKind::ArrivalsDropped);
    if let Some(cpu) = cpu.filter(|cpu| *cpu > BUSY) {
        let message = format!(
            "{} was at its limit ({} busy), so latencies may include its own delays: use more processors, or less load",
            describe_worst(load, |health| health.cpu),
            percent(cpu)
        );
        warnings.push(Finding::warning(Subject::Generator, FindingKind::GeneratorBusy, message));
    }
    if let Some(steal) = steal.filter(|steal| *steal > 0.1) {
        let machine = match load.agents.is_empty() {
            true => "this machine".to_owned(),
            false => format!("the machine of {}", describe_worst(load, |health| health.steal)),
        };
        let message =
            format!("the hypervisor of {machine} gave {} of its processor time to other machines", percent(steal));
        warnings.push(Finding::warning(Subject::Generator, FindingKind::ProcessorStolen, message));
    }
    if let Some(throttled) = throttled.filter(|throttled| *throttled > MAX_THROTTLED) {
        let message = format!(
            "{} was throttled in {} of the time: its CPU limit is too low for this load, so latencies may include its own \
             delays: raise the limit of its container (--pod-cpu)",
            describe_worst(load, |health| health.throttled),
            percent(throttled)
        );
        warnings.push(Finding::warning(Subject::Generator, FindingKind::GeneratorBusy, message));
    }
    warnings.extend(unknown_drifts(&load.agents));
    warnings
}

/// A finding for each different panic, with the number of virtual users that it stopped. More than
/// three become one finding with their number.
fn panic_findings(panics: &[String]) -> impl Iterator<Item = Finding> {
    const SHOWN: usize = 3;
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    let mut others = 0_usize;
    for panic in panics {
        match kinds.iter().position(|(known, _)| known == panic) {
            Some(at) => kinds[at].1 += 1,
            None if kinds.len() < SHOWN => kinds.push((panic, 1)),
            None => others += 1,
        }
    }
    let shown = kinds.into_iter().map(|(panic, times)| match times {
        1 => panic.to_owned(),
        times => format!("{panic} ({times} times)"),
    });
    let others = (others > 0).then(|| counted(others as u64, "more panic"));
    shown.chain(others).map(|message| Finding::mistake(FindingKind::Panic, message))
}

/// Reports that a worker stood still. A closed load makes fewer requests then, and nothing counts
/// those that are missing.
fn pause_finding(load: &Load) -> Option<Finding> {
    let Pause { from, length, agent, .. } = load.longest_pause;
    let message = || {
        format!(
            "a thread of {} did not run for {} from {} on: the process was stopped, its machine was busy or asleep, or \
             the scenario blocks its thread",
            describe_paused(&load.agents, agent),
            seconds(length, 1),
            clock(from)
        )
    };
    (length > MAX_PAUSE).then(|| Finding::inconclusive(Subject::Generator, FindingKind::MachineSlept, message()))
}

/// The load's problems that are not counts. Each has an exit code and a remedy.
///
/// Iterations that are cut off because the load has no graceful stop are not a problem: their open
/// requests count as unknown.
pub(crate) fn load_problems(load: &Load, plan: &Plan, signalled: bool) -> Vec<Finding> {
    let mut problems = Vec::new();
    let cut = load.snapshot.iterations().interrupted;
    let signalled = signalled || load.interrupted;
    // A shard that is lost was stopped by a signal, if it has iterations.
    let has_stopped_shard = load.agents.iter().any(|agent| agent.is_shard && agent.lost.is_some());
    let ended_early = signalled || has_stopped_shard || load.aborted.is_some() || load.errors.unsendable.is_some();
    if cut > 0 && plan.is_graceful() && !ended_early && load.panics.is_empty() {
        let message = format!(
            "{}{} cut off after the graceful stop: the target hangs, --rps is too low for the load, or an iteration needs \
             a longer graceful_stop()",
            counted(cut, "iteration"),
            describe_cut_off(&load.agents)
        );
        problems.push(Finding::inconclusive(Subject::Load, FindingKind::IterationsCutOff, message));
    }
    if load.errors.count > 0 {
        let message = format!(
            "{} failed after a request or between requests, so the scenario did not run as written: {}",
            counted(load.errors.count, "iteration"),
            load.errors.first.join("; ")
        );
        problems.push(Finding::inconclusive(Subject::Scenario, FindingKind::IterationsFailed, message));
    }
    let unsendable = load.errors.unsendable.iter();
    problems.extend(unsendable.map(|message| Finding::mistake(FindingKind::IterationsFailed, message.as_str())));
    problems.extend(panic_findings(&load.panics));
    problems.extend(pause_finding(load));
    problems.extend(load.faults.iter().map(|message| {
        Finding::problem(ExitCode::Internal, Subject::Generator, FindingKind::LoadFailed, message.as_str())
    }));
    if let Some(reason) = &load.aborted {
        problems.push(Finding::problem(
            ExitCode::Missed,
            Subject::Run,
            FindingKind::AbortedEarly,
            format!("the load ended early (abort_on_miss): {reason}"),
        ));
    }
    problems
}

/// The problem that a signal stopped the run. If it was during the load, the load is incomplete.
pub(crate) fn stopped_by_signal(load: &Load, plan: &Plan, lasted: Duration) -> Finding {
    if !load.interrupted {
        return Finding::interrupted("stopped by a signal before or after the load");
    }
    let end = plan.end();
    let message = format!("stopped by a signal at {} of {}", clock(lasted.min(end)), clock(end));
    Finding { subject: Subject::Load, ..Finding::interrupted(message) }
}

/// Warns if arrivals of an open load were dropped, or if more than 1 % of them began late.
fn delivery_warning(part: &PartPlan, counts: &PartCounts, load: &Load) -> Option<Finding> {
    let Schedule::Arrivals { arrivals, max_vus, .. } = &part.schedule else { return None };
    let dropped = counts.dropped.iter().zip(counts.refused).map(|(dropped, refused)| dropped - refused).sum::<u64>();
    let (late, all) = (counts.late, arrivals.total());
    // Up to 1 % may be a hiccup of the machine. These arrivals are counted as late, too.
    let is_late = late * 100 > all;
    let busy = load.health.cpu.map(|cpu| format!("; the busiest processor was {} busy", percent(cpu)));
    let busy = busy.unwrap_or_default() + &describe_latest(&load.agents);
    if dropped > 0 {
        let message = format!(
            "{} of {} dropped, because all VUs ({max_vus}) were busy{busy}{}",
            counted_part(dropped, all, "arrival"),
            part.name,
            if is_late {
                format!("; {} began late, so the generator may be the cause", counted(late, "other"))
            } else {
                String::new()
            }
        );
        let finding = Finding::warning(Subject::Load, FindingKind::ArrivalsDropped, message);
        return Some(finding.with_advice("Raise --max-vus, unless the target is too slow for this rate"));
    }
    let message = format!(
        "{} of {} began more than {} ms late{busy}: use more processors, or a lower rate",
        counted_part(late, all, "arrival"),
        part.name,
        LATE_AFTER.as_millis()
    );
    is_late.then(|| Finding::warning(Subject::Load, FindingKind::ArrivalsLate, message))
}

/// Warns if most iterations of a closed load failed and were followed by another at once. The last
/// iteration of a VU is followed by none. Arrivals come at their own rate.
fn early_failures_warning(part: &PartPlan, counts: &PartCounts) -> Option<Finding> {
    let IterationCounts { completed, failed, .. } = counts.iterations;
    let followed = failed.saturating_sub(part.most_vus().into());
    // If all failed, nothing works, and the failures say so.
    if part.is_open() || !part.min_iteration.is_zero() || followed * 2 <= completed || failed == completed {
        return None;
    }
    let message = format!(
        "{} of {} failed before any think time, so the load may have been higher than planned: fix what failed, or set \
         .min_iteration_duration(…)",
        counted_part(failed, completed, "iteration"),
        part.name
    );
    Some(Finding::warning(Subject::Load, FindingKind::IterationsFailed, message))
}

#[cfg(test)]
mod tests;
