//! The division of a plan among agents, and of an agent's share among its worker threads.
//!
//! Virtual users, arrivals and shared iterations are dealt out in rotation, first to agents, then
//! to the threads of each. Agents with a coordinator get shared iterations in leases. Together, the
//! shares are exactly the plan. An iteration's random numbers follow from its number, so that its
//! payload is the same wherever it runs.

use std::sync::Arc;

use perf_report::format::counted;
use serde::{Deserialize, Serialize};

use perf_settings::Shard;

use super::iteration_supply::IterationSupply;
use super::lease::LeasedIterations;
use super::worker::WorkerSchedule;
use crate::plan::{IterationLimit, PartPlan, Plan, Schedule};

#[cfg(test)]
mod tests;

/// An arrival is dropped if all virtual users of its worker are busy, although another worker's may
/// be idle. With this many virtual users for each worker, that is rare. With fewer virtual users,
/// fewer workers share them.
const MIN_VUS_PER_WORKER: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadShare {
    /// The agent's number, from 0.
    agent: u32,
    /// Number of agents, at least 1.
    agents: u32,
}

impl LoadShare {
    pub(crate) const WHOLE: Self = Self { agent: 0, agents: 1 };

    pub(crate) const fn from_shard(shard: Shard) -> Self {
        Self { agent: shard.number.saturating_sub(1), agents: shard.of }
    }

    pub(crate) fn all(agents: u32) -> impl Iterator<Item = Self> {
        (0..agents).map(move |agent| Self { agent, agents })
    }

    pub(super) const fn agents(self) -> usize {
        self.agents as usize
    }

    /// The items of `all` that belong to this share.
    pub(crate) fn select<I: Iterator>(self, all: I) -> impl Iterator<Item = I::Item> {
        all.skip(self.agent as usize).step_by(self.agents())
    }

    pub(crate) fn count(self, all: u64) -> u64 {
        all.saturating_sub(self.agent.into()).div_ceil(self.agents.max(1).into())
    }

    pub(crate) fn most_vus(self, plan: &Plan) -> usize {
        plan.parts.iter().map(|part| self.vus(part)).sum()
    }

    pub(crate) fn vus(self, part: &PartPlan) -> usize {
        usize::try_from(self.count(part.most_vus().into())).unwrap_or(usize::MAX)
    }

    /// The iterations of a part that belong to this share. They are `leased` if a coordinator gives
    /// them.
    pub(super) fn supply(self, part: &PartPlan, leased: Option<&Arc<LeasedIterations>>) -> IterationSupply {
        let Schedule::Vus { iterations, .. } = &part.schedule else { return IterationSupply::Endless };
        match (iterations, leased) {
            (IterationLimit::UntilStop, _) => IterationSupply::Endless,
            (IterationLimit::Each(each), _) => IterationSupply::Each(*each),
            (IterationLimit::Shared(_), Some(leased)) => IterationSupply::Leased(leased.clone()),
            (IterationLimit::Shared(all), None) => IterationSupply::Shared {
                next: Arc::default(),
                all: self.count(*all),
                first: self.agent.into(),
                step: self.agents.into(),
            },
        }
    }

    /// The share of worker `number` of `workers` threads of this agent. `None` if others have all
    /// virtual users or arrivals.
    pub(super) fn schedule(
        self,
        part: &PartPlan,
        supply: &IterationSupply,
        number: usize,
        workers: usize,
    ) -> Option<WorkerSchedule> {
        let agents = self.agents();
        let first = self.agent as usize + agents * number;
        match &part.schedule {
            Schedule::Vus { vus, .. } => {
                let vus: Vec<_> = vus.iter().skip(first).step_by(agents * workers).cloned().collect();
                (!vus.is_empty()).then_some(WorkerSchedule::Vus { vus, supply: supply.clone() })
            }
            Schedule::Arrivals { arrivals, vus, max_vus } => {
                let threads = workers.min((self.vus(part) / MIN_VUS_PER_WORKER).max(1));
                let of = agents * threads;
                let in_turn = |all: u32| (0..all).skip(first).step_by(of);
                let ids: Vec<_> = in_turn(*max_vus).map(|id| part.first_id + id).collect();
                let (arrivals, ready) = (arrivals.clone(), in_turn(*vus).count());
                let has_any = number < threads && !ids.is_empty();
                has_any.then_some(WorkerSchedule::Arrivals { arrivals, nth: first, of, ids, ready })
            }
        }
    }
}

/// A part of the plan has too few virtual users or iterations for all agents.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{part} has {}, and each {noun} needs one: use at most {}, or plan more",
    counted(*.fewest, .unit),
    counted(*.fewest, .noun)
)]
pub(crate) struct ShareError {
    part: String,
    fewest: u64,
    /// The noun for what it has too few of.
    unit: &'static str,
    /// "agent" or "shard".
    noun: &'static str,
}

/// Checks that each agent or shard (`noun`) has a virtual user and an iteration of each part.
pub(crate) fn check_shares(plan: &Plan, agents: u32, noun: &'static str) -> Result<(), ShareError> {
    for part in &plan.parts {
        let (vus, iterations) = (u64::from(part.most_vus()), part.iterations().unwrap_or(u64::MAX));
        let iteration = if part.is_open() { "arrival" } else { "iteration" };
        let (fewest, unit) = if iterations < vus { (iterations, iteration) } else { (vus, "VU") };
        if u64::from(agents) > fewest {
            return Err(ShareError { part: part.name.clone(), fewest, unit, noun });
        }
    }
    Ok(())
}
