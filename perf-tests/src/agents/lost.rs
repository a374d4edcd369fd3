//! The load that a lost agent did not make. It is counted as dropped, so that the requests of these
//! iterations are unknown.

use std::time::Duration;

use monitoring::phase::Phase;

use super::agent_load::AgentLoad;
use crate::engine::LoadShare;
use crate::measure::{PartCounts, Snapshot};
use crate::plan::{IterationLimit, PartPlan, Plan, Schedule, apportion};

/// The agents that were not lost.
pub(super) struct Survivors {
    pub(super) shares: Vec<LoadShare>,
    /// Their final counts.
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
            // Arrivals begin in the order of time, so that those which are missing are the last.
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

/// The iterations that virtual users would have made. Those of other agents are the measure, if
/// there are others; otherwise the pace until `at` is.
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
mod tests {
    use perf_report::evidence::AgentResult;
    use test_support::shop::SHOP;

    use super::*;
    use crate::engine::Load;
    use crate::measure::Layout;
    use crate::plan::{
        LoadProfile, constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate, shared_iterations,
    };

    const SECS: fn(u64) -> Duration = Duration::from_secs;

    /// Iterations that the first of three agents did not make, by phase. It was lost after 4 s with
    /// `completed` iterations; each of the others made 100.
    fn dropped(load: &LoadProfile, completed: u64) -> [u64; Phase::ALL.len()] {
        count_dropped(load, completed, None)
    }

    /// The same for an agent that was given this number of shared iterations of each part.
    fn count_dropped(load: &LoadProfile, completed: u64, leased: Option<Vec<u64>>) -> [u64; Phase::ALL.len()] {
        let plan = Plan { parts: vec![load.plan("part", 1, 1).unwrap()], seed: 1 };
        let mut counts = Snapshot::new(&Layout::new(&SHOP, vec![plan.parts[0].is_open()]));
        let mut survivors = Survivors { shares: LoadShare::all(3).skip(1).collect(), counts: counts.clone() };
        survivors.counts.parts[0].iterations.completed = 200;
        counts.parts[0].iterations.completed = completed;
        let (share, result) = (LoadShare::all(3).next().unwrap(), AgentResult::new(1, None));
        let mut agent = AgentLoad { share, leased, load: Load::not_started(counts), result, lost: None };
        let unknown = count(&plan, &mut agent, SECS(4), &survivors);
        let dropped = agent.load.snapshot.parts[0].dropped;
        assert_eq!(unknown, if agent.leased.is_some() { dropped.iter().sum() } else { 0 });
        dropped
    }

    #[test]
    fn arrivals_of_a_lost_agent_are_dropped_in_their_phases() {
        // 4 arrivals a second for 10 s: of 40, it has numbers 0, 3, 6 … 39, which are 14.
        let load = constant_arrival_rate(4, SECS(1), SECS(10), 9).warm_up(SECS(6));
        // 5 were made. Numbers 15, 18 and 21 are due before 6 s, and 24 to 39 after.
        assert_eq!(dropped(&load, 5), [3, 0, 6]);
        assert_eq!(dropped(&load, 14), [0, 0, 0]);
        let ramp = ramping_arrival_rate(0, &[(SECS(10), 8)], 9);
        assert_eq!(dropped(&ramp, 0), [0, 14, 0]);
    }

    #[test]
    fn planned_iterations_that_a_lost_agent_did_not_make_are_dropped() {
        assert_eq!(dropped(&shared_iterations(9, 40), 5), [0, 0, 9]);
        assert_eq!(count_dropped(&shared_iterations(9, 40), 5, Some(vec![7])), [0, 0, 2]);
        assert_eq!(dropped(&per_vu_iterations(9, 7), 5), [0, 0, 16]);
    }

    #[test]
    fn a_lost_agent_would_have_made_as_many_iterations_as_others() {
        // The others have 4 VUs, which made 200 iterations. It has 2.
        assert_eq!(dropped(&constant_vus(6, SECS(10)), 30), [0, 0, 70]);
        // 2 s of the remaining 6 s are warm-up.
        assert_eq!(dropped(&constant_vus(6, SECS(10)).warm_up(SECS(6)), 40), [20, 0, 40]);
    }
}
