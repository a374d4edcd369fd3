//! Findings about the agents or shards that made the load together. Each is named with its share.

use std::time::Duration;

use perf_report::evidence::AgentResult;
use perf_report::exact_ms;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::{counted, counted_part};

use crate::engine::Load;
use crate::measure::{GeneratorHealth, LATE_AFTER};
use crate::plan::Plan;

/// Longest delay of an agent behind the others, and of a shard behind its plan.
pub(crate) const MAX_SKEW: Duration = Duration::from_millis(50);

/// Problems with the agents that made the load: those that were lost or slow, or did not begin
/// together.
pub(crate) fn agent_problems(plan: &Plan, agents: &[AgentResult]) -> Vec<Finding> {
    let mut problems = Vec::new();
    let mut inconclusive = |kind, message: String| {
        problems.push(Finding::inconclusive(Subject::Generator, kind, message));
    };
    let all = agents.len();
    let vus = plan.most_vus() as usize;
    let has_idle = agents.iter().any(|agent| agent.lost.is_none() && agent.untaken == 0);
    for agent in agents {
        let (number, place) = (agent.number, agent.describe_place());
        let share = vus.saturating_sub(number as usize - 1).div_ceil(all);
        let share = counted_part(share as u64, vus as u64, "VU");
        if let Some(lost) = &agent.lost {
            let what = match (agent.is_shard, &agent.place) {
                (false, _) => format!("agent {number} of {all}{place} was lost {lost}"),
                (true, None) => format!("shard {number} of {all} is missing: {lost}"),
                (true, Some(_)) => format!("shard {number} of {all}{place} did not make its whole load: {lost}"),
            };
            inconclusive(
                FindingKind::AgentLost,
                format!("{what}. It had {share}; requests that it did not make are unknown"),
            );
        } else if agent.untaken > 0 && has_idle {
            let message = format!(
                "agent {number} of {all}{place} was slow: it did not begin {} that it had, while the other agents had \
                 none left. It had {share}; requests of these iterations are unknown",
                counted(agent.untaken, "shared iteration")
            );
            inconclusive(FindingKind::AgentSlow, message);
        }
        // The start of shards is judged where it is known whether they were to begin together.
        if !agent.is_shard
            && let Some(what) = describe_skew(agent)
        {
            inconclusive(FindingKind::AgentSkewed, format!("agent {number} of {all}{place} {what}"));
        }
    }
    problems
}

/// Describes how late an agent began, or how much its clock drifted, if that is too much.
fn describe_skew(agent: &AgentResult) -> Option<String> {
    let (limit, allowed) = (exact_ms(MAX_SKEW), MAX_SKEW.as_millis());
    if agent.start_skew_ms > limit {
        return Some(format!(
            "began {:.0} ms late, clock error included; {allowed} ms are allowed: start fewer agents on one machine, or \
             set up the network so that messages take less time",
            agent.start_skew_ms
        ));
    }
    let (drift, error) = agent.clock_drift_ms.zip(agent.clock_drift_error_ms)?;
    (drift.abs() + error > limit).then(|| {
        format!(
            "had a clock that drifted by {drift:.0} ms during the load, known to {error:.0} ms; {allowed} ms are allowed: \
             synchronize the clocks of its machine and of the coordinator's (NTP), or make a shorter load"
        )
    })
}

/// The agents whose iterations were cut off, such as " of agent 2 of 3 (process 4711 on node-3)".
/// Empty if all agents have some, or if there are no agents.
pub(super) fn describe_cut_off(agents: &[AgentResult]) -> String {
    let cut: Vec<_> = agents.iter().filter(|agent| agent.cut_off > 0).collect();
    match cut.as_slice() {
        some if some.len() == agents.len() => String::new(),
        [one] => format!(" of {}", describe(one, agents.len())),
        some => {
            let numbers: Vec<_> = some.iter().map(|agent| agent.number.to_string()).collect();
            format!(" of agents {}", numbers.join(", "))
        }
    }
}

/// The generator in a message, or the agent with the largest share of a kind.
pub(super) fn describe_worst(load: &Load, share: impl Fn(&GeneratorHealth) -> Option<f64>) -> String {
    let known = load.agent_healths.iter().filter_map(|it| Some((it.agent, share(&it.health)?)));
    let worst = known.max_by(|(_, one), (_, other)| one.total_cmp(other));
    let agent = worst.and_then(|(number, _)| load.agents.iter().find(|agent| agent.number == number));
    agent.map_or_else(|| "the generator".to_owned(), |agent| describe(agent, load.agents.len()))
}

/// The agent whose arrivals began latest, after a message about late or dropped arrivals. Empty if
/// none began late.
pub(super) fn describe_latest(agents: &[AgentResult]) -> String {
    let known = agents.iter().filter_map(|agent| Some((agent, agent.lateness_p99_ms?)));
    let latest = known.max_by(|(_, one), (_, other)| one.total_cmp(other));
    match latest.filter(|(_, ms)| *ms > exact_ms(LATE_AFTER)) {
        Some((agent, ms)) => {
            let agent = describe(agent, agents.len());
            format!("; {agent} began its arrivals latest, 1 % of them more than {ms:.0} ms late")
        }
        None => String::new(),
    }
}

/// A warning for each agent that made its load and whose clock could not be measured again. Its
/// requests may have been made at other times than those of the other agents.
pub(super) fn unknown_drifts(agents: &[AgentResult]) -> impl Iterator<Item = Finding> {
    let all = agents.len();
    let unknown =
        agents.iter().filter(|agent| !agent.is_shard && agent.lost.is_none() && agent.clock_drift_ms.is_none());
    unknown.map(move |agent| {
        let message = format!(
            "the clock of {} was not measured at the end, because the agent did not respond in time: it is unknown \
             whether it drifted during the load",
            describe(agent, all)
        );
        Finding::warning(Subject::Generator, FindingKind::AgentSkewed, message)
    })
}

/// The generator in a message, the agent with this number, or the coordinator of agents.
pub(super) fn describe_paused(agents: &[AgentResult], number: Option<u32>) -> String {
    match agents.iter().find(|agent| Some(agent.number) == number) {
        Some(agent) => describe(agent, agents.len()),
        None if agents.is_empty() => "the generator".to_owned(),
        None => "the coordinator".to_owned(),
    }
}

/// An agent or shard in a message: "agent 2 of 3 (process 4711 on node-3)".
fn describe(agent: &AgentResult, all: usize) -> String {
    let noun = if agent.is_shard { "shard" } else { "agent" };
    format!("{noun} {} of {all}{}", agent.number, agent.describe_place())
}
