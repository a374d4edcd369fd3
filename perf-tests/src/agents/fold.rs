//! Folds the counts and loads of agents into those of the run.

use super::agent_load::AgentLoad;
use super::lost::{self, Survivors};
use super::remote_agent::RemoteAgent;
use crate::engine::Load;
use crate::measure::{AgentHealth, Snapshot};
use crate::plan::Plan;
use perf_report::format::counted;

pub(super) fn counts(agents: &[RemoteAgent], empty: &Snapshot) -> Snapshot {
    let mut all = empty.clone();
    for agent in agents {
        all.merge(&agent.counts);
        if agent.is_active() {
            let health = agent.counts.health;
            all.health = all.health.worst(health);
            all.agents.push(AgentHealth { agent: agent.number, health });
        }
    }
    all
}

/// The load of all agents. Iterations that a lost one would have made are counted as dropped, so
/// that their requests are unknown.
pub(super) fn load(agents: Vec<AgentLoad>, plan: &Plan, empty: &Snapshot) -> Load {
    let mut survivors = Survivors { shares: Vec::new(), counts: empty.clone() };
    for agent in agents.iter().filter(|agent| agent.lost.is_none()) {
        survivors.shares.push(agent.share);
        survivors.counts.merge(&agent.load.snapshot);
    }
    let mut all = Load::not_started(empty.clone());
    for mut agent in agents {
        if let Some((at, why)) = agent.lost.take() {
            let unknown = lost::count(plan, &mut agent, at, &survivors);
            let lease = (unknown > 0).then(|| format!("; unknown: {} leased to it", counted(unknown, "iteration")));
            agent.result.lost = Some(why + &lease.unwrap_or_default());
        }
        all.merge(agent.into_load());
    }
    all.stalls.sort_by_key(|stall| (stall.from, stall.part, stall.endpoint));
    all
}

#[cfg(test)]
mod tests;
