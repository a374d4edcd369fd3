//! What a report says of the load itself: what was planned, what became of it, and what stands in the way of judging.

use std::time::Duration;

use monitoring::ratio::Ratio;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::percent;
use perf_report::{ArrivalCounts, Durations, Generator, Iterations, PartResult};

use crate::engine::Load;
use crate::measure::{GeneratorHealth, LATE_AFTER, PartCounts, Snapshot, Spread};
use crate::plan::{LoadProfile, PartPlan, Plan, Schedule};

/// A worker that is busier than this has little left to be in time with.
const BUSY: f64 = 0.9;

/// What was planned, and what became of it.
pub(crate) fn plan_result(
    plan: &Plan,
    loads: &[LoadProfile],
    snapshot: &Snapshot,
) -> Result<perf_report::PlanResult, serde_json::Error> {
    let parts = plan.parts.iter().zip(loads).zip(&snapshot.parts);
    let parts = parts.map(|((part, load), counts)| part_of(part, load, counts)).collect::<Result<_, _>>()?;
    Ok(perf_report::PlanResult { hash: plan.hash(), parts })
}

fn part_of(part: &PartPlan, load: &LoadProfile, counts: &PartCounts) -> Result<PartResult, serde_json::Error> {
    let dropped = counts.dropped.iter().sum();
    let arrivals = match &part.schedule {
        Schedule::Arrivals { arrivals, .. } => Some(ArrivalCounts {
            planned: arrivals.total(),
            started: counts.lateness.spread().count(),
            late: counts.late,
            late_after_ms: LATE_AFTER.as_secs_f64() * 1e3,
            lateness_ms: durations(counts.lateness.spread()),
        }),
        Schedule::Vus { .. } => None,
    };
    Ok(PartResult {
        name: part.name.clone(),
        load: load.to_string(),
        profile: serde_json::to_value(load)?,
        iterations: Iterations {
            completed: counts.iterations.completed,
            failed: counts.iterations.failed,
            interrupted: counts.iterations.interrupted,
            dropped,
        },
        iteration_ms: durations(counts.iteration_duration.spread()),
        model: if arrivals.is_some() { perf_report::OPEN } else { perf_report::CLOSED }.to_owned(),
        arrivals,
    })
}

fn durations(spread: &Spread) -> Option<Durations> {
    let quantile = |percent| Some(spread.quantile(Ratio::percent(percent))?.as_secs_f64() * 1e3);
    Some(Durations {
        p50: quantile(50)?,
        p95: quantile(95)?,
        p99: quantile(99)?,
        max: spread.longest()?.as_secs_f64() * 1e3,
    })
}

/// How the generator did.
pub(crate) fn generator(load: &Load) -> Generator {
    let GeneratorHealth { cpu, run_queue, steal } = load.health;
    Generator { workers: u32::try_from(load.workers).unwrap_or(u32::MAX), cpu, run_queue, steal }
}

/// Warns if the generator may be in what was measured. What was dropped or late is in the objectives' own counts; here
/// it is said with its cure.
pub(crate) fn generator_warnings(plan: &Plan, load: &Load) -> Vec<Finding> {
    let GeneratorHealth { cpu, steal, .. } = load.health;
    let parts = plan.parts.iter().zip(&load.snapshot.parts);
    let mut warnings: Vec<_> = parts.filter_map(|(part, counts)| undelivered(part, counts, load.health)).collect();
    if let Some(cpu) = cpu.filter(|cpu| *cpu > BUSY) {
        let message = format!(
            "the generator was at its limit ({} busy): it may have added to what it measured; use more processors, or less \
             load",
            percent(cpu)
        );
        warnings.push(Finding::warning(Subject::Generator, FindingKind::GeneratorBusy, message));
    }
    if let Some(steal) = steal.filter(|steal| *steal > 0.1) {
        let message = format!("the hypervisor gave {} of this machine's time to others", percent(steal));
        warnings.push(Finding::warning(Subject::Generator, FindingKind::ProcessorStolen, message));
    }
    warnings
}

/// Each panic once, however many virtual users it stopped; of those that differ the first few, and how many more there were.
fn of_panics(panics: &[String]) -> impl Iterator<Item = Finding> {
    const SHOWN: usize = 3;
    let mut counted: Vec<(&str, usize)> = Vec::new();
    let mut others = 0_usize;
    for panic in panics {
        match counted.iter().position(|(known, _)| known == panic) {
            Some(at) => counted[at].1 += 1,
            None if counted.len() < SHOWN => counted.push((panic, 1)),
            None => others += 1,
        }
    }
    let told = counted.into_iter().map(|(panic, times)| match times {
        1 => panic.to_owned(),
        times => format!("{panic} ({times} times)"),
    });
    let others = (others > 0).then(|| format!("and {others} panics more"));
    told.chain(others)
        .map(|message| Finding::problem(ExitCode::Internal, Subject::Scenario, FindingKind::Panic, message))
}

/// What load left besides counts, as problems: each asks for an exit code and says what can be done.
/// Iterations that are cut off at once because the load is to end so are none: what they left open counts as unknown.
pub(crate) fn load_problems(load: &Load, graceful: bool, signalled: bool, standstill: Duration) -> Vec<Finding> {
    let mut problems = Vec::new();
    let mut inconclusive =
        |subject, kind, message| problems.push(Finding::problem(ExitCode::Inconclusive, subject, kind, message));
    let (cut, silence) = (load.snapshot.iterations().interrupted, load.longest_stall);
    let signalled = signalled || load.interrupted;
    if cut > 0 && graceful && !signalled && load.aborted.is_none() && load.panics.is_empty() {
        inconclusive(
            Subject::Load,
            FindingKind::IterationsCutOff,
            format!(
                "{cut} iterations had not ended when their time to stop gracefully was over, and were cut off: the target \
             hangs, or an iteration takes longer than that"
            ),
        );
    }
    if silence > standstill {
        inconclusive(
            Subject::Target,
            FindingKind::Stall,
            format!(
                "for {:.1} s requests were under way and none came to its end: the target stood still, and a closed load, \
             whose VUs all wait meanwhile, has only a few samples of that",
                silence.as_secs_f64()
            ),
        );
    }
    if load.errors.count > 0 {
        inconclusive(
            Subject::Scenario,
            FindingKind::IterationsFailed,
            format!(
                "{} iterations ended in an error that is no failed request to an endpoint, so the scenario did not do what \
             it was to do: {}",
                load.errors.count,
                load.errors.first.join("; ")
            ),
        );
    }
    problems.extend(of_panics(&load.panics));
    if let Some(reason) = &load.aborted {
        problems.push(Finding::problem(
            ExitCode::Missed,
            Subject::Run,
            FindingKind::AbortedEarly,
            format!("ended early, as the scenario asks for once an objective is missed over a whole window: {reason}"),
        ));
    }
    if signalled {
        let message = "stopped by a signal; what is counted came before it";
        problems.push(Finding::problem(ExitCode::Interrupted, Subject::Run, FindingKind::Interrupted, message));
    }
    problems
}

/// An open load that was not what was asked for.
fn undelivered(part: &PartPlan, counts: &PartCounts, health: GeneratorHealth) -> Option<Finding> {
    let Schedule::Arrivals { arrivals, max_vus, .. } = &part.schedule else { return None };
    let (dropped, late, all) = (counts.dropped.iter().sum::<u64>(), counts.late, arrivals.total());
    let busy = health.cpu.map(|cpu| format!("; the busiest processor was {} busy", percent(cpu))).unwrap_or_default();
    if dropped > 0 {
        let message = format!(
            "{dropped} of {all} arrivals of {} were dropped, as all of {max_vus} VUs were busy{busy}: the target is slower \
             than that many can make up for, or more are needed (--max-vus)",
            part.name
        );
        return Some(Finding::warning(Subject::Load, FindingKind::ArrivalsDropped, message));
    }
    // One in a hundred may be the machine's own hiccup, and is counted all the same.
    let message = format!(
        "{late} of {all} arrivals of {} started more than {} ms late{busy}: use more processors, or a lower rate",
        part.name,
        LATE_AFTER.as_millis()
    );
    (late * 100 > all).then(|| Finding::warning(Subject::Load, FindingKind::ArrivalsLate, message))
}
