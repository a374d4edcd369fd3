//! The load that a lost agent did not make. It is counted as dropped, so that the requests of these
//! iterations are unknown.

use std::time::Duration;

use monitoring::phase::Phase;

use super::agent_load::AgentLoad;
use crate::engine::LoadShare;
use crate::measure::{PartCounts, Snapshot};
use crate::plan::{IterationLimit, PartPlan, Plan, Schedule, apportion};

pub(super) struct Survivors {
    pub(super) shares: Vec<LoadShare>,
    pub(super) counts: Snapshot,
}

/// Iterations that a number of virtual users completed.
struct Pace {
    iterations: u64,
    vus: u64,
}

impl Survivors {
    /// Their pace in a part. `None` if they have no virtual users in it.
    fn pace(&self, index: usize, part: &PartPlan) -> Option<Pace> {
        let vus = self.shares.iter().map(|share| share.vus(part) as u64).sum();
        let iterations = self.counts.parts.get(index)?.iterations.completed;
        (vus > 0).then_some(Pace { iterations, vus })
    }
}

/// Counts what an agent would have done after `at`, when it was lost. Iterations that were under
/// way are among them. Returns the number of iterations that were leased to it and are missing.
pub(super) fn count(plan: &Plan, agent: &mut AgentLoad, at: Duration, survivors: &Survivors) -> u64 {
    let (share, leased, counts) = (agent.share, agent.leased.as_deref(), &mut agent.load.snapshot);
    let mut unknown = 0;
    for (index, part) in plan.parts.iter().enumerate() {
        let counts = &mut counts.parts[index];
        let ended = counts.iterations.completed + counts.iterations.interrupted + counts.dropped.iter().sum::<u64>();
        match &part.schedule {
            // Arrivals begin in the order of time, so the missing ones are the last.
            Schedule::Arrivals { arrivals, .. } => {
                let missing = share.select(arrivals.iter()).skip(usize::try_from(ended).unwrap_or(usize::MAX));
                missing.for_each(|due| counts.dropped[part.phases.at(due).index()] += 1);
            }
            Schedule::Vus { iterations, .. } => {
                let vus = share.vus(part) as u64;
                let (planned, until) = match iterations {
                    IterationLimit::Shared(all) => {
                        (leased.map_or_else(|| share.count(*all), |leased| leased[index]), at)
                    }
                    IterationLimit::Each(each) => (each.saturating_mul(vus), at),
                    IterationLimit::UntilStop => {
                        (expected(part, vus, ended, at, survivors.pace(index, part)), part.end)
                    }
                };
                let missing = planned.saturating_sub(ended);
                drop_over_time(part, counts, missing, at, until);
                if leased.is_some() && matches!(iterations, IterationLimit::Shared(_)) {
                    unknown += missing;
                }
            }
        }
    }
    unknown
}

/// The iterations that virtual users would have made, at the pace of other agents. Without other
/// agents, it is the pace until `at`.
fn expected(part: &PartPlan, vus: u64, ended: u64, at: Duration, others: Option<Pace>) -> u64 {
    let (numerator, denominator) = match others {
        Some(others) => (u128::from(others.iterations) * u128::from(vus), u128::from(others.vus)),
        None => {
            let active = |time: Duration| time.saturating_sub(part.start).as_millis();
            (u128::from(ended) * active(part.end), active(at))
        }
    };
    u64::try_from(numerator / denominator.max(1)).unwrap_or(u64::MAX)
}

/// Counts iterations as dropped. Each phase between two times has its share of them.
fn drop_over_time(part: &PartPlan, counts: &mut PartCounts, missing: u64, from: Duration, to: Duration) {
    let time_in = |phase: &Phase| part.phases.time_in(*phase, from, to).as_millis();
    let mut weights: Vec<_> = Phase::ALL.iter().map(time_in).collect();
    if weights.iter().all(|weight| *weight == 0) {
        weights[part.phases.at(from.min(part.end)).index()] = 1;
    }
    let dropped = counts.dropped.iter_mut().zip(apportion(missing, &weights));
    dropped.for_each(|(dropped, missing)| *dropped += missing);
}

#[cfg(test)]
mod tests;
